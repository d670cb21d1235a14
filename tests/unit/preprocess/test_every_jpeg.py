"""Every JPEG that people have: published with what lies outside the mask as it was, or refused for the right reason."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest

from baas_preprocess.decode import decode
from baas_preprocess.detect import Model
from baas_preprocess.facts import Digest, Pixels
from baas_preprocess.inspection import inspect
from baas_preprocess.recipe import Recipe
from baas_preprocess.way import Safe, make_safe
from tests.fuzz.promises import check_metadata, check_picture, check_views
from tests.safety.carving import pictures_behind_the_first
from tests.unit.preprocess import files
from tests.unit.preprocess.pictures import SAMPLINGS, grey, inspected, jpeg

RECIPE = Recipe(second_look_percent=0)


class SeesWhite:
    """A detector that finds what is white in the tile that it is shown, as one person."""

    model = Model(digest=Digest("sha256:white"), version="1", score_floor=0.01, max_det=300)

    def detect(self, shown: Sequence[Pixels]) -> list[npt.NDArray[np.float32]]:
        return [self._rows(tile.min(axis=2) > 230) for tile in shown]

    @staticmethod
    def _rows(white: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
        if not white.any():
            return np.empty((0, 6), np.float32)
        rows, columns = np.nonzero(white)
        box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        return np.array([[*box, 0.9, 0]], np.float32)


def drawing(width: int, height: int) -> Pixels:
    """Noise below a white thing a quarter of the picture's size, near its left upper corner."""
    pixels = np.random.default_rng(width).integers(0, 120, (height, width, 3)).astype(np.uint8)
    pixels[height // 5 : height // 5 + -(-height // 4), width // 8 : width // 8 + -(-width // 4)] = 255
    return pixels


def made_safe(data: bytes) -> Safe:
    safe = make_safe(data, RECIPE, SeesWhite())
    assert safe.mask.covered.any()
    check_metadata(safe.data, safe.inspection)
    check_picture(data, safe.data, safe.mask, RECIPE.method)
    check_views(decode(data, safe.inspection), safe.data, inspected(safe.data), safe.mask)
    return safe


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding:
    """How a JPEG is coded."""

    sampling: str
    progressive: bool
    restart: int
    optimised: bool

    @property
    def name(self) -> str:
        """As an inspection says it."""
        return f"{'progressive' if self.progressive else 'baseline'} {self.sampling}"

    def of(self, pixels: Pixels) -> bytes:
        is_grey = self.sampling == "grey"
        return jpeg(
            grey(pixels) if is_grey else pixels,
            sampling="4:4:4" if is_grey else self.sampling,
            progressive=self.progressive,
            restart=self.restart,
            optimised=self.optimised,
        )


CODINGS = [
    Coding(sampling=sampling, progressive=progressive, restart=restart, optimised=optimised)
    for sampling, progressive, restart, optimised in itertools.product(
        [*SAMPLINGS, "grey"], [False, True], [0, 1, 3], [False, True]
    )
]


@pytest.mark.parametrize("size", [(1, 1), (7, 9), (16, 16), (17, 33), (64, 8), (187, 93)], ids=str)
@pytest.mark.parametrize("coding", CODINGS, ids=str)
def test_a_jpeg_is_published_and_stays_bit_by_bit_outside_of_the_mask(coding: Coding, size: tuple[int, int]) -> None:
    data = coding.of(drawing(*size))
    safe = made_safe(data)
    assert safe.inspection.coding == inspected(safe.data).coding == coding.name
    assert (safe.inspection.width_px, safe.inspection.height_px) == size


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("sampling", ["4:2:0", "4:2:2", "grey"])
def test_whatever_the_orientation_the_mask_lies_where_the_thing_is_stored(sampling: str, orientation: int) -> None:
    coding = Coding(sampling=sampling, progressive=False, restart=0, optimised=False)
    block = files.exif({files.ORIENTATION: [orientation]})
    data = files.with_segments(coding.of(drawing(187, 93)), (files.APP1, files.EXIF + block))
    safe = made_safe(data)
    assert safe.inspection.orientation == inspected(safe.data).orientation == orientation
    width, height = safe.mask.unit_px
    covered = safe.mask.covered.repeat(height, axis=0).repeat(width, axis=1)[:93, :187]
    assert covered[decode(data, safe.inspection).min(axis=2) > 230].all()
    assert covered.mean() < 0.25


def test_a_picture_of_rgb_components_is_published() -> None:
    data = files.jpeg(64, 48, keep_rgb=True)
    assert inspected(data).coding == "baseline RGB 4:4:4"
    safe = make_safe(data, RECIPE, SeesWhite())
    check_picture(data, safe.data, safe.mask, RECIPE.method)


def test_an_extended_jpeg_of_eight_bits_becomes_a_baseline_one() -> None:
    data = jpeg(drawing(64, 48)).replace(b"\xff\xc0\x00\x11", b"\xff\xc1\x00\x11")
    safe = made_safe(data)
    assert (safe.inspection.coding, inspected(safe.data).coding) == ("extended 4:2:0", "baseline 4:2:0")
    assert pictures_behind_the_first(safe.data) == []
    assert inspect(safe.data, max_pixels=64 * 48).hidden_images == ()
