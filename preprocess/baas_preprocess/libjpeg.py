"""JPEG by way of the system's libturbojpeg (`turbojpeg.py`). A warning is an error here.

Coefficients are edited in one lossless pass of `tjTransform`: libjpeg reads all blocks, shows each row of blocks to a
callback, and writes what the callback left. Metadata is never copied. What libjpeg itself drops: restart markers,
optimised Huffman tables, arithmetic coding (it becomes Huffman coding), padding blocks beyond the picture's edge.
"""

import ctypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from baas_preprocess.container import jpeg, jpeg_frame
from baas_preprocess.container.refusals import damaged, unsupported
from baas_preprocess.facts import Levels, Pixels
from baas_preprocess.turbojpeg import Callback, Region, Transform, check, handle_of, load_library

Blocks: TypeAlias = npt.NDArray[np.int16]
"""(blocks, 64): quantised coefficients of 8x8 blocks in natural order; number 0 is the mean (DC)."""

OnRow: TypeAlias = Callable[[int, int, Blocks], npt.NDArray[np.int64] | None]
"""Gets the component's place, the row's number and a view of all its blocks, to read or to write in place.

Returns the numbers of the blocks that it wrote, where it knows them, so that only those are checked; None: any. What it
returns for an output that is not written counts for nothing."""

# libjpeg-turbo 2.1's turbojpeg.h
_RGB = 0
_STOP_ON_WARNING, _LIMIT_SCANS = 8192, 32768
_STRICT = _STOP_ON_WARNING | _LIMIT_SCANS
_OPTION_NO_OUTPUT, _OPTION_PROGRESSIVE, _OPTION_COPY_NO_METADATA = 16, 32, 64
_SAMPLINGS = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0", 3: "grey", 4: "4:4:0", 5: "4:1:1"}
_COLOUR_SPACES = {0: "RGB", 1: "YCbCr", 2: "grey"}

_CHROMA_BLOCK_PX = {"4:4:4": (8, 8), "4:2:2": (16, 8), "4:2:0": (16, 16), "4:4:0": (8, 16), "4:1:1": (32, 8)}

_QUANTISATION = 0xDB
_DCT_PROCESSES = (0xC0, 0xC1, 0xC2, 0xC9, 0xCA)
_PROGRESSIVE = (0xC2, 0xCA)

# ITU-T T.81, figure A.6: where the n-th stored coefficient stands in its block, row by row.
_ZIGZAG = np.array(sorted(range(64), key=lambda n: (n // 8 + n % 8, (n // 8 - n % 8) * (-1) ** (n // 8 + n % 8 + 1))))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plane:
    """One component: so many rows and columns of blocks."""

    number: int
    """What the frame header calls it. Where nothing else tells, viewers take its colour from that."""
    rows: int
    columns: int
    block_px: tuple[int, int]
    """(width, height) that one block covers in the picture."""
    steps: npt.NDArray[np.uint16]
    """(64,): the quantisation table, in natural order."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """What a JPEG's headers say."""

    width_px: int
    height_px: int
    sampling: str
    colour_space: str
    is_progressive: bool
    planes: tuple[Plane, ...]


class Output(NamedTuple):
    """One JPEG to write after `on_row` has seen every row of blocks."""

    on_row: OnRow | None = None
    progressive: bool = False
    is_written: bool = True
    """False: the rows are shown to `on_row`, and that is all."""


def read_frame(data: bytes) -> Frame:
    """Read a JPEG's headers.

    Raises `NotPublishable` for what `edit` cannot do: other than 8 bits, one or three components and common sampling.
    """
    header = _read_header(data)
    library = load_library()
    width, height, sampling, colours = (ctypes.c_int() for _ in range(4))
    with handle_of(library, library.tjInitDecompress) as handle:
        found = library.tjDecompressHeader3(handle, data, len(data), width, height, sampling, colours)
        check(library, handle, found)
    name = _SAMPLINGS.get(sampling.value)
    colour_space = _COLOUR_SPACES.get(colours.value)
    if name is None or colour_space is None:
        raise unsupported(f"a JPEG of libturbojpeg's sampling {sampling.value} and colour space {colours.value}")
    coverages = [(8, 8)] + [_CHROMA_BLOCK_PX[name]] * 2 if len(header.steps) == 3 else [(8, 8)]
    return Frame(
        width_px=width.value,
        height_px=height.value,
        sampling=name,
        colour_space=colour_space,
        is_progressive=header.is_progressive,
        planes=tuple(
            Plane(
                number=number,
                rows=-(-height.value // block[1]),
                columns=-(-width.value // block[0]),
                block_px=block,
                steps=steps,
            )
            for number, block, steps in zip(header.numbers, coverages, header.steps, strict=True)
        ),
    )


def decode(data: bytes, *, least_px: int | None = None, frame: Frame | None = None) -> Pixels:
    """Decode to RGB as stored, without turning by the orientation; grey becomes RGB.

    With `least_px`, at the smallest of 1/8, 1/4, 1/2 and 1 of its size that leaves so many pixels on the long side:
    libjpeg leaves out the finer coefficients, which takes half the time and next to no memory. Whoever has read the
    frame of these bytes may give it.
    Raises `NotPublishable` when libjpeg so much as warns.
    """
    frame = frame or read_frame(data)
    library = load_library()
    width, height = _scaled_size(frame, least_px)
    pixels = np.empty((height, width, 3), np.uint8)
    with handle_of(library, library.tjInitDecompress) as handle:
        found = library.tjDecompress2(handle, data, len(data), pixels.ctypes.data, width, 0, height, _RGB, _STRICT)
        check(library, handle, found)
    return pixels


def _scaled_size(frame: Frame, least_px: int | None) -> tuple[int, int]:
    """Width and height, rounded up as turbojpeg.h's TJSCALED does."""
    whole = frame.width_px, frame.height_px
    for divisor in (8, 4, 2):
        width, height = (-(-side // divisor) for side in whole)
        if least_px is not None and max(width, height) >= least_px:
            return width, height
    return whole


def edit(data: bytes, *outputs: Output, frame: Frame | None = None) -> list[bytes]:
    """Read the coefficients once, then let each output's callback change them in turn, and write those to be written.

    An output starts from what the outputs before it left. Rows come in order, component by component. All blocks that
    no callback touches are the same in every output. An exception in a callback ends the pass and surfaces. Whoever has
    read the frame of these bytes may give it, which saves looking through them once more.
    Raises `NotPublishable` also for coefficients that cannot be written as they are.
    """
    frame = frame or read_frame(data)
    library = load_library()
    raised: list[BaseException] = []
    transforms = (Transform * len(outputs))()
    writes = any(output.is_written for output in outputs)  # what is only read may be anything
    for number, (transform, output) in enumerate(zip(transforms, outputs, strict=True)):
        transform.options = _options(output)
        transform.on_row = _callback(output, frame, raised, is_checked=writes and number == 0)
    buffers, sizes = (ctypes.c_void_p * len(outputs))(), (ctypes.c_ulong * len(outputs))()
    with handle_of(library, library.tjInitTransform) as handle:
        try:
            found = library.tjTransform(handle, data, len(data), len(outputs), buffers, sizes, transforms, _STRICT)
            if raised:
                raise raised[0]
            check(library, handle, found)
            return [
                ctypes.string_at(buffer, size)
                for buffer, size, output in zip(buffers, sizes, outputs, strict=True)
                if output.is_written
            ]
        finally:
            for buffer in buffers:
                library.tjFree(buffer)


def read_levels(data: bytes, frame: Frame) -> Levels:
    """Read the level of every block. Raises as `edit`."""
    levels = tuple(np.empty((plane.rows, plane.columns), np.int16) for plane in frame.planes)

    def note(component: int, row: int, blocks: Blocks) -> None:
        levels[component][row] = blocks[:, 0]

    edit(data, Output(note, is_written=False), frame=frame)
    return levels


def _options(output: Output) -> int:
    return (
        _OPTION_COPY_NO_METADATA
        | (_OPTION_PROGRESSIVE if output.progressive else 0)
        | (0 if output.is_written else _OPTION_NO_OUTPUT)
    )


def _callback(output: Output, frame: Frame, raised: list[BaseException], *, is_checked: bool) -> Any:
    on_row = output.on_row

    def call(address: int, row: Region, plane: Region, component: int, _transform: int, _data: int) -> int:
        try:
            expected = frame.planes[component]
            if (plane.width, plane.height) != (expected.columns * 8, expected.rows * 8):
                raise unsupported(
                    f"a JPEG whose component {component} has {plane.width}x{plane.height} samples, not "
                    f"{expected.columns * 8}x{expected.rows * 8}"
                )
            if row.y < plane.height:  # the last row of MCUs may hold padding rows, which are never written
                memory: Any = (ctypes.c_int16 * (expected.columns * 64)).from_address(address)
                blocks = np.frombuffer(memory, np.int16).reshape(expected.columns, 64)
                if is_checked:
                    _check_range(blocks)
                if on_row is not None:
                    written = on_row(component, row.y // 8, blocks)
                    if output.is_written and (written is None or written.size):
                        _check_range(blocks if written is None else blocks[written])
        except BaseException as error:  # noqa: BLE001 (ctypes would print it and go on)
            raised.append(error)
            return -1
        return 0

    return Callback(call)


def _check_range(blocks: Blocks) -> None:
    """Refuse what Huffman coding cannot hold (ITU-T T.81, F.1.2): libjpeg's fast coder would write something else.

    Levels of 8-bit pictures lie in -1024..1023, so that two of them differ by 11 bits at most; the others have 10 bits.
    """
    least, most = blocks.min(), blocks.max()
    if most > 1023 or least < -1024 or (least == -1024 and (blocks[:, 1:] == -1024).any()):
        raise damaged(f"it has coefficients from {least} to {most}, which no picture of 8 bits has")


class _Header(NamedTuple):
    """What libturbojpeg does not tell."""

    is_progressive: bool
    numbers: list[int]
    """What each component is called."""
    steps: list[npt.NDArray[np.uint16]]
    """The quantisation table of each component."""


def _read_header(data: bytes) -> _Header:
    file = jpeg.walk(data)
    frame = jpeg_frame.frame_of(file)
    if frame.marker not in _DCT_PROCESSES or frame.precision != 8 or len(frame.components) not in (1, 3):
        raise unsupported(
            f"a JPEG of process {frame.marker:#04x} with {len(frame.components)} components of {frame.precision} bits"
        )
    tables: dict[int, npt.NDArray[np.uint16]] = {}
    for segment in file.segments:
        if segment.marker == _QUANTISATION:
            for number, steps in _tables(segment.payload):
                # A table between two scans would hold for some components and not for others.
                if (tables.setdefault(number, steps) != steps).any():
                    raise unsupported("a JPEG that redefines a quantisation table")
    header = next(segment.payload for segment in file.segments if segment.marker == frame.marker)
    used = header[8::3]
    if set(used) - set(tables):
        raise damaged("a component has no quantisation table")
    return _Header(
        is_progressive=frame.marker in _PROGRESSIVE,
        numbers=[part.number for part in frame.components],
        steps=[tables[number] for number in used],
    )


def _tables(payload: bytes) -> Iterator[tuple[int, npt.NDArray[np.uint16]]]:
    """Give the number and the steps of each quantisation table of a segment (ITU-T T.81, B.2.4.1)."""
    while payload:
        size = 128 if payload[0] >> 4 else 64
        if len(payload) <= size:
            raise damaged("a quantisation table is cut off")
        steps = np.empty(64, np.uint16)
        steps[_ZIGZAG] = np.frombuffer(payload, ">u2" if size == 128 else "u1", 64, offset=1)
        yield payload[0] & 15, steps
        payload = payload[1 + size :]
