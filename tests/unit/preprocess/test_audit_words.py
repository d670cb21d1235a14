"""An image's records in the words of a person who asks about it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from baas_ledger.chain import Record, RecordKind, body_of
from baas_ledger.facts import ImageRecord
from baas_ledger.tables import ImageState
from baas_preprocess.audit_words import told

AT = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
PUBLISHED = {
    "attempt": 2,
    "worker": "pod-1",
    "width_px": 8000,
    "height_px": 4000,
    "masked_share": 0.0123,
    "recipe": {"confidence": {"person": 0.05, "licence_plate": 0.01}},
    "objects": [
        {"class": "person", "score": 0.91, "x": 0.5, "y": 0.5, "width": 0.01, "height": 0.05, "tile": [1, 2, 3, 4]},
        {"class": "licence_plate", "score": 0.4, "x": 0.999, "y": 0.6, "width": 0.002, "height": 0.01, "tile": None},
    ],
    "second_look": {"looks": 1, "found_later": 1, "residuals": 2},
    "removed": ["Exif thumbnail 512x256"],
    "kept": ["Exif", "GPano"],
    "input": "sha256:in",
    "output": "sha256:out",
    "software": {"version": "0.1.0", "code": "sha256:code"},
    "trace": "ab" * 16,
}


def image(state: ImageState) -> ImageRecord:
    names = [name for name in ImageRecord.__slots__ if name not in {"name", "run_id", "state"}]
    return ImageRecord(name="pano.jpg", run_id="run", state=state, **dict.fromkeys(names))  # type: ignore[arg-type]


def record(kind: RecordKind, signature: str | None = None, **facts: Any) -> Record:
    body = body_of({"at": AT.isoformat(), **facts})
    return Record(number=7, image_id=1, kind=kind, body=body, digest="sha256:", signature=signature)


def words(state: ImageState, *records: Record) -> str:
    return "\n".join(told(image(state), records))


def test_a_published_image_is_told_with_all_that_was_decided() -> None:
    assert (
        words(ImageState.PUBLISHED, record(RecordKind.PUBLISHED, "signature", **PUBLISHED))
        == """pano.jpg is published (run run).

2026-06-01 12:00:00 UTC, record 7, signed: published, at attempt 2 by pod-1.
  2 objects redacted, 1.23% of the picture:
    person, score 0.91: columns 4000 to 4080, rows 2000 to 2200; seen in the 3x4 px tile at 1,2
    licence plate, score 0.40: columns 7992 to 8008, rows 2400 to 2440; seen
  Nothing else in it reached what was asked for (licence plate from a score of 0.01 and person from a score of 0.05).
  The finished picture was looked at again 1 time: 1 object more found and redacted, 2 still seen under the mask.
  Read back: outside of the mask nothing differs from the original, inside is only what the redaction draws.
  Removed from the file: Exif thumbnail 512x256.
  Kept in the file: Exif, GPano.
  input sha256:in
  output sha256:out
  software 0.1.0, code sha256:code
  trace abababababababababababababababab"""
    )


def test_an_image_without_people_says_that_nothing_was_redacted() -> None:
    empty = {**PUBLISHED, "objects": [], "second_look": {"looks": 0, "found_later": 0, "residuals": 0}}
    text = words(ImageState.PUBLISHED, record(RecordKind.PUBLISHED, **empty))
    assert "Nothing was redacted: nothing in it reached what was asked for" in text
    assert "The finished picture was not looked at again." in text


@pytest.mark.parametrize(
    ("state", "kind", "facts", "sentences"),
    [
        (
            ImageState.QUARANTINED,
            RecordKind.QUARANTINED,
            {"reason": "Damaged", "message": "Row 17."},
            ["it is quarantined", "quarantined as Damaged.", "  Row 17."],
        ),
        (
            ImageState.EXCLUDED,
            RecordKind.EXCLUDED,
            {"reason": None, "message": "It is on the exclude list."},
            ["it was left out on request", "  It is on the exclude list."],
        ),
        (ImageState.PENDING, RecordKind.REOPENED, {"why": "Again."}, ["waits for a worker", "  Again."]),
        (
            ImageState.PUBLISHED,
            RecordKind.CORRECTED,
            {"added": [{"reference": ""}], "masked_share": 0.02, "output": "sha256:new"},
            ["more was redacted", "1 box added, 2.00% of the picture in all.", "output sha256:new"],
        ),
    ],
)
def test_every_other_record_has_its_sentence(
    state: ImageState, kind: RecordKind, facts: dict[str, Any], sentences: list[str]
) -> None:
    text = words(state, record(kind, **facts))
    for sentence in sentences:
        assert sentence in text


def test_a_receipt_names_the_copies_that_remain() -> None:
    facts = {"was_there": True, "copies": ["version 2026-01-01, soft-deleted, 7 days left"], "output": "sha256:out"}
    text = words(ImageState.PUBLISHED, record(RecordKind.SOURCE_DELETED, **facts))
    assert "the original was deleted, after the output had been read back." in text
    assert "The store still keeps: version 2026-01-01, soft-deleted, 7 days left." in text
    gone = words(ImageState.PUBLISHED, record(RecordKind.SOURCE_DELETED, was_there=False, copies=[]))
    assert "It was gone already when this was written." in gone
    assert "The store keeps no copy that it tells of." in gone


def test_an_image_that_nobody_treated_yet_says_so() -> None:
    assert words(ImageState.PENDING).endswith("No record tells more: nothing was decided about it yet.")


@pytest.mark.parametrize(
    "body", ["not JSON", "[]", "{}", body_of({**PUBLISHED, "objects": [{}], "at": AT.isoformat()})]
)
def test_a_record_that_cannot_be_read_says_so_between_the_others(body: str) -> None:
    rubbish = Record(number=8, image_id=1, kind="published", body=body, digest="sha256:", signature=None)
    text = words(ImageState.PUBLISHED, record(RecordKind.PUBLISHED, **PUBLISHED), rubbish)
    assert "record 7: published, at attempt 2" in text
    assert text.endswith("Record 8 cannot be read: it was changed. `baas audit verify` tells what else was.")
