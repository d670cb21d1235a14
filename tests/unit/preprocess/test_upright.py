"""Boxes of the upright picture come back to where the stored picture has the same pixels."""

import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from baas_preprocess.facts import Box
from baas_preprocess.upright import stored_box, upright


@pytest.mark.parametrize("orientation", range(1, 9))
def test_upright_shows_what_an_image_viewer_shows(orientation: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (30, 50, 3), dtype=np.uint8)
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(file, "png", exif=exif)
    shown = ImageOps.exif_transpose(Image.open(file))
    assert shown is not None
    assert np.array_equal(upright(pixels, orientation), np.asarray(shown))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_box_found_upright_frames_the_same_pixels_in_the_stored_picture(orientation: int) -> None:
    pixels = np.zeros((30, 50, 3), dtype=np.uint8)
    pixels[4:9, 11:30] = 255
    shown = upright(pixels, orientation)
    rows, columns = np.nonzero(shown[..., 0])
    seen = Box(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert stored_box(seen, orientation, shown.shape[1], shown.shape[0]) == Box(11, 4, 30, 9)
