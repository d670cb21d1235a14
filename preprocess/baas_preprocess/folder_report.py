"""How many pictures of each folder would be accepted, and why the others would not: empty, truncated, damaged, …"""

import csv
import io
import json
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from baas_crds.codes import QuarantineReason
from baas_crds.errors import ConfigurationError, NotPublishable
from baas_ledger.chunks import chunks
from baas_preprocess.copies import told
from baas_preprocess.decode import decode
from baas_preprocess.inspection import inspect
from baas_preprocess.stores.places import Entry, Source, name_problem

REASONS = (
    QuarantineReason.EMPTY,
    QuarantineReason.TRUNCATED,
    QuarantineReason.DAMAGED,
    QuarantineReason.NOT_AN_IMAGE,
    QuarantineReason.UNSUPPORTED,
    QuarantineReason.TOO_LARGE,
    QuarantineReason.UNREADABLE,
    QuarantineReason.UNUSABLE_NAME,
)
"""What a look into a file can tell, in the order of the columns."""
SUFFIXES = (".csv", ".json")
# Decoding takes most of the time, and lets others run; each takes about 0.2 GB for a panorama of 8000x4000.
_AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one picture is."""

    name: str
    reason: QuarantineReason | None
    """None: it would be accepted."""
    message: str = ""

    @property
    def folder(self) -> str:
        """Where it lies in the source; `.` is the source itself."""
        return self.name.rpartition("/")[0] or "."


@dataclass(slots=True)
class FolderReport:
    """Counts by folder, and what is wrong."""

    folders: dict[str, Counter[QuarantineReason | None]] = field(default_factory=lambda: defaultdict(Counter))
    wrong: list[Look] = field(default_factory=list)

    def add(self, look: Look) -> None:
        """Count one more picture."""
        self.folders[look.folder][look.reason] += 1
        if look.reason is not None:
            self.wrong.append(look)

    @property
    def sums(self) -> Counter[QuarantineReason | None]:
        """The counts of all folders together."""
        return sum(self.folders.values(), Counter())

    def rows(self) -> Iterator[tuple[str, int, int, *tuple[int, ...]]]:
        """Give folder, number of pictures, how many would be accepted, and how many not for each of `REASONS`."""
        for folder, counts in sorted(self.folders.items()):
            yield (folder, counts.total(), counts[None], *(counts[reason] for reason in REASONS))


def looked_at(source: Source, *, max_pixels: int, stop: threading.Event | None = None) -> Iterator[Look]:
    """Look into every picture of a source as a run would, several at once, in the order of its entries.

    Ends early once `stop` is set. Raises `DependencyUnavailable` when the source goes away.
    """
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="inspect") as pool:
        for some in chunks(source.entries()):
            for start in range(0, len(some), _AT_ONCE):
                if stop is not None and stop.is_set():
                    return
                yield from pool.map(lambda entry: _look(source, entry, max_pixels), some[start : start + _AT_ONCE])


def sentence_of(report: FolderReport) -> str:
    """Sum it up for a person."""
    sums = report.sums
    bad = "".join(f", {sums[reason]:,} {reason}" for reason in REASONS if sums[reason])
    return f"{sums.total():,} pictures in {len(report.folders):,} folders: {sums[None]:,} ok{bad}"


def csv_text(report: FolderReport) -> str:
    """Return the table as CSV: `folder`, `total`, `ok`, and a column for each reason."""
    file = io.StringIO()
    table = csv.writer(file, lineterminator="\n")
    table.writerow(("folder", "total", "ok", *REASONS))
    table.writerows(report.rows())
    return file.getvalue()


def document(report: FolderReport) -> dict[str, object]:
    """Return it for JSON, with the name of each picture that would not be accepted, and why."""
    folders = [
        {"folder": folder, "total": total, "ok": ok, "not_ok": _not_ok(counts)}
        for folder, total, ok, *counts in report.rows()
    ]
    sums = report.sums
    return {
        "total": sums.total(),
        "ok": sums[None],
        "not_ok": _not_ok([sums[reason] for reason in REASONS]),
        "folders": folders,
        "pictures": [{"name": look.name, "reason": look.reason, "message": look.message} for look in report.wrong],
    }


def check_report_file(path: Path, title: str) -> None:
    """Raise `ConfigurationError` when a report cannot be written to a file of this name."""
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigurationError(f"{title} {path} should end with {' or '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise ConfigurationError(f"{title} {path}: there is no folder {path.parent}")


def write_report(report: FolderReport, path: Path, title: str) -> None:
    """Write the table as CSV, or all of it as JSON, by the file's name. Raises `ConfigurationError` when it cannot."""
    check_report_file(path, title)
    is_csv = path.suffix.lower() == ".csv"
    text = csv_text(report) if is_csv else json.dumps(document(report), indent=1) + "\n"
    try:
        path.write_text(text, encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise ConfigurationError(f"{title} {path} cannot be written: {error.strerror}") from error


def _look(source: Source, entry: Entry, max_pixels: int) -> Look:
    try:
        if problem := entry.problem or name_problem(entry.name):
            raise problem
        data = source.read(entry.name, entry.version)
        decode(data, inspect(data, max_pixels=max_pixels))
    except NotPublishable as error:
        return Look(name=entry.name, reason=error.reason, message=told(entry.name, error))
    return Look(name=entry.name, reason=None)


def _not_ok(counts: Iterable[int]) -> dict[str, int]:
    return {reason: number for reason, number in zip(REASONS, counts, strict=True) if number}
