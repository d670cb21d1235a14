"""Let libFuzzer look for bytes that break what targets.py promises.

    python -m tests.fuzz TARGET FOLDER SECONDS [-libfuzzer_flag=value...] [FILE...]

FOLDER/corpus grows from the seeds; what broke a promise is left in FOLDER as crash-…, timeout-… or oom-…. With files,
only these are tried.
"""

import logging
import sys
import zlib
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["baas_preprocess"]):
    from tests.fuzz import seeds
    from tests.fuzz.targets import HEAD_BYTES, TARGETS

LIMITS = (
    "-max_len=6000",
    "-timeout=10",  # seconds for one input: 500x500 pixels and 6 kB take a tenth of one
    "-rss_limit_mb=1024",  # of which the libraries take 200
    "-print_final_stats=1",
)
PNG = b"\x89PNG\r\n\x1a\n"
# Each method, six cells, a tenth of padding, two boxes: one inside, one beyond the right edge, where it may go on.
HEADS = [bytes([method, 5, 13, 4 + wraps, 50, 60, 80, 70, 200, 120, 90, 90]) for method in range(4) for wraps in (0, 1)]


def with_right_checksums(data: bytes) -> bytes:
    """Mend the checksums of a PNG's chunks, which no mutation would hit."""
    if not data.startswith(PNG):
        return data
    mended, at = bytearray(data), len(PNG)
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4])
        if end + 4 > len(data):
            break
        mended[end : end + 4] = zlib.crc32(data[at + 4 : end]).to_bytes(4)
        at = end + 4
    return bytes(mended)


def main(name: str, folder: Path, seconds: int, *others: str) -> None:
    """Run one target for so many seconds. Never returns: libFuzzer ends the process, with code 0 if nothing broke."""
    files = any(not other.startswith("-") for other in others)
    logging.disable()  # tifffile tells of each odd tag
    head_bytes = HEAD_BYTES if name == "redaction" else 0
    seeds.write(folder / "corpus", HEADS if head_bytes else [b""])

    def try_one(data: bytes) -> None:
        TARGETS[name](data)

    def mutate(data: bytes, most: int, _seed: int) -> bytes:
        changed: bytes = atheris.Mutate(data, most)
        return changed[:head_bytes] + with_right_checksums(changed[head_bytes:])

    atheris.Setup(
        [
            sys.argv[0],
            *LIMITS,
            f"-max_total_time={seconds}",
            f"-artifact_prefix={folder}/",
            *others,
            *([] if files else [str(folder / "corpus")]),
        ],
        try_one,
        custom_mutator=mutate,
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
