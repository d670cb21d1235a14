"""What a fuzzer does with its bytes. A target says whether a file came of them, and raises for broken promises only.

Whoever refuses a file does so with `NotPublishable`, and for the same reason when asked again. What is finished keeps
the promises of promises.py.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from baas_crds.codes import ObjectClass, QuarantineReason
from baas_crds.errors import NotPublishable
from baas_preprocess.decode import decode
from baas_preprocess.facts import Box, ImageFormat, Inspection, Method, Region
from baas_preprocess.inspection import inspect
from baas_preprocess.mask import mask
from baas_preprocess.redact import redact
from baas_preprocess.scrub import scrub
from baas_preprocess.verify import verify
from tests.fuzz.promises import check_metadata, check_nothing_is_left, check_picture, check_views
from tests.fuzz.seeds import PICTURE_PX
from tests.unit.preprocess import files

MAX_PIXELS: Final = 250_000
"""As 500x500: what an input may cost in time and memory depends on its pixels."""

CLEAN: Final = {
    ImageFormat.JPEG: files.jpeg(*PICTURE_PX),
    ImageFormat.PNG: files.png(*PICTURE_PX),
    ImageFormat.TIFF: files.tiff(),
}


def container(data: bytes) -> bool:
    """Inspect a file, and put its metadata onto a clean picture."""
    found = judged(lambda: inspect(data, max_pixels=MAX_PIXELS))
    if not isinstance(found, Inspection):
        return False
    check_metadata(judged(lambda: scrub(CLEAN[found.format], data, found)), found)
    return True


def judged(step: Callable[[], Any]) -> Any:
    """What a step gives, or why it refuses: both the same when it is done again."""
    answers = [_answer(step), _answer(step)]
    assert answers[0] == answers[1], answers
    return answers[0]


def _answer(step: Callable[[], Any]) -> Any:
    try:
        return step()
    except NotPublishable as refused:
        return refused.reason, str(refused)


HEAD_BYTES: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How a picture is to be redacted. Boxes are in shares of its sides."""

    method: Method
    cells: int
    padding: float
    wraps: bool
    boxes: tuple[tuple[float, float, float, float], ...]

    @classmethod
    def of(cls, head: bytes) -> "Wish":
        """Read any 12 bytes as a wish."""
        head = head.ljust(HEAD_BYTES, b"\0")
        shares = [byte / 255 for byte in head[4:]]
        return cls(
            method=list(Method)[head[0] % len(Method)],
            cells=1 + head[1] % 16,
            padding=head[2] / 128,
            wraps=bool(head[3] & 1),
            boxes=tuple((x, y, x + w, y + h) for x, y, w, h in (shares[:4], shares[4:]))[: head[3] >> 1 & 3],
        )

    def regions(self, seen: Inspection) -> list[Region]:
        """The boxes in pixels of a picture."""
        width, height = seen.width_px, seen.height_px
        return [
            Region(
                box=Box(left * (width - 1), top * (height - 1), right * width, bottom * height),
                object_class=ObjectClass.PERSON,
                score=0.9,
                detections=1,
            )
            for left, top, right, bottom in self.boxes
        ]


def redaction(data: bytes) -> bool:
    """Take a file the whole way, with boxes from the input's first bytes."""
    wish, original = Wish.of(data[:HEAD_BYTES]), data[HEAD_BYTES:]
    seen = judged(lambda: inspect(original, max_pixels=MAX_PIXELS))
    if not isinstance(seen, Inspection):
        return False
    seen = replace(seen, wraps=wish.wraps)
    made = mask(wish.regions(seen), seen, padding=wish.padding, cells=wish.cells)
    try:
        shown = decode(original, seen)
        redacted = redact(original, seen, made, wish.method)
        finished = scrub(redacted.data, original, seen)
        found = replace(inspect(finished, max_pixels=MAX_PIXELS), wraps=wish.wraps)
        verify(finished, found=found, source=seen, mask=made, redacted=redacted)
    except NotPublishable as refused:
        if refused.reason is QuarantineReason.VERIFICATION_FAILED:
            raise AssertionError("what the steps before accepted and did is not right") from refused
        return False
    check_metadata(finished, seen)
    check_picture(original, finished, made, wish.method)
    check_nothing_is_left(original, seen, made, redacted)
    check_views(shown, finished, found, made)
    assert redact(finished, found, made, wish.method).data == redacted.data
    return True


TARGETS: Final[dict[str, Callable[[bytes], bool]]] = {"container": container, "redaction": redaction}
