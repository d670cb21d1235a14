"""Compare the coefficients of two JPEGs by IJG's libjpeg 6b, another program than the one that made them.

The mask is the picture that `--save-masks` wrote. What a block covers follows from the sampling factors alone. Of PNG
and TIFF, blocks of 8x8 pixels are compared as Pillow reads them.
"""

import tempfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import jpeglib
import numpy as np
import numpy.typing as npt
from PIL import Image

from baas_preprocess import raster
from baas_preprocess.facts import Inspection, Mask
from baas_preprocess.inspection import inspect
from baas_preprocess.recipe import Recipe
from baas_preprocess.redact import redact

_SIDE = 8
Covered = npt.NDArray[np.bool_]
"""(height, width): true where a pixel is redacted."""


@dataclass(slots=True, kw_only=True)
class Compared:
    """Counts of blocks, over all components."""

    outside: int = 0
    differing: int = 0
    """Of those outside."""
    inside: int = 0
    left: int = 0
    """Of those inside: others than those of a picture that was empty there before it was redacted."""

    def add(self, other: "Compared") -> None:
        """Count another picture's blocks, too."""
        self.outside += other.outside
        self.differing += other.differing
        self.inside += other.inside
        self.left += other.left


def read_mask(file: Path) -> Covered:
    """Read a mask that `baas blur --save-masks` wrote."""
    with Image.open(file) as picture:
        return np.asarray(picture) > 0


def compared(original: Path, finished: Path, covered: Covered) -> Compared:
    """Compare each block of two pictures. Raises `ValueError` when their sampling or quantisation differs."""
    if not original.read_bytes().startswith(b"\xff\xd8"):
        return _compared_samples(original, finished, covered)
    before, after = jpeglib.read_dct(str(original)), jpeglib.read_dct(str(finished))
    sizes = _block_sizes(before)
    if sizes != _block_sizes(after) or _tables(before) != _tables(after):
        raise ValueError(f"{finished.name} has other sampling or quantisation than its original")
    places = [covered[::height, ::width] for height, width in sizes]
    counts = Compared()
    for inside, old, new in zip(places, _planes(before), _planes(after), strict=True):
        counts.outside += int((~inside).sum())
        counts.differing += int(((old != new).any(axis=(2, 3)) & ~inside).sum())
        counts.inside += int(inside.sum())
        old[inside] = 0
    if counts.inside:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "emptied.jpg"
            before.write_dct(str(file))
            file.write_bytes(_redacted(file.read_bytes(), _inspected(original), covered))
            again = jpeglib.read_dct(str(file))
            again.load()
        for inside, new, other in zip(places, _planes(after), _planes(again), strict=True):
            counts.left += int((new[inside] != other[inside]).any(axis=(1, 2)).sum())
    return counts


def _compared_samples(original: Path, finished: Path, covered: Covered) -> Compared:
    seen, new, inside = _inspected(original), _shown(finished), covered[::_SIDE, ::_SIDE]
    differs = _differs(_shown(original), new)
    counts = Compared(outside=int((~inside).sum()), differing=int((differs & ~inside).sum()), inside=int(inside.sum()))
    if counts.inside:
        picture = raster.read(original.read_bytes(), seen.format)
        emptied = picture.samples.copy()
        emptied[covered, : emptied.shape[2] - picture.has_alpha] = 0
        again = _redacted(raster.write(picture.with_samples(emptied)), seen, covered)
        counts.left = int((_differs(_shown(BytesIO(again)), new) & inside).sum())
    return counts


def _inspected(file: Path) -> Inspection:
    return inspect(file.read_bytes(), max_pixels=10**9)


def _redacted(emptied: bytes, seen: Inspection, covered: Covered) -> bytes:
    """Redact a picture that was emptied inside of the mask."""
    cells = np.where(covered[:: seen.unit_px[1], :: seen.unit_px[0]], 0, -1).astype(np.int32)
    made = Mask(unit_px=seen.unit_px, width_px=seen.width_px, height_px=seen.height_px, cells=cells, cell_count=1)
    return redact(emptied, seen, made, Recipe().method).data


def _shown(file: Path | BytesIO) -> npt.NDArray[Any]:
    """(height, width, channels): what Pillow makes of a picture."""
    with Image.open(file) as picture:
        # Of grey with 16 bits it knows no other form.
        samples = np.asarray(picture if picture.mode.startswith("I") else picture.convert("RGBA"))
    return samples.reshape(*samples.shape[:2], -1)


def _differs(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """For each block of 8x8 pixels, whether it is another."""
    unlike = (one != other).any(axis=2)
    height, width = unlike.shape
    whole = np.pad(unlike, ((0, -height % _SIDE), (0, -width % _SIDE)))
    return whole.reshape(whole.shape[0] // _SIDE, _SIDE, -1, _SIDE).any(axis=(1, 3))


def _planes(picture: jpeglib.DCTJPEG) -> list[npt.NDArray[np.int16]]:
    """(rows, columns, 8, 8) of each component."""
    return [plane for plane in (picture.Y, picture.Cb, picture.Cr) if plane is not None]


def _block_sizes(picture: jpeglib.DCTJPEG) -> list[tuple[int, int]]:
    """(height, width) in pixels that a block of each component covers; a lone component's factors mean nothing."""
    down, across = picture.samp_factor.max(axis=0)
    if picture.num_components == 1:
        return [(8, 8)]
    return [(8 * int(down) // int(own_down), 8 * int(across) // int(own)) for own_down, own in picture.samp_factor]


def _tables(picture: jpeglib.DCTJPEG) -> list[bytes]:
    """The quantisation table of each component."""
    return [picture.qt[number].tobytes() for number in picture.quant_tbl_no]
