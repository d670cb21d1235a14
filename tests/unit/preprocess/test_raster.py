"""PNG and TIFF are read exactly, written without loss, and refused when damaged."""

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baas_crds.errors import NotPublishable
from baas_preprocess import raster
from baas_preprocess.facts import ImageFormat
from baas_preprocess.inspection import inspect
from baas_preprocess.mask import mask
from tests.unit.preprocess.pictures import (
    Samples,
    by_pillow,
    coded,
    deep,
    grey,
    inspected,
    lzw_tiff,
    png,
    region,
    see_through,
    street,
    tiff,
)

FILES = {name: data for name, data in coded().items() if "JPEG" not in name}
PIXELS = street()


@pytest.mark.parametrize(
    "samples", [PIXELS, grey(PIXELS), see_through(PIXELS), deep(PIXELS), grey(deep(PIXELS)), see_through(deep(PIXELS))]
)
@pytest.mark.parametrize("image_format", [ImageFormat.PNG, ImageFormat.TIFF])
def test_samples_are_read_and_written_exactly(samples: Samples, image_format: ImageFormat) -> None:
    data = png(samples) if image_format is ImageFormat.PNG else tiff(samples)
    for file in (data, raster.write(raster.read(data, image_format))):
        read = raster.read(file, image_format).samples
        assert read.dtype == samples.dtype
        assert (read == samples.reshape(read.shape)).all()


@pytest.mark.parametrize("samples", [PIXELS, grey(PIXELS), deep(PIXELS), grey(deep(PIXELS))])
def test_lzw_is_read_exactly(samples: Samples) -> None:
    read = raster.read(lzw_tiff(samples), ImageFormat.TIFF).samples
    assert (read == samples.reshape(read.shape)).all()


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "zlib"},
        {"tile": (16, 16)},
        {"byteorder": ">"},
        {"extratags": [(274, 3, 1, 6)]},
        {"rowsperstrip": 7},
    ],
    ids=str,
)
def test_a_tiffs_layout_does_not_matter(options: dict[str, Any]) -> None:
    assert (raster.read(tiff(PIXELS, **options), ImageFormat.TIFF).samples == PIXELS).all()


def test_a_turned_or_transparent_tiff_with_lzw_is_refused_rather_than_guessed() -> None:
    for data in (
        by_pillow(see_through(PIXELS), "TIFF", compression="tiff_lzw"),
        by_pillow(PIXELS, "TIFF", compression="tiff_lzw", tiffinfo={274: 6}),
    ):
        with pytest.raises(NotPublishable, match="Save it with Deflate"):
            raster.read(data, ImageFormat.TIFF)


def test_a_plain_tiff_stays_plain_and_a_compressed_one_compressed() -> None:
    plain, packed = (raster.read(tiff(PIXELS, compression=kind), ImageFormat.TIFF) for kind in (None, "zlib"))
    assert len(raster.write(plain)) > PIXELS.nbytes > len(raster.write(packed))


@pytest.mark.parametrize("name", [name for name in FILES if "TIFF" not in name or "Deflate" in name])
@given(cut=st.integers(1, 2000))
def test_a_compressed_file_cut_anywhere_is_refused(name: str, cut: int) -> None:
    data = FILES[name]
    image_format = inspected(data).format
    with pytest.raises(NotPublishable):
        raster.read(data[: max(8, len(data) - cut)], image_format)


@given(st.sampled_from(sorted(FILES)), st.data())
def test_damage_is_refused_or_survived_but_never_crashes(name: str, draws: st.DataObject) -> None:
    data = bytearray(FILES[name])
    for _ in range(draws.draw(st.integers(1, 4))):
        data[draws.draw(st.integers(0, min(600, len(data) - 1)))] = draws.draw(st.integers(0, 255))
    with suppress(NotPublishable):
        raster.read(bytes(data), inspect(bytes(data), max_pixels=10**6).format)


@pytest.mark.parametrize("name", FILES)
def test_the_digest_is_of_every_sample_outside_the_mask(name: str) -> None:
    data = FILES[name]
    picture = raster.read(data, inspected(data).format)
    made = mask([region(40, 20, 90, 60)], inspected(data), padding=0.1, cells=6)
    original = raster.outside_digest(picture, made)
    for row, column, is_inside in ((40, 60, True), (0, 0, False), (92, 186, False), (40, 20, False)):
        for channel in range(picture.samples.shape[2]):
            changed = picture.samples.copy()
            changed[row, column, channel] ^= 1
            assert (raster.outside_digest(picture.with_samples(changed), made) == original) == is_inside


def test_the_digest_tells_depths_and_channels_apart() -> None:
    empty = np.zeros((8, 24, 3), np.uint8)
    others = [empty, empty[..., 0], see_through(empty), empty.astype(np.uint16), empty[:, :23], empty.reshape(24, 8, 3)]
    made = [mask([], inspected(png(samples)), padding=0, cells=1) for samples in others]
    assert len(
        {
            raster.outside_digest(raster.read(png(samples), ImageFormat.PNG), empty_mask)
            for samples, empty_mask in zip(others, made, strict=True)
        }
    ) == len(others)


def test_a_mask_of_another_size_is_an_error() -> None:
    made = mask([], inspected(png(street(64, 64))), padding=0, cells=1)
    with pytest.raises(ValueError, match="the mask is 64x64 px"):
        raster.outside_digest(raster.read(png(street(64, 80)), ImageFormat.PNG), made)


def test_a_jpeg_is_none_of_its_business() -> None:
    with pytest.raises(ValueError, match="plain samples"):
        raster.read(b"", ImageFormat.JPEG)
