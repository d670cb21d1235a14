"""Does the detector find the person or plate again? Measured on labelled pictures, redacted by their labels."""

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from baas_detector.accuracy import Rows
from baas_detector.attack.lineups import Restore
from baas_detector.attack.pictures import labelled_pictures, read_labelled, read_picture
from baas_detector.attack.redactions import Redaction, Wanted
from baas_detector.attack.results import Attack, Result
from baas_detector.checks import Finder, Tile
from baas_detector.contract import DetectedClass
from baas_detector.truth import LabelledImage, LabelledObject

REDACTED = "as redacted"
SURE = 0.25
"""A network's usual threshold. The pipeline's own is far lower, where shadows are taken for people, too."""
SAME_IOU = 0.5
MOST_RESTORED = 60
"""Deconvolution takes long: it is tried on so many of a class at most."""
_LARGEST_PX = 2048
_WINDOW_PX = 1024
"""Of a larger picture the detector sees a window around each object, in full resolution as in the pipeline."""
_GRID_PX = 128
"""Sizes are rounded up to it, so that the network is made ready for few of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What the detector is shown of a picture, and the objects to find there."""

    left: int
    top: int
    width: int
    height: int
    objects: tuple[LabelledObject, ...]

    def cut(self, picture: Tile) -> Tile:
        """Cut it out, on grey up to whole steps of size; beyond the right edge the picture goes on at the left one."""
        across = np.arange(self.left, self.left + self.width)
        seen = picture[self.top : self.top + self.height].take(across, axis=1, mode="wrap")
        more = (-seen.shape[0] % _GRID_PX, -seen.shape[1] % _GRID_PX)
        return np.pad(seen, ((0, more[0]), (0, more[1]), (0, 0)), constant_values=128)

    def boxes(self, object_class: DetectedClass) -> npt.NDArray[np.float64]:
        """(objects, 4): left, top, right, bottom in the view."""
        return np.array(
            [
                (left := one.left - self.left, top := one.top - self.top, left + one.width, top + one.height)
                for one in self.objects
                if one.object_class is object_class
            ]
        ).reshape(-1, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gallery:
    """Labelled pictures of a folder of our own, where they can be redacted."""

    folder: Path
    images: Mapping[str, LabelledImage]
    """By file name in the folder."""

    @classmethod
    def copied(cls, folder: Path, persons: Sequence[Path], plates: Sequence[Path]) -> "Gallery":
        """Copy the pictures of COCO files for persons and for plates, each once. Raises `ConfigurationError`."""
        folder.mkdir()
        found = {
            path.resolve(): image
            for files, wanted in ((persons, DetectedClass.PERSON), (plates, DetectedClass.LICENCE_PLATE))
            for path, image in labelled_pictures(files, wanted)
        }
        images = {}
        for number, (path, image) in enumerate(found.items()):
            read_labelled(path, image)
            name = f"{number:05}{path.suffix}"
            shutil.copyfile(path, folder / name)
            images[name] = image
        return cls(folder=folder, images=images)

    def wanted(self) -> Iterator[Wanted]:
        """Give the box of every labelled object, in its picture to the last part of a pixel."""
        for name, image in self.images.items():
            for one in image.objects:
                top, right = max(0.0, one.top), one.left + one.width
                bottom = min(one.top + one.height, image.height_px)
                right = right if one.crosses_seam else min(right, image.width_px)
                yield Wanted(name, one.left, top, right - one.left, bottom - top, one.object_class)

    def try_redaction(
        self, redaction: Redaction, find: Finder, restores: Mapping[str, Restore], padding: float
    ) -> list[Result]:
        """Redact every object, and count those that the detector finds again, before and after each restoration."""
        redacted = self.folder.with_name(f"{self.folder.name}-{redaction.name}")
        shutil.copytree(self.folder, redacted)
        hits: Counter[tuple[str, DetectedClass]] = Counter()
        total: Counter[tuple[str, DetectedClass]] = Counter()
        try:
            redaction.apply(redacted, list(self.wanted()), padding)
            for name, image in self.images.items():
                picture = read_picture(redacted / name)
                for view in views(image):
                    _count(REDACTED, view, find(view.cut(picture)), hits, total)
                    for attempt, restore in restores.items():
                        if all(total[attempt, one.object_class] < MOST_RESTORED for one in view.objects):
                            restored = restored_view(picture, view, restore, padding)
                            _count(attempt, view, find(restored), hits, total)
        finally:
            shutil.rmtree(redacted, ignore_errors=True)
        return [
            Result(
                attack=Attack.FIND,
                redaction=redaction.name,
                group=object_class,
                condition=condition,
                rank=None,
                hits=hits[condition, object_class],
                total=total[condition, object_class],
                chance=None,
            )
            for condition, object_class in total
        ]


def views(image: LabelledImage) -> Iterable[View]:
    """Show a picture whole, or, when it is large, a window for each object."""
    if max(image.width_px, image.height_px) <= _LARGEST_PX:
        yield View(left=0, top=0, width=image.width_px, height=image.height_px, objects=image.objects)
        return
    for one in image.objects:
        side = max(_WINDOW_PX, round(1.5 * max(one.width, one.height)))
        height = min(side, image.height_px)
        top = min(max(0, round(one.top + (one.height - height) / 2)), image.height_px - height)
        left = round(one.left + (one.width - side) / 2)
        yield View(left=left, top=top, width=side, height=height, objects=(one,))


def restored_view(picture: Tile, view: View, restore: Restore, padding: float) -> Tile:
    """Restore every object's padded box in a view."""
    seen = view.cut(picture)
    for one in view.objects:
        around_x, around_y = max(2, padding * one.width), max(2, padding * one.height)
        left, top = one.left - view.left, one.top - view.top
        rows = slice(max(0, int(top - around_y)), int(top + one.height + around_y))
        columns = slice(max(0, int(left - around_x)), int(left + one.width + around_x))
        seen[rows, columns] = restore(seen[rows, columns])
    return seen


def found_again(rows: Rows, boxes: npt.NDArray[np.float64], object_class: DetectedClass) -> npt.NDArray[np.bool_]:
    """Tell which boxes (n, 4) overlap one of the class by at least half of what both cover together."""
    sure = rows[(rows[:, 5] == object_class.number) & (rows[:, 4] >= SURE), :4].astype(np.float64)
    common = _areas(
        np.concatenate(
            [np.maximum(boxes[:, np.newaxis, :2], sure[:, :2]), np.minimum(boxes[:, np.newaxis, 2:], sure[:, 2:])],
            axis=2,
        )
    )
    both = _areas(boxes)[:, np.newaxis] + _areas(sure) - common
    return np.asarray((common >= SAME_IOU * both).any(axis=1))


def _areas(boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray((boxes[..., 2:] - boxes[..., :2]).clip(0).prod(axis=-1))


def _count(
    condition: str,
    view: View,
    rows: Rows,
    hits: "Counter[tuple[str, DetectedClass]]",
    total: "Counter[tuple[str, DetectedClass]]",
) -> None:
    for object_class in {one.object_class for one in view.objects}:
        boxes = view.boxes(object_class)
        hits[condition, object_class] += int(found_again(rows, boxes, object_class).sum())
        total[condition, object_class] += len(boxes)
