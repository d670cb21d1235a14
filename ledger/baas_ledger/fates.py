"""What an audit record says of an image's fate, and whether the ledger's other tables say the same. Pure functions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from baas_crds.codes import ObjectClass
from baas_ledger.audit import Entry
from baas_ledger.chain import Record, RecordKind
from baas_ledger.facts import Claim, Corrected, Correction, DetectedObject, ImageRecord, Published, Quarantined
from baas_ledger.tables import ImageState
from baas_ledger.text import printable

STATES = {
    RecordKind.PUBLISHED: ImageState.PUBLISHED,
    RecordKind.QUARANTINED: ImageState.QUARANTINED,
    RecordKind.EXCLUDED: ImageState.EXCLUDED,
}
"""The records that give an image its fate. A correction and a receipt add to it, a reopening ends it."""

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
_OBJECT = ("score", "x", "y", "width", "height", "joined")


def published_entry(held: Claim, outcome: Published) -> Entry:
    """Tell that an image was published, from what to what and with what found in it."""
    facts = {
        **_known(held, outcome),
        "output": outcome.output_digest,
        "output_bytes": outcome.output_size_bytes,
        "output_version": outcome.output_version,
        "masked_share": outcome.masked_share,
        "objects": [_object(one) for one in outcome.detections],
        "second_look": asdict(outcome.second_look),
    }
    return Entry(image_id=held.image_id, name=held.name, kind=RecordKind.PUBLISHED, facts=facts)


def quarantined_entry(held: Claim, outcome: Quarantined) -> Entry:
    """Tell that an image was not published, and why."""
    facts = {**_known(held, outcome), "reason": outcome.reason, "message": printable(outcome.message)}
    return Entry(image_id=held.image_id, name=held.name, kind=RecordKind.QUARANTINED, facts=facts)


def corrected_facts(outcome: Corrected) -> dict[str, object]:
    """Tell what more was redacted in a published image, but for the store's version of the file."""
    return {
        **outcome.evidence,
        "earlier": outcome.earlier_digest,
        "output": outcome.output_digest,
        "output_bytes": outcome.output_size_bytes,
        "masked_share": outcome.masked_share,
        "added": [one.as_facts() for one in outcome.added],
    }


def corrected_of(facts: Mapping[str, Any]) -> Corrected:
    """Return what `corrected_facts` told."""
    rest = dict(facts)
    return Corrected(
        earlier_digest=rest.pop("earlier"),
        output_digest=rest.pop("output"),
        output_size_bytes=rest.pop("output_bytes"),
        masked_share=rest.pop("masked_share"),
        added=tuple(Correction.of_facts(one) for one in rest.pop("added")),
        evidence=rest,
    )


def contradiction(image: ImageRecord, found: Sequence[DetectedObject], told: Sequence[Record]) -> str | None:
    """Return in a sentence where an image's rows differ from what its records, oldest first, come to; else None."""
    fate = _fate(told)
    if fate is None:
        if image.state in STATES.values():
            return f"the ledger says that {image.name} is {image.state}, and no record says so"
        return None
    return next(_differences(image, found, fate), None)


def _differences(image: ImageRecord, found: Sequence[DetectedObject], fate: Mapping[str, Any]) -> Iterator[str]:
    expected = STATES[RecordKind(fate["kind"])]
    if image.state is not expected:
        yield f"the records say that {image.name} is {expected}, and the ledger says {image.state}"
    for name, column in _COLUMNS.items():
        ours, theirs = fate.get(name), getattr(image, column)
        if name in fate and ours != theirs:
            yield f"{image.name}: the record has {name} {ours}, and the ledger has {theirs}"
    objects = [_row(one) for one in fate.get("objects", ())]
    if objects != [_row(_object(one)) for one in found]:
        yield f"{image.name}: the record's {len(objects)} objects are not the ledger's {len(found)} detections"
    if expected is ImageState.PUBLISHED and _counted(objects) != (image.persons, image.licence_plates):
        yield f"{image.name}: the ledger's numbers of persons and licence plates are not those of its record"
    if fate["source_deleted"] != (image.source_deleted_at is not None):
        yield f"{image.name}: record and ledger differ on whether its original was deleted"


def _fate(told: Sequence[Record]) -> dict[str, Any] | None:
    """Return what an image's records come to, None when it has no fate."""
    fate: dict[str, Any] | None = None
    for record in told:
        if record.kind in STATES:
            fate = {**record.facts, "source_deleted": False}
        elif record.kind == RecordKind.REOPENED:
            fate = None
        elif fate is not None and record.kind == RecordKind.CORRECTED:
            facts = record.facts
            fate |= {name: facts[name] for name in ("output", "output_bytes", "output_version", "masked_share")}
        elif fate is not None and record.kind == RecordKind.SOURCE_DELETED:
            fate["source_deleted"] = True
    return fate


def _known(held: Claim, outcome: Published | Quarantined) -> dict[str, object]:
    return {
        **outcome.evidence,
        "source_version": held.source_version,
        "attempt": held.attempt,
        "input": outcome.input_digest,
        "model": outcome.model_digest,
        "configuration": outcome.config_digest,
        "width_px": outcome.width_px,
        "height_px": outcome.height_px,
        "seconds": dict(outcome.timings),
    }


def _object(one: DetectedObject) -> dict[str, object]:
    return {
        "class": one.object_class,
        **{name: getattr(one, name) for name in _OBJECT},
        "tile": None if one.tile is None else list(one.tile),
    }


def _row(told: Mapping[str, Any]) -> dict[str, object]:
    """What of an object the table of detections keeps, too."""
    return {name: told[name] for name in ("class", *_OBJECT)}


def _counted(objects: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    classes = [one["class"] for one in objects]
    return classes.count(ObjectClass.PERSON), classes.count(ObjectClass.LICENCE_PLATE)
