"""Whether the ledger's other tables say what an image's audit records say. Pure functions.

A record may hold anything, since whoever can write the ledger can write records: what cannot be read is told, too.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from baas_crds.codes import ObjectClass
from baas_ledger.chain import Record, RecordKind
from baas_ledger.facts import Correction, DetectedObject, ImageRecord, Run
from baas_ledger.fates import OBJECT, STATES, object_facts
from baas_ledger.tables import ImageState

# What records call the columns of `images`.
_COLUMNS = {
    "input": "input_digest",
    "output": "output_digest",
    "output_bytes": "output_size_bytes",
    "output_version": "output_version",
    "model": "model_digest",
    "configuration": "config_digest",
    "width_px": "width_px",
    "height_px": "height_px",
    "masked_share": "masked_share",
    "reason": "reason",
    "message": "message",
    "source_version": "source_version",
    "worker": "worker",
    "attempt": "attempts",
    "seconds": "timings",
    "looks": "second_looks",
    "found_later": "found_later",
    "residuals": "residuals",
    "at": "finished_at",
}
_REPLACED = ("output", "output_bytes", "output_version", "masked_share")
"""What a correction changes."""
_NEEDED = {
    RecordKind.PUBLISHED: ("input", "output", "output_bytes", "model", "configuration", "masked_share", "at"),
    RecordKind.QUARANTINED: ("reason", "message", "at"),
    RecordKind.EXCLUDED: ("message",),
}


class Unreadable(Exception):
    """A record does not say what its kind must say; the text is a sentence that names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fate:
    """What an image's records come to."""

    state: ImageState
    told: Mapping[str, Any]
    """By the names of `_COLUMNS`, as far as the records tell."""
    objects: list[dict[str, object]]
    source_deleted_at: datetime | None = None


def contradiction(
    image: ImageRecord, found: Sequence[DetectedObject], told: Sequence[Record], kept: Collection[Correction] = ()
) -> str | None:
    """Return in a sentence where an image's rows differ from what its records, oldest first, come to; else None.

    `kept` are the corrections under its name, without references.
    """
    try:
        fate, wanted = _fate(told)
    except Unreadable as error:
        return f"{image.name}: {error}"
    if not wanted.issubset(kept):
        return f"{image.name}: the ledger lacks a correction that its records tell of, so the next run would undo it"
    if fate is not None:
        return next(_differences(image, found, fate), None)
    return unrecorded(image) if image.state in STATES.values() else None


def unrecorded(image: ImageRecord) -> str:
    """Say that an image's fate is in no record."""
    return f"the ledger says that {image.name} is {image.state}, and no record says so"


def misplaced(record: Record, place: tuple[str, str] | None) -> str | None:
    """Say why a record is not of the image that it names; `place` is the run and the name of its row, if there is one.

    Whoever reads the ledger's images one by one does not miss those that were taken away.
    """
    try:
        run_id, name = record.facts.get("run"), record.facts.get("image")
    except ValueError:
        return None  # which the chain tells
    if place is None:
        return f"record {record.number} is of {name}, and the ledger has no such image any more"
    if place != (run_id, name):
        return f"record {record.number} is of {name}, and the ledger calls that image {place[1]} of run {place[0]}"
    return None


def of_other_settings(record: Record, run: Run) -> str | None:
    """Say why a record is of another model or configuration than its run."""
    try:
        facts = record.facts
    except ValueError:
        return None
    for name, theirs in (("model", run.model_digest), ("configuration", run.config_digest)):
        if facts.get(name) not in (None, theirs):  # no set: it may be anything
            return f"record {record.number} has the {name} {facts[name]}, and the ledger has {theirs} for the run"
    return None


def output_left(told: Sequence[Record]) -> object:
    """Return the digest of the output that an image's records, oldest first, leave at the destination; None: of none.

    A reopened image's output stays until there is another one.
    """
    output = None
    for record in told:
        try:
            facts = record.facts
        except ValueError:
            continue
        if record.kind in {RecordKind.PUBLISHED, RecordKind.CORRECTED}:
            output = facts.get("output")
        elif record.kind in {RecordKind.QUARANTINED, RecordKind.EXCLUDED}:
            output = None
    return output


def _differences(image: ImageRecord, found: Sequence[DetectedObject], fate: _Fate) -> Iterator[str]:
    if image.state is not fate.state:
        yield f"the records say that {image.name} is {fate.state}, and the ledger says {image.state}"
    for name, ours in fate.told.items():
        theirs = getattr(image, _COLUMNS[name])
        if ours != theirs:
            yield f"{image.name}: the record has {name} {ours}, and the ledger has {theirs}"
    if fate.objects != [_row(object_facts(one)) for one in found]:
        yield f"{image.name}: the record's {len(fate.objects)} objects are not the ledger's {len(found)} detections"
    if fate.state is ImageState.PUBLISHED and _counted(fate.objects) != (image.persons, image.licence_plates):
        yield f"{image.name}: the ledger's numbers of persons and licence plates are not those of its record"
    if fate.source_deleted_at != image.source_deleted_at:
        yield f"{image.name}: record and ledger differ on whether or when its original was deleted"


def _fate(told: Sequence[Record]) -> tuple[_Fate | None, set[Correction]]:
    """Return what an image's records come to, None when it has no fate, and all corrections that they tell of.

    Raises `Unreadable`.
    """
    fate: _Fate | None = None
    wanted: set[Correction] = set()
    for record in told:
        try:
            facts, kind = record.facts, RecordKind(record.kind)
            fate = _after(fate, kind, facts)
            wanted |= {replace(one, reference="") for one in _corrections(kind, facts)}
        except KeyError as error:
            raise Unreadable(f"record {record.number} cannot be read: it lacks {error}") from error
        except (AttributeError, TypeError, ValueError) as error:
            raise Unreadable(f"record {record.number} cannot be read: {error}") from error
    return fate, wanted


def _after(fate: _Fate | None, kind: RecordKind, facts: Mapping[str, Any]) -> _Fate | None:
    if kind in STATES:
        return _Fate(state=STATES[kind], told=_told(kind, facts), objects=[_row(one) for one in _objects(kind, facts)])
    if kind is RecordKind.REOPENED or fate is None:
        return None
    if kind is RecordKind.CORRECTED:
        return replace(fate, told={**fate.told, **{name: facts[name] for name in _REPLACED}})
    return replace(fate, source_deleted_at=datetime.fromisoformat(facts["at"]))


def _told(kind: RecordKind, facts: Mapping[str, Any]) -> dict[str, object]:
    known = {**facts, **facts["second_look"]} if kind is RecordKind.PUBLISHED else dict(facts)
    told = {name: known[name] for name in _COLUMNS if name in known or name in _NEEDED[kind]}
    if "at" in told:
        told["at"] = None if kind is RecordKind.EXCLUDED else datetime.fromisoformat(facts["at"])
    return told


def _objects(kind: RecordKind, facts: Mapping[str, Any]) -> Collection[Mapping[str, Any]]:
    objects: Collection[Mapping[str, Any]] = facts["objects"] if kind is RecordKind.PUBLISHED else ()
    return objects


def _corrections(kind: RecordKind, facts: Mapping[str, Any]) -> Iterator[Correction]:
    if kind is RecordKind.CORRECTED:
        yield from map(Correction.of_facts, facts["added"])
    if kind is RecordKind.PUBLISHED:
        yield from map(Correction.of_facts, facts.get("corrections", ()))


def _row(told: Mapping[str, Any]) -> dict[str, object]:
    """What of an object the table of detections keeps, too."""
    return {name: told[name] for name in ("class", *OBJECT)}


def _counted(objects: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    classes = [one["class"] for one in objects]
    return classes.count(ObjectClass.PERSON), classes.count(ObjectClass.LICENCE_PLATE)
