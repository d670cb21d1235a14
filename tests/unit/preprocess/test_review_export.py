"""What reviewers marked, as other commands read it."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from baas_crds.codes import ObjectClass
from baas_ledger.reviews import Finding, Mark
from baas_ledger.tables import MarkKind, Projection
from baas_preprocess.correction_reports import read_reports
from baas_preprocess.review_export import coco_document, missed_by_image, reports_document
from baas_preprocess.wanted import PixelBox, SphereBox

ON_THE_SEAM = Finding(
    kind=MarkKind.MISSED,
    object_class=ObjectClass.LICENCE_PLATE,
    projection=Projection.SPHERE,
    x=179,
    y=0,
    width=4,
    height=2,
    picture_width_px=8000,
    picture_height_px=4000,
)
FLAT = Finding(
    kind=MarkKind.MISSED,
    object_class=ObjectClass.PERSON,
    projection=Projection.FLAT,
    x=0.5,
    y=0.25,
    width=0.1,
    height=0.5,
    picture_width_px=600,
    picture_height_px=400,
)


def mark(number: int, image: str, finding: Finding) -> Mark:
    return Mark(id=number, image=image, finding=finding, reviewer="", at=datetime(2026, 6, 1, tzinfo=UTC))


MARKS = [
    mark(1, "b.jpg", ON_THE_SEAM),
    mark(2, "a.jpg", FLAT),
    mark(3, "a.jpg", replace(FLAT, kind=MarkKind.OVER_BLURRED)),
]


def test_only_misses_are_redacted_more_each_in_the_unit_it_was_marked_in(tmp_path: Path) -> None:
    file = tmp_path / "reports.json"
    file.write_text(json.dumps(reports_document(MARKS)))
    first, second = read_reports(file)
    assert first.wanted.box == SphereBox(yaw=179, pitch=0, width_deg=4, height_deg=2)
    assert (first.image, first.wanted.object_class, first.reference) == ("b.jpg", ObjectClass.LICENCE_PLATE, "review 1")
    assert second.wanted.box == PixelBox(left=300, top=100, width=60, height=200)


def test_misses_are_counted_of_what_was_looked_at() -> None:
    assert missed_by_image(MARKS, {"a.jpg", "c.jpg"}) == {"a.jpg": 1, "c.jpg": 0}


def test_coco_holds_all_marks_in_pixels() -> None:
    document = coco_document(MARKS)
    assert document["images"] == [
        {"id": 1, "file_name": "a.jpg", "width": 600, "height": 400},
        {"id": 2, "file_name": "b.jpg", "width": 8000, "height": 4000},
    ]
    annotations = document["annotations"]
    assert isinstance(annotations, list)
    assert [(each["image_id"], each["category_id"]) for each in annotations] == [(2, 2), (1, 1), (1, 3)]
    left, top, width, height = annotations[0]["bbox"]
    assert left == pytest.approx((177 + 180) / 360 * 8000)
    assert left + width > 8000, "it goes on across the seam"
    assert (top, height) == (pytest.approx(4000 * 89 / 180), pytest.approx(4000 * 2 / 180))
    assert annotations[1]["bbox"] == pytest.approx([300, 100, 60, 200])
