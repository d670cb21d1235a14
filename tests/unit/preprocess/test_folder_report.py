"""Counts by folder of what would be accepted, and what would not."""

import csv
import io
import json
import threading
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baas_crds.codes import QuarantineReason
from baas_crds.errors import ConfigurationError
from baas_preprocess.folder_report import (
    REASONS,
    FolderReport,
    Look,
    csv_text,
    document,
    looked_at,
    sentence_of,
    write_report,
)
from baas_preprocess.stores.files import FileSource

from .pictures import jpeg, street

PIXELS = 1_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two folders with whole pictures and bad ones."""
    whole = jpeg(street(64, 32))
    for name, data in {
        "a.jpg": whole,
        "west/b.jpg": whole,
        "west/c.JPG": whole,
        "west/empty.jpg": b"",
        "west/cut.jpg": whole[: len(whole) // 2],
        "west/text.jpeg": b"no picture" * 20,
        "west/deep/large.jpg": jpeg(street(1024, 1024)),
        "west/notes.txt": b"no picture by its name",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    return tmp_path


def counted(folder: Path) -> FolderReport:
    report = FolderReport()
    for look in looked_at(FileSource([str(folder)]), max_pixels=PIXELS):
        report.add(look)
    return report


def test_each_folder_has_its_counts(folder: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(csv_text(counted(folder)))))
    assert [(row["folder"], row["total"], row["ok"]) for row in rows] == [
        (".", "1", "1"),
        ("west", "5", "2"),
        ("west/deep", "1", "0"),
    ]
    assert {reason: rows[1][reason] for reason in ("Empty", "Truncated", "NotAnImage", "Damaged")} == {
        "Empty": "1",
        "Truncated": "1",
        "NotAnImage": "1",
        "Damaged": "0",
    }
    assert rows[2]["TooLarge"] == "1"


def test_the_document_names_each_bad_picture_and_why(folder: Path, tmp_path: Path) -> None:
    write_report(counted(folder), tmp_path / "folders.json", "--report")
    found = json.loads((tmp_path / "folders.json").read_text())
    assert {one["name"]: one["reason"] for one in found["pictures"]} == {
        "west/cut.jpg": "Truncated",
        "west/deep/large.jpg": "TooLarge",
        "west/empty.jpg": "Empty",
        "west/text.jpeg": "NotAnImage",
    }
    assert found["not_ok"] == {"Empty": 1, "Truncated": 1, "NotAnImage": 1, "TooLarge": 1}


def test_it_ends_when_it_is_told_to(folder: Path) -> None:
    stop = threading.Event()
    stop.set()
    assert list(looked_at(FileSource([str(folder)]), max_pixels=PIXELS, stop=stop)) == []


@pytest.mark.parametrize(("name", "sentence"), [("a.txt", "should end with"), ("none/a.csv", "there is no folder")])
def test_a_report_that_could_not_be_written_is_refused(name: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        write_report(FolderReport(), tmp_path / name, "--report")


NAMES = st.text(st.sampled_from('ab/é\n,"'), min_size=1, max_size=6)


@given(st.lists(st.tuples(NAMES, st.none() | st.sampled_from(REASONS))))
def test_no_picture_is_lost_between_the_columns(pictures: list[tuple[str, QuarantineReason | None]]) -> None:
    report = FolderReport()
    for name, reason in pictures:
        report.add(Look(name=name, reason=reason, message="why"))
    for _, total, ok, *others in report.rows():
        assert total == ok + sum(others)
    assert sum(int(row["total"]) for row in csv.DictReader(io.StringIO(csv_text(report)))) == len(pictures)
    assert report.sums == Counter(reason for _, reason in pictures)
    assert document(report)["total"] == len(pictures)
    assert sentence_of(report).startswith(f"{len(pictures):,} pictures")
