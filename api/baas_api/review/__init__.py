"""The review page: people look at a run's quality check and mark what went wrong."""
