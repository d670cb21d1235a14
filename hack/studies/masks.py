"""Masks as the studies judge them."""

import numpy as np
import numpy.typing as npt

from baas_preprocess.facts import Mask

FOUND = 0.8
"""As `baas-detector evaluate`: a labelled object with less of its box masked was missed."""


def masked_pixels(redacted: Mask) -> npt.NDArray[np.bool_]:
    """Return (height, width), True where a picture is redacted."""
    width, height = redacted.unit_px
    whole = redacted.covered.repeat(height, axis=0).repeat(width, axis=1)
    return whole[: redacted.height_px, : redacted.width_px]
