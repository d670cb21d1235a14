"""Annotated pictures: one model, one module for each format, one validator. `converting` calls them in order."""
