"""Which Exif tags stay, and in which form. Source: CIPA DC-008-2019 (Exif 2.32), 4.6, and TIFF 6.0 for the types.

A tag on these lists is no promise about its value: a text can stand where the standard wants a number. So each has a
form, and what does not fit it goes. Only `Make`, `Model`, `LensMake`, `LensModel` and `Copyright` are free texts.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from baas_preprocess.container.tiff import Entry

ORIENTATION: Final = 0x0112

_TEXT: Final = frozenset({2})
# Cameras confuse widths and signs, and a number stays a number.
_WHOLE: Final = frozenset({1, 3, 4, 6, 8, 9})
_FRACTION: Final = frozenset({5, 10})
# Some cameras write these four letters as a text.
_OPAQUE: Final = frozenset({2, 7})


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What a tag's value must look like to stay."""

    kinds: frozenset[int]
    """Types, by TIFF's numbers."""
    most: int
    """Values at most; texts are counted in bytes."""
    pattern: re.Pattern[bytes] | None = None
    """All bytes of the value."""

    def fits(self, entry: Entry) -> bool:
        """Whether a tag has this form."""
        is_known = entry.kind in self.kinds and 1 <= entry.count <= self.most
        return is_known and (self.pattern is None or self.pattern.fullmatch(entry.value) is not None)


def _text(pattern: bytes, most: int = 64) -> Form:
    """A text that looks like this; NUL ends it, more often than once in fields of a fixed length."""
    return Form(kinds=_TEXT, most=most, pattern=re.compile(rb"(?:%b)\0*" % pattern))


def _opaque(pattern: bytes) -> Form:
    return Form(kinds=_OPAQUE, most=5, pattern=re.compile(pattern))


def _all(form: Form, *tags: int) -> Iterable[tuple[int, Form]]:
    return ((tag, form) for tag in tags)


_NUMBER: Final = Form(kinds=_WHOLE, most=1)
_RATIO: Final = Form(kinds=_FRACTION, most=1)
_RATIOS: Final = {count: Form(kinds=_FRACTION, most=count) for count in (2, 3, 4, 6)}
_VERSION: Final = _opaque(rb"[0-9]{4}\0?")
_ONE_OF_FEW: Final = _opaque(rb"[\0-\x03]")
_NAME: Final = _text(rb"[^\0-\x1f\x7f]+")
# Blank where it is unknown, as the standard has it.
_TIME: Final = _text(rb"[0-9 ]{4}:[0-9 ]{2}:[0-9 ]{2} [0-9 ]{2}:[0-9 ]{2}:[0-9 ]{2}")
_OFFSET: Final = _text(rb"[+-][0-9]{2}:[0-9]{2}| {3}: {2}")
_PART_OF_SECOND: Final = _text(rb"[0-9 ]{1,9}")

MAIN_TAGS: Final[Mapping[int, Form]] = dict(
    (
        *_all(_NAME, 0x010F, 0x0110),  # make, model
        *_all(_NUMBER, ORIENTATION, 0x0128, 0x0213),  # unit of resolution, place of chroma
        *_all(_RATIO, 0x011A, 0x011B),  # resolution
        *_all(_TIME, 0x0132),
        *((0x013E, _RATIOS[2]), (0x013F, _RATIOS[6]), (0x0211, _RATIOS[3]), (0x0214, _RATIOS[6])),  # colours' meaning
        # Whoever publishes must not take the notice away. NUL parts photographer and editor.
        *_all(Form(kinds=_TEXT, most=256), 0x8298),
    )
)
EXIF_TAGS: Final[Mapping[int, Form]] = dict(
    (
        *_all(_VERSION, 0x9000, 0xA000),
        *_all(_opaque(rb"[\0-\x06]{4}"), 0x9101),  # components
        *_all(_ONE_OF_FEW, 0xA300, 0xA301),  # file source, scene type
        *_all(_RATIO, 0x9102, 0xA500),  # compression, gamma
        *_all(_NUMBER, 0xA001, 0xA002, 0xA003),  # colour space, size in pixels
        *_all(_RATIO, 0x829A, 0x829D, 0xA215),  # exposure time, f-number, exposure index
        *_all(_NUMBER, 0x8822, *range(0x8830, 0x8836)),  # exposure program, sensitivity
        (0x8827, Form(kinds=_WHOLE, most=3)),  # sensitivity once more
        *_all(_RATIO, *range(0x9201, 0x9207), 0x920A),  # shutter, aperture, brightness, bias, distance, focal length
        *_all(_NUMBER, 0x9207, 0x9208, 0x9209),  # metering, light, flash
        *_all(_RATIO, 0xA20E, 0xA20F, 0xA404),  # resolution of the focal plane, digital zoom
        *_all(_NUMBER, 0xA210, 0xA217, *range(0xA401, 0xA404), *range(0xA405, 0xA40B), 0xA40C, 0xA460),  # sensor, scene
        *_all(_TIME, 0x9003, 0x9004),
        *_all(_OFFSET, 0x9010, 0x9011, 0x9012),
        *_all(_PART_OF_SECOND, 0x9290, 0x9291, 0x9292),
        *_all(_RATIO, *range(0x9400, 0x9406)),  # temperature to camera elevation angle
        (0xA432, _RATIOS[4]),  # lens: lengths and apertures
        *_all(_NAME, 0xA433, 0xA434),  # lens: make and model, without its serial number
    )
)
GPS_TAGS: Final[Mapping[int, Form]] = dict(
    (
        (0x00, Form(kinds=_WHOLE, most=4)),  # version
        *_all(_text(b"[NS]"), 0x01, 0x13),
        *_all(_text(b"[EW]"), 0x03, 0x15),
        *_all(_RATIOS[3], 0x02, 0x04, 0x07, 0x14, 0x16),  # latitude, longitude, time, and those of the destination
        *_all(_NUMBER, 0x05, 0x1E),  # above or below the sea, corrected or not
        *_all(_RATIO, 0x06, 0x0B, 0x0D, 0x0F, 0x11, 0x18, 0x1A, 0x1F),  # altitude, speed, directions, distance, errors
        (0x08, _text(rb"[0-9 ,.:;+-]*")),  # satellites
        (0x09, _text(b"[AV]")),
        (0x0A, _text(b"[23]")),
        *_all(_text(b"[KMN]"), 0x0C, 0x19),
        *_all(_text(b"[TM]"), 0x0E, 0x10, 0x17),
        (0x12, _text(rb"WGS[- ]?(19)?84|ETRS[- ]?(19)?89|TOKYO|JGD[- ]?20[01][01]|NAD[- ]?(19)?(27|83)")),  # datum
        (0x1D, _text(rb"[0-9]{4}:[0-9]{2}:[0-9]{2}")),
        # 0x1B and 0x1C, the method's and the area's names, are free texts.
    )
)
INTEROP_TAGS: Final[Mapping[int, Form]] = dict(
    (
        (0x0001, _text(b"R98|R03|THM")),
        (0x0002, _VERSION),
        *_all(_NUMBER, 0x1001, 0x1002),  # size in pixels
    )
)
