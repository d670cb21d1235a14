"""Sample panoramas with their truth: drawn streets, people from photos of an installed package, invented plates.

`generate` is all that others need.
"""

from baas_preprocess.samples.write import TRUTH, generate

__all__ = ["TRUTH", "generate"]
