"""YOLO's text files: what is written, and what is read of other people's."""

import pytest
import yaml

from baas_crds.errors import ConfigurationError
from baas_detector.annotations import yolo
from baas_detector.annotations.findings import Kind
from baas_detector.annotations.model import Annotation, AnnotationSet, Box, Image, Size

PANORAMA = Image(number=1, name="west/pano.jpg", size=Size(width_px=1000, height_px=500))
EMPTY = Image(number=2, name="empty.png", size=Size(width_px=640, height_px=480))
CATEGORIES = {4: "woman/elder/unknown/wheelchair", 6: "licence_plate/foreign", 8: "car"}


def annotated(*boxes: tuple[int, Box]) -> AnnotationSet:
    return AnnotationSet(
        images=(PANORAMA, EMPTY),
        annotations=tuple(
            Annotation(number=number, image=1, category=category, box=box)
            for number, (category, box) in enumerate(boxes, 1)
        ),
        categories=CATEGORIES,
    )


PERSON = (4, Box(left=980, top=200, width=40, height=100))
PLATE = (6, Box(left=100, top=300, width=50, height=20))
CAR = (8, Box(left=90, top=250, width=80, height=80))


def test_a_line_is_class_middle_and_lengths_in_shares_and_a_box_across_the_seam_is_two() -> None:
    texts = yolo.write(annotated(PERSON, PLATE)).texts

    assert texts["labels/west/pano.txt"] == (
        "0 0.99000000 0.50000000 0.02000000 0.20000000\n"
        "0 0.01000000 0.50000000 0.02000000 0.20000000\n"
        "1 0.12500000 0.62000000 0.05000000 0.04000000\n"
    )
    assert texts["labels/empty.txt"] == ""
    assert texts["images.csv"] == "file_name,width,height\nwest/pano.jpg,1000,500\nempty.png,640,480\n"
    assert yaml.safe_load(texts["data.yaml"]) == {
        "train": "images",
        "val": "images",
        "names": {0: "person", 1: "licence_plate"},
    }


def test_the_sixth_column_is_the_original_category_whose_name_stands_in_data_yaml() -> None:
    texts = yolo.write(annotated(PERSON, PLATE), keep_category=True).texts

    assert [line.split()[5] for line in texts["labels/west/pano.txt"].splitlines()] == ["4", "4", "6"]
    assert yaml.safe_load(texts["data.yaml"])["categories"] == CATEGORIES


def test_what_is_neither_person_nor_plate_is_left_out_and_counted() -> None:
    written = yolo.write(annotated(CAR, PLATE, CAR))

    assert written.left_out == {"car": 2}
    assert len(written.texts["labels/west/pano.txt"].splitlines()) == 1


def test_original_classes_keep_everything() -> None:
    written = yolo.write(annotated(CAR, PLATE), classes=yolo.Classes.ORIGINAL)

    assert written.left_out == {}
    assert [line.split()[0] for line in written.texts["labels/west/pano.txt"].splitlines()] == ["2", "1"]
    assert yaml.safe_load(written.texts["data.yaml"])["names"] == dict(enumerate(CATEGORIES.values()))


def test_subsets_become_lists_of_pictures() -> None:
    texts = yolo.write(annotated(), subsets={"train": ["west/pano.jpg"], "val": ["empty.png"]}).texts

    data = yaml.safe_load(texts["data.yaml"])
    assert (data["train"], data["val"]) == ("train.txt", "val.txt")
    assert (texts["train.txt"], texts["val.txt"]) == ("./images/west/pano.jpg\n", "./images/empty.png\n")


def test_two_pictures_that_would_share_their_labels_are_refused() -> None:
    twins = AnnotationSet(
        images=(EMPTY, Image(number=3, name="empty.jpg", size=EMPTY.size)), annotations=(), categories={}
    )

    with pytest.raises(ConfigurationError, match=r"labels/empty\.txt"):
        yolo.write(twins)


def test_labels_of_others_are_read_with_the_sizes_of_their_pictures() -> None:
    texts = {
        "data.yaml": "names: [License Plate, person]\n",
        "labels/a.txt": "0 .5 .5 .1 .2\n\n1 0.25 0.5 0.1 0.2\n",
    }
    read = yolo.read(texts, sizes={"a.png": Size(width_px=100, height_px=100)})

    assert [(read.categories[one.category], one.box) for one in read.annotations] == [
        ("licence_plate", Box(left=45, top=40, width=10, height=20)),
        ("person", Box(left=20, top=40, width=10, height=20)),
    ]
    with pytest.raises(ConfigurationError, match="give the pictures with --images"):
        yolo.read(texts, sizes={})


@pytest.mark.parametrize(
    ("left", "right", "objects"),
    [
        pytest.param("0 0.99 0.5 0.02 0.2", "0 0.01 0.5 0.02 0.2", 1, id="one object"),
        pytest.param("0 0.99 0.5 0.02 0.2", "1 0.01 0.5 0.02 0.2", 2, id="two classes"),
        pytest.param("0 0.99 0.5 0.02 0.2", "0 0.01 0.6 0.02 0.2", 2, id="another height"),
        pytest.param("0 0.98 0.5 0.02 0.2", "0 0.01 0.5 0.02 0.2", 2, id="not at the right edge"),
        pytest.param("0 0.99 0.5 0.02 0.2", "0 0.02 0.5 0.02 0.2", 2, id="not at the left edge"),
    ],
)
def test_halves_at_the_seam_are_joined_where_they_fit(left: str, right: str, objects: int) -> None:
    for order in ((left, right), (right, left)):
        texts = {"labels/pano.txt": "\n".join(order)}

        assert len(yolo.read(texts, sizes={"pano.jpg": PANORAMA.size}).annotations) == objects
        flat = yolo.read(texts, sizes={"pano.jpg": Size(width_px=1000, height_px=800)})
        assert len(flat.annotations) == 2, "a flat picture has no seam"


def test_a_half_at_the_seam_is_joined_with_that_of_its_category() -> None:
    lines = ("0 0.99 0.5 0.02 0.2", "1 0.01 0.5 0.02 0.2", "0 0.01 0.5 0.02 0.2")
    read = yolo.read({"labels/pano.txt": "\n".join(lines)}, sizes={"pano.jpg": PANORAMA.size})

    assert [(one.category, one.box.width) for one in read.annotations] == [(1, 40), (2, 20)]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("0 0.5 0.5 0.1", Kind.NO_BOX),
        ("0 0.5 0.5 0.1 0.1 1 1", Kind.NO_BOX),
        ("0 0.5 0.5 0.1 wide", Kind.NO_BOX),
        ("0 0.5 0.5 0.1 nan", Kind.NO_BOX),
        ("5 0.5 0.5 0.1 0.1", Kind.NO_CATEGORY),
    ],
)
def test_a_line_that_is_no_object_is_named(line: str, kind: Kind) -> None:
    texts = {"labels/pano.txt": f"0 0.5 0.5 0.1 0.1\n{line}\n"}
    read = yolo.read(texts, sizes={"pano.jpg": PANORAMA.size})

    assert [(one.kind, one.entry) for one in read.unread] == [(kind, "line 2 of labels/pano.txt")]
    assert len(read.annotations) == 1


def test_labels_without_a_picture_are_named() -> None:
    read = yolo.read({"labels/lost.txt": "0 0.5 0.5 0.1 0.1\n"}, sizes={"pano.jpg": PANORAMA.size})

    assert [(one.kind, one.entry) for one in read.unread] == [(Kind.NO_PICTURE, "labels/lost.txt")]


@pytest.mark.parametrize(
    "data", ["nothing: 1", "names: 7", "names: {one: person}", "[", "names: [person]\ncategories: 3"]
)
def test_data_without_names_is_refused(data: str) -> None:
    with pytest.raises(ConfigurationError, match=r"data\.yaml cannot be used"):
        yolo.read({"data.yaml": data}, sizes={})
