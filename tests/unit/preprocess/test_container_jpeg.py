import time

import pytest

from baas_crds.codes import QuarantineReason
from baas_crds.errors import NotPublishable
from baas_preprocess.container import jpeg
from tests.unit.preprocess import files

PLAIN = files.jpeg()
SCAN = PLAIN.index(b"\xff\xda")


def reason_of(data: bytes) -> QuarantineReason:
    with pytest.raises(NotPublishable) as refused:
        jpeg.walk(data)
    return refused.value.reason


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}], ids=str)
def test_the_segments_cover_the_file_without_a_gap(options: dict[str, object]) -> None:
    data = files.jpeg(**options)
    file = jpeg.walk(data)
    assert file.end == len(data)
    assert [segment.start for segment in file.segments] == [2, *(segment.end for segment in file.segments[:-1])]
    assert file.segments[-1].end == len(data) - 2


def test_what_lies_behind_the_end_is_not_read() -> None:
    assert jpeg.walk(PLAIN + PLAIN).end == len(PLAIN)


def test_a_thumbnails_end_is_not_the_pictures_end() -> None:
    data = files.with_segments(PLAIN, (files.APP1, files.jpeg(8, 8)))
    assert jpeg.walk(data).end == len(data)


def test_fill_bytes_before_a_marker_are_no_damage() -> None:
    assert jpeg.walk(PLAIN[:2] + b"\xff" * 9 + PLAIN[2:]).end == len(PLAIN) + 9


def test_every_cut_of_a_jpeg_is_incomplete() -> None:
    assert {reason_of(PLAIN[:size]) for size in range(2, len(PLAIN))} == {QuarantineReason.TRUNCATED}


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(PLAIN[:2] + b"rubbish" + PLAIN[2:], id="bytes between segments"),
        pytest.param(PLAIN[:2] + PLAIN, id="a second beginning"),
        pytest.param(PLAIN[:2] + b"\xff\xe5\x00\x01" + PLAIN[2:], id="a length that does not count itself"),
        pytest.param(PLAIN[:SCAN] + b"\xff\xd0" + PLAIN[SCAN:], id="a restart marker outside of a scan"),
        pytest.param(
            files.with_segments(PLAIN, *[(0xE5, b"")] * jpeg.MAX_SEGMENTS), id="more segments than any camera"
        ),
        pytest.param(PLAIN[:SCAN] + PLAIN[SCAN:-2] * (jpeg.MAX_SCANS + 1) + PLAIN[-2:], id="more scans than any coder"),
    ],
)
def test_what_is_no_sequence_of_segments_is_damaged(data: bytes) -> None:
    assert reason_of(data) is QuarantineReason.DAMAGED


@pytest.mark.parametrize(
    "pair", [b"\xff\x00", b"\xff\xd0", b"\xff\xff", b"ab"], ids=["stuffed", "restarts", "fill", "data"]
)
def test_the_time_to_walk_grows_with_the_file_and_no_faster(pair: bytes) -> None:
    data = PLAIN[:-2] + pair * 4_000_000 + PLAIN[-2:]
    start = time.process_time()
    jpeg.walk(data)
    # 0.05 to 0.1 s where measured; a search from the start for each marker would take minutes.
    assert time.process_time() - start < 2
