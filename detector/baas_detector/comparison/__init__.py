"""Which of two models finds what, on the same labelled objects."""
