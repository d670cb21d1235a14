"""A `config.yml` of the earlier service becomes one of this service; what cannot be carried over is told."""
