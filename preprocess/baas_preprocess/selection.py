"""Which names of a source are worked on: patterns, lists of names to leave out, a share of all."""

import csv
import fnmatch
from dataclasses import dataclass
from pathlib import Path

from baas_crds.errors import ConfigurationError
from baas_preprocess.facts import Digest
from baas_preprocess.share import is_among
from baas_preprocess.stores.places import is_picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which names of a source are worked on. In patterns `*` also matches slashes."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    exclude_list: frozenset[str] = frozenset()
    """Whole relative paths or plain file names."""
    sample_percent: int = 100
    """So many of the names are part of a run: 100 is every one."""
    redo_model: Digest | None = None
    """Only what this model made is part of a run."""
    only_new: bool = False
    """What is finished, whatever run did it, is no part of a run."""
    keep_earlier: bool = False
    """What stands as the earlier service finished it, by what was imported of it, is no part of a run."""

    @property
    def is_partial(self) -> bool:
        """Whether names may be no part of a run at all, neither worked on nor left out."""
        return self.sample_percent < 100 or self.redo_model is not None or self.keep_earlier

    @property
    def expects_some(self) -> bool:
        """Whether a part with nothing in it is most likely a mistake: that all is finished already is none."""
        return self.is_partial and not self.only_new and not self.keep_earlier

    def is_sampled(self, name: str) -> bool:
        """Whether a name is in the sample; the same answer in every run. Whatever is among 5 % is among 10 %, too."""
        return is_among(f"part of a sample: {name}", self.sample_percent)

    def refusal(self, name: str) -> str | None:
        """Why a name is left out, or None when it is worked on."""
        if not self.exclude_list.isdisjoint(spellings(name)):
            return "It is on the exclude list."
        if matching := next((pattern for pattern in self.exclude if fnmatch.fnmatchcase(name, pattern)), None):
            return f"It matches the exclude pattern {matching}."
        if self.include and not any(fnmatch.fnmatchcase(name, pattern) for pattern in self.include):
            return "It matches no include pattern."
        return None


def spellings(name: str) -> frozenset[str]:
    """Return what an exclude list may call a picture: its whole relative path, or the plain file name."""
    return frozenset({name, name.rsplit("/", 1)[-1]})


def read_exclude_list(path: Path, *, title: str) -> frozenset[str]:
    """Read names from a text file, one a line, or from a CSV file with a column `filename`.

    `title` is what the setting is called. Raises `ConfigurationError` when the file cannot be read, and when a `.csv`
    has neither such a column nor one picture's name a line: names that nobody finds would exclude nothing.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{title} {path} cannot be read: {error}") from error
    try:
        header = next(csv.reader(lines[:1]), [])
        if "filename" in header:
            return frozenset(row["filename"].strip() for row in csv.DictReader(lines) if row["filename"])
    except csv.Error as error:
        raise ConfigurationError(f"{title} {path} is no proper CSV file: {error}") from error
    if path.suffix.lower() == ".csv" and header and not (len(header) == 1 and is_picture(header[0].strip())):
        raise ConfigurationError(f"{title} {path} has the columns {header}; one must be called `filename`")
    return frozenset(line.strip() for line in lines if line.strip())
