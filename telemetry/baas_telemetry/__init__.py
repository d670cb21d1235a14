"""What a process of ours tells of itself while it runs. Knows no other room."""
