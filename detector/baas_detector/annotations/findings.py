"""What can be wrong with an entry, and how grave that is."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What is wrong."""

    NO_SIZE = "no size"
    NO_PICTURE = "no picture"
    NO_CATEGORY = "no category"
    UNKNOWN_CATEGORY = "unknown category"
    NO_BOX = "no box"
    ZERO_SIZE = "zero size"
    OUT_OF_RANGE = "out of range"
    DUPLICATE_ID = "duplicate id"
    DUPLICATE_NAME = "duplicate name"
    UNUSABLE_NAME = "unusable name"
    HUGE = "huge"
    TINY = "tiny"
    SAME_BOX = "same box"
    OTHER_SIZE = "other size"
    BITMAP = "bitmap"

    @property
    def stops(self) -> bool:
        """Whether an entry cannot be converted with it."""
        return self not in _DUBIOUS

    @property
    def drops(self) -> bool:
        """Whether `--drop-bad` leaves the entry out."""
        return self.stops or self is Kind.HUGE

    @property
    def meaning(self) -> str:
        """One line for people."""
        return _MEANINGS[self]


_DUBIOUS = frozenset({Kind.HUGE, Kind.TINY, Kind.SAME_BOX, Kind.OTHER_SIZE, Kind.BITMAP})

_MEANINGS = {
    Kind.NO_SIZE: "images whose width and height nobody says",
    Kind.NO_PICTURE: "annotations of an image that is not there",
    Kind.NO_CATEGORY: "annotations with a category that is not there",
    Kind.UNKNOWN_CATEGORY: "annotations whose category is not in the tree",
    Kind.NO_BOX: "annotations without four finite numbers",
    Kind.ZERO_SIZE: "boxes without width or height",
    Kind.OUT_OF_RANGE: "boxes beyond their picture",
    Kind.DUPLICATE_ID: "ids that occur again",
    Kind.DUPLICATE_NAME: "images whose name occurs again",
    Kind.UNUSABLE_NAME: "images whose name leads elsewhere",
    Kind.HUGE: "boxes too large for an object",
    Kind.TINY: "boxes under one pixel wide or high",
    Kind.SAME_BOX: "objects labelled twice with the same box and category",
    Kind.OTHER_SIZE: "pictures of another size than their annotations are for",
    Kind.BITMAP: "bitmaps (RLE), which are not carried along",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong with one entry."""

    kind: Kind
    entry: str
    """Such as `annotation 7` or `image 3`."""
    image: str | None
    """The picture's name, where there is one."""
    problem: str
    """What goes on from the entry's name: `has no width`."""

    @property
    def sentence(self) -> str:
        """The whole sentence, without what it stands in."""
        return f"{self.entry}{f' of {self.image}' if self.image else ''} {self.problem}"

    def document(self) -> dict[str, str | None]:
        """Return it as plain data."""
        return {"kind": str(self.kind), "entry": self.entry, "image": self.image, "sentence": self.sentence}
