"""Check a run's audit records against each other, against the ledger's other tables and against the outputs."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, Engine

from baas_crds.errors import ConfigurationError
from baas_ledger.audit import chain_end, records, records_of
from baas_ledger.chain import START, Record, RecordKind, broken_link
from baas_ledger.contradictions import contradiction, misplaced, of_other_settings, unrecorded
from baas_ledger.corrections import corrections_by_name
from baas_ledger.engine import reading
from baas_ledger.facts import ImageRecord, Run
from baas_ledger.fates import STATES
from baas_ledger.progress import miscounted
from baas_ledger.records import detections, looked_at, named_image, places_of
from baas_ledger.tables import ImageState
from baas_preprocess.audit_outputs import earlier_ones, not_published, still_wrong, unexplained, wrong_output
from baas_preprocess.signatures import Checker
from baas_preprocess.stores.places import Outputs

# A store of blobs gives one picture in some hundred milliseconds, and many at once.
_READ_AT_ONCE = 8


@dataclass(slots=True)
class Verdict:
    """What was checked, and what is wrong; the first is where to begin."""

    records: int = 0
    """So many links of the chain are whole."""
    head: str = START
    """The digest of the last of them. Who keeps it elsewhere can tell later whether it still is in the chain."""
    signed: int = 0
    """So many records have the key's signature; 0 without a key."""
    images: int = 0
    outputs: int = 0
    """So many outputs of this run were read."""
    unrecorded: int = 0
    """So many images had their fate before there were records of it: nothing tells whether it is what it was."""
    earlier: int = 0
    """So many pictures at the destination are the earlier service's, by what was imported of it: nothing tells more."""
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """What more is asked of a chain than that it is whole."""

    is_signed: Checker | None = None
    """Every record must have a signature, but one of a retry, which a signed record must follow."""
    head: str | None = None
    """The chain must contain a record of this digest."""


def verify_run(
    ledger: Engine,
    run: Run,
    *,
    destination: Outputs | None,
    demands: Demands | None = None,
    on_progress: Callable[[Verdict], None] = lambda _: None,
) -> Verdict:
    """Recompute the chain up to its first broken link, and compare it with the ledger and with the outputs.

    Without a `destination` none is read. Nothing is written. Raises `ConfigurationError` for a run that has no chain,
    `DependencyUnavailable` when ledger or store do not answer.
    """
    audit = _Audit(ledger, run, destination, demands or Demands(), on_progress)
    try:
        audit.chain()
        audit.images()
        audit.chain()  # what was recorded meanwhile: images were compared with that, too
        audit.chain_is_expected()
        with reading(ledger) as connection:
            audit.verdict.problems += miscounted(connection, run.id)
    except (TypeError, ValueError) as error:  # SQLite keeps anything in any column
        audit.verdict.problems.append(f"the ledger holds what cannot be read: {error}")
    audit.others()
    return audit.verdict


def history(ledger: Engine, run: Run, name: str) -> tuple[ImageRecord, list[Record]]:
    """Return an image and its records, oldest first. Raises `ConfigurationError` when the run has no such image."""
    with reading(ledger) as connection:
        image = named_image(connection, run.id, name)
        if image is None:
            raise ConfigurationError(f"Run {run.id} has no image {name!r}: name its path below the source, as it is.")
        return image, records_of(connection, [image.id]).get(image.id, [])


@dataclass(slots=True)
class _Audit:
    """One verification: its steps are called in this order."""

    ledger: Engine
    run: Run
    outputs: Outputs | None
    demands: Demands
    on_progress: Callable[[Verdict], None]
    verdict: Verdict = field(default_factory=Verdict)
    began: datetime | None = None
    """When the first record was written."""
    seen: int = 0
    """The number of the last record that was looked at."""
    is_whole: bool = True
    """Whether all links of the chain held so far."""
    is_of_the_run: bool = True
    """Whether all records were of the run's settings so far."""
    has_expected_head: bool = False
    suspects: list[ImageRecord] = field(default_factory=list)
    """Their outputs were not what the ledger had of them then."""

    def chain(self) -> None:
        """Recompute each record that was not yet, and compare it with the rows of its run and its image."""
        verdict, problems = self.verdict, self.verdict.problems
        with reading(self.ledger) as connection:
            end = chain_end(connection, self.run.id)
        if end is None:
            raise ConfigurationError(f"Run {self.run.id} has no audit records: it ended before there were any.")
        for record, place in _records(self.ledger, self.run.id, after=self.seen, last=end.length):
            self.seen = record.number
            if self.is_whole:
                problem = self._broken(record, is_last=record.number == end.length)
                if problem is None:
                    self._add(record)
                else:
                    problems.append(problem)
                    self.is_whole = False
            if self.is_of_the_run and (problem := of_other_settings(record, self.run)):
                problems.append(problem)
                self.is_of_the_run = False  # what was changed in the run contradicts all of its records
            if problem := misplaced(record, place):
                problems.append(problem)
            self.on_progress(verdict)
        if self.is_whole and (verdict.records, verdict.head) != (end.length, end.head):
            self.is_whole = False
            problems.append(
                f"the last records are missing: the chain has {verdict.records}, and should have {end.length}"
            )
        if end.last > end.length and self.is_whole:
            self.is_whole = False
            problems.append(f"the chain ends with record {end.length}, and there are records up to {end.last}")

    def chain_is_expected(self) -> None:
        """Compare the chain with the head that somebody kept."""
        head = self.demands.head
        if not self.has_expected_head and head not in {None, START}:
            self.verdict.problems.append(f"the chain does not contain the expected head {head}: its end was cut off")

    def images(self) -> None:
        """Compare each image with its records and with its output."""
        touched, unrecorded_ones = 0, []
        for page in looked_at(self.ledger, self.run.id, partial(_compared, self.run)):
            self.verdict.images += len(page)
            touched += sum(image.state is not ImageState.PENDING for image, _, _ in page)
            unrecorded_ones += [image for image, is_recorded, _ in page if not is_recorded]
            self.verdict.problems += [problem for _, _, problem in page if problem is not None]
            self._read([image for image, _, problem in page if problem is None])
            self.on_progress(self.verdict)
        self._judge(unrecorded_ones)
        if self.demands.is_signed is not None and not self.seen and touched:
            self.verdict.problems.append(
                f"no record tells what became of this run's images, though {touched} of them do not wait any more"
            )

    def others(self) -> None:
        """Look for pictures at the destination that no record explains, and again at all that seemed wrong."""
        if self.outputs is None:
            return
        ledger, run, outputs = self.ledger, self.run, self.outputs

        def odd(name: str) -> str | None:
            return unexplained(ledger, run, outputs, name)

        with ThreadPoolExecutor(_READ_AT_ONCE, thread_name_prefix="audit") as pool:
            names = list(not_published(ledger, run, outputs))
            earlier = earlier_ones(ledger, run, names)
            self.verdict.earlier = len(earlier)
            names = [name for name in names if name not in earlier]
            left = sorted(name for name, problem in zip(names, pool.map(odd, names), strict=True) if problem)
            wrong = pool.map(lambda image: still_wrong(ledger, outputs, image), self.suspects)
            self.verdict.problems += (problem for problem in (*wrong, *pool.map(odd, left)) if problem is not None)

    def _broken(self, record: Record, *, is_last: bool) -> str | None:
        number, previous = self.verdict.records + 1, self.verdict.head
        problem = broken_link(record, run_id=self.run.id, number=number, previous=previous)
        if problem is None and self.demands.is_signed is not None:
            problem = _unsigned(record, self.demands.is_signed, is_last=is_last)
        return problem

    def _add(self, record: Record) -> None:
        self.verdict.records += 1
        self.verdict.head = record.digest
        self.has_expected_head |= record.digest == self.demands.head
        self.verdict.signed += record.signature is not None and self.demands.is_signed is not None
        if self.began is None:
            with suppress(LookupError, TypeError, ValueError):  # of a record that cannot be read its image tells
                self.began = datetime.fromisoformat(record.facts["at"])

    def _read(self, page: Sequence[ImageRecord]) -> None:
        if self.outputs is None:
            return
        outputs, published = self.outputs, [image for image in page if image.state is ImageState.PUBLISHED]
        with ThreadPoolExecutor(_READ_AT_ONCE, thread_name_prefix="audit") as pool:
            read = pool.map(lambda image: wrong_output(outputs, image), published)
            for image, problem in zip(published, read, strict=True):
                self.verdict.outputs += 1
                self.suspects += [] if problem is None else [image]
                self.on_progress(self.verdict)

    def _judge(self, without: Sequence[ImageRecord]) -> None:
        """Tell images without a record that are older than the chain from those that must have one."""
        older = [one for one in without if self.began is None or (one.finished_at or self.began) < self.began]
        if self.demands.is_signed is not None or not older:
            self.verdict.problems += map(unrecorded, without)
            return
        # What was left out has no time; with older ones beside it, it may be as old.
        self.verdict.unrecorded = len(older) + sum(one.finished_at is None for one in without if one not in older)
        self.verdict.problems += [unrecorded(one) for one in without if one.finished_at and one not in older]


def _records(ledger: Engine, run_id: str, *, after: int, last: int) -> Iterator[tuple[Record, tuple[str, str] | None]]:
    """Give a run's records between two numbers, each with the run and the name of the row of its image."""
    while after < last:
        with reading(ledger) as connection:
            page = records(connection, run_id, after=after, limit=1_000)
            places = places_of(connection, {record.image_id for record in page})
        if not page:
            return
        after = page[-1].number
        yield from ((record, places.get(record.image_id)) for record in page if record.number <= last)


def _compared(
    run: Run, connection: Connection, page: Sequence[ImageRecord]
) -> list[tuple[ImageRecord, bool, str | None]]:
    """Give each image with whether a record tells its fate, and what in the ledger contradicts its records."""
    ids = [image.id for image in page]
    found, told = detections(connection, ids), records_of(connection, ids)
    kept = corrections_by_name(connection, run.destination, [image.name for image in page])

    def compared(image: ImageRecord) -> tuple[ImageRecord, bool, str | None]:
        if image.id not in told and image.state in STATES.values():
            return image, False, None
        theirs, boxes = told.get(image.id, []), kept.get(image.name, set())
        return image, True, contradiction(image, found[image.id], theirs, boxes)

    return [compared(image) for image in page]


def _unsigned(record: Record, is_signed: Checker, *, is_last: bool) -> str | None:
    if record.signature is not None and not is_signed(record.digest, record.signature):
        return f"record {record.number} was not signed with this key"
    if record.signature is not None:
        return None
    if record.kind != RecordKind.REOPENED:
        return f"record {record.number} is not signed"
    # The operator sends images back when a retry is asked for, and holds no key. A signature covers all records before
    # its own, and the last one of a run that ended is of an image's fate.
    return f"record {record.number} is not signed, and no signed one follows yet" if is_last else None
