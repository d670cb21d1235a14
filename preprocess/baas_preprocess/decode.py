"""From the file's bytes to what the detector sees: 8-bit RGB in the stored orientation."""

import numpy as np

from baas_preprocess import libjpeg, raster
from baas_preprocess.container.refusals import damaged, unsupported
from baas_preprocess.facts import ImageFormat, Inspection, Pixels


def decode(data: bytes, inspection: Inspection) -> Pixels:
    """Decode strictly: 16 bits are scaled to 8, opaque alpha is dropped, grey becomes RGB.

    Raises `NotPublishable` for anything the libraries warn of, when the size is not the inspected one, and for what a
    viewer could show in another way than the detector sees it.
    """
    if inspection.format is ImageFormat.JPEG:
        pixels = libjpeg.decode(data)
    else:
        picture = raster.read(data, inspection.format)
        _check_is_seen(picture)
        pixels = _to_rgb(picture.samples)
    height, width, _ = pixels.shape
    if (width, height) != (inspection.width_px, inspection.height_px):
        raise damaged(
            f"it decodes to {width}x{height} px, its headers say {inspection.width_px}x{inspection.height_px} px"
        )
    return pixels


def _check_is_seen(picture: raster.Raster) -> None:
    """Refuse transparency, which can hide a picture, and 16-bit samples that would all look black."""
    if picture.has_alpha and (picture.samples[..., -1] != picture.greatest).any():
        raise unsupported("a picture with transparency: what is seen depends on the background; flatten it first")
    # Ten or twelve bits of a camera, stored in sixteen: nearly nothing is brighter than a quarter of the range.
    colours = picture.samples[..., :-1] if picture.has_alpha else picture.samples
    if picture.greatest > 255 and np.percentile(colours, 99) < (picture.greatest + 1) // 4:
        raise unsupported("a 16-bit picture that uses only its lower bits; scale it to the full range first")


def _to_rgb(samples: raster.Samples) -> Pixels:
    colours = samples[..., :3] if samples.shape[2] > 2 else samples[..., [0, 0, 0]]
    if colours.dtype == np.uint16:
        # The nearest of 256 steps: 65535 is 255 * 257.
        colours = (colours.astype(np.uint32) + 128) // 257
    return np.ascontiguousarray(colours, np.uint8)
