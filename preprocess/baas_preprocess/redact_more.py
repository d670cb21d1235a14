"""`baas redact-more`: find the pictures that boxes were reported for, check all, then correct one after the other."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from baas_crds.errors import ConfigurationError, NotPublishable
from baas_preprocess.correction import Corrected, correct
from baas_preprocess.correction_reports import Reported, refuse
from baas_preprocess.facts import Digest
from baas_preprocess.inspection import inspect
from baas_preprocess.recipe import Recipe
from baas_preprocess.stores.files import read_plain_file
from baas_preprocess.stores.folder import FolderDestination, resolved
from baas_preprocess.stores.places import Provenance, name_problem
from baas_preprocess.wanted import OutOfPicture, regions_of

BY_HAND = Digest("by hand")
"""Stands where other pictures name the model that found their regions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One picture and all boxes for it."""

    shown: str
    """The picture's path as it was given."""
    path: Path
    """The same, absolute and behind all links."""
    reports: list[Reported] = field(default_factory=list)

    @property
    def folders(self) -> list[Path]:
        """Destinations that the picture is in, the nearest first: folders that keep a state. Without any, its own."""
        parents = list(self.path.parents)
        return [parent for parent in parents if FolderDestination.state_of(parent).is_dir()] or parents[:1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What became of one picture."""

    task: Task
    corrected: Corrected | None = None
    refusal: NotPublishable | None = None
    """Why it stayed as it was."""
    other_names: int = 0
    """Hard links that a picture written anew has left behind: they still show it as it was."""


def gather(pictures: Sequence[Path], reports: Sequence[Reported]) -> list[Task]:
    """Give each report to its picture, those without an image to all. Pictures without a report are left out.

    Raises `ConfigurationError` with a sentence for each report that names no picture, or more than one.
    """
    named = {image: _named(image, pictures) for image in {report.image for report in reports}}
    tasks: dict[Path, Task] = {}
    problems: list[str] = []
    for report in reports:
        found = named[report.image]
        if report.image is None and any(picture.is_dir() for picture in pictures):
            problems.append(f"{report.where}: name the pictures one by one; boxes for a folder's come by --reports.")
        elif report.image is not None and len(found) != 1:
            what = f"may be {' or '.join(map(str, found.values()))}" if found else "is none of the given pictures"
            problems.append(f"{report.where}, image is {report.image!r}: it {what}.")
        for path, shown in found.items():
            tasks.setdefault(path, Task(shown=str(shown), path=path)).reports.append(report)
    refuse(problems)
    return list(tasks.values())


def _named(image: str | None, pictures: Sequence[Path]) -> dict[Path, Path]:
    """Return the pictures that a path below a given folder, or a given file's name, may mean; without one, all files.

    The keys are where they lie behind all links.
    """
    found: dict[Path, Path] = {}
    for picture in pictures:
        if not picture.is_dir():
            if image in {None, picture.name, picture.as_posix()}:
                found.setdefault(resolved(picture), picture)
        elif image is not None and name_problem(image) is None:
            path = picture / image
            if _is_file(path) and resolved(path).is_relative_to(resolved(picture)):
                found.setdefault(resolved(path), path)
    return found


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # such as a name that is too long
        return False


def with_ledger(tasks: Sequence[Task]) -> list[Path]:
    """Return the destinations of the pictures that keep a ledger. Runs into these know nothing of a correction."""
    folders = {folder for task in tasks for folder in task.folders}
    return sorted(folder for folder in folders if (FolderDestination.state_of(folder) / "ledger.sqlite").is_file())


def check(tasks: Sequence[Task], recipe: Recipe, on_checked: Callable[[Task], None] = lambda _: None) -> None:
    """Look into every picture. Raises `ConfigurationError` naming each box that does not lie in its picture."""
    problems: list[str] = []
    for task in tasks:
        problems += _problems(task, recipe)
        on_checked(task)
    refuse(problems)


def _problems(task: Task, recipe: Recipe) -> Iterator[str]:
    try:
        seen = inspect(_read(task), max_pixels=recipe.max_pixels)
    except NotPublishable as error:
        yield f"{task.reports[0].where}: {task.shown} cannot be redacted: {error.reason}: {error}"
        return
    except ConfigurationError as error:
        yield f"{task.reports[0].where}: {error}"
        return
    for report in task.reports:
        try:
            regions_of([report.wanted], seen)
        except OutOfPicture as error:
            yield f"{report.where}, {error}"


def work(tasks: Sequence[Task], recipe: Recipe, *, is_dry: bool) -> Iterator[Done]:
    """Correct each picture, and yield what became of it. One that cannot be corrected stays as it is.

    Nobody else works on the pictures' destinations meanwhile: two corrections at once could undo each other.
    Raises `ConfigurationError` when a destination is locked or cannot be written, `DependencyUnavailable` when its disk
    is full or gone.
    """
    with ExitStack() as stack:
        destinations: dict[Path, FolderDestination] = {}
        for folder in [] if is_dry else sorted({folder for task in tasks for folder in task.folders}):
            destinations[folder] = FolderDestination(folder)
            stack.enter_context(destinations[folder].lock())
        for task in tasks:
            try:
                corrected = correct(_read(task), [report.wanted for report in task.reports], recipe)
                links = 0
                if corrected.is_changed and not is_dry:
                    links = task.path.stat().st_nlink - 1
                    _write(destinations[task.folders[0]], task, corrected, recipe)
                yield Done(task=task, corrected=corrected, other_names=links)
            except NotPublishable as error:
                yield Done(task=task, refusal=error)


def _write(destination: FolderDestination, task: Task, corrected: Corrected, recipe: Recipe) -> None:
    provenance = Provenance(
        model=BY_HAND, configuration=recipe.digest, input=corrected.input_digest, output=corrected.output_digest
    )
    destination.write(task.path.relative_to(destination.folder).as_posix(), corrected.data, provenance)


def _read(task: Task) -> bytes:
    try:
        return read_plain_file(task.path)
    except OSError as error:
        raise ConfigurationError(f"{task.shown} cannot be read: {error.strerror}.") from error
