"""An image's audit records in plain words: why it was published or not, and what was redacted in it. Pure functions."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from baas_crds.codes import QuarantineReason
from baas_ledger.chain import Record, RecordKind
from baas_ledger.facts import ImageRecord
from baas_ledger.tables import ImageState

_STANDS = {
    ImageState.PENDING: "waits for a worker",
    ImageState.LEASED: "is being worked on",
    ImageState.PUBLISHED: "is published",
    ImageState.QUARANTINED: "is not published: it is quarantined",
    ImageState.EXCLUDED: "is not published: it was left out on request",
}
_NO_COPY = "The store keeps no copy that it tells of."
_HEADLINES: Mapping[str, str] = {
    RecordKind.PUBLISHED: "published, at attempt {attempt} by {worker}.",
    RecordKind.QUARANTINED: "quarantined as {reason}.",
    RecordKind.EXCLUDED: "left out on request.",
    RecordKind.REOPENED: "to be done again; what was recorded before counts no more.",
    RecordKind.CORRECTED: "more was redacted in the published picture.",
    RecordKind.SOURCE_DELETED: "the original was deleted, after the output had been read back.",
}


def told(image: ImageRecord, records: Sequence[Record], *, viewer: str | None = None) -> Iterator[str]:
    """Give the lines for a person who asks about one image, and who may look at the panorama in a viewer."""
    yield f"{image.name} {_STANDS[image.state]} (run {image.run_id})."
    if viewer is not None:
        yield f"In the panorama viewer: {viewer}"
    if not records:
        yield "No record tells more: nothing was decided about it yet."
    for record in records:
        yield ""
        yield from of_record(record) or [unreadable(record)]


def of_record(record: Record) -> list[str] | None:
    """Return the lines that tell a record; None when it is not what its kind must be: somebody wrote into it."""
    try:
        facts = record.facts
        at = datetime.fromisoformat(facts["at"])
        signed = "" if record.signature is None else ", signed"
        headline = f"{at:%Y-%m-%d %H:%M:%S} UTC, record {record.number}{signed}: {_headline(record.kind, facts)}"
        return [headline, *(f"  {line}" for line in _lines(record.kind, facts))]
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return None


def unreadable(record: Record) -> str:
    """Say that a record tells nothing."""
    return f"Record {record.number} cannot be read: it was changed. `baas audit verify` tells what else was."


def _headline(kind: str, facts: Mapping[str, Any]) -> str:
    return _HEADLINES.get(kind, f"{kind}.").format(**{"worker": "an unknown worker", **facts})


def _lines(kind: str, facts: Mapping[str, Any]) -> Iterator[str]:
    if kind == RecordKind.PUBLISHED:
        yield from _redactions(facts)
        yield from _checks(facts)
    if kind == RecordKind.CORRECTED:
        yield f"{_count(len(facts['added']), 'box', 'boxes')} added, {facts['masked_share']:.2%} of the picture in all."
        if references := sorted({one["reference"] for one in facts["added"] if one["reference"]}):
            yield f"Reported as {', '.join(references)}."
    if kind == RecordKind.SOURCE_DELETED:
        if not facts["was_there"]:
            yield "It was gone already when this was written."
        yield f"The store still keeps: {'; '.join(facts['copies'])}." if facts["copies"] else _NO_COPY
    if "reason" in facts and facts["reason"] is not None:
        yield QuarantineReason(facts["reason"]).explanation
    yield from (facts[name] for name in ("message", "why") if facts.get(name))
    yield from _digests(facts)


def _redactions(facts: Mapping[str, Any]) -> Iterator[str]:
    objects, width, height = facts["objects"], facts["width_px"], facts["height_px"]
    confidence = facts.get("recipe", {}).get("confidence", {})
    asked = " and ".join(f"{_plain(name)} from a score of {score:g}" for name, score in confidence.items())
    if objects:
        yield f"{_count(len(objects), 'object')} redacted, {facts['masked_share']:.2%} of the picture:"
    for one in objects:
        left, top = round(one["x"] * width), round(one["y"] * height)
        right, bottom = round((one["x"] + one["width"]) * width), round((one["y"] + one["height"]) * height)
        where = f"columns {left} to {right}, rows {top} to {bottom}"
        tile = "" if one["tile"] is None else " in the {2}x{3} px tile at {0},{1}".format(*one["tile"])
        yield f"  {_plain(one['class'])}, score {one['score']:.2f}: {where}; seen{tile}"
    corrections = facts.get("corrections", ())
    if corrections:
        yield f"{_count(len(corrections), 'box', 'boxes')} redacted besides, as people had wanted (baas redact-more)."
    nothing = "Nothing else" if objects or corrections else "Nothing was redacted: nothing"
    yield f"{nothing} in it reached what was asked for ({asked or 'as its configuration says'})."


def _checks(facts: Mapping[str, Any]) -> Iterator[str]:
    look = facts["second_look"]
    if look["looks"]:
        yield (
            f"The finished picture was looked at again {_count(look['looks'], 'time')}: "
            f"{_count(look['found_later'], 'object')} more found and redacted, "
            f"{look['residuals']} still seen under the mask."
        )
    else:
        yield "The finished picture was not looked at again."
    yield "Read back: outside of the mask nothing differs from the original, inside is only what the redaction draws."
    yield f"Removed from the file: {', '.join(facts.get('removed', ())) or 'nothing'}."
    yield f"Kept in the file: {', '.join(facts.get('kept', ())) or 'nothing'}."


def _digests(facts: Mapping[str, Any]) -> Iterator[str]:
    for name in ("input", "output", "model", "configuration"):
        if facts.get(name):
            yield f"{name} {facts[name]}"
    if software := facts.get("software"):
        yield f"software {software['version']}, code {software['code']}"
    if facts.get("trace"):
        yield f"trace {facts['trace']}"


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _count(number: int, what: str, many: str | None = None) -> str:
    return f"{number} {what if number == 1 else many or what + 's'}"
