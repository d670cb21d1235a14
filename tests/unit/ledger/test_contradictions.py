"""Records are read whatever somebody has written into them: what is no record of an image is told, never trusted."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baas_ledger.chain import Record, RecordKind, body_of, broken_link, digest_of_body
from baas_ledger.contradictions import contradiction, misplaced, of_other_settings, output_left
from baas_ledger.facts import ImageRecord, Run
from baas_ledger.tables import NO_OUTCOME, ImageState, RunState

PUBLISHED: dict[str, Any] = {
    "run": "run",
    "number": 1,
    "previous": "sha256:",
    "kind": "published",
    "image": "a.jpg",
    "at": "2026-06-01T12:00:00+00:00",
    "source_version": "1",
    "attempt": 1,
    "input": "sha256:in",
    "output": "sha256:out",
    "output_bytes": 1,
    "output_version": None,
    "model": "sha256:model",
    "configuration": "sha256:config",
    "width_px": 10,
    "height_px": 10,
    "masked_share": 0.5,
    "seconds": {"detect": 0.5},
    "objects": [
        {"class": "person", "score": 0.9, "x": 0.5, "y": 0.5, "width": 0.1, "height": 0.1, "joined": 1, "tile": None}
    ],
    "second_look": {"looks": 1, "found_later": 0, "residuals": 0},
    "corrections": [],
}
CORRECTED: dict[str, Any] = {
    "at": "2026-06-01T12:00:00+00:00",
    "output": "sha256:new",
    "output_bytes": 2,
    "output_version": None,
    "masked_share": 0.6,
    "added": [
        {"class": "person", "x": 0.5, "y": 0.5, "width": 0.1, "height": 0.1, "padding": 0.1, "reference": "2026-118"}
    ],
}
NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
RUN = Run(
    id="run",
    source="in",
    destination="safe",
    model_digest="sha256:model",
    config_digest="sha256:config",
    configuration={},
    state=RunState.FINISHED,
    created_at=NOON,
    opened_at=NOON,
    planned_at=NOON,
    finished_at=NOON,
)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["class", "x", "looks"]), inner),
    max_leaves=4,
)


def image(**known: Any) -> ImageRecord:
    row = dict.fromkeys(ImageRecord.__slots__) | NO_OUTCOME | {"timings": {}}
    return ImageRecord(
        **row | {"id": 1, "run_id": "run", "name": "a.jpg", "state": ImageState.PUBLISHED} | known  # type: ignore[arg-type]
    )


def record(kind: str, body: str, number: int = 1) -> Record:
    return Record(number=number, image_id=1, kind=kind, body=body, digest=digest_of_body(body), signature=None)


@given(st.sampled_from(RecordKind), ANY_JSON)
def test_any_json_in_place_of_a_record_is_told(kind: RecordKind, value: object) -> None:
    told = contradiction(image(), [], [record(kind, json.dumps(value))])
    assert told is not None


@given(st.sampled_from(sorted(PUBLISHED)), ANY_JSON, st.sampled_from(sorted(CORRECTED)), ANY_JSON)
def test_any_value_in_a_record_is_told_or_harmless(name: str, value: object, other: str, one: object) -> None:
    bodies = [json.dumps({**PUBLISHED, name: value}), json.dumps({**CORRECTED, other: one})]
    told = contradiction(image(), [], [record("published", bodies[0]), record("corrected", bodies[1], 2)])
    assert told is not None  # the row has nothing of all that


@given(st.sampled_from(["run", "image", "model", "configuration", "output"]), ANY_JSON)
def test_any_value_in_a_record_is_compared_with_its_run_and_its_image(name: str, value: object) -> None:
    one = record("published", json.dumps({**PUBLISHED, name: value}))
    assert (misplaced(one, ("run", "a.jpg")) is None) == (name not in {"run", "image"} or value in ("run", "a.jpg"))
    assert (output_left([one]) == "sha256:out") == (name != "output" or value == "sha256:out")
    assert misplaced(one, None) is not None
    assert of_other_settings(one, RUN) is None or name in {"model", "configuration"}


@pytest.mark.parametrize(
    ("kind", "body", "sentence"),
    [
        ("published", "not JSON", "a.jpg: record 1 cannot be read: Expecting value"),
        ("published", "[]", "a.jpg: record 1 cannot be read: not a JSON object"),
        ("published", "[" * 100_000, "a.jpg: record 1 cannot be read: too deep"),
        ("published", body_of({**PUBLISHED, "objects": None}), "a.jpg: record 1 cannot be read: "),
        ("published", body_of({"at": PUBLISHED["at"]}), "a.jpg: record 1 cannot be read: it lacks "),
        ("quarantined", body_of({"at": PUBLISHED["at"]}), "a.jpg: record 1 cannot be read: it lacks 'reason'"),
        ("praised", body_of(PUBLISHED), "a.jpg: record 1 cannot be read: 'praised' is not a valid RecordKind"),
    ],
)
def test_a_record_that_cannot_be_read_is_named(kind: str, body: str, sentence: str) -> None:
    told = contradiction(image(), [], [record(kind, body)])
    assert told is not None
    assert told.startswith(sentence)


def test_a_record_of_an_unknown_kind_breaks_the_chain() -> None:
    one = record("praised", body_of({**PUBLISHED, "kind": "praised"}))
    told = broken_link(one, run_id="run", number=1, previous="sha256:")
    assert told == "record 1 cannot be read: 'praised' is not a valid RecordKind"
