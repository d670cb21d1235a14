"""A small run without a Triton: one picture, its destination with a ledger, and a detector that is blind."""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from baas_crds.codes import ObjectClass
from baas_ledger.audit import records_of
from baas_ledger.corrections import begin_correction
from baas_ledger.engine import open_ledger, reading, transaction
from baas_ledger.facts import Claim, Corrected, Correction, ImageRecord, Run
from baas_ledger.records import named_image
from baas_ledger.runs import find_run
from baas_preprocess.audit import verify_run
from baas_preprocess.decode import decode
from baas_preprocess.detect import Model
from baas_preprocess.facts import Digest, Method, Pixels
from baas_preprocess.job import Job
from baas_preprocess.planning import Plan, plan
from baas_preprocess.publish import Extras
from baas_preprocess.recipe import Recipe
from baas_preprocess.selection import Selection
from baas_preprocess.stores.files import FileSource
from baas_preprocess.stores.folder import FolderDestination
from baas_preprocess.work import work
from tests.unit.preprocess.pictures import inspected, jpeg, street

RECIPE = Recipe(method=Method.SOLID, second_look_percent=0)
SOMEBODY = Correction(
    object_class=ObjectClass.PERSON, x=0.25, y=0.5, width=0.25, height=0.25, padding=0.1, reference="2026-118"
)
PLACE = np.s_[64:96, 64:128]
"""Where that is in a picture of 256x128 pixels."""


class Blind:
    """A detector that sees nothing, and lets something happen while it looks."""

    def __init__(self, digest: str = "sha256:blind", meanwhile: Callable[[], object] = lambda: None) -> None:
        self.model = Model(digest=Digest(digest), version="1", score_floor=0.01, max_det=300)
        self.meanwhile = meanwhile
        self.looks = 0

    def detect(self, shown: Sequence[Pixels]) -> list[npt.NDArray[np.float32]]:
        self.looks += 1
        self.meanwhile()
        return [np.empty((0, 6), np.float32) for _ in shown]


class City:
    """A source of one picture, a destination, and their ledger."""

    def __init__(self, folder: Path, ledger: str | None = None, label: str | None = None) -> None:
        """Without a URL, the ledger is where `baas blur` keeps it."""
        self.source = folder / "in"
        self.source.mkdir()
        (self.source / "a.jpg").write_bytes(jpeg(street(256, 128), sampling="4:4:4"))
        self.destination = FolderDestination(folder / "safe", label=label)
        self.ledger = open_ledger(ledger or str(self.destination.state / "ledger.sqlite"))
        self.run_id = ""

    def blur(
        self, detector: Blind, selection: Selection | None = None, *, works: bool = True, run_id: str | None = None
    ) -> Plan:
        """Do a run to its end, or go on with it; or only plan it. With an id it is that of a BlurJob."""
        source, extras = FileSource([str(self.source)]), Extras(detections=True)
        planned = plan(
            self.ledger,
            source,
            selection or Selection(),
            destination=self.destination,
            extras=extras,
            model=detector.model.digest,
            recipe=RECIPE.digest,
            configuration={},
            run_id=run_id,
        )
        self.run_id = planned.run_id
        job = Job(
            ledger=self.ledger,
            run_id=self.run_id,
            source=source,
            destination=self.destination,
            detector=detector,
            recipe=RECIPE,
            extras=extras,
            in_flight=1,
            max_attempts=3,
        )
        if works:
            work(job, stop=threading.Event(), on_done=_ignore)
        return planned

    def run(self) -> Run:
        """The last run."""
        with reading(self.ledger) as connection:
            found = find_run(connection, self.run_id)
        assert found is not None
        return found

    def image(self) -> ImageRecord:
        """What the ledger has of the picture."""
        with reading(self.ledger) as connection:
            found = named_image(connection, self.run_id, "a.jpg")
        assert found is not None
        return found

    def begin(self, *, run: Run | None = None, now: datetime | None = None, output: str = "sha256:corrected") -> None:
        """Begin a correction, and be interrupted."""
        corrected = Corrected(
            earlier_digest=self.digest(),
            output_digest=output,
            output_size_bytes=1,
            masked_share=0.1,
            added=(SOMEBODY,),
        )
        with transaction(self.ledger) as connection:
            begin_correction(connection, run or self.run(), "a.jpg", corrected, now=now)

    def digest(self) -> str:
        """Of the file that is at the destination."""
        found = self.destination.digest("a.jpg")
        assert found is not None
        return found

    def shows_somebody(self) -> bool:
        """Whether the place of the correction is not all grey."""
        data = self.destination.read("a.jpg")
        assert data is not None
        pixels = decode(data, inspected(data))[PLACE].astype(int)
        return bool((np.abs(pixels - 128) > 2).any())

    def told(self) -> list[dict[str, Any]]:
        """The picture's audit records."""
        with reading(self.ledger) as connection:
            return [record.facts for record in records_of(connection, [self.image().id])[self.image().id]]

    def assert_consistent(self) -> None:
        """Chain, ledger and output say the same."""
        verdict = verify_run(self.ledger, self.run(), destination=self.destination)
        assert (verdict.problems, verdict.outputs) == ([], 1)


def _ignore(_image: Claim, _outcome: object) -> None:
    pass
