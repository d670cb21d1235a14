"""Directories of tags: the structure of Exif blocks and of TIFF files (TIFF 6.0, section 2).

Values stay the bytes they are, so that what is kept is kept byte by byte, in the byte order of its file.
"""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from baas_preprocess.container.refusals import Malformed

ByteOrder: TypeAlias = Literal["<", ">"]
"""As in `struct`: `<` is Intel's (II), `>` Motorola's (MM)."""

SHORT: Final = 3
LONG: Final = 4
RATIONAL: Final = 5
_UNIT_BYTES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 6: 1, 7: 1, 8: 2, 9: 4, 10: 4, 11: 4, 12: 8, 13: 4}
"""Bytes that one number takes; a rational (5, 10) is two numbers."""
_RATIONALS: Final = frozenset({5, 10})
_UNSIGNED: Final = {1: "B", 3: "H", 4: "I", 13: "I"}

MAX_ENTRIES: Final = 1_000
"""Of one directory. Real ones hold at most some 100."""
MAX_DIRECTORIES: Final = 10
"""In one chain. Exif has two; what lies behind more is never kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One tag. `kind` is the format's type number; `value` holds `count` values in the file's byte order."""

    tag: int
    kind: int
    count: int
    value: bytes


Directory: TypeAlias = Mapping[int, Entry]
"""Entries by tag. Of a repeated tag the first counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A directory to be written, with those that its pointer tags lead to."""

    entries: tuple[Entry, ...]
    children: Mapping[int, "Tree"] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.entries or self.children)


def read_header(data: bytes) -> tuple[ByteOrder, int]:
    """Return byte order and the first directory's offset. Raises `Malformed`."""
    orders: dict[bytes, ByteOrder] = {b"II*\0": "<", b"MM\0*": ">"}
    order = orders.get(data[:4])
    if order is None or len(data) < 8:
        raise Malformed("it does not begin with the head of a TIFF structure")
    return order, struct.unpack_from(f"{order}I", data, 4)[0]


def read_directory(data: bytes, offset: int, order: ByteOrder) -> tuple[dict[int, Entry], int]:
    """Return the directory at `offset`, and the offset of the next one (0: none).

    Entries of unknown type or with values outside of `data` are left out. Raises `Malformed` when the table itself
    does not fit or is longer than any real one, and when the values together are longer than `data`: they would have
    to overlap, and a small file could claim gigabytes.
    """
    if offset < 8 or offset + 2 > len(data):
        raise Malformed(f"a directory should stand at byte {offset} of {len(data)}")
    count = struct.unpack_from(f"{order}H", data, offset)[0]
    table_end = offset + 2 + 12 * count
    if table_end > len(data) or count > MAX_ENTRIES:
        raise Malformed(f"the directory at byte {offset} claims {count} entries")
    entries: dict[int, Entry] = {}
    claimed = 0
    for row in range(offset + 2, table_end, 12):
        entry = _entry_at(data, row, order)
        if entry is not None:
            entries.setdefault(entry.tag, entry)
            claimed += len(entry.value)
        if claimed > len(data):
            raise Malformed(f"the values of the directory at byte {offset} overlap")
    # Some cameras cut the last directory's pointer to the next: then there is none.
    following = struct.unpack_from(f"{order}I", data, table_end)[0] if table_end + 4 <= len(data) else 0
    return entries, following


def _entry_at(data: bytes, row: int, order: ByteOrder) -> Entry | None:
    tag, kind, count = struct.unpack_from(f"{order}HHI", data, row)
    size = _unit_count(kind, count) * _UNIT_BYTES.get(kind, 0)
    start = row + 8 if size <= 4 else struct.unpack_from(f"{order}I", data, row + 8)[0]
    if kind not in _UNIT_BYTES or start + size > len(data):
        return None
    return Entry(tag=tag, kind=kind, count=count, value=data[start : start + size])


def _unit_count(kind: int, count: int) -> int:
    return 2 * count if kind in _RATIONALS else count


def numbers(directory: Directory, tag: int, order: ByteOrder) -> tuple[int, ...]:
    """The unsigned whole numbers of a tag; empty where it is absent or of another type."""
    entry = directory.get(tag)
    if entry is None or entry.kind not in _UNSIGNED:
        return ()
    return struct.unpack(f"{order}{entry.count}{_UNSIGNED[entry.kind]}", entry.value)


def read_chain(data: bytes, offset: int, order: ByteOrder) -> list[Directory]:
    """Return the directory at `offset` and all that follow it. A loop or a broken link ends the chain.

    Raises `Malformed` when the first one cannot be read.
    """
    first, following = read_directory(data, offset, order)
    chain: list[Directory] = [first]
    seen = {offset}
    while following and following not in seen and len(chain) < MAX_DIRECTORIES:
        seen.add(following)
        try:
            directory, following = read_directory(data, following, order)
        except Malformed:
            break
        chain.append(directory)
    return chain


def header(order: ByteOrder, first_directory: int) -> bytes:
    """The eight bytes that a TIFF structure begins with."""
    return (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, first_directory)


def coded(tree: Tree, order: ByteOrder, at: int, *, following: int = 0) -> bytes:
    """A directory, its values and its children, to stand at the even offset `at`.

    `following` is where the next directory stands; with 0 there is none. The length does not depend on it.
    """
    tags = sorted([*(entry.tag for entry in tree.entries), *tree.children])
    entries = {entry.tag: entry for entry in tree.entries}
    behind = bytearray()
    heap = at + 2 + 12 * len(tags) + 4
    rows = []
    for tag in tags:
        here = heap + len(behind)
        entry = entries.get(tag)
        if entry is None:
            rows.append(struct.pack(f"{order}HHII", tag, LONG, 1, here))
            behind += coded(tree.children[tag], order, here)
        elif len(entry.value) <= 4:
            rows.append(struct.pack(f"{order}HHI4s", tag, entry.kind, entry.count, entry.value))
        else:
            rows.append(struct.pack(f"{order}HHII", tag, entry.kind, entry.count, here))
            behind += entry.value
        behind += bytes(len(behind) % 2)
    return struct.pack(f"{order}H", len(tags)) + b"".join(rows) + struct.pack(f"{order}I", following) + bytes(behind)


def entry_of(tag: int, kind: int, numbers: Iterable[int], order: ByteOrder) -> Entry:
    """An entry of unsigned whole numbers."""
    values = tuple(numbers)
    value = struct.pack(f"{order}{len(values)}{_UNSIGNED[kind]}", *values)
    return Entry(tag=tag, kind=kind, count=len(values), value=value)


def in_order(entry: Entry, order: ByteOrder, wanted: ByteOrder) -> Entry:
    """The same values in another byte order."""
    unit = _UNIT_BYTES[entry.kind]
    if order == wanted or unit == 1:
        return entry
    units = (entry.value[at : at + unit][::-1] for at in range(0, len(entry.value), unit))
    return Entry(tag=entry.tag, kind=entry.kind, count=entry.count, value=b"".join(units))
