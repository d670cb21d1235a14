"""What an attack is made of: invented plates, sheets on one grid, honest intervals, readable tables."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from baas_crds.codes import ExitCode
from baas_detector.attack import plates
from baas_detector.attack.finding import found_again, views
from baas_detector.attack.pictures import read_picture, write_jpeg
from baas_detector.attack.redactions import Method, Redaction, Wanted, read_redaction
from baas_detector.attack.report import markdown, tables
from baas_detector.attack.restoring import ATTEMPTS, Blur, restored
from baas_detector.attack.results import Attack, Result
from baas_detector.attack.sheets import Layout, surroundings, write_sheets
from baas_detector.checks import Tile
from baas_detector.cli import main
from baas_detector.contract import DetectedClass
from baas_detector.truth import LabelledImage, LabelledObject

RANDOM = np.random.default_rng(0)


def test_invented_texts_are_different_and_look_dutch() -> None:
    texts = plates.texts(2000, RANDOM)
    assert len(set(texts)) == 2000
    for text in texts:
        assert re.fullmatch(r"[BDFGHJKLNPRSTVXZ0-9]+(-[BDFGHJKLNPRSTVXZ0-9]+){2}", text)
        assert len(text) == 8


def test_the_same_seed_invents_and_photographs_the_same() -> None:
    one, other = (np.random.default_rng(3) for _ in range(2))
    assert plates.texts(9, one) == plates.texts(9, other)
    drawn = plates.drawn("12-XX-34", 80)
    assert (plates.photographed(drawn, 80, one) == plates.photographed(drawn, 80, other)).all()


@pytest.mark.parametrize("width", [40, 120, 300])
def test_a_plate_shows_its_text_in_its_size(width: int) -> None:
    one, other = (plates.shown(plates.drawn(text, width), width) for text in ("12-XX-34", "12-XX-84"))
    assert one.shape == other.shape == (plates.height_of(width), width, 3)
    differs = (one != other).any(axis=(0, 2)).nonzero()[0]
    assert differs.size
    assert differs.min() > width / 2  # the last group alone
    assert plates.photographed(plates.drawn("12-XX-34", width), width, RANDOM).shape == one.shape


@given(st.integers(8, 600), st.integers(8, 600), st.sampled_from([0.0, 0.1, 0.5]), st.integers(1, 40))
def test_on_a_sheet_every_crop_lies_alike_and_no_mask_touches_another(
    width: int, height: int, padding: float, crops: int
) -> None:
    layout = Layout(width=width, height=height, padding=padding)
    places = [layout.place(index) for index in range(min(crops, layout.per_sheet))]
    assert len({(left % 16, top % 16) for left, top in places}) == 1
    across, down = layout.margin(width), layout.margin(height)
    for index, (left, top) in enumerate(places):
        assert left >= across + 16
        assert top >= down + 16
        for other_left, other_top in places[:index]:
            assert abs(left - other_left) >= width + 2 * across + 32 or abs(top - other_top) >= height + 2 * down + 32


def test_crops_are_read_back_from_where_they_were_laid(tmp_path: Path) -> None:
    layout = Layout(width=48, height=112, padding=0.1)
    crops = [np.full((112, 48, 3), level, np.uint8) for level in (30, 120, 220)]
    (sheet,) = write_sheets(tmp_path, "some", crops, layout, surroundings(layout, RANDOM))
    boxes = list(sheet.wanted(DetectedClass.PERSON))
    picture = read_picture(tmp_path / sheet.name)
    for level, box, window in zip((30, 120, 220), boxes, sheet.windows(tmp_path), strict=True):
        inside = picture[int(box.top) + 8 : int(box.top) + 100, int(box.left) + 8 : int(box.left) + 40]
        assert np.abs(inside.astype(int) - level).max() <= 2
        assert window.shape == (112 + 2 * layout.margin(112), 48 + 2 * layout.margin(48), 3)


def test_more_crops_than_fit_go_to_more_sheets(tmp_path: Path) -> None:
    layout = Layout(width=900, height=900, padding=0.1)
    crops = (np.zeros((900, 900, 3), np.uint8) for _ in range(layout.per_sheet + 1))
    sheets = write_sheets(tmp_path, "some", crops, layout, surroundings(layout, RANDOM))
    assert [sheet.crops for sheet in sheets] == [layout.per_sheet, 1]


@pytest.mark.parametrize(
    ("text", "redaction"),
    [
        ("fill", Redaction(Method.FILL)),
        ("gaussian", Redaction(Method.GAUSSIAN)),
        ("pixelate", Redaction(Method.PIXELATE, 6)),
        ("blur:3", Redaction(Method.BLUR, 3)),
    ],
)
def test_redactions_are_read_as_they_are_written(text: str, redaction: Redaction) -> None:
    assert read_redaction(text) == redaction
    assert read_redaction(redaction.name) == redaction


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("gauss", "is no redaction"),
        ("pixelate:", "is no redaction"),
        ("solid:3", "has no cells"),
        ("blur:17", "1 to 16"),
        ("blur:0", "1 to 16"),
    ],
)
def test_what_is_no_redaction_is_refused_with_what_is(text: str, sentence: str) -> None:
    refused = CliRunner().invoke(main, ["attack", "--redaction", text])
    assert refused.exit_code == ExitCode.CONFIGURATION
    assert sentence in refused.stderr


def test_the_earlier_services_gaussian_blurs_the_box_alone_across_the_seam(tmp_path: Path) -> None:
    picture = RANDOM.integers(0, 256, (64, 128, 3), np.uint8)
    write_jpeg(tmp_path / "one.jpg", picture)
    before = read_picture(tmp_path / "one.jpg").astype(int)
    Redaction(Method.GAUSSIAN).apply(tmp_path, [Wanted("one.jpg", 112, 16, 32, 32, DetectedClass.PERSON)], 0.1)
    after = read_picture(tmp_path / "one.jpg").astype(int)
    for columns in (slice(116, 128), slice(0, 12)):
        assert after[20:44, columns].std() < before[20:44, columns].std() / 5
    assert np.abs(after[:, 20:108] - before[:, 20:108]).mean() < 10


def result(hits: int, total: int, chance: float | None = None, **more: object) -> Result:
    given = {"attack": Attack.READ, "redaction": "fill", "group": "40 px wide", "condition": "same picture", "rank": 1}
    return Result(**(given | more), hits=hits, total=total, chance=chance)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [(0, 500, 0.0, 0.0074), (5, 10, 0.1871, 0.8129), (216, 216, 0.9831, 1.0), (0, 0, 0.0, 1.0)],
)
def test_intervals_are_those_of_clopper_and_pearson(hits: int, total: int, low: float, high: float) -> None:
    assert result(hits, total).interval() == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize(
    ("hits", "chance", "is_at_chance"), [(0, 0.0001, True), (1, 0.005, True), (9, 0.005, False), (9, None, None)]
)
def test_at_chance_means_that_the_interval_holds_it(hits: int, chance: float | None, is_at_chance: bool | None) -> None:
    assert result(hits, 216, chance).is_at_chance is is_at_chance


def test_tables_tell_each_redaction_and_whether_it_is_at_chance() -> None:
    results = [
        result(hits, 500, rank / 10_000, redaction=redaction, condition=condition, rank=rank)
        for redaction, hits in (("gaussian", 250), ("fill", 0))
        for condition in ("same picture", "another picture")
        for rank in (1, 10)
    ] + [
        result(30, 60, attack=Attack.FIND, group="person", condition="as redacted", rank=None),
        result(3, 60, attack=Attack.FIND, group="person", condition="Wiener", rank=None),
    ]
    found, read, restored = tables(results)
    assert found.headings == ("redaction", "persons found, of 60")
    assert found.rows == (("fill", "50.0 (36.8 to 63.2)"),)
    assert [(row[0], row[1], row[-1]) for row in read.rows] == [
        ("40 px wide", "gaussian", "no"),
        ("40 px wide", "fill", "yes"),
    ]
    assert read.rows[1][2] == "0.0 (0.0 to 0.7)"
    assert "0.01% with 1 guess, 0.10% with 10 guesses" in read.remark
    assert restored.rows == (("fill", "Wiener", "5.0 (1.0 to 13.9)", "-", "-", "-"),)
    assert "| 40 px wide | fill | 0.0 (0.0 to 0.7) |" in markdown([found, read, restored])


@pytest.mark.parametrize("name", ATTEMPTS)
@pytest.mark.parametrize("redaction", ["gaussian", "pixelate:6", "blur:6", "fill"])
@pytest.mark.parametrize("shape", [(30, 12), (9, 40), (300, 150)])
def test_every_attempt_gives_a_picture_of_the_same_size(name: str, redaction: str, shape: tuple[int, int]) -> None:
    region = RANDOM.integers(0, 256, (*shape, 3), np.uint8)
    tried = restored(region, read_redaction(redaction), ATTEMPTS[name])
    assert tried.shape == region.shape
    assert tried.dtype == np.uint8


@pytest.mark.parametrize("name", ["Wiener", "Richardson-Lucy"])
def test_deconvolution_brings_back_some_of_what_was_blurred_evenly(name: str) -> None:
    """So that the attempts are worth their name."""
    scene = np.full((160, 160, 3), 40, np.uint8)
    scene[40:120, 60:130] = 220
    blur = Blur(Method.BLUR, 12)
    blurred = np.asarray(cv2.filter2D(scene, -1, blur.kernel(160, 160), borderType=cv2.BORDER_REFLECT), np.uint8)

    def distance(shown: Tile) -> float:
        return float(((shown.astype(int) - scene) ** 2).mean())

    assert distance(ATTEMPTS[name](blurred, blur)) < 0.8 * distance(blurred)


def labelled(left: float, top: float, width: float, height: float, *, seam: bool = False) -> LabelledObject:
    return LabelledObject(
        object_class=DetectedClass.PERSON, left=left, top=top, width=width, height=height, crosses_seam=seam
    )


def test_a_small_picture_is_shown_whole_and_a_panorama_around_each_object() -> None:
    small = LabelledImage(name="a.jpg", width_px=640, height_px=480, objects=(labelled(1, 2, 30, 60),))
    (whole,) = views(small)
    assert (whole.left, whole.top, whole.width, whole.height) == (0, 0, 640, 480)
    seam, tall = labelled(7980, 10, 40, 80, seam=True), labelled(100, 500, 300, 1500)
    large = LabelledImage(name="b.jpg", width_px=8000, height_px=4000, objects=(seam, tall))
    picture = np.zeros((4000, 8000, 3), np.uint8)
    picture[10:90, 7980:] = picture[10:90, :20] = 255
    for view, one in zip(views(large), (seam, tall), strict=True):
        ((left, top, right, bottom),) = view.boxes(DetectedClass.PERSON)
        assert 0 <= left < right <= view.width
        assert 0 <= top < bottom <= view.height
        if one is seam:
            assert (view.cut(picture)[int(top) : int(bottom), int(left) : int(right)] == 255).all()


def test_found_again_means_half_of_what_both_boxes_cover() -> None:
    boxes = np.array([[0, 0, 10, 10], [50, 50, 60, 60.0]])
    person, plate = (one.number for one in DetectedClass)
    rows = np.array(
        [
            [0, 0, 10, 6, 0.9, person],
            [50, 50, 60, 54, 0.9, person],
            [50, 50, 60, 60, 0.2, person],
            [50, 50, 60, 60, 0.9, plate],
        ],
        np.float32,
    )
    assert found_again(rows, boxes, DetectedClass.PERSON).tolist() == [True, False]
    assert found_again(rows, boxes, DetectedClass.LICENCE_PLATE).tolist() == [False, True]
    assert found_again(rows[:0], boxes, DetectedClass.PERSON).tolist() == [False, False]
