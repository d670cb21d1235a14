"""In which form should tiles travel to Triton? CPU on both sides, and bytes, for one panorama.

    nice .venv/bin/python -m hack.studies.wire_forms PANORAMA.jpg

Compared are what the worker sends today (RGB tiles), planes of YCbCr with the chroma as it is stored, and JPEG crops
that are cut out of the coefficients without loss. What gRPC costs for each byte is measured by the benchmark `worker`.
The table is in docs/performance/worker.md.
"""

import ctypes
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeAlias

import click
import cv2
import numpy as np
import numpy.typing as npt

from baas_preprocess import libjpeg
from baas_preprocess.facts import Inspection, Pixels, Tile
from baas_preprocess.inspection import inspect
from baas_preprocess.tile import cut, tiles
from baas_preprocess.turbojpeg import Region, Transform, check, handle_of, load_library

Plane: TypeAlias = npt.NDArray[np.uint8]
ROUNDS = 5
_COPY_NO_METADATA, _CROP = 64, 4


class Form(NamedTuple):
    """What is sent, and how the two sides come by it."""

    name: str
    send: Callable[[], Sequence[bytes]]
    receive: Callable[[Sequence[bytes]], object]


@click.command()
@click.argument("panorama", type=click.Path(path_type=Path, exists=True))
def main(panorama: Path) -> None:
    """Print the table for a baseline 4:2:0 panorama."""
    data = panorama.read_bytes()
    seen = inspect(data, max_pixels=10**9)
    native = tiles(seen.width_px, seen.height_px, wraps=seen.wraps, is_sphere=seen.is_sphere)[:-1]
    forms = [
        Form("RGB, as now", lambda: _rgb(data, native), lambda sent: sent),
        Form("YCbCr 4:2:0 planes", lambda: _planes(data, seen, native), lambda sent: _from_planes(sent, native)),
        Form("JPEG crops", lambda: _crops(data, _within(native, seen.width_px)), _from_crops),
    ]
    click.echo("| native tiles as | MB | worker, ms | server, ms |\n|---|--:|--:|--:|")
    for form in forms:
        sent = form.send()
        here = _milliseconds(form.send)
        there = _milliseconds(partial(form.receive, sent))
        click.echo(f"| {form.name} | {sum(map(len, sent)) / 1e6:.1f} | {here:.0f} | {there:.0f} |")


def _milliseconds(do: Callable[[], object]) -> float:
    """The median CPU time of this process."""
    spent = []
    for _ in range(ROUNDS):
        start = time.process_time()
        do()
        spent.append(1e3 * (time.process_time() - start))
    return statistics.median(spent)


def _rgb(data: bytes, native: Sequence[Tile]) -> list[bytes]:
    pixels = libjpeg.decode(data)
    return [cut(pixels, tile).tobytes() for tile in native]


def _planes(data: bytes, seen: Inspection, native: Sequence[Tile]) -> list[bytes]:
    library = load_library()
    width, height = seen.width_px, seen.height_px
    planes = [np.empty((height, width), np.uint8), *(np.empty((height // 2, width // 2), np.uint8) for _ in range(2))]
    addresses = (ctypes.c_void_p * 3)(*(plane.ctypes.data for plane in planes))
    with handle_of(library, library.tjInitDecompress) as handle:
        size = ctypes.c_ulong(len(data))
        read = library.tjDecompressToYUVPlanes
        read.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_ulong, *[ctypes.c_void_p] * 1, ctypes.c_int]
        read.argtypes += [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]
        check(library, handle, read(handle, data, size, addresses, width, None, height, 0))
    return [b"".join(_part(plane, tile, 1 if plane is planes[0] else 2) for plane in planes) for tile in native]


def _part(plane: Plane, tile: Tile, divisor: int) -> bytes:
    left, top, width, height = (side // divisor for side in (tile.left, tile.top, tile.width, tile.height))
    rows = plane[top : top + height]
    beyond = left + width - plane.shape[1]
    part = rows[:, left : left + width] if beyond <= 0 else np.hstack([rows[:, left:], rows[:, :beyond]])
    return part.tobytes()


def _from_planes(sent: Sequence[bytes], native: Sequence[Tile]) -> list[Pixels]:
    shown = []
    for part, tile in zip(sent, native, strict=True):
        planes = np.frombuffer(part, np.uint8).reshape(tile.height * 3 // 2, tile.width)
        shown.append(np.asarray(cv2.cvtColor(planes, cv2.COLOR_YUV2RGB_I420), np.uint8))
    return shown


def _within(native: Sequence[Tile], width_px: int) -> list[tuple[int, int, int, int]]:
    """Left, top, width and height of each tile; one across the seam becomes two."""
    found = []
    for tile in native:
        inside = min(tile.width, width_px - tile.left)
        found.append((tile.left, tile.top, inside, tile.height))
        if inside < tile.width:
            found.append((0, tile.top, tile.width - inside, tile.height))
    return found


def _crops(data: bytes, places: Sequence[tuple[int, int, int, int]]) -> list[bytes]:
    """Cut JPEGs out of the coefficients, all in one pass."""
    library = load_library()
    count = len(places)
    transforms = (Transform * count)()
    for transform, place in zip(transforms, places, strict=True):
        transform.options, transform.crop = _COPY_NO_METADATA | _CROP, Region(*place)
    buffers, sizes = (ctypes.c_void_p * count)(), (ctypes.c_ulong * count)()
    with handle_of(library, library.tjInitTransform) as handle:
        check(library, handle, library.tjTransform(handle, data, len(data), count, buffers, sizes, transforms, 0))
    crops = [ctypes.string_at(buffer, size) for buffer, size in zip(buffers, sizes, strict=True)]
    for buffer in buffers:
        library.tjFree(buffer)
    return crops


def _from_crops(sent: Sequence[bytes]) -> list[Pixels]:
    return [libjpeg.decode(crop) for crop in sent]


if __name__ == "__main__":
    main()
