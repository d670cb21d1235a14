"""What is wrong with annotations that could be read, one small check for each kind. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from baas_crds.errors import ConfigurationError
from baas_detector.annotations.findings import Finding, Kind
from baas_detector.annotations.model import SEAM_SLACK_PX, Annotation, AnnotationSet, Box, Image, Number, Size
from baas_detector.annotations.names import class_of, leads_elsewhere

# In a panorama a person at arm's length is about 45° wide and takes a twelfth of the picture. A box of more than a
# quarter turn, or an eighth of the area, is a slip of the mouse.
_HUGE_IN_PANORAMA_WIDTH = 1 / 4
_HUGE_IN_PANORAMA_AREA = 1 / 8
# In a photo an object may fill nearly all; only a box around the whole picture is none.
_HUGE_IN_PHOTO_AREA = 0.98


def check(annotations: AnnotationSet) -> tuple[Finding, ...]:
    """Return all that is wrong: what the reader found, then images, then annotations in their order."""
    images = {image.number: image for image in annotations.images}
    return (
        *annotations.unread,
        *(one for _, one in _of_images(annotations.images)),
        *(one for _, one in _of_annotations(annotations, images)),
    )


def without_bad(annotations: AnnotationSet) -> tuple[AnnotationSet, tuple[Finding, ...]]:
    """Return what is left without the entries that cannot be converted or are huge, and what was left out, and why.

    With an image go its annotations. When an id or a name occurs again, the later entry goes; annotations of two images
    with one id go, too, since nobody knows to which of them they belong.
    """
    bad_images = [(at, one) for at, one in _of_images(annotations.images) if one.kind.drops]
    at_bad = {at for at, _ in bad_images}
    kept = tuple(image for at, image in enumerate(annotations.images) if at not in at_bad)
    # A picture that occurs again under the same name but another id takes its annotations along; one with the same id
    # makes those of both ambiguous.
    lost = {annotations.images[at].number for at in at_bad}
    left_out = [one for one in annotations.unread if one.kind.drops] + [one for _, one in bad_images]
    images = {image.number: image for image in annotations.images}
    bad = {at: one for at, one in _of_annotations(annotations, images) if one.kind.drops}
    remaining = []
    for at, one in enumerate(annotations.annotations):
        if at in bad:
            left_out.append(bad[at])
        elif one.image in lost:
            problem = "belongs to an image that is left out or whose id occurs again"
            left_out.append(_finding(Kind.NO_PICTURE, one, images[one.image], problem))
        else:
            remaining.append(one)
    bitmaps = tuple(one for one in annotations.unread if not one.kind.drops)
    return replace(annotations, images=kept, annotations=tuple(remaining), unread=bitmaps), tuple(left_out)


def other_sizes(images: Iterable[Image], sizes: Mapping[str, Size]) -> Iterator[Finding]:
    """Tell where a picture's own size, by name, is not that for which its annotations are."""
    for image in images:
        size = sizes.get(image.name, image.size)
        if size != image.size:
            problem = f"has annotations for {image.size} px; the picture is {size} px: see --width"
            yield Finding(kind=Kind.OTHER_SIZE, entry=f"image {image.number}", image=image.name, problem=problem)


def is_huge(box: Box, size: Size) -> bool:
    """Tell whether a box is too large for an object: a slip of the annotator's mouse.

    In a panorama it is wider than a quarter of it (90°) or takes more than an eighth of its area; in any other picture
    it takes more than 98 % of the area.
    """
    share = box.area / (size.width_px * size.height_px)
    if size.wraps:
        return box.width > _HUGE_IN_PANORAMA_WIDTH * size.width_px or share > _HUGE_IN_PANORAMA_AREA
    return share > _HUGE_IN_PHOTO_AREA


def _of_images(images: Iterable[Image]) -> Iterator[tuple[int, Finding]]:
    """Give the position of each image with what is wrong with it."""
    numbers: Counter[Number] = Counter()
    names: Counter[str] = Counter()
    for at, image in enumerate(images):
        label = f"image {image.number}"
        numbers[image.number] += 1
        names[image.name] += 1
        if leads_elsewhere(image.name):
            problem = "has a name that is no relative path without `..`: correct it"
            yield at, Finding(kind=Kind.UNUSABLE_NAME, entry=label, image=image.name, problem=problem)
        elif numbers[image.number] > 1:
            problem = "has an id that another image has: give each one of its own"
            yield at, Finding(kind=Kind.DUPLICATE_ID, entry=label, image=image.name, problem=problem)
        elif names[image.name] > 1:
            problem = "has the name of another image: make one image of them"
            yield at, Finding(kind=Kind.DUPLICATE_NAME, entry=label, image=image.name, problem=problem)


def _of_annotations(annotations: AnnotationSet, images: Mapping[Number, Image]) -> Iterator[tuple[int, Finding]]:
    """Give the position of each annotation with what is wrong with it; what is graver comes first, and alone."""
    numbers: Counter[Number] = Counter()
    boxes: Counter[tuple[Number, Number, Box]] = Counter()
    unknown = _unknown_categories(annotations.categories)
    for at, one in enumerate(annotations.annotations):
        image = images[one.image]
        numbers[one.number] += 1
        boxes[one.image, one.category, one.box] += 1
        if numbers[one.number] > 1:
            problem = "has an id that another annotation has: give each one of its own"
            yield at, _finding(Kind.DUPLICATE_ID, one, image, problem)
        elif one.category in unknown:
            yield at, _finding(Kind.UNKNOWN_CATEGORY, one, image, f"cannot be told. {unknown[one.category]}")
        elif (found := _of_box(one, image)) is not None:
            yield at, found
        elif boxes[one.image, one.category, one.box] > 1:
            yield at, _finding(Kind.SAME_BOX, one, image, "has the box and category of another one")


def _of_box(one: Annotation, image: Image) -> Finding | None:
    box, size = one.box, image.size
    shown = f"has the box {[round(value, 2) for value in (box.left, box.top, box.width, box.height)]}"
    if not (box.width > 0 and box.height > 0):
        return _finding(Kind.ZERO_SIZE, one, image, f"{shown} (x, y, width, height), which has no area: correct it")
    if not _lies_in(box, size):
        return _finding(
            Kind.OUT_OF_RANGE, one, image, f"{shown}, which does not lie in its picture of {size}: correct it"
        )
    if is_huge(box, size):
        return _finding(Kind.HUGE, one, image, f"{shown}, which is too large for an object in a picture of {size}")
    if min(box.width, box.height) < 1:
        return _finding(Kind.TINY, one, image, f"{shown}, which is less than a pixel wide or high")
    return None


def _lies_in(box: Box, size: Size) -> bool:
    """Whether a box lies in its picture; in a panorama it may go on beyond the right edge, once around at most."""
    furthest = box.left + size.width_px if size.wraps else size.width_px
    begins = -SEAM_SLACK_PX <= box.left < size.width_px and box.top >= -SEAM_SLACK_PX
    return begins and box.right <= furthest + SEAM_SLACK_PX and box.bottom <= size.height_px + SEAM_SLACK_PX


def _unknown_categories(categories: Mapping[Number, str]) -> dict[Number, str]:
    """Return why a category is not known, for those that are not."""
    reasons = {}
    for number, name in categories.items():
        try:
            class_of(name)
        except ConfigurationError as error:
            reasons[number] = str(error)
    return reasons


def _finding(kind: Kind, one: Annotation, image: Image, problem: str) -> Finding:
    return Finding(kind=kind, entry=f"annotation {one.number}", image=image.name, problem=problem)
