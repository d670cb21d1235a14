"""The vocabulary that every room shares: what people write (models) and what they read back (codes)."""
