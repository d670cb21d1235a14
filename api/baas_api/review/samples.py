"""The pictures of a quality check, as people may see them: only what the ledger knows as published."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from baas_api.refusals import Refusal, Refused
from baas_crds.errors import ConfigurationError
from baas_ledger.engine import open_ledger, reading
from baas_ledger.facts import ImageRecord
from baas_ledger.records import named_image
from baas_ledger.reviews import Reviewable, reviewable
from baas_ledger.tables import ImageState, Projection
from baas_preprocess.copies import WORKLIST
from baas_preprocess.digests import digest_of
from baas_preprocess.earlier_runs import is_blob, open_container
from baas_preprocess.facts import Inspection
from baas_preprocess.inspection import inspect
from baas_preprocess.stores.outputs import FolderOutputs
from baas_preprocess.stores.places import Outputs
from baas_preprocess.upright import shown_size
from baas_preprocess.wanted import shows_the_sphere
from baas_sampling.inspection import Task, tasks_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A finished picture that is what the ledger says."""

    image: ImageRecord
    data: bytes
    seen: Inspection

    @property
    def projection(self) -> Projection:
        """How it is looked at."""
        return Projection.SPHERE if shows_the_sphere(self.seen) else Projection.FLAT

    @property
    def shown_size(self) -> tuple[int, int]:
        """Its width and height as viewers show it, in pixels."""
        return shown_size(self.seen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """The samples below one place, and the ledger of their runs."""

    ledger: Engine
    place: Outputs
    """Holds a folder for each sample."""
    max_pixels: int

    def runs(self) -> list[Reviewable]:
        """Return the runs with a sample, the latest first."""
        with reading(self.ledger) as connection:
            return reviewable(connection)

    def worklist(self, run_id: str) -> list[Task]:
        """Return what there is to look at, in its order. Raises `Refused` when there is no such sample here."""
        folder = self._folder(run_id)
        data = self.place.read(f"{folder}/{WORKLIST}")
        if data is None:
            raise Refused(Refusal.NOT_FOUND, f"There is no {folder}/{WORKLIST} where samples are. Is it another place?")
        try:
            return tasks_of(data.decode("utf-8", "surrogateescape"))
        except ValueError as error:
            raise Refused(Refusal.NOT_AS_PUBLISHED, f"{folder}/{WORKLIST} is no worklist: {error}.") from error

    def image(self, run_id: str, number: int) -> ImageRecord:
        """Return what the ledger knows of the picture in a row of the worklist, from 1. Raises `Refused`."""
        tasks = self.worklist(run_id)
        if not 1 <= number <= len(tasks):
            raise Refused(Refusal.NOT_FOUND, f"The worklist has {len(tasks)} pictures, and no number {number}.")
        with reading(self.ledger) as connection:
            image = named_image(connection, run_id, tasks[number - 1].image)
        if image is None or image.state is not ImageState.PUBLISHED:
            raise Refused(Refusal.NOT_AS_PUBLISHED, "This picture was taken back since: it is not published any more.")
        return image

    def picture(self, run_id: str, number: int) -> Picture:
        """Return the picture in a row of the worklist, from 1.

        Raises `Refused`, also when it is not what was published, and `NotPublishable` when it cannot be read.
        """
        image = self.image(run_id, number)
        data = self.place.read(f"{self._folder(run_id)}/{image.name}")
        if data is None or digest_of(data) != image.output_digest:
            what = "is not there any more" if data is None else "is not what the ledger says was published"
            raise Refused(
                Refusal.NOT_AS_PUBLISHED,
                f"The copy of this picture {what}, so it is not shown. Was it corrected since? "
                "`baas audit verify` tells whether what is published is what was recorded.",
            )
        return Picture(image=image, data=data, seen=inspect(data, max_pixels=self.max_pixels))

    def _folder(self, run_id: str) -> str:
        """Return what the folder of a run's sample is called. Raises `Refused`."""
        with reading(self.ledger) as connection:
            found = reviewable(connection, run_id)
        if not found:
            raise Refused(Refusal.NOT_FOUND, "The ledger knows no such run with pictures to look at.")
        return found[0].place.rstrip("/").rpartition("/")[2]


@contextmanager
def open_samples(ledger: str, place: str, *, max_pixels: int) -> Iterator[Samples]:
    """Give the samples below a folder, or below an `https://` address in Azure Blob Storage.

    Raises `ConfigurationError` when there is no such ledger or folder, and `DependencyUnavailable`.
    """
    engine = open_ledger(ledger, migrate=False)
    try:
        if is_blob(place):
            with open_container(place) as container:
                yield Samples(ledger=engine, place=container, max_pixels=max_pixels)
        elif Path(place).is_dir():
            yield Samples(ledger=engine, place=FolderOutputs(Path(place), label=place), max_pixels=max_pixels)
        else:
            raise ConfigurationError(f"BAAS_API_REVIEW_SAMPLES: there is no folder {place}.")
    finally:
        engine.dispose()
