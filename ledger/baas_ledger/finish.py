"""How work on images ends: any number of them get their fates in one transaction.

That takes as many statements for ten images as for one, and meanwhile other workers of the run wait for its chain.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from baas_crds.codes import ObjectClass
from baas_ledger.audit import append
from baas_ledger.claims import LeaseLost
from baas_ledger.counts import Change, count
from baas_ledger.events import record_images
from baas_ledger.facts import Claim, EventKind, Outcome, Published, Quarantined
from baas_ledger.fates import published_entry, quarantined_entry
from baas_ledger.many import execute_many, given
from baas_ledger.tables import NO_OUTCOME, ImageState, detections, images
from baas_ledger.text import printable
from baas_ledger.transactions import moment

Result: TypeAlias = tuple[Claim, Outcome]

_OBJECT = ("object_class", "score", "x", "y", "width", "height", "joined")  # its tile is told by the record alone
_FATE = ("state", "finished_at", *(name for name in NO_OUTCOME if name != "finished_at"))

_fates = given("fates", {"image_id": images.c.id, "held": images.c.token, **{name: images.c[name] for name in _FATE}})
_WRITE_FATES = (
    update(images)
    .where(
        images.c.id.in_(bindparam("ids", expanding=True)),  # PostgreSQL cannot know which and how many the rows name
        images.c.id == _fates.c.image_id,
        images.c.token == _fates.c.held,
    )
    .values({name: _fates.c[name] for name in _FATE})
)
_WRITE_FATE = update(images).where(images.c.id == bindparam("image_id"), images.c.token == bindparam("held"))
_found = given("found", dict(detections.c))
_INSERT_FOUND = insert(detections).from_select(list(_found.c.keys()), select(*_found.c))


def finish(
    connection: Connection, run_id: str, results: Sequence[Result], *, now: datetime | None = None
) -> dict[Claim, LeaseLost]:
    """Write what became of images of a run: published, with what was found in them, or not published, and why.

    Return the claims that are no longer ours, and why: nothing was written of these. Doing it again, because the answer
    to the commit got lost, is harmless.
    """
    at = moment(connection, now)
    found = _locked(connection, [held.image_id for held, _ in results])
    lost: dict[Claim, LeaseLost] = {}
    ours: list[Result] = []
    for held, outcome in results:
        row = found[held.image_id]
        if (row.token, row.state) == (held.token, ImageState.LEASED):
            ours.append((held, outcome))
        elif (row.token, row.state) != (held.token, _state(outcome)):
            lost[held] = _lost(held, row)
    if ours:
        _write(connection, run_id, ours, at=at)
    return lost


def _locked(connection: Connection, ids: Sequence[int]) -> dict[int, Row[Any]]:
    """Return token and state of images, which nobody else changes until the transaction ends."""
    wanted = select(images.c.id, images.c.token, images.c.state).where(images.c.id.in_(ids))
    rows: Iterable[Row[Any]] = connection.execute(wanted.order_by(images.c.id).with_for_update())
    return {row.id: row for row in rows}


def _write(connection: Connection, run_id: str, ours: Sequence[Result], *, at: datetime) -> None:
    fates = [_fate(held, outcome, at=at) for held, outcome in ours]
    execute_many(connection, _WRITE_FATES, _WRITE_FATE, fates, ids=[held.image_id for held, _ in ours])
    found = [row for held, outcome in ours for row in _objects(held, outcome)]
    execute_many(connection, _INSERT_FOUND, insert(detections), found)
    entries = [
        published_entry(held, outcome) if isinstance(outcome, Published) else quarantined_entry(held, outcome)
        for held, outcome in ours
    ]
    append(connection, run_id, entries, at=at)
    entered = [_entered(outcome) for _, outcome in ours]
    count(connection, run_id, [Change(state=ImageState.LEASED, images=-len(ours)), *entered])
    refused = [(held.image_id, printable(one.message)) for held, one in ours if isinstance(one, Quarantined)]
    record_images(connection, run_id, EventKind.IMAGE_QUARANTINED, refused, at=at)


def _state(outcome: Outcome) -> ImageState:
    return ImageState.PUBLISHED if isinstance(outcome, Published) else ImageState.QUARANTINED


def _lost(held: Claim, row: Row[Any]) -> LeaseLost:
    return LeaseLost(
        f"{held.name}: claim {held.token} is over (it is {row.state} under claim {row.token} by now); "
        "its result was not recorded."
    )


def _fate(held: Claim, outcome: Outcome, *, at: datetime) -> dict[str, object]:
    """Return all that the image's row says of its fate, and which row that is."""
    known = {
        "input_digest": outcome.input_digest,
        "model_digest": outcome.model_digest,
        "config_digest": outcome.config_digest,
        "width_px": outcome.width_px,
        "height_px": outcome.height_px,
        "timings": dict(outcome.timings),
        "finished_at": at,
    }
    which = {"image_id": held.image_id, "held": held.token}
    told = _published(outcome) if isinstance(outcome, Published) else _quarantined(outcome)
    return {**which, **NO_OUTCOME, "state": _state(outcome), **known, **told}


def _published(outcome: Published) -> dict[str, object]:
    persons, licence_plates = _numbers(outcome)
    return {
        "output_digest": outcome.output_digest,
        "output_size_bytes": outcome.output_size_bytes,
        "output_version": outcome.output_version,
        "masked_share": outcome.masked_share,
        "persons": persons,
        "licence_plates": licence_plates,
        "second_looks": outcome.second_look.looks,
        "found_later": outcome.second_look.found_later,
        "residuals": outcome.second_look.residuals,
    }


def _quarantined(outcome: Quarantined) -> dict[str, object]:
    return {"reason": outcome.reason, "message": printable(outcome.message)}


def _objects(held: Claim, outcome: Outcome) -> list[dict[str, object]]:
    """Return the rows of what was found in an image; of one that was not published there are none."""
    return [
        {"image_id": held.image_id, "number": number, "token": held.token}
        | {name: getattr(one, name) for name in _OBJECT}
        for number, one in enumerate(outcome.detections if isinstance(outcome, Published) else ())
    ]


def _entered(outcome: Outcome) -> Change:
    if isinstance(outcome, Quarantined):
        return Change(state=ImageState.QUARANTINED, reason=outcome.reason, images=1)
    persons, licence_plates = _numbers(outcome)
    return Change(state=ImageState.PUBLISHED, images=1, persons=persons, licence_plates=licence_plates)


def _numbers(outcome: Published) -> tuple[int, int]:
    """Return how many persons and licence plates were found."""
    found = Counter(one.object_class for one in outcome.detections)
    return found[ObjectClass.PERSON], found[ObjectClass.LICENCE_PLATE]
