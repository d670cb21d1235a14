"""JPEG is read strictly, and edited without touching what no callback touches."""

import io
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.JpegImagePlugin
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baas_crds.codes import QuarantineReason
from baas_crds.errors import ConfigurationError, NotPublishable
from baas_preprocess import libjpeg
from baas_preprocess.facts import Method
from baas_preprocess.libjpeg import Blocks, Output
from baas_preprocess.mask import mask
from baas_preprocess.outside import cell_grids
from baas_preprocess.redact import redact
from tests.unit.preprocess import files
from tests.unit.preprocess.pictures import (
    SAMPLINGS,
    by_pillow,
    coded,
    coefficients,
    inspected,
    jpeg,
    region,
    street,
)

JPEGS = {name: data for name, data in coded().items() if "JPEG" in name}
every_jpeg = pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in JPEGS.items()])


@every_jpeg
def test_an_edit_that_changes_nothing_keeps_every_coefficient(data: bytes) -> None:
    before = coefficients(data)
    for progressive in (False, True):
        (written,) = libjpeg.edit(data, Output(progressive=progressive))
        after = coefficients(written)
        assert before.keys() == after.keys()
        assert all((before[place] == after[place]).all() for place in before)
        assert libjpeg.read_frame(written).is_progressive == progressive


@every_jpeg
def test_decoding_gives_what_another_build_of_libjpeg_gives(data: bytes) -> None:
    assert (libjpeg.decode(data) == np.asarray(PIL.Image.open(io.BytesIO(data)).convert("RGB"))).all()


@every_jpeg
@pytest.mark.parametrize(
    ("least_px", "divisor"), [(1, 8), (24, 8), (25, 4), (47, 4), (48, 2), (94, 2), (95, 1), (1_000, 1)]
)
def test_a_smaller_picture_is_decoded_to_what_pillow_gives_at_that_size(
    data: bytes, least_px: int, divisor: int
) -> None:
    small = libjpeg.decode(data, least_px=least_px)
    with PIL.Image.open(io.BytesIO(data)) as picture:
        picture.draft("RGB", (-(-187 // divisor), -(-93 // divisor)))
        assert small.shape == (-(-93 // divisor), -(-187 // divisor), 3)
        if picture.size == small.shape[1::-1]:
            assert (small == np.asarray(picture.convert("RGB"))).all()


@every_jpeg
def test_the_tables_are_those_that_pillow_finds(data: bytes) -> None:
    picture = PIL.Image.open(io.BytesIO(data))
    assert isinstance(picture, PIL.JpegImagePlugin.JpegImageFile)
    tables = [picture.quantization[number] for _, _, _, number in picture.layer]
    assert [list(plane.steps) for plane in libjpeg.read_frame(data).planes] == tables


@every_jpeg
def test_every_row_of_blocks_is_shown_once_and_in_order(data: bytes) -> None:
    seen: list[tuple[int, int, int]] = []
    libjpeg.edit(data, Output(lambda component, row, blocks: seen.append((component, row, len(blocks)))))
    planes = libjpeg.read_frame(data).planes
    assert seen == [(number, row, plane.columns) for number, plane in enumerate(planes) for row in range(plane.rows)]


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("size", [(1, 1), (8, 8), (17, 9), (33, 31), (16, 47)])
def test_pictures_of_any_size_keep_their_coefficients(sampling: str, size: tuple[int, int]) -> None:
    data = jpeg(street(*size), sampling=sampling)
    (written,) = libjpeg.edit(data, Output())
    before, after = coefficients(data), coefficients(written)
    assert all((before[place] == after[place]).all() for place in before)
    assert (libjpeg.decode(data) == libjpeg.decode(written)).all()


def test_a_later_output_starts_from_what_an_earlier_one_left() -> None:
    def add_one(_component: int, _row: int, blocks: Blocks) -> None:
        blocks[:, 0] += 1

    data = JPEGS["JPEG 4:2:0"]
    once, twice = (coefficients(written) for written in libjpeg.edit(data, Output(add_one), Output(add_one)))
    for place, blocks in coefficients(data).items():
        assert (once[place][:, 0] == blocks[:, 0] + 1).all()
        assert (twice[place][:, 0] == blocks[:, 0] + 2).all()


def cleared(data: bytes) -> bytes:
    def clear(_component: int, _row: int, blocks: Blocks) -> None:
        blocks[:] = 0

    return libjpeg.edit(data, Output(clear))[0]


def test_coefficients_that_cannot_be_written_again_are_damage_and_the_others_stay() -> None:
    """Found by a fuzzer: libjpeg reads coefficients of 15 bits, and its fast coder writes others in their place."""
    for size in range(1, 11):
        assert coefficients(files.jpeg_with_coefficient(size))[0, 0][0, 1] == 2**size - 1
    for size in range(11, 16):
        for read in (coefficients, lambda data: libjpeg.edit(data, Output()), cleared):
            with pytest.raises(NotPublishable, match="no picture of 8 bits") as refused:
                read(files.jpeg_with_coefficient(size))
            assert refused.value.reason is QuarantineReason.DAMAGED


def test_a_level_that_cannot_be_written_again_is_damage() -> None:
    def too_bright(_component: int, _row: int, blocks: Blocks) -> None:
        blocks[:, 0] = 1024

    with pytest.raises(NotPublishable, match="no picture of 8 bits"):
        libjpeg.edit(JPEGS["JPEG 4:2:0"], Output(too_bright))


def test_an_exception_in_a_callback_surfaces() -> None:
    def fail(_component: int, row: int, _blocks: Blocks) -> None:
        if row == 2:
            raise KeyError("from the callback")

    with pytest.raises(KeyError, match="from the callback"):
        libjpeg.edit(JPEGS["JPEG 4:2:0"], Output(fail))


def test_metadata_is_never_copied() -> None:
    data = by_pillow(street(), "JPEG", comment=b"a secret", icc_profile=b"a profile " * 20)
    assert b"a secret" in data
    (written,) = libjpeg.edit(data, Output())
    assert b"a secret" not in written
    assert b"a profile" not in written


def test_a_missing_library_names_the_package_to_install() -> None:
    with pytest.raises(ConfigurationError, match="libturbojpeg0"):
        libjpeg.load_library(("libnothing-of-that-name.so.0",))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"no picture", QuarantineReason.DAMAGED, id="text"),
        pytest.param(JPEGS["JPEG 4:2:0"][:-100], QuarantineReason.TRUNCATED, id="without its end"),
        pytest.param(by_pillow(street(), "JPEG", "CMYK"), QuarantineReason.UNSUPPORTED, id="CMYK"),
        pytest.param(
            JPEGS["JPEG 4:2:0"].replace(b"\xff\xc0\x00\x11\x08", b"\xff\xc1\x00\x11\x0c"),
            QuarantineReason.UNSUPPORTED,
            id="12 bits",
        ),
        pytest.param(
            JPEGS["JPEG 4:2:0"].replace(b"\x01\x22\x00", b"\x01\x34\x00"),
            QuarantineReason.UNSUPPORTED,
            id="three by four luma samples for each chroma sample",
        ),
    ],
)
def test_what_cannot_be_edited_without_loss_is_refused(data: bytes, reason: QuarantineReason) -> None:
    for read in (lambda: libjpeg.decode(data), lambda: libjpeg.edit(data, Output())):
        with pytest.raises(NotPublishable) as refused:
            read()
        assert refused.value.reason == reason


@settings(max_examples=300)
@given(st.sampled_from(sorted(JPEGS)), st.data())
def test_damage_is_refused_or_survived_but_never_crashes(name: str, draws: st.DataObject) -> None:
    data = bytearray(JPEGS[name])
    for _ in range(draws.draw(st.integers(1, 4))):
        data[draws.draw(st.integers(0, len(data) - 1))] = draws.draw(st.integers(0, 255))
    cut = draws.draw(st.integers(0, 40))
    try:
        (written,) = libjpeg.edit(bytes(data[: len(data) - cut]), Output())
    except NotPublishable:
        return
    libjpeg.decode(written)


@given(st.integers(2, len(JPEGS["JPEG 4:2:0"]) - 1))
def test_a_file_cut_anywhere_is_refused(length: int) -> None:
    with pytest.raises(NotPublishable):
        libjpeg.decode(JPEGS["JPEG 4:2:0"][:length])


def handle(file: Path) -> str:
    """Redact a file by every method and compare what is outside. Runs in a process of its own, which may crash."""
    data = file.read_bytes()
    try:
        seen = inspected(data)
        if seen.width_px * seen.height_px > 10**8:
            return "too large for a test"
        width, height = seen.width_px, seen.height_px
        regions = [
            region(0.3 * width, 0.3 * height, 0.5 * width, 0.45 * height),
            region(0.85 * width, 0.8 * height, width, height),
        ]
        made = mask(regions, seen, padding=0.1, cells=6)
        grids = cell_grids(libjpeg.read_frame(data), made)
        before = coefficients(data)
        for method in Method:
            after = coefficients(redact(data, seen, made, method).data)
            for (component, row), blocks in before.items():
                outside = grids[component][row] < 0
                if (blocks[outside] != after[component, row][outside]).any():
                    return f"{method} changed row {row} of component {component}"
    except NotPublishable as refused:
        return f"refused: {refused.reason}"
    return "kept"


def test_real_and_odd_files_keep_their_coefficients_or_are_refused(test_data: Path) -> None:
    files = [file for file in sorted((test_data / "jpeg").iterdir()) if file.suffix in (".jpg", ".jpeg")]
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("fork")) as processes:
        outcomes = dict(zip(files, processes.map(handle, files), strict=True))
    assert len(outcomes) == 73
    assert not [
        (file.name, outcome)
        for file, outcome in outcomes.items()
        if outcome not in ("kept", "too large for a test") and not outcome.startswith("refused: ")
    ]
    assert sum(outcome == "kept" for outcome in outcomes.values()) >= 40
