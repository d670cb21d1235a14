"""Files that are there as a whole or not at all."""

import tempfile
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file at once: a reader, or a start after a crash, sees the old bytes or the new ones."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".unfinished-") as unfinished:
        written = Path(unfinished) / path.name
        written.write_bytes(data)
        written.replace(path)
