"""Inside the mask nothing stays, or of each cell a coarse mean; outside nothing changes."""

import io
import math
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baas_crds.codes import QuarantineReason
from baas_crds.errors import NotPublishable
from baas_preprocess import libjpeg, raster
from baas_preprocess.cells import LEVELS
from baas_preprocess.decode import decode
from baas_preprocess.facts import ImageFormat, Mask, Method, Pixels
from baas_preprocess.libjpeg import Blocks, Output
from baas_preprocess.mask import mask
from baas_preprocess.outside import cell_grids
from baas_preprocess.redact import redact
from tests.unit.preprocess.pictures import (
    by_pillow,
    coded,
    coefficients,
    inspected,
    jpeg,
    png,
    region,
    see_through,
    street,
    tiff,
)

FILES = coded()
REGIONS = [region(40, 20, 120, 70), region(100, 50, 130, 90), region(150, 0, 187, 93), region(3, 3, 8, 8)]
every_file = pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in FILES.items()])
every_method = pytest.mark.parametrize("method", Method)


def made_mask(data: bytes, *, cells: int = 6) -> Mask:
    return mask(REGIONS, inspected(data), padding=0.1, cells=cells)


def away_from(units: npt.NDArray[np.bool_], made: Mask) -> npt.NDArray[np.bool_]:
    """Pixels at least one unit away from these units, where no decoder's smoothing reaches."""
    near = cv2.dilate(units.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    width, height = made.unit_px
    return ~near.repeat(height, axis=0).repeat(width, axis=1)[: made.height_px, : made.width_px]


@every_file
@every_method
def test_everything_outside_the_mask_stays_bit_by_bit(data: bytes, method: Method) -> None:
    seen, made = inspected(data), made_mask(data)
    redacted = redact(data, seen, made, method).data
    if seen.format is ImageFormat.JPEG:
        grids = cell_grids(libjpeg.read_frame(data), made)
        before, after = coefficients(data), coefficients(redacted)
        for (component, row), blocks in before.items():
            outside = grids[component][row] < 0
            assert (blocks[outside] == after[component, row][outside]).all()
    else:
        old, new = (raster.read(file, seen.format).samples for file in (data, redacted))
        covered = made.covered.repeat(8, axis=0).repeat(8, axis=1)[: made.height_px, : made.width_px]
        assert (old[~covered] == new[~covered]).all()
        assert (old[covered] != new[covered]).any()


@every_file
@every_method
def test_redacting_again_changes_nothing(data: bytes, method: Method) -> None:
    seen, made = inspected(data), made_mask(data)
    once = redact(data, seen, made, method)
    assert redact(once.data, seen, made, method) == once


@every_file
def test_a_blur_is_made_of_the_cells_alone(data: bytes) -> None:
    """Whoever has only the pixelated picture can compute the blurred one."""
    seen, made = inspected(data), made_mask(data)
    pixelated = redact(data, seen, made, Method.PIXELATE).data
    assert redact(pixelated, seen, made, Method.BLUR).data == redact(data, seen, made, Method.BLUR).data


@every_file
def test_a_solid_region_says_nothing_of_the_picture(data: bytes) -> None:
    seen, made = inspected(data), made_mask(data)
    solid = decode(redact(data, seen, made, Method.SOLID).data, seen)
    inside = away_from(~made.covered, made)
    assert inside.any()
    assert (solid[inside] == 128).all()


def with_another_inside(data: bytes, made: Mask) -> bytes:
    """The same picture, but for noise where the mask is."""
    random, seen = np.random.default_rng(5), inspected(data)
    if seen.format is ImageFormat.JPEG:
        frame = libjpeg.read_frame(data)
        grids = cell_grids(frame, made)

        def scramble(component: int, row: int, blocks: Blocks) -> None:
            inside = grids[component][row] >= 0
            blocks[inside] = random.integers(-9, 9, (inside.sum(), 64))

        return libjpeg.edit(data, Output(scramble, progressive=frame.is_progressive))[0]
    picture = raster.read(data, seen.format)
    covered = made.covered.repeat(8, axis=0).repeat(8, axis=1)[: made.height_px, : made.width_px]
    samples = picture.samples.copy()
    samples[covered] = random.integers(0, picture.greatest, samples[covered].shape)
    return raster.write(picture.with_samples(samples))


@every_file
@pytest.mark.parametrize("method", [Method.FILL, Method.SOLID])
@pytest.mark.parametrize("wraps", [False, True])
def test_pictures_that_differ_inside_the_mask_alone_become_the_same_file(
    data: bytes, method: Method, wraps: bool
) -> None:
    """So whoever has only the published file cannot tell who was there, whatever else he knows."""
    made = made_mask(data)
    seen = replace(inspected(data), wraps=wraps)
    # Written anew first, so that both were coded by the same program.
    one = redact(data, seen, mask([], seen, padding=0, cells=1), method).data
    other = with_another_inside(one, made)
    assert other != one
    assert redact(other, seen, made, method) == redact(one, seen, made, method)


@every_file
@every_method
def test_an_empty_mask_changes_no_pixel(data: bytes, method: Method) -> None:
    seen = inspected(data)
    redacted = redact(data, seen, mask([], seen, padding=0.1, cells=6), method).data
    assert (decode(redacted, seen) == decode(data, seen)).all()


@every_file
def test_the_finished_picture_has_the_format_size_and_units_of_the_original(data: bytes) -> None:
    before = inspected(data)
    after = inspected(redact(data, before, made_mask(data), Method.PIXELATE).data)
    assert (after.format, after.width_px, after.height_px, after.unit_px) == (
        before.format,
        before.width_px,
        before.height_px,
        before.unit_px,
    )
    if "palette" not in before.coding and "1-bit" not in before.coding and "grey with alpha" not in before.coding:
        assert after.coding == before.coding


@pytest.mark.parametrize("name", [name for name in FILES if "JPEG" in name])
def test_a_pixelated_jpeg_has_flat_blocks_of_the_coarse_mean_level_of_each_cell(name: str) -> None:
    data = FILES[name]
    made = made_mask(data)
    frame = libjpeg.read_frame(data)
    before = coefficients(data)
    after = coefficients(redact(data, inspected(data), made, Method.PIXELATE).data)
    for component, grid in enumerate(cell_grids(frame, made)):
        old, new = (np.stack([rows[component, row] for row in range(len(grid))]) for rows in (before, after))
        assert not new[grid >= 0][:, 1:].any()
        assert len(set(new[grid >= 0][:, 0])) <= LEVELS
        # 2048 steps from black to white before quantisation; half a level off by rounding, one more at the ends.
        level = math.ceil(2048 / LEVELS / int(frame.planes[component].steps[0]))
        for cell in range(made.cell_count):
            levels = set(new[grid == cell][:, 0])
            assert len(levels) == 1
            assert levels.pop() == pytest.approx(old[grid == cell][:, 0].mean(), abs=1.5 * level)


@pytest.mark.parametrize("name", [name for name in FILES if "JPEG" not in name])
def test_a_pixelated_picture_of_samples_has_few_values_in_each_channel(name: str) -> None:
    data = FILES[name]
    seen, made = inspected(data), made_mask(data)
    samples = raster.read(redact(data, seen, made, Method.PIXELATE).data, seen.format).samples
    inside = samples[made.covered.repeat(8, axis=0).repeat(8, axis=1)[: made.height_px, : made.width_px]]
    for channel in inside.T:
        assert len(np.unique(channel)) <= LEVELS


@pytest.mark.parametrize("name", [name for name in FILES if "JPEG" in name])
@every_method
def test_another_decoder_sees_the_same_picture_away_from_the_mask(name: str, method: Method) -> None:
    data = FILES[name]
    made = made_mask(data)
    redacted = redact(data, inspected(data), made, method).data
    before, after = (np.asarray(PIL.Image.open(io.BytesIO(file)).convert("RGB")) for file in (data, redacted))
    outside = away_from(made.covered, made)
    assert outside.any()
    assert (before[outside] == after[outside]).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 70), st.integers(1, 50), st.booleans(), st.sampled_from(Method), st.integers(1, 6), st.data())
def test_pictures_of_any_size_can_be_redacted_twice(
    width: int, height: int, is_slow: bool, method: Method, cells: int, draws: st.DataObject
) -> None:
    for data in (jpeg(street(width, height), progressive=is_slow), png(street(width, height))):
        seen = replace(inspected(data), wraps=draws.draw(st.booleans()))
        left, top = draws.draw(st.integers(0, width - 1)), draws.draw(st.integers(0, height - 1))
        right, bottom = draws.draw(st.integers(left, width)), draws.draw(st.integers(top, height))
        made = mask([region(left, top, right, bottom), region(0, 0, 2, 2)], seen, padding=0.1, cells=cells)
        once = redact(data, seen, made, method)
        assert redact(once.data, seen, made, method) == once


def test_the_letters_of_a_plate_are_gone() -> None:
    pixels: Pixels = np.full((64, 256, 3), (250, 200, 20), np.uint8)
    cv2.putText(pixels, "12-AB-34", (20, 50), cv2.FONT_HERSHEY_SIMPLEX, 1.5, (0, 0, 0), 4)
    data = jpeg(pixels)
    seen = inspected(data)
    made = mask([region(0, 0, 256, 64)], seen, padding=0, cells=6)
    for method in Method:
        shown = decode(redact(data, seen, made, method).data, seen)
        # What is left between neighbouring columns: letters have steps of 250, six cells fade.
        assert np.median(np.abs(np.diff(shown[:, :, 0].astype(int), axis=1)).max(axis=1)) < 130
        assert len(np.unique(shown[::16, ::43].reshape(-1, 3), axis=0)) <= 36


@every_method
def test_a_redacted_region_is_opaque(method: Method) -> None:
    data = png(see_through(street()))
    seen, made = inspected(data), made_mask(data)
    samples = raster.read(redact(data, seen, made, method).data, seen.format).samples
    assert samples[2, 2, 3] == 255
    if method is Method.SOLID:
        assert (samples[2, 2, :3] == 128).all()


@every_method
def test_metadata_and_hidden_pictures_are_not_carried_over(method: Method) -> None:
    secret = PIL.Image.Exif()
    secret[0x010E] = "a secret"
    files = [
        by_pillow(street(), "JPEG", exif=secret, comment=b"a secret"),
        by_pillow(street(), "PNG", exif=secret),
        tiff(street(), description="a secret"),
    ]
    for data in files:
        assert b"a secret" in data
        seen = inspected(data)
        assert b"a secret" not in redact(data, seen, made_mask(data), method).data


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(tiff(np.stack([street()] * 2), photometric="rgb"), id="TIFF of two pages"),
        pytest.param(by_pillow(street(), "TIFF", "CMYK"), id="CMYK TIFF"),
        pytest.param(tiff(street().astype(np.float32)), id="TIFF of floating point"),
        pytest.param(tiff(np.moveaxis(street(), 2, 0), planarconfig="separate"), id="TIFF of separate planes"),
        pytest.param(by_pillow(street(), "TIFF", "P"), id="TIFF with a palette"),
        pytest.param(by_pillow(street(), "TIFF", compression="jpeg"), id="TIFF of JPEG strips"),
        pytest.param(
            by_pillow(street(), "PNG", save_all=True, append_images=[PIL.Image.fromarray(street(seed=1))]),
            id="animated PNG",
        ),
    ],
)
def test_what_cannot_be_written_without_loss_is_refused(data: bytes) -> None:
    image_format = ImageFormat.PNG if data.startswith(b"\x89PNG") else ImageFormat.TIFF
    seen = replace(inspected(png(street())), format=image_format)
    for step in (lambda: decode(data, seen), lambda: redact(data, seen, made_mask(png(street())), Method.SOLID)):
        with pytest.raises(NotPublishable) as refused:
            step()
        assert refused.value.reason == QuarantineReason.UNSUPPORTED
