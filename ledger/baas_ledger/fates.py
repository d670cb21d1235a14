"""What an audit record says of an image's fate. Pure functions."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from baas_ledger.audit import Entry
from baas_ledger.chain import RecordKind
from baas_ledger.facts import Claim, Corrected, Correction, DetectedObject, Published, Quarantined
from baas_ledger.tables import ImageState
from baas_ledger.text import printable

STATES = {
    RecordKind.PUBLISHED: ImageState.PUBLISHED,
    RecordKind.QUARANTINED: ImageState.QUARANTINED,
    RecordKind.EXCLUDED: ImageState.EXCLUDED,
}
"""The records that give an image its fate. A correction and a receipt add to it, a reopening ends it."""

OBJECT = ("score", "x", "y", "width", "height", "joined")
"""What else than its class records tell of an object and the ledger keeps."""


def published_entry(held: Claim, outcome: Published) -> Entry:
    """Tell that an image was published, from what to what and with what found in it."""
    facts = {
        **_known(held, outcome),
        "output": outcome.output_digest,
        "output_bytes": outcome.output_size_bytes,
        "output_version": outcome.output_version,
        "masked_share": outcome.masked_share,
        "objects": [object_facts(one) for one in outcome.detections],
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


def object_facts(one: DetectedObject) -> dict[str, object]:
    """Tell what was found."""
    return {
        "class": one.object_class,
        **{name: getattr(one, name) for name in OBJECT},
        "tile": None if one.tile is None else list(one.tile),
    }


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
