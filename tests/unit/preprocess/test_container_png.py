import zlib

import pytest

from baas_crds.codes import QuarantineReason
from baas_crds.errors import NotPublishable
from baas_preprocess.container import png
from baas_preprocess.container.refusals import Malformed
from tests.unit.preprocess import files

PLAIN = files.png()
END = len(PLAIN) - 12


def reason_of(data: bytes) -> QuarantineReason:
    with pytest.raises(NotPublishable) as refused:
        png.header_of(png.walk(data)[0])
    return refused.value.reason


def test_writing_the_chunks_again_gives_the_same_file() -> None:
    chunks, end = png.walk(PLAIN)
    assert (png.assembled(chunks), end) == (PLAIN, len(PLAIN))


def test_every_cut_of_a_png_is_incomplete() -> None:
    assert {reason_of(PLAIN[:size]) for size in range(8, len(PLAIN))} == {QuarantineReason.TRUNCATED}


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(PLAIN[:50] + bytes([PLAIN[50] ^ 1]) + PLAIN[51:], id="a wrong checksum"),
        pytest.param(files.with_chunks(PLAIN, (b"ab1d", b"")), id="a type that is no word"),
        pytest.param(PLAIN[:8] + files.chunk(b"gAMA", bytes(4)) + PLAIN[8:], id="a first chunk that is not IHDR"),
        pytest.param(PLAIN[:33] + PLAIN[END:], id="no picture data"),
        pytest.param(
            PLAIN[:END] + files.chunk(b"gAMA", bytes(4)) + files.chunk(b"IDAT", b"") + PLAIN[END:],
            id="picture data in two places",
        ),
        pytest.param(PLAIN[:8] + files.chunk(b"IHDR", bytes(13)) + PLAIN[33:], id="no width"),
        pytest.param(PLAIN[:8] + files.chunk(b"IHDR", bytes(12)) + PLAIN[33:], id="a short IHDR"),
    ],
)
def test_what_breaks_the_rules_of_png_is_damaged(data: bytes) -> None:
    assert reason_of(data) is QuarantineReason.DAMAGED


@pytest.mark.parametrize("kind", [b"acTL", b"ABCD"], ids=["an animation", "a critical chunk that nobody knows"])
def test_what_no_viewer_shows_alike_is_unsupported(kind: bytes) -> None:
    assert reason_of(files.with_chunks(PLAIN, (kind, bytes(8)))) is QuarantineReason.UNSUPPORTED


def test_a_small_chunk_that_inflates_to_gigabytes_is_stopped_at_the_limit() -> None:
    with pytest.raises(Malformed):
        png.inflated(zlib.compress(bytes(50_000_000)), 1_000)
