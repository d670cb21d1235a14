"""What a file says besides its picture, whatever the container, and what of it goes into the finished file."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from baas_preprocess.container import exif, icc, pictures, xmp
from baas_preprocess.container.refusals import Malformed

MAX_LISTED: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """The blocks of metadata as they lie in a file; None where there is none."""

    exif: bytes | None = None
    """A TIFF structure."""
    xmp: bytes | None = None
    icc: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What could be read and may stay, and the names of everything found."""

    exif: exif.Exif | None
    xmp: xmp.Packet | None
    icc: bytes | None
    kinds: tuple[str, ...]
    """Each once, such as `Exif`, `GPS`, `GPano`, `MakerNote`, `comment`."""
    hidden: tuple[str, ...]
    """Pictures besides the picture, and data that no viewer shows."""

    @property
    def orientation(self) -> int:
        """As Exif says, 1 to 8; 1 without."""
        return self.exif.orientation if self.exif else 1

    @property
    def panorama(self) -> dict[str, str]:
        """The GPano properties by name; empty without any."""
        return self.xmp.panorama if self.xmp else {}

    @property
    def has_thumbnail(self) -> bool:
        """Whether Exif has one where it belongs, coded as JPEG."""
        return self.exif is not None and self.exif.has_thumbnail

    def kept(self, thumbnail: bytes | None = None) -> Blocks:
        """The blocks of the finished file, made of what is on the lists, and a thumbnail for its Exif block."""
        return Blocks(
            exif=exif.coded(self.exif, thumbnail) if self.exif else None,
            xmp=xmp.coded(self.xmp.properties) if self.xmp and self.xmp.properties else None,
            icc=self.icc,
        )


def gathered(
    blocks: Blocks, *, kinds: Iterable[str], hidden: Iterable[str], ignored_tags: Collection[int] = ()
) -> Metadata:
    """Read the blocks of a file. One that cannot be read is named as such, and not kept.

    `kinds` and `hidden` name what the container holds besides the blocks, `ignored_tags` are no metadata though they
    stand beside Exif's.
    """
    block, exif_kinds = _exif(blocks.exif, ignored_tags)
    packet, xmp_kinds = _xmp(blocks.xmp)
    profile, icc_kinds = _icc(blocks.icc)
    return Metadata(
        exif=block,
        xmp=packet,
        icc=profile,
        kinds=_listed([*kinds, *exif_kinds, *xmp_kinds, *icc_kinds]),
        hidden=_listed(
            [
                *hidden,
                *(xmp.hidden(blocks.xmp) if blocks.xmp else ()),
                *(f"{picture} in the ICC profile" for picture in pictures.inside(blocks.icc or b"")),
            ]
        ),
    )


def _exif(block: bytes | None, ignored_tags: Collection[int]) -> tuple[exif.Exif | None, list[str]]:
    if block is None:
        return None, []
    try:
        read = exif.read(block)
    except Malformed:
        return None, ["unreadable Exif"]
    return read, exif.kinds(read, ignored_tags)


def _xmp(packet: bytes | None) -> tuple[xmp.Packet | None, list[str]]:
    if packet is None:
        return None, []
    try:
        read = xmp.read(packet)
    except Malformed:
        return None, ["unreadable XMP"]
    return read, xmp.kinds(read)


def _icc(profile: bytes | None) -> tuple[bytes | None, list[str]]:
    if profile is None:
        return None, []
    try:
        kept = icc.checked(profile)
    except Malformed:
        return None, ["unreadable ICC profile"]
    return kept, ["ICC"] if kept == profile else ["ICC", "tags of the ICC profile"]


def _listed(names: Iterable[str]) -> tuple[str, ...]:
    """Each name once, and not ten thousand of them from a hostile file."""
    each = list(dict.fromkeys(names))
    return tuple(each) if len(each) <= MAX_LISTED else (*each[:MAX_LISTED], f"{len(each) - MAX_LISTED} more")
