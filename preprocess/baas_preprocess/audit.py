"""Check a run's audit records against each other, against the ledger's other tables and against the outputs."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from sqlalchemy import Engine

from baas_crds.errors import ConfigurationError
from baas_ledger.audit import chain_end, records, records_of
from baas_ledger.chain import START, Record, RecordKind, broken_link
from baas_ledger.contradictions import contradiction
from baas_ledger.engine import reading
from baas_ledger.facts import ImageRecord, Run
from baas_ledger.records import detections, images, named_image
from baas_ledger.tables import ImageState
from baas_preprocess.digests import digest_of
from baas_preprocess.signatures import Checker
from baas_preprocess.stores.places import Destination

# A store of blobs gives one picture in some hundred milliseconds, and many at once.
_READ_AT_ONCE = 8


@dataclass(slots=True)
class Verdict:
    """What was checked, and what is wrong; the first is where to begin."""

    records: int = 0
    signed: int = 0
    """So many records have the key's signature; 0 without a key."""
    images: int = 0
    outputs: int = 0
    """So many outputs were read."""
    problems: list[str] = field(default_factory=list)


def verify_run(
    ledger: Engine,
    run: Run,
    *,
    destination: Destination | None,
    is_signed: Checker | None = None,
    on_progress: Callable[[Verdict], None] = lambda _: None,
) -> Verdict:
    """Recompute the chain up to its first broken link, then compare each image with its records and its output.

    Without a `destination` no output is read. With `is_signed` every record must have a signature, but one of a retry,
    which a signed record must follow. Raises `ConfigurationError` for a run that has no chain, `DependencyUnavailable`
    when ledger or store do not answer.
    """
    verdict = Verdict()
    for record, problem in _links(ledger, run, is_signed):
        if problem is not None:
            verdict.problems.append(problem)
            break
        verdict.records += record is not None
        verdict.signed += record is not None and record.signature is not None and is_signed is not None
        on_progress(verdict)
    with ThreadPoolExecutor(_READ_AT_ONCE, thread_name_prefix="audit") as pool:
        for page in _pages(ledger, run.id):
            verdict.problems += (problem for _, problem in page if problem is not None)
            published = [image for image, problem in page if problem is None and image.state is ImageState.PUBLISHED]
            verdict.images += len(page)
            if destination is not None:
                for problem in pool.map(lambda image: wrong_output(destination, image), published):
                    verdict.outputs += 1
                    verdict.problems += [] if problem is None else [problem]
                    on_progress(verdict)
            on_progress(verdict)
    return verdict


def history(ledger: Engine, run: Run, name: str) -> tuple[ImageRecord, list[Record]]:
    """Return an image and its records, oldest first. Raises `ConfigurationError` when the run has no such image."""
    with reading(ledger) as connection:
        image = named_image(connection, run.id, name)
        if image is None:
            raise ConfigurationError(f"Run {run.id} has no image {name!r}: name its path below the source, as it is.")
        return image, records_of(connection, [image.id]).get(image.id, [])


def wrong_output(destination: Destination, image: ImageRecord) -> str | None:
    """Read an output as it is now, and say what is wrong with it; None when it is what was recorded."""
    data = destination.read(image.name)
    if data is None:
        return f"{image.name}: its output is not there any more, or cannot be read"
    if digest_of(data) != image.output_digest:
        return f"{image.name}: its output was changed after it was published"
    return None


def _links(ledger: Engine, run: Run, is_signed: Checker | None) -> Iterator[tuple[Record | None, str | None]]:
    """Give each record with what is wrong with it, and at last what is wrong with the chain's end."""
    with reading(ledger) as connection:
        end = chain_end(connection, run.id)
    if end is None:
        raise ConfigurationError(f"Run {run.id} has no audit records: it ended before there were any.")
    length, head = end
    number, previous = 0, START
    while number < length:
        with reading(ledger) as connection:
            page = records(connection, run.id, after=number, limit=min(1_000, length - number))
        if not page:
            break
        for record in page:
            number += 1
            problem = broken_link(record, run_id=run.id, number=number, previous=previous)
            if problem is None and is_signed is not None:
                problem = _unsigned(record, is_signed, is_last=number == length)
            yield record, problem
            previous = record.digest
    if (number, previous) != (length, head):
        yield None, f"the last records are missing: the chain has {number}, and should have {length}"


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


def _pages(ledger: Engine, run_id: str) -> Iterator[list[tuple[ImageRecord, str | None]]]:
    """Give each image with what in the ledger contradicts its records."""
    after: str | None = None
    while True:
        with reading(ledger) as connection:  # of one moment: workers may be finishing more
            page = images(connection, run_id, after=after)
            ids = [image.id for image in page]
            found, told = detections(connection, ids), records_of(connection, ids)
        if not page:
            return
        after = page[-1].name
        yield [(image, contradiction(image, found[image.id], told.get(image.id, []))) for image in page]
