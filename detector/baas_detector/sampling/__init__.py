"""Which pictures people look at or label next."""
