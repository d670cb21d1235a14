"""Whatever the file's format and depth, the detector sees 8-bit RGB as it is stored."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import PIL.Image
import pytest

from baas_crds.codes import QuarantineReason
from baas_crds.errors import NotPublishable
from baas_preprocess.decode import decode
from tests.unit.preprocess.pictures import (
    by_pillow,
    coded,
    deep,
    grey,
    inspected,
    jpeg,
    png,
    see_through,
    street,
    tiff,
    with_alpha,
)

FILES = coded()


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in FILES.items()])
def test_every_coding_decodes_to_rgb_of_the_inspected_size(data: bytes) -> None:
    pixels = decode(data, inspected(data))
    assert pixels.shape == (93, 187, 3)
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    assert pixels.std() > 30


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(png(street()), id="PNG"),
        pytest.param(png(with_alpha(street())), id="PNG with alpha"),
        pytest.param(png(with_alpha(deep(street()))), id="PNG of 16 bits with alpha"),
        pytest.param(tiff(street()), id="TIFF"),
        pytest.param(tiff(with_alpha(street())), id="TIFF with alpha"),
        pytest.param(tiff(deep(street())), id="TIFF of 16 bits"),
    ],
)
def test_alpha_is_dropped_and_16_bits_are_scaled_to_the_nearest_of_8(data: bytes) -> None:
    difference = decode(data, inspected(data)).astype(int) - street()
    assert np.abs(difference).max() <= ("16-bit" in inspected(data).coding)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(png(see_through(street())), id="PNG"),
        pytest.param(png(see_through(deep(street()))), id="PNG of 16 bits"),
        pytest.param(tiff(see_through(street())), id="TIFF"),
    ],
)
def test_a_picture_with_transparency_is_refused_as_it_may_show_another_one(data: bytes) -> None:
    with pytest.raises(NotPublishable, match="transparency") as refused:
        decode(data, inspected(data))
    assert refused.value.reason is QuarantineReason.UNSUPPORTED


@pytest.mark.parametrize("bits", [10, 12])
@pytest.mark.parametrize("code", [png, tiff])
def test_a_camera_s_few_bits_in_sixteen_are_refused_as_the_detector_would_see_black(
    bits: int, code: Callable[..., bytes]
) -> None:
    data = code(deep(street()) >> (16 - bits))
    with pytest.raises(NotPublishable, match="uses only its lower bits"):
        decode(data, inspected(data))


def test_white_and_black_of_16_bits_are_white_and_black() -> None:
    data = png(np.array([[[0, 65535, 257]]], np.uint16))
    assert decode(data, inspected(data)).tolist() == [[[0, 255, 1]]]


def test_grey_is_the_same_in_all_three_channels() -> None:
    for data in (png(grey(street())), tiff(grey(street()))):
        assert (decode(data, inspected(data)) == grey(street())[..., None]).all()


def test_a_turned_picture_stays_as_it_is_stored() -> None:
    turned = PIL.Image.Exif()
    turned[0x0112] = 6
    data = by_pillow(street(), "JPEG", exif=turned)
    assert inspected(data).orientation == 6
    assert decode(data, inspected(data)).shape == (93, 187, 3)


@pytest.mark.parametrize("data", [jpeg(street()), png(street()), tiff(street())], ids=["JPEG", "PNG", "TIFF"])
def test_another_size_than_the_inspected_one_is_refused(data: bytes) -> None:
    with pytest.raises(NotPublishable, match="187x93") as refused:
        decode(data, replace(inspected(data), width_px=186))
    assert refused.value.reason == QuarantineReason.DAMAGED
