"""The operator: looks at BlurJobs, decides what is missing, makes it so, and says what it saw."""
