"""From the file's bytes to what the detector sees: 8-bit RGB in the stored orientation."""

import numpy as np

from baas_preprocess import libjpeg, raster
from baas_preprocess.container.refusals import damaged
from baas_preprocess.facts import ImageFormat, Inspection, Pixels


def decode(data: bytes, inspection: Inspection) -> Pixels:
    """Decode strictly: 16 bits are scaled to 8, alpha is dropped, grey becomes RGB.

    Raises `NotPublishable` for anything the libraries warn of, and when the size is not the inspected one.
    """
    if inspection.format is ImageFormat.JPEG:
        pixels = libjpeg.decode(data)
    else:
        pixels = _to_rgb(raster.read(data, inspection.format).samples)
    height, width, _ = pixels.shape
    if (width, height) != (inspection.width_px, inspection.height_px):
        raise damaged(
            f"it decodes to {width}x{height} px, its headers say {inspection.width_px}x{inspection.height_px} px"
        )
    return pixels


def _to_rgb(samples: raster.Samples) -> Pixels:
    colours = samples[..., :3] if samples.shape[2] > 2 else samples[..., [0, 0, 0]]
    if colours.dtype == np.uint16:
        # The nearest of 256 steps: 65535 is 255 * 257.
        colours = (colours.astype(np.uint32) + 128) // 257
    return np.ascontiguousarray(colours, np.uint8)
