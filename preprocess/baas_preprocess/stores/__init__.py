"""Where pictures come from and where they go: one module for each kind of place, behind the protocols of `places`."""
