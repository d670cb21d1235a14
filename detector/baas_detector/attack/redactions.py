"""The redactions under attack. The edge to the program `baas`: pictures go in, redacted pictures come out."""

import json
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from baas_crds.errors import ConfigurationError
from baas_detector import program
from baas_detector.attack.pictures import read_picture, write_jpeg
from baas_detector.checks import Tile
from baas_detector.contract import DetectedClass


class Method(StrEnum):
    """What can be attacked: the program's methods, and what they are compared with."""

    NONE = "none"
    """No redaction: how good the attacker is at best."""
    GAUSSIAN = "gaussian"
    """What the earlier service did: one fixed Gaussian, whatever the size of the box."""
    PIXELATE = "pixelate"
    BLUR = "blur"
    SOLID = "solid"
    FILL = "fill"


_WITH_CELLS = (Method.PIXELATE, Method.BLUR)
DEFAULT_CELLS = 6
GAUSSIAN_KERNEL_PX = 165
GAUSSIAN_SIGMA_PX = 0.3 * ((GAUSSIAN_KERNEL_PX - 1) / 2 - 1) + 0.8
"""What OpenCV takes when none is given: 25.1 px."""


class Wanted(NamedTuple):
    """A box of a picture that is to be redacted. Beyond the right edge it goes on at the left one."""

    image: str
    left: float
    top: float
    width: float
    height: float
    object_class: DetectedClass


@dataclass(frozen=True, slots=True)
class Redaction:
    """A method and its strength."""

    method: Method
    cells: int | None = None
    """For pixelate and blur alone."""

    @property
    def name(self) -> str:
        """As it is written on the command line: `fill`, `pixelate:6`."""
        return self.method if self.cells is None else f"{self.method}:{self.cells}"

    def apply(self, folder: Path, wanted: Sequence[Wanted], padding: float) -> None:
        """Redact boxes of the pictures in a folder, in place.

        Raises `ConfigurationError` when the program is missing or does not redact them all.
        """
        if self.method is Method.GAUSSIAN:
            _blur(folder, wanted)
        elif self.method is not Method.NONE:
            _redact(folder, wanted, self, padding)


def read_redaction(text: str) -> Redaction:
    """Read `fill`, `pixelate` or `pixelate:6`. Raises `ValueError` with a sentence for anything else."""
    matched = re.fullmatch(r"([a-z]+)(?::([0-9]+))?", text)
    if matched is None or matched[1] not in list(Method):
        raise ValueError(f"{text!r} is no redaction; known are {', '.join(Method)}, the cells as in pixelate:6")
    method, cells = Method(matched[1]), None if matched[2] is None else int(matched[2])
    if method not in _WITH_CELLS and cells is not None:
        raise ValueError(f"{text!r}: {method} has no cells")
    if cells is not None and not 1 <= cells <= 16:
        raise ValueError(f"{text!r}: cells are 1 to 16")
    return Redaction(method, (cells or DEFAULT_CELLS) if method in _WITH_CELLS else None)


def _redact(folder: Path, wanted: Sequence[Wanted], redaction: Redaction, padding: float) -> None:
    reports = folder.parent / f"{folder.name}-reports.json"
    reports.write_text(json.dumps([_report(one) for one in wanted]))
    options = ["--method", redaction.method, "--padding", str(padding), "--unrecorded", "--json"]
    options += [] if redaction.cells is None else ["--cells", str(redaction.cells)]
    done = subprocess.run(
        [program.baas(), "redact-more", folder, "--reports", reports, *options],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        cwd=folder.parent,  # nobody's baas.toml counts
    )
    if done.returncode != 0:
        said = done.stderr.strip() or f"it ended with exit code {done.returncode}"
        raise ConfigurationError(f"`baas redact-more` did not redact with {redaction.name}: {said[:1000]}")


def _report(wanted: Wanted) -> dict[str, object]:
    """What `baas redact-more --reports` reads."""
    box = wanted._asdict()
    object_class = box.pop("object_class")
    return {**box, "class": object_class}


def _blur(folder: Path, wanted: Iterable[Wanted]) -> None:
    """Blur the boxes themselves, without padding, and code the whole picture anew, as the earlier service did."""
    boxes: defaultdict[str, list[Wanted]] = defaultdict(list)
    for one in wanted:
        boxes[one.image].append(one)
    for name, some in boxes.items():
        picture = read_picture(folder / name)
        for box in some:
            _blur_box(picture, box)
        write_jpeg(folder / name, picture)


def _blur_box(picture: Tile, box: Wanted) -> None:
    rows = slice(max(0, int(box.top)), int(box.top + box.height))
    columns = np.arange(int(box.left), int(box.left + box.width)) % picture.shape[1]
    if columns.size and picture[rows].size:
        part = np.ascontiguousarray(picture[rows][:, columns])
        picture[rows, columns] = cv2.GaussianBlur(part, (GAUSSIAN_KERNEL_PX, GAUSSIAN_KERNEL_PX), 0)
