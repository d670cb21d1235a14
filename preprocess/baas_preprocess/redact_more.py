"""`baas redact-more`: find the pictures that boxes were reported for, check all, then correct one after the other."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from baas_crds.errors import ConfigurationError, NotPublishable
from baas_preprocess.correction import Corrected
from baas_preprocess.correction_reports import Reported, refuse
from baas_preprocess.inspection import inspect
from baas_preprocess.recipe import Recipe
from baas_preprocess.stores.folder import LEFT_OVER, FolderDestination, resolved
from baas_preprocess.stores.places import name_problem
from baas_preprocess.wanted import OutOfPicture, regions_of


class Picture(Protocol):
    """A finished picture that may be corrected."""

    @property
    def path(self) -> Path | None:
        """Where it lies, absolute and behind all links; None when that is not on this machine."""

    @property
    def folders(self) -> Sequence[Path]:
        """Destinations on this machine that it is in: to be held for us alone while it is corrected."""

    @property
    def is_shared(self) -> bool:
        """Whether others may write into these folders without holding them, as pods do."""

    def read(self) -> bytes:
        """Return its bytes as they are now.

        Raises `ConfigurationError` when it cannot be read or is not what may be corrected, `NotPublishable` when it is
        no picture.
        """

    def correct(self, reports: Sequence[Reported], recipe: Recipe, *, is_dry: bool) -> Corrected:
        """Redact the boxes and put the result in its place, unless it is a dry run.

        Raises as `read`, `NotPublishable` when the result does not pass the checks, `DependencyUnavailable` when a disk
        is full or a service is gone.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """One file and all boxes for it."""

    shown: str
    """The file's path as it was given."""
    path: Path
    """The same, absolute and behind all links."""
    reports: list[Reported] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One picture and all boxes for it."""

    shown: str
    """What people call it."""
    picture: Picture
    reports: Sequence[Reported]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What became of one picture."""

    task: Task
    corrected: Corrected | None = None
    refusal: NotPublishable | None = None
    """Why it stayed as it was."""
    other_names: int = 0
    """Hard links that a picture written anew has left behind: they still show it as it was."""


def gather(pictures: Sequence[Path], reports: Sequence[Reported]) -> list[Named]:
    """Give each report to its file, those without an image to all. Files without a report are left out.

    Raises `ConfigurationError` with a sentence for each report that names no file, or more than one.
    """
    named = {image: _named(image, pictures) for image in {report.image for report in reports}}
    files: dict[Path, Named] = {}
    problems: list[str] = []
    for report in reports:
        found = named[report.image]
        if report.image is None and any(picture.is_dir() for picture in pictures):
            problems.append(f"{report.where}: name the pictures one by one; boxes for a folder's come by --reports.")
        elif report.image is not None and len(found) != 1:
            what = f"may be {' or '.join(map(str, found.values()))}" if found else "is none of the given pictures"
            problems.append(f"{report.where}, image is {report.image!r}: it {what}.")
        for path, shown in found.items():
            files.setdefault(path, Named(shown=str(shown), path=path)).reports.append(report)
    refuse(problems)
    return list(files.values())


def by_name(reports: Iterable[Reported]) -> dict[str, list[Reported]]:
    """Give each report to a name in a store of blobs. Raises `ConfigurationError` for each without a usable one."""
    named: dict[str, list[Reported]] = {}
    problems: list[str] = []
    for report in reports:
        if report.image is None:
            problems.append(f"{report.where}: boxes for a container's pictures come by --reports.")
        elif problem := name_problem(report.image):
            problems.append(f"{report.where}, image: {problem}")
        else:
            named.setdefault(report.image, []).append(report)
    refuse(problems)
    return named


def _named(image: str | None, pictures: Sequence[Path]) -> dict[Path, Path]:
    """Return the files that a path below a given folder, or a given file's name, may mean; without one, all files.

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


def check(tasks: Sequence[Task], recipe: Recipe, on_checked: Callable[[Task], None] = lambda _: None) -> None:
    """Look into every picture. Raises `ConfigurationError` naming each box that does not lie in its picture."""
    problems: list[str] = []
    for task in tasks:
        problems += _problems(task, recipe)
        on_checked(task)
    refuse(problems)


def _problems(task: Task, recipe: Recipe) -> Iterator[str]:
    try:
        seen = inspect(task.picture.read(), max_pixels=recipe.max_pixels)
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

    Nobody else works on the pictures' folders meanwhile: two corrections at once could undo each other. Raises
    `ConfigurationError` when a folder is locked or cannot be written, else as `Picture.correct`.
    """
    with ExitStack() as stack:
        spare = LEFT_OVER if any(task.picture.is_shared for task in tasks) else timedelta(0)
        for folder in [] if is_dry else sorted({folder for task in tasks for folder in task.picture.folders}):
            stack.enter_context(FolderDestination(folder).lock(spare))
        for task in tasks:
            path = task.picture.path
            links = 0 if path is None else path.stat().st_nlink - 1
            try:
                corrected = task.picture.correct(task.reports, recipe, is_dry=is_dry)
                is_new = corrected.is_changed and not is_dry
                yield Done(task=task, corrected=corrected, other_names=links if is_new else 0)
            except NotPublishable as error:
                yield Done(task=task, refusal=error)
