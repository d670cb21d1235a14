"""A run whose steps are switched on and off by one file: `baas run`, and the BlurJob that is the same for pods."""
