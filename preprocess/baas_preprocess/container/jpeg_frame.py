"""How a JPEG's picture is coded (ITU-T T.81, B.2.2), and which codings can be redacted."""

from dataclasses import dataclass
from typing import Final

from baas_preprocess.container.jpeg import DNL, FRAMES, SOS, Jpeg, Segment
from baas_preprocess.container.refusals import damaged, unsupported

_BASELINE: Final = 0xC0
_EXTENDED: Final = 0xC1
_PROGRESSIVE: Final = 0xC2
_PROCESSES: Final = {_BASELINE: "baseline", _EXTENDED: "extended", _PROGRESSIVE: "progressive"}
_REFUSED: Final = {
    0xC3: "lossless JPEG",
    0xC5: "hierarchical JPEG",
    0xC6: "hierarchical JPEG",
    0xC7: "hierarchical lossless JPEG",
    0xC9: "arithmetic coding",
    0xCA: "progressive arithmetic coding",
    0xCB: "lossless arithmetic coding",
    0xCD: "hierarchical arithmetic coding",
    0xCE: "hierarchical arithmetic coding",
    0xCF: "hierarchical lossless arithmetic coding",
    0xF7: "JPEG-LS",
}
_HIERARCHICAL: Final = frozenset({0xDE, 0xDF})
_SAMPLINGS: Final = {
    (1, 1): "4:4:4",
    (2, 1): "4:2:2",
    (2, 2): "4:2:0",
    (1, 2): "4:4:0",
    (4, 1): "4:1:1",
}
"""Luma samples for each chroma sample, across and down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One colour plane and its sampling factors."""

    number: int
    across: int
    down: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The frame header."""

    marker: int
    precision: int
    width_px: int
    height_px: int
    components: tuple[Component, ...]

    @property
    def unit_px(self) -> tuple[int, int]:
        """(width, height) of an MCU. A single component is never interleaved, whatever its factors (A.2.2)."""
        if len(self.components) == 1:
            return (8, 8)
        return (8 * max(part.across for part in self.components), 8 * max(part.down for part in self.components))


def frame_of(jpeg: Jpeg) -> Frame:
    """Read the frame header. Raises `NotPublishable` when there is not exactly one, before the first scan."""
    headers = [segment for segment in jpeg.segments if segment.marker in FRAMES]
    scans = [segment for segment in jpeg.segments if segment.marker == SOS]
    if any(segment.marker in _HIERARCHICAL for segment in jpeg.segments):
        raise unsupported("hierarchical JPEG")
    if len(headers) != 1:
        raise damaged(f"it has {len(headers)} frame headers (SOF); exactly one is expected")
    if not scans or scans[0].start < headers[0].start:
        raise damaged("it has no scan behind its frame header")
    return _parsed(headers[0])


def _parsed(header: Segment) -> Frame:
    payload = header.payload
    if len(payload) < 6 or len(payload) != 6 + 3 * payload[5] or not payload[5]:
        raise damaged("the frame header's length does not fit its number of components")
    components = tuple(
        Component(number=payload[at], across=payload[at + 1] >> 4, down=payload[at + 1] & 15)
        for at in range(6, len(payload), 3)
    )
    if any(not 1 <= factor <= 4 for part in components for factor in (part.across, part.down)):
        raise damaged("a sampling factor is outside 1..4")
    return Frame(
        marker=header.marker,
        precision=payload[0],
        height_px=int.from_bytes(payload[1:3], "big"),
        width_px=int.from_bytes(payload[3:5], "big"),
        components=components,
    )


def checked_coding(jpeg: Jpeg, frame: Frame, *, is_jfif: bool, adobe_transform: int | None) -> str:
    """Name the coding, such as `baseline 4:2:0`.

    Raises `NotPublishable`: Unsupported, with the coding's name, or Damaged when a component has no picture data.
    `adobe_transform` is the colour transform of the Adobe segment, None without one; JFIF outweighs it.
    """
    if frame.marker in _REFUSED:
        raise unsupported(_REFUSED[frame.marker])
    if frame.precision != 8:
        raise unsupported(f"{frame.precision} bits per sample")
    heights = {int.from_bytes(segment.payload, "big") for segment in jpeg.segments if segment.marker == DNL}
    if frame.height_px == 0 or heights - {frame.height_px}:
        raise unsupported("a JPEG that tells its height only behind the first scan (DNL)")
    if frame.width_px == 0:
        raise damaged("its width is 0")
    if len(frame.components) == 4:
        raise unsupported("YCCK colours" if adobe_transform == 2 else "CMYK colours")
    if len(frame.components) not in {1, 3}:
        raise unsupported(f"{len(frame.components)} colour components")
    _check_scans(jpeg, frame)
    if len(frame.components) == 1:
        return f"{_PROCESSES[frame.marker]} grey"
    is_rgb = not is_jfif and _is_rgb(frame, adobe_transform)
    return f"{_PROCESSES[frame.marker]} {'RGB ' if is_rgb else ''}{_sampling(frame)}"


def _is_rgb(frame: Frame, adobe_transform: int | None) -> bool:
    """Whether the components are colours as they are; libjpeg decides in the same way (`default_decompress_parms`)."""
    if adobe_transform is None:
        return bytes(part.number for part in frame.components) == b"RGB"
    if adobe_transform > 1:
        raise unsupported(f"three colour components with the Adobe transform {adobe_transform}")
    return adobe_transform == 0


def _sampling(frame: Frame) -> str:
    first, second, third = frame.components
    if (second.across, second.down) != (third.across, third.down):
        raise unsupported("chroma planes of different sampling")
    across, odd_across = divmod(first.across, second.across)
    down, odd_down = divmod(first.down, second.down)
    sampling = _SAMPLINGS.get((across, down))
    if odd_across or odd_down or sampling is None:
        factors = " ".join(f"{part.across}x{part.down}" for part in frame.components)
        raise unsupported(f"sampling factors {factors}")
    return sampling


def _check_scans(jpeg: Jpeg, frame: Frame) -> None:
    """Demand the DC coefficients of every component: without them nobody can tell what a viewer shows."""
    numbers = {part.number for part in frame.components}
    if len(numbers) != len(frame.components):
        raise damaged("two components have the same number")
    seen: set[int] = set()
    for scan in (segment.payload for segment in jpeg.segments if segment.marker == SOS):
        count = scan[0] if scan else 0
        if not 1 <= count <= 4 or len(scan) != 4 + 2 * count:
            raise damaged("the length of a scan header does not fit its number of components")
        listed = set(scan[1 : 1 + 2 * count : 2])
        if not listed <= numbers:
            raise damaged("a scan names a component that the frame header lacks")
        if scan[-3] == 0 and scan[-1] >> 4 == 0:  # begins with DC, and is not a refinement of an earlier scan
            seen |= listed
    if seen != numbers:
        raise damaged(f"{len(numbers - seen)} of {len(numbers)} colour components have no picture data")
