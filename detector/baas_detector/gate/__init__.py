"""Whether a model may go into production, by a policy that people have agreed on."""
