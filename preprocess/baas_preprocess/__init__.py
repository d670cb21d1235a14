"""The worker: one panorama's way from source to a safe, published file. Command line `baas`."""
