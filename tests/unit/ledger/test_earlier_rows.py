"""What rows of the earlier service's tables come to, with their faults."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baas_crds.codes import ObjectClass
from baas_ledger.earlier_rows import EarlierImage, EarlierRow, Found, read_image
from baas_ledger.earlier_tables import EarlierState

OCTOBER, JANUARY = datetime(2024, 10, 23, 9, 3, 18), datetime(2025, 1, 15, 8)  # noqa: DTZ001 - stored without a zone
PROCESSED = EarlierRow(name="street/1.jpg", uploaded=OCTOBER, statuses=("processed",))
PERSON = replace(
    PROCESSED,
    has_detection=True,
    class_id=0,
    x_norm=2000.0,
    y_norm=1000.0,
    w_norm=2400.0,
    h_norm=1400.0,
    image_width=8000,
    image_height=4000,
    conf_score=0.9,
)


def read(
    *rows: EarlierRow, below: str = "", redo_without_boxes: bool = True
) -> tuple[EarlierImage | None, dict[str, int]]:
    counts: Counter[str] = Counter()
    image = read_image(rows, counts, below=below, redo_without_boxes=redo_without_boxes)
    return image, {name: number for name, number in counts.items() if number}


def test_corners_in_pixels_become_shares_of_the_picture() -> None:
    image, counts = read(PERSON)
    assert image is not None
    [box] = image.boxes
    assert (box.object_class, box.score) == (ObjectClass.PERSON, 0.9)
    assert (box.x, box.y, box.width, box.height) == pytest.approx((0.25, 0.25, 0.05, 0.1))
    assert (image.width_px, image.height_px) == (8000, 4000)
    assert image.uploaded_at == OCTOBER.replace(tzinfo=UTC)
    assert counts == {Found.FINISHED: 1, Found.BOXES: 1, Found.REPAIRED: 1}


def test_shares_are_taken_as_centre_and_size() -> None:
    image, counts = read(replace(PERSON, class_id=1, x_norm=0.5, y_norm=0.5, w_norm=0.1, h_norm=0.2, image_width=None))
    assert image is not None
    [box] = image.boxes
    assert box.object_class is ObjectClass.LICENCE_PLATE
    assert (box.x, box.y, box.width, box.height) == pytest.approx((0.45, 0.4, 0.1, 0.2))
    assert counts[Found.NORMALISED] == 1


def test_what_was_written_again_for_later_pictures_counts_once() -> None:
    other = replace(PERSON, x_norm=2001.0)
    image, counts = read(PERSON, other, PERSON, other, PERSON)
    assert image is not None
    assert len(image.boxes) == 2
    assert (counts[Found.BOXES], counts[Found.DUPLICATES]) == (2, 3)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(replace(PERSON, w_norm=8002.0), id="right of the picture"),
        pytest.param(replace(PERSON, y_norm=-2.0), id="above the picture"),
        pytest.param(replace(PERSON, w_norm=1999.0), id="corners the wrong way round"),
        pytest.param(replace(PERSON, w_norm=2000.0), id="without width"),
        pytest.param(replace(PERSON, x_norm=None), id="without a corner"),
        pytest.param(replace(PERSON, h_norm=float("nan")), id="no number"),
        pytest.param(replace(PERSON, image_width=None), id="of a picture of unknown width"),
        pytest.param(replace(PERSON, image_height=0), id="of a picture without height"),
        pytest.param(replace(PERSON, class_id=2), id="of a class that was never redacted"),
        pytest.param(replace(PERSON, class_id=None), id="without a class"),
        pytest.param(replace(PERSON, x_norm=0.9, y_norm=0.5, w_norm=0.4, h_norm=0.1), id="shares beyond the picture"),
    ],
)
def test_what_is_no_box_is_refused_and_counted(wrong: EarlierRow) -> None:
    image, counts = read(PERSON, wrong)
    assert image is not None
    assert len(image.boxes) == 1
    assert (counts[Found.REFUSED], counts[Found.FINISHED]) == (1, 1)


@given(
    corners=st.tuples(*[st.floats(-10, 8010, allow_nan=False)] * 4),
    width=st.integers(1, 8000),
    height=st.integers(1, 4000),
)
def test_whatever_is_imported_lies_in_the_picture(
    corners: tuple[float, float, float, float], width: int, height: int
) -> None:
    left, top, right, bottom = corners
    row = replace(PERSON, x_norm=left, y_norm=top, w_norm=right, h_norm=bottom, image_width=width, image_height=height)
    image, counts = read(row)
    assert image is not None
    assert len(image.boxes) + counts.get(Found.REFUSED, 0) == 1
    for box in image.boxes:
        assert 0 <= box.x < 1
        assert 0 <= box.y < 1
        assert 0 < box.width <= 1 - box.x + 1e-9
        assert 0 < box.height <= 1 - box.y + 1e-9


@pytest.mark.parametrize(
    ("statuses", "state"),
    [
        (("processed",), EarlierState.FINISHED),
        (("inprogress", "processed"), EarlierState.FINISHED),
        (("inprogress",), EarlierState.PENDING),
        (("failed",), EarlierState.UNKNOWN),
        ((None,), EarlierState.UNKNOWN),
    ],
)
def test_only_what_was_processed_is_finished(statuses: tuple[str | None, ...], state: EarlierState) -> None:
    image, counts = read(replace(PERSON, statuses=statuses))
    assert image is not None
    assert image.state is state
    assert bool(image.boxes) == (state is EarlierState.FINISHED)
    assert counts[state] == 1


def test_a_picture_that_was_begun_once_more_and_not_finished_is_to_be_done() -> None:
    image, counts = read(PERSON, EarlierRow(name=PERSON.name, uploaded=JANUARY, statuses=("inprogress",)))
    assert image is not None
    assert (image.state, image.uploaded_at) == (EarlierState.PENDING, JANUARY.replace(tzinfo=UTC))
    assert counts == {Found.PENDING: 1, Found.LEFT: 1}


@pytest.mark.parametrize(
    "nobody",
    [
        pytest.param(PROCESSED, id="no row of detections"),
        pytest.param(replace(PROCESSED, has_detection=False), id="nobody was there, it says"),
        pytest.param(replace(PERSON, class_id=2), id="only boxes that are none"),
    ],
)
def test_a_picture_without_boxes_is_to_be_done_unless_such_are_trusted(nobody: EarlierRow) -> None:
    counts: Counter[str] = Counter()
    image = read_image([nobody], counts)
    assert image is not None
    assert image.state is EarlierState.PENDING
    assert (counts[Found.WITHOUT_BOXES], counts[Found.PENDING], counts[Found.FINISHED]) == (1, 0, 0)
    trusted, told = read(nobody, redo_without_boxes=False)
    assert trusted is not None
    assert trusted.state is EarlierState.FINISHED
    assert (told[Found.FINISHED], told[Found.TRUSTED], Found.WITHOUT_BOXES in told) == (1, 1, False)


def test_a_folder_of_its_names_is_the_source_of_runs() -> None:
    inside, _ = read(PROCESSED, below="street")
    outside, counts = read(PROCESSED, below="stre")
    assert inside is not None
    assert (inside.name, inside.filename) == ("1.jpg", "street/1.jpg")
    assert outside is None
    assert counts == {Found.ELSEWHERE: 1}


def test_boxes_of_a_picture_without_status_are_left_out() -> None:
    image, counts = read(replace(PERSON, statuses=None), replace(PERSON, statuses=None, uploaded=None))
    assert image is None
    assert counts == {Found.ORPHANS: 2}
