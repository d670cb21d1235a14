import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baas_preprocess.container import tiff
from baas_preprocess.container.refusals import Malformed
from baas_preprocess.container.tiff import ByteOrder, Entry, Tree
from tests.unit.preprocess import files

ORDERS = st.sampled_from(["<", ">"])


@st.composite
def entries(draw: st.DrawFn, tags: st.SearchStrategy[int]) -> Entry:
    kind, unit = draw(st.sampled_from([(1, 1), (2, 1), (3, 2), (4, 4), (5, 8), (7, 1), (10, 8), (12, 8)]))
    value = draw(st.binary(min_size=0, max_size=40).map(lambda raw: raw[: len(raw) // unit * unit]))
    return Entry(tag=draw(tags), kind=kind, count=len(value) // unit, value=value)


def directories(lowest_tag: int) -> st.SearchStrategy[tuple[Entry, ...]]:
    tags = st.integers(lowest_tag, lowest_tag + 1_000)
    return st.lists(entries(tags), max_size=8, unique_by=lambda entry: entry.tag).map(tuple)


@given(outer=directories(1), inner=directories(1), order=ORDERS)
def test_a_directory_and_its_child_are_read_as_they_were_written(
    outer: tuple[Entry, ...], inner: tuple[Entry, ...], order: ByteOrder
) -> None:
    tree = Tree(entries=outer, children={5_000: Tree(entries=inner)})
    data = tiff.header(order, 8) + tiff.coded(tree, order, 8)
    found_order, offset = tiff.read_header(data)
    read, following = tiff.read_directory(data, offset, found_order)
    child, _ = tiff.read_directory(data, tiff.numbers(read, 5_000, order)[0], order)
    assert (found_order, following) == (order, 0)
    assert {entry for tag, entry in read.items() if tag != 5_000} == set(outer)
    assert set(child.values()) == set(inner)


@given(entry=entries(st.just(1)), order=ORDERS, other=ORDERS)
def test_turning_the_byte_order_and_back_changes_nothing(entry: Entry, order: ByteOrder, other: ByteOrder) -> None:
    assert tiff.in_order(tiff.in_order(entry, order, other), other, order) == entry


def test_turning_the_byte_order_keeps_the_numbers() -> None:
    rational = Entry(tag=1, kind=5, count=1, value=struct.pack("<II", 1, 250))
    assert tiff.in_order(rational, "<", ">").value == struct.pack(">II", 1, 250)


def test_a_chain_that_leads_back_to_itself_ends() -> None:
    block = b"II*\0\x08\0\0\0" + files.directory({1: [1]}, 8, "<", following=8)
    assert len(tiff.read_chain(block, 8, "<")) == 1


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"II*\0\xff\0\0\0", id="a directory behind the end"),
        pytest.param(b"II*\0\x08\0\0\0\xff\xff", id="more entries than bytes"),
        pytest.param(b"MM*\0\0\0\0\x08\0\0", id="two byte orders at once"),
        pytest.param(
            b"II*\0\x08\0\0\0" + struct.pack("<H", 1_001) + bytes(12 * 1_001 + 4), id="more entries than any camera"
        ),
        pytest.param(
            b"II*\0\x08\0\0\0" + struct.pack("<H", 20) + struct.pack("<HHII", 1, 7, 200, 0) * 20 + bytes(4),
            id="values that claim the same bytes again and again",
        ),
    ],
)
def test_a_broken_table_is_malformed(block: bytes) -> None:
    with pytest.raises(Malformed):
        tiff.read_directory(block, tiff.read_header(block)[1], "<")


def test_a_value_outside_of_the_block_is_left_out() -> None:
    block = b"II*\0\x08\0\0\0" + struct.pack("<H", 2)
    block += struct.pack("<HHII", 1, 4, 1_000_000_000, 0) + struct.pack("<HHII", 2, 4, 1, 7) + bytes(4)
    read, _ = tiff.read_directory(block, 8, "<")
    assert set(read) == {2}
