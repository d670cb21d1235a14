"""Boxes of one object become one region; nothing detected is dropped; yaw and order change nothing."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from baas_crds.codes import ObjectClass
from baas_preprocess.detect import detections
from baas_preprocess.facts import Box, Detection
from baas_preprocess.merge import merge
from baas_preprocess.tile import tiles

WIDTH, HEIGHT = 8000, 4000
PERSON, PLATE = ObjectClass.PERSON, ObjectClass.LICENCE_PLATE


def detection(
    left: float, right: float, *, score: float = 0.5, of: ObjectClass = PERSON, top: float = 2000
) -> Detection:
    return Detection(box=Box(left, top, right, top + 100), object_class=of, score=score)


BOXES = st.builds(
    lambda left, top, width, height, of, score: Detection(
        box=Box(left, top, left + width, top + height), object_class=of, score=score
    ),
    st.integers(0, WIDTH - 1),
    st.integers(0, HEIGHT - 700),
    st.integers(1, 700),
    st.integers(1, 700),
    st.sampled_from(ObjectClass),
    st.sampled_from([0.1, 0.5, 0.9]),
)


def covered(boxes: Sequence[Box], scale: int = 20) -> np.ndarray:
    """Pixels (coarse) that boxes cover, wrapped."""
    mask = np.zeros((HEIGHT // scale, WIDTH // scale), dtype=bool)
    for box in boxes:
        columns = np.arange(np.floor(box.left / scale), np.ceil(box.right / scale)).astype(int) % mask.shape[1]
        mask[int(box.top // scale) : int(np.ceil(box.bottom / scale)), columns] = True
    return mask


@given(st.lists(BOXES, max_size=25))
def test_no_detected_pixel_is_dropped(found: list[Detection]) -> None:
    regions = merge(found, WIDTH, wraps=True)
    assert not (covered([d.box for d in found]) & ~covered([r.box for r in regions])).any()
    assert sum(region.detections for region in regions) == len(found)


@given(st.lists(BOXES, max_size=15), st.randoms())
def test_the_order_of_detections_does_not_matter(found: list[Detection], random: object) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert merge(shuffled, WIDTH, wraps=True) == merge(found, WIDTH, wraps=True)


def test_two_views_of_one_person_are_one_region_of_their_union() -> None:
    [region] = merge([detection(100, 150, score=0.9), detection(95, 148, score=0.4)], WIDTH, wraps=True)
    assert region.box == Box(95, 2000, 150, 2100)
    assert (region.score, region.detections) == (0.9, 2)


def test_views_from_both_sides_of_the_seam_are_one_region() -> None:
    [region] = merge([detection(7980, 8030), detection(0, 30), detection(7980, 8000)], WIDTH, wraps=True)
    assert region.box == Box(7980, 2000, 8030, 2100)


def test_without_a_seam_the_two_edges_are_far_apart() -> None:
    assert len(merge([detection(7980, 8000), detection(0, 30)], WIDTH, wraps=False)) == 2


def test_a_plate_inside_a_person_stays_a_region_of_its_own() -> None:
    regions = merge([detection(100, 200), detection(120, 150, of=PLATE)], WIDTH, wraps=True)
    assert {region.object_class for region in regions} == {PERSON, PLATE}


def test_neighbours_in_a_crowd_do_not_melt_into_one_region() -> None:
    crowd = [detection(left, left + 60, score=0.5 + left / 10_000) for left in range(1000, 2000, 45)]
    regions = merge(crowd, WIDTH, wraps=True)
    assert len(regions) == len(crowd)


def seen_by_a_perfect_detector(objects: Sequence[Box], yaw_px: int) -> list[Detection]:
    """What an ideal detector says of a panorama turned by `yaw_px`: each object, cut by the edges of each tile."""
    found: list[Detection] = []
    for tile in tiles(WIDTH, HEIGHT, wraps=True):
        rows = []
        for number, box in enumerate(objects):
            left = (box.left + yaw_px - tile.left) % WIDTH
            for start in (left, left - WIDTH):
                x1, x2 = max(start, 0), min(start + box.right - box.left, tile.width)
                y1, y2 = max(box.top - tile.top, 0), min(box.bottom - tile.top, tile.height)
                if x1 < x2 and y1 < y2:
                    across, down = tile.out_width / tile.width, tile.out_height / tile.height
                    score = 0.3 + 0.01 * number + (0.3 if x2 - x1 == box.right - box.left else 0)
                    rows.append((x1 * across, y1 * down, x2 * across, y2 * down, score, 0))
        shown = np.array(rows, dtype=np.float32).reshape(-1, 6)
        found.extend(detections(shown, tile, WIDTH, wraps=True))
    return found


OBJECTS = st.lists(
    st.tuples(st.integers(0, WIDTH // 50 - 1), st.integers(1100, 2400), st.integers(20, 600), st.integers(20, 500)),
    min_size=1,
    max_size=6,
    unique_by=lambda place: place[0] // 16,
)


@given(OBJECTS, st.integers(0, WIDTH - 1))
def test_turning_the_panorama_by_any_yaw_yields_the_same_objects(
    places: list[tuple[int, int, int, int]], yaw_px: int
) -> None:
    objects = [Box(50 * place, top, 50 * place + width, top + height) for place, top, width, height in sorted(places)]
    gaps = [b.left - a.right for a, b in zip(objects, [*objects[1:], objects[0]], strict=True)]
    assume(all(gap % WIDTH > 20 for gap in gaps) and sum(box.right - box.left for box in objects) < WIDTH / 2)
    assume(all(gap > 20 for gap in gaps[:-1]) and (len(objects) == 1 or gaps[-1] + WIDTH > 20))
    straight = merge(seen_by_a_perfect_detector(objects, 0), WIDTH, wraps=True)
    turned = merge(seen_by_a_perfect_detector(objects, yaw_px), WIDTH, wraps=True)
    assert len(straight) == len(turned) == len(objects)
    for box in objects:
        left = (box.left + yaw_px) % WIDTH
        assert any(
            (
                abs((region.box.left - left + WIDTH / 2) % WIDTH - WIDTH / 2),
                region.box.right - region.box.left,
                region.box.top,
                region.box.bottom,
            )
            == pytest.approx((0, box.right - box.left, box.top, box.bottom), abs=4)
            for region in turned
        )
