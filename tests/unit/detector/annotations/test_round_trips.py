"""What one format holds, the others hold, too: annotations come back as they went."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from baas_detector.annotations import azureml, coco, files, seam, yolo
from baas_detector.annotations.checking import check
from baas_detector.annotations.model import Annotation, AnnotationSet, Box, Format, Image, Number, Size
from baas_detector.annotations.resizing import Resize, resized, to_max_side, to_width

CATEGORIES: dict[Number, str] = {1: "man/child/light", 2: "licence_plate/dutch/yellow", 7: "person", 9: "car"}
YOLO_BOUND_PX = 0.001


@st.composite
def sizes(draw: st.DrawFn) -> Size:
    height = draw(st.integers(50, 8000))
    width = 2 * height if draw(st.booleans()) else draw(st.integers(50, 8000))
    return Size(width_px=width, height_px=height)


@st.composite
def boxes(draw: st.DrawFn, size: Size) -> Box:
    """A box of at least a pixel with at most six decimals, that touches no edge unless it crosses the seam."""
    decimals = lambda low, high: round(draw(st.floats(low, high)), 6)  # noqa: E731 - drawn four times
    top = decimals(1, size.height_px - 3)
    left = decimals(1, size.width_px - 3)
    height = decimals(1, size.height_px - top - 1)
    if size.wraps and draw(st.booleans()):
        return Box(left=left, top=top, width=round(size.width_px - left + decimals(1, left), 6), height=height)
    return Box(left=left, top=top, width=decimals(1, size.width_px - left - 1), height=height)


@st.composite
def annotation_sets(draw: st.DrawFn) -> AnnotationSet:
    images = [
        Image(number=number, name=f"west/{number}.jpg", size=draw(sizes()), facts={"date_captured": "2026"})
        for number in range(1, draw(st.integers(1, 3)) + 1)
    ]
    annotations = []
    for number in range(1, draw(st.integers(0, 6)) + 1):
        image = draw(st.sampled_from(images))
        annotations.append(
            Annotation(
                number=number,
                image=image.number,
                category=draw(st.sampled_from(sorted(CATEGORIES))),
                box=draw(boxes(image.size)),
                facts={"iscrowd": 0, "ignore": draw(st.booleans())},
            )
        )
    return AnnotationSet(images=tuple(images), annotations=tuple(annotations), categories=CATEGORIES)


def by_image(annotations: AnnotationSet) -> Mapping[str, list[tuple[str, Box]]]:
    names = {image.number: image.name for image in annotations.images}
    found: dict[str, list[tuple[str, Box]]] = {name: [] for name in names.values()}
    for one in annotations.annotations:
        found[names[one.image]].append((annotations.categories[one.category], one.box))
    return found


def furthest(one: Box, other: Box) -> float:
    return max(
        abs(one.left - other.left),
        abs(one.top - other.top),
        abs(one.right - other.right),
        abs(one.bottom - other.bottom),
    )


@given(annotation_sets())
def test_pixels_to_pixels(annotations: AnnotationSet) -> None:
    document = coco.write(annotations)

    assert coco.write(coco.read(document, sizes={})) == document


@given(annotation_sets())
def test_pixels_to_azureml_and_back_are_the_same_document(annotations: AnnotationSet) -> None:
    document = coco.write(annotations)
    read = azureml.read(azureml.write(coco.read(document, sizes={})), sizes={})

    assert coco.write(read) == document


@given(annotation_sets())
def test_what_came_from_azureml_goes_back_under_the_same_name(annotations: AnnotationSet) -> None:
    export = azureml.write(annotations, datastore="store/panoramas")
    read = azureml.read(export, sizes={})
    stripped = replace(
        read, images=tuple(replace(one, name=one.name.removeprefix("panoramas/")) for one in read.images)
    )

    assert [one["file_name"] for one in export["images"]] == [f"panoramas/{one.name}" for one in annotations.images]
    assert azureml.write(stripped)["images"] == export["images"]


@given(annotation_sets(), st.sampled_from(yolo.Classes))
def test_pixels_to_yolo_and_back_with_categories(annotations: AnnotationSet, classes: yolo.Classes) -> None:
    # Two objects across the seam with equal upper and lower edges cannot be told apart by their halves.
    edges = [(one.image, round(one.box.top), round(one.box.bottom)) for one in annotations.annotations]
    assume(len(set(edges)) == len(edges))
    written = yolo.write(annotations, classes=classes, keep_category=True)
    read = by_image(yolo.read(written.texts, sizes={}))

    left_out = "car" if classes is yolo.Classes.DETECTOR else None
    for name, sent in by_image(annotations).items():
        expected = [(category, box) for category, box in sent if category != left_out]
        assert [category for category, _ in read[name]] == [category for category, _ in expected]
        for (_, box), (_, back) in zip(expected, read[name], strict=True):
            assert furthest(box, back) < YOLO_BOUND_PX
    assert sum(written.left_out.values()) == sum(
        annotations.categories[one.category] == left_out for one in annotations.annotations
    )


@given(annotation_sets())
def test_every_number_in_a_yolo_file_lies_between_0_and_1(annotations: AnnotationSet) -> None:
    for path, text in yolo.write(annotations).texts.items():
        if path.startswith(yolo.LABELS):
            for line in text.splitlines():
                assert all(0 <= float(value) <= 1 for value in line.split()[1:])


@given(annotation_sets(), st.one_of(st.integers(16, 9000).map(to_width), st.integers(16, 9000).map(to_max_side)))
def test_resizing_there_and_back(annotations: AnnotationSet, resize: Resize) -> None:
    there = resized(annotations, resize)
    originals = {image.size: image.size for image in annotations.images}
    for image, other in zip(annotations.images, there.images, strict=True):
        one = replace(
            annotations,
            images=(image,),
            annotations=tuple(a for a in annotations.annotations if a.image == image.number),
        )
        moved = replace(
            there, images=(other,), annotations=tuple(a for a in there.annotations if a.image == image.number)
        )
        back = resized(moved, lambda _, size=originals[image.size]: size)

        assert back.images == one.images
        assert all(furthest(a.box, b.box) < 1e-6 for a, b in zip(one.annotations, back.annotations, strict=True))


@given(annotation_sets(), st.integers(16, 9000))
def test_resizing_keeps_what_a_box_is_a_share_of(annotations: AnnotationSet, width: int) -> None:
    there = resized(annotations, to_width(width))

    assert {image.size.width_px for image in there.images} == {width}
    for before, after in zip(
        azureml.write(annotations)["annotations"], azureml.write(there)["annotations"], strict=True
    ):
        assert after["bbox"] == pytest.approx(before["bbox"])
        assert after["area"] == pytest.approx(before["area"])


@given(sizes().flatmap(lambda size: st.tuples(st.just(size), boxes(size))))
def test_the_parts_at_the_seam_lie_in_the_picture_and_have_the_area_of_the_box(drawn: tuple[Size, Box]) -> None:
    size, box = drawn
    parts = seam.cut(box, size)

    assert sum(part.area for part in parts) == pytest.approx(box.area)
    assert all(part.left >= 0 and part.right <= size.width_px + 1e-6 and part.top >= 0 for part in parts)
    assert len(parts) == (2 if box.crosses_seam(size) else 1)


@given(annotation_sets())
def test_what_is_right_stays_right_through_every_format(annotations: AnnotationSet) -> None:
    stopping = [one for one in check(annotations) if one.kind.drops]
    assume(not stopping)

    for read in (
        coco.read(coco.write(annotations), sizes={}),
        azureml.read(azureml.write(annotations), sizes={}),
        yolo.read(yolo.write(annotations).texts, sizes={}),
    ):
        assert [one for one in check(read) if one.kind.stops] == []


def test_the_two_files_of_the_test_panoramas_convert_into_each_other(test_data: Path) -> None:
    folder = test_data / "panoramas"
    pixels, export = folder / "annotations-coco.json", folder / "annotations-azureml.json"
    assert (files.format_of(pixels), files.format_of(export)) == (Format.COCO, Format.AZUREML)

    from_pixels, from_export = files.read(pixels, Format.COCO), files.read(export, Format.AZUREML)

    assert from_export.unread == from_pixels.unread == ()
    assert [image.name for image in from_export.images] == [image.name for image in from_pixels.images]
    assert {one.number: one.box for one in from_export.annotations} == {
        one.number: one.box for one in from_pixels.annotations
    }
    there = azureml.write(from_pixels, datastore="example_datastore/panoramas")
    assert azureml.read(there, sizes={}).annotations == from_pixels.annotations
