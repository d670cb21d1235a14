"""Whether the ledger's other tables say what an image's audit records say. Pure functions.

A record may hold anything, since whoever can write the ledger can write records: what cannot be read is told, too.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from baas_crds.codes import ObjectClass
from baas_ledger.chain import Record, RecordKind
from baas_ledger.facts import DetectedObject, ImageRecord
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
}
_REPLACED = ("output", "output_bytes", "output_version", "masked_share")
"""What a correction changes."""
_NEEDED = {
    RecordKind.PUBLISHED: ("input", "output", "output_bytes", "model", "configuration", "masked_share", "objects"),
    RecordKind.QUARANTINED: ("reason", "message"),
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
    source_deleted: bool = False


def contradiction(image: ImageRecord, found: Sequence[DetectedObject], told: Sequence[Record]) -> str | None:
    """Return in a sentence where an image's rows differ from what its records, oldest first, come to; else None."""
    try:
        fate = _fate(told)
    except Unreadable as error:
        return f"{image.name}: {error}"
    if fate is None:
        if image.state in STATES.values():
            return f"the ledger says that {image.name} is {image.state}, and no record says so"
        return None
    return next(_differences(image, found, fate), None)


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
    if fate.source_deleted != (image.source_deleted_at is not None):
        yield f"{image.name}: record and ledger differ on whether its original was deleted"


def _fate(told: Sequence[Record]) -> _Fate | None:
    """Return what an image's records come to, None when it has no fate. Raises `Unreadable`."""
    fate: _Fate | None = None
    for record in told:
        try:
            fate = _after(fate, record)
        except KeyError as error:
            raise Unreadable(f"record {record.number} cannot be read: it lacks {error}") from error
        except (AttributeError, TypeError, ValueError) as error:
            raise Unreadable(f"record {record.number} cannot be read: {error}") from error
    return fate


def _after(fate: _Fate | None, record: Record) -> _Fate | None:
    facts, kind = record.facts, RecordKind(record.kind)
    if kind in STATES:
        told = {name: facts[name] for name in _COLUMNS if name in facts or name in _NEEDED[kind]}
        return _Fate(state=STATES[kind], told=told, objects=[_row(one) for one in _objects(kind, facts)])
    if kind is RecordKind.REOPENED or fate is None:
        return None
    if kind is RecordKind.CORRECTED:
        return replace(fate, told={**fate.told, **{name: facts[name] for name in _REPLACED}})
    return replace(fate, source_deleted=True)


def _objects(kind: RecordKind, facts: Mapping[str, Any]) -> Collection[Mapping[str, Any]]:
    objects: Collection[Mapping[str, Any]] = facts["objects"] if kind is RecordKind.PUBLISHED else ()
    return objects


def _row(told: Mapping[str, Any]) -> dict[str, object]:
    """What of an object the table of detections keeps, too."""
    return {name: told[name] for name in ("class", *OBJECT)}


def _counted(objects: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    classes = [one["class"] for one in objects]
    return classes.count(ObjectClass.PERSON), classes.count(ObjectClass.LICENCE_PLATE)
