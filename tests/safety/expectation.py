"""What shared/data/jpeg/INDEX.csv expects of each file, and where the service rightly does something else."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Final

EXCEPTIONS: Final = {
    "not-jpeg__image-rs__reftest__images__mozilla__jpg-size-6x6.jpg": "a PNG in truth, and published as one",
    "dnl__twelvemonkeys__jpeg__dnl-marker.jpg": "its height stands behind the picture, where not every viewer looks",
    "xmp__twelvemonkeys__jpeg__exif-jfif-app13-app14ycck-3channel.jpg": "what its colours mean is contradictory",
}
"""Beside those whose note in INDEX.csv says that refusing is right, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One file of the index, or a panorama."""

    file: Path
    kind: str
    is_good: bool
    note: str = ""

    @property
    def excuse(self) -> str:
        """Why another outcome than the expected one is right; empty where none is."""
        return EXCEPTIONS.get(self.file.name) or (self.note if self.is_good else "")


def expected(data: Path) -> list[Expected]:
    """All files of `jpeg/` and `panoramas/`. Raises `FileNotFoundError` when either is not there."""
    with (data / "jpeg" / "INDEX.csv").open(encoding="utf-8", newline="") as rows:
        odd = [
            Expected(
                file=data / "jpeg" / row["file"],
                kind=row["features"].split(";")[0],
                is_good=row["expected"] == "ok",
                note=row["note"],
            )
            for row in csv.DictReader(rows)
        ]
    panoramas = sorted((data / "panoramas").glob("*.jpg"))
    if not panoramas:
        raise FileNotFoundError(f"{data / 'panoramas'} holds no panoramas")
    return odd + [Expected(file=file, kind="panorama", is_good=True) for file in panoramas]
