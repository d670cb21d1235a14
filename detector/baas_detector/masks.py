"""Mask pictures as `baas blur --save-masks` writes them: grey PNG of the picture's size, 255 where it is redacted."""

from pathlib import Path

import numpy as np
from PIL.PngImagePlugin import PngImageFile

from baas_crds.errors import ConfigurationError
from baas_detector.coverage import MaskPixels
from baas_detector.truth import LabelledImage


def read_mask(folder: Path, image: LabelledImage) -> MaskPixels | None:
    """Return an image's mask, None when there is none. Raises `ConfigurationError` for a file that is no such mask."""
    path = folder / f"{image.name}.png"
    expected = f"an 8-bit grey PNG of {image.width_px} x {image.height_px} with 255 where {image.name} is redacted"
    try:
        # Not Image.open: its limit on pixels is below the size of large panoramas, and the size is known here.
        with PngImageFile(path) as picture:
            found = f"{picture.mode} {picture.width} x {picture.height}"
            is_right = picture.mode == "L" and picture.size == (image.width_px, image.height_px)
            values = np.asarray(picture) if is_right else None
    except FileNotFoundError:
        return None
    except (OSError, SyntaxError) as error:
        raise ConfigurationError(f"{path} cannot be read ({error}); it should be {expected}.") from error
    if values is None:
        raise ConfigurationError(f"{path} is {found}; it should be {expected}.")
    if not ((values == 0) | (values == 255)).all():
        raise ConfigurationError(f"{path} has values other than 0 and 255; it should be {expected}.")
    return np.asarray(values == 255)
