"""What rows of the earlier service's tables say of one picture, with their faults repaired or refused. Pure functions.

Its faults, as they are in its tables: the lock of a picture was written with the line end of the list it came from;
`inprogress` stayed after a crash; a picture's boxes were written again with each later picture of its batch; corners
in pixels stand in `x_norm`, `y_norm`, `w_norm`, `h_norm`.
"""

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from baas_crds.codes import ObjectClass
from baas_ledger.earlier_tables import EarlierState

PROCESSED, IN_PROGRESS = "processed", "inprogress"
"""What the earlier service wrote as `processing_status`."""
CLASSES = dict(enumerate(ObjectClass))
"""The classes by the numbers that its models gave them."""
SLACK_PX = 1.0
"""So far may a box lie beyond an edge, by rounding; it is cut there."""
SLACK = 1e-3
"""The same of a box in shares."""


class Found(StrEnum):
    """What an import meets and does with it; each is counted."""

    FINISHED = "finished"
    PENDING = "pending"
    UNKNOWN = "unknown"
    WITHOUT_BOXES = "without_boxes"
    TRUSTED = "without_boxes_trusted"
    ELSEWHERE = "elsewhere"
    LINE_ENDS = "line_ends"
    BOXES = "boxes"
    REPAIRED = "boxes_repaired"
    NORMALISED = "boxes_normalised"
    REFUSED = "boxes_refused"
    DUPLICATES = "duplicates_dropped"
    LEFT = "boxes_left"
    ORPHANS = "boxes_without_picture"
    DROPPED = "pictures_dropped"

    @property
    def meaning(self) -> str:
        """What is counted, for a person."""
        return _MEANINGS[self]


_MEANINGS = {
    Found.FINISHED: "pictures that the earlier service finished, by its tables; this service has checked none of them",
    Found.PENDING: "pictures that it began and recorded no end of: to be done",
    Found.UNKNOWN: "pictures with a status that it never wrote: to be done",
    Found.WITHOUT_BOXES: "pictures that it finished and recorded no box of: to be done, a batch may be cut short",
    Found.TRUSTED: "of the finished ones have no box: nobody was there, or a batch was cut short",
    Found.ELSEWHERE: "pictures outside of the folder that is asked for: left out",
    Found.LINE_ENDS: "names with a line end or a leading ./: repaired",
    Found.BOXES: "boxes imported",
    Found.REPAIRED: "of these were corners in pixels, and are shares of the picture now",
    Found.NORMALISED: "of these were shares already, of centre and size",
    Found.REFUSED: "boxes refused: no box, beyond the picture, of unknown size, or of an unknown class",
    Found.DUPLICATES: "boxes dropped that had been written again for later pictures",
    Found.LEFT: "boxes left out, since their picture is to be done, or was done again later",
    Found.ORPHANS: "boxes left out, since no status tells of their picture",
    Found.DROPPED: "pictures imported before and not this time: dropped, and so to be done",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierRow:
    """One row of the earlier service's status of a picture and upload, joined with one of its detections, or none."""

    name: str
    """Without line ends and leading `./`."""
    uploaded: datetime | None
    """As it is stored, without time zone."""
    statuses: Sequence[str | None] | None
    """All that its status rows of this name and upload say; None: there is no such row."""
    unclean: int = 0
    """So many of these rows have another spelling of the name."""
    has_detection: bool | None = None
    """None: no row of detections."""
    class_id: int | None = None
    x_norm: float | None = None
    y_norm: float | None = None
    w_norm: float | None = None
    h_norm: float | None = None
    image_width: int | None = None
    image_height: int | None = None
    conf_score: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierBox:
    """One object, in shares (0..1) of the picture; `x` and `y` are the upper left corner."""

    object_class: ObjectClass
    score: float | None
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierImage:
    """What is imported of one picture."""

    name: str
    """Below the folder that was asked for."""
    filename: str
    uploaded_at: datetime
    state: EarlierState
    boxes: tuple[EarlierBox, ...] = ()
    width_px: int | None = None
    height_px: int | None = None


def read_image(
    rows: Sequence[EarlierRow], counts: Counter[str], *, below: str = "", redo_without_boxes: bool = True
) -> EarlierImage | None:
    """Return what all rows of one name say, and count by `Found` what was met; None when nothing is imported of it.

    The newest upload counts: where it was begun and not finished, an earlier output may have been overwritten by half
    of a file. With `redo_without_boxes` a finished picture without any box is to be done: its batch may have been cut
    short, and the picture published as it was.
    """
    filename = rows[0].name
    uploads = [row.uploaded for row in rows if row.statuses is not None and row.uploaded is not None]
    if not uploads:
        counts[Found.ORPHANS] += sum(row.has_detection is True for row in rows)
        return None
    folder = f"{below}/" if below else ""
    if not filename.startswith(folder) or filename == folder:
        counts[Found.ELSEWHERE] += 1
        return None
    newest = max(uploads)
    ours = [row for row in rows if row.uploaded == newest]
    counts[Found.LINE_ENDS] += sum({row.uploaded: row.unclean for row in rows}.values())
    counts[Found.LEFT] += sum(row.has_detection is True and row.uploaded != newest for row in rows)
    state = _state(ours[0].statuses or ())
    if state is not EarlierState.FINISHED:
        counts[state] += 1
        counts[Found.LEFT] += sum(row.has_detection is True for row in ours)
        return EarlierImage(
            name=filename.removeprefix(folder), filename=filename, uploaded_at=_moment(newest), state=state
        )
    boxes = _boxes(ours, counts)
    is_redone = redo_without_boxes and not boxes
    counts[Found.WITHOUT_BOXES if is_redone else Found.FINISHED] += 1
    counts[Found.TRUSTED] += not boxes and not is_redone
    sized = next((row for row in ours if _is_sized(row)), None)
    return EarlierImage(
        name=filename.removeprefix(folder),
        filename=filename,
        uploaded_at=_moment(newest),
        state=EarlierState.PENDING if is_redone else state,
        boxes=boxes,
        width_px=None if sized is None else sized.image_width,
        height_px=None if sized is None else sized.image_height,
    )


def _state(statuses: Collection[str | None]) -> EarlierState:
    if PROCESSED in statuses:
        return EarlierState.FINISHED
    return EarlierState.PENDING if IN_PROGRESS in statuses else EarlierState.UNKNOWN


def _boxes(rows: Sequence[EarlierRow], counts: Counter[str]) -> tuple[EarlierBox, ...]:
    """Return the boxes of an upload, each once, and count what was met."""
    detected = [row for row in rows if row.has_detection]
    once = dict.fromkeys(detected)
    counts[Found.DUPLICATES] += len(detected) - len(once)
    boxes = []
    for row in once:
        read = _shares(row)
        object_class = CLASSES.get(-1 if row.class_id is None else row.class_id)
        if read is None or object_class is None:
            counts[Found.REFUSED] += 1
            continue
        kind, (x, y, width, height) = read
        counts[kind] += 1
        score = row.conf_score if row.conf_score is not None and math.isfinite(row.conf_score) else None
        boxes.append(EarlierBox(object_class=object_class, score=score, x=x, y=y, width=width, height=height))
    counts[Found.BOXES] += len(boxes)
    return tuple(boxes)


def _shares(row: EarlierRow) -> tuple[Found, tuple[float, float, float, float]] | None:
    """Return a box as its left, top, width and height in shares of the picture, and how it stood there; None: no box.

    No box is within the first pixel of a picture: what has no number above 1 stands in shares, of centre and size as
    the earlier service's own blurring took columns of these names.
    """
    numbers = (row.x_norm, row.y_norm, row.w_norm, row.h_norm)
    first, second, third, fourth = (math.nan if number is None else number for number in numbers)
    if not all(map(math.isfinite, (first, second, third, fourth))):
        return None
    if max(first, second, third, fourth) <= 1:
        corners = (first - third / 2, second - fourth / 2, first + third / 2, second + fourth / 2)
        return _within(Found.NORMALISED, corners, slack=(SLACK, SLACK))
    if not _is_sized(row) or row.image_width is None or row.image_height is None:
        return None
    corners = (
        first / row.image_width,
        second / row.image_height,
        third / row.image_width,
        fourth / row.image_height,
    )
    return _within(Found.REPAIRED, corners, slack=(SLACK_PX / row.image_width, SLACK_PX / row.image_height))


def _within(
    kind: Found, corners: tuple[float, float, float, float], *, slack: tuple[float, float]
) -> tuple[Found, tuple[float, float, float, float]] | None:
    """Return left, top, width and height of what lies between two corners, in shares; None when that is no box."""
    left, top, right, bottom = corners
    across, down = slack
    if left < -across or top < -down or right > 1 + across or bottom > 1 + down:
        return None
    left, top, right, bottom = max(0.0, left), max(0.0, top), min(1.0, right), min(1.0, bottom)
    if right <= left or bottom <= top:
        return None
    return kind, (left, top, right - left, bottom - top)


def _is_sized(row: EarlierRow) -> bool:
    return (row.image_width or 0) > 0 and (row.image_height or 0) > 0


def _moment(stored: datetime) -> datetime:
    return stored.replace(tzinfo=UTC)
