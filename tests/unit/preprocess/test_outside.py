"""What lies outside the mask of a JPEG is digested with all that decides how it looks."""

import numpy as np
import pytest
from blake3 import blake3

from baas_preprocess import libjpeg
from baas_preprocess.facts import Digest
from baas_preprocess.libjpeg import Blocks, Output
from baas_preprocess.mask import mask
from baas_preprocess.outside import cell_grids
from tests.unit.preprocess import files
from tests.unit.preprocess.pictures import (
    SAMPLINGS,
    coded,
    coefficients,
    grey,
    inspected,
    jpeg,
    outside_digest,
    region,
    street,
)


def test_the_digest_is_of_everything_outside_the_mask() -> None:
    data = coded()["JPEG 4:2:0"]
    made = mask([region(40, 20, 90, 60)], inspected(data), padding=0.1, cells=6)

    def changed(component: int, row: int, column: int) -> bytes:
        def change(at_component: int, at_row: int, blocks: Blocks) -> None:
            if (at_component, at_row) == (component, row):
                blocks[column, 5] ^= 1

        return libjpeg.edit(data, Output(change))[0]

    original = outside_digest(data, made)
    assert outside_digest(libjpeg.edit(data, Output(progressive=True))[0], made) == original
    grids = cell_grids(libjpeg.read_frame(data), made)
    for component, row, column in ((0, 5, 8), (0, 0, 0), (0, 11, 23), (1, 2, 4), (2, 5, 11)):
        is_inside = grids[component][row, column] >= 0
        assert (outside_digest(changed(component, row, column), made) == original) == is_inside


def digest(data: bytes) -> Digest:
    return outside_digest(data, mask([], inspected(data), padding=0, cells=1))


def test_the_digest_tells_pictures_of_other_tables_and_size_apart() -> None:
    pixels = np.full((32, 32, 3), 128, np.uint8)
    others = [jpeg(pixels), jpeg(pixels, quality=50), jpeg(pixels[:31]), jpeg(pixels[:, :31]), jpeg(grey(pixels))]
    assert len({digest(data) for data in others}) == len(others)


def test_the_digest_tells_samplings_apart_where_all_blocks_are_the_same() -> None:
    """Of 8x8 pixels each component has one block in every sampling, and one of grey is all zeros."""
    pixels = np.full((8, 8, 3), 128, np.uint8)
    others = [jpeg(pixels, sampling=name) for name in SAMPLINGS]
    assert all(len(rows) == 1 and not rows.any() for data in others for rows in coefficients(data).values())
    assert len({digest(data) for data in others}) == len(SAMPLINGS)


def test_the_digest_tells_colours_apart_where_all_components_are_the_same() -> None:
    """Without JFIF, libjpeg goes by the Adobe segment's transform: components as they are (0), or YCbCr (1)."""
    data = jpeg(street(), sampling="4:4:4")
    as_they_are, ycbcr = (
        files.without_jfif(files.with_segments(data, (files.APP14, b"Adobe\0\x64" + bytes([0, 0, 0, 0, transform]))))
        for transform in (0, 1)
    )
    assert [libjpeg.read_frame(file).colour_space for file in (as_they_are, ycbcr)] == ["RGB", "YCbCr"]
    assert digest(as_they_are) != digest(ycbcr)
    assert digest(files.without_jfif(data)) == digest(ycbcr)


@pytest.mark.parametrize("numbers", [b"RGB", b"\3\2\1", b"\0\1\2"])
def test_the_digest_tells_apart_what_components_are_called(numbers: bytes) -> None:
    data = jpeg(street())
    renamed = files.with_components_called(data, numbers)
    assert bytes(plane.number for plane in libjpeg.read_frame(renamed).planes) == numbers
    assert libjpeg.read_frame(renamed).colour_space == libjpeg.read_frame(data).colour_space
    assert digest(renamed) != digest(data)


def test_the_digest_is_what_its_description_says() -> None:
    """Written down once: what was recorded must be computed alike in years, and on machines of the other byte order."""
    data = jpeg(np.full((8, 24, 3), 200, np.uint8), quality=100)  # all steps are 1
    steps = ",".join(["1"] * 64)
    planes = ",".join(f"[{number},1,{columns},[{steps}]]" for number, columns in ((1, 3), (2, 2), (3, 2)))
    level = (8 * (200 - 128)).to_bytes(2, "little")
    written = f'[24,8,"4:2:0","YCbCr",[{planes}]]'.encode() + (level + bytes(126)) * 3 + bytes(128) * 4
    golden = "blake3:158df0ebbf596c491ba2a39f4f1ef427f31c4e7929ea298fe6328fe35d1e336f"
    assert digest(data) == f"blake3:{blake3(written).hexdigest()}" == golden


@pytest.mark.parametrize("sampling", ["4:2:0", "4:2:2", "4:1:1"])
def test_a_mask_of_another_grid_cannot_be_laid_over_the_blocks(sampling: str) -> None:
    made = mask([], inspected(jpeg(street(), sampling="4:4:4")), padding=0, cells=1)
    with pytest.raises(ValueError, match="cannot be laid over"):
        outside_digest(jpeg(street(), sampling=sampling), made)


def test_a_mask_of_another_size_is_an_error() -> None:
    made = mask([], inspected(jpeg(street(64, 64))), padding=0, cells=1)
    with pytest.raises(ValueError, match="the mask is 64x64 px"):
        outside_digest(jpeg(street(64, 80)), made)
