"""What operator and pods write to their logs."""

import json
import logging
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baas_telemetry.logs import JsonLine, Level


def line(message: str, *, facts: Mapping[str, object] | None = None, is_error: bool = False) -> dict[str, object]:
    error = sys.exc_info() if is_error else None
    record = logging.LogRecord("room", logging.INFO, __file__, 1, message, None, error)
    record.facts = facts or {}
    text = JsonLine().format(record)
    assert text.isascii()
    [whole] = text.splitlines()
    document: dict[str, object] = json.loads(whole, parse_constant=pytest.fail)
    return document


def test_a_log_record_is_one_line_of_json_with_its_facts() -> None:
    document = line("done", facts={"image": "café.jpg", "seconds": 1.5, "reason": None})
    assert list(document) == ["time", "level", "logger", "message", "image", "seconds", "reason"]
    assert (document["level"], document["logger"], document["message"]) == ("info", "room", "done")
    assert (document["image"], document["seconds"], document["reason"]) == ("café.jpg", 1.5, None)


@given(st.text(st.characters()), st.text(st.characters(codec=None)))
def test_no_text_tears_a_line(message: str, name: str) -> None:
    document = line(message, facts={"image": name})
    assert (document["message"], document["image"]) == (message, name)


@pytest.mark.parametrize("torn", ["\n", "\r\n", "\x0b", "\x1c", "\x85", "\u2028", "\ud800"])
def test_what_ends_a_line_for_some_reader_does_not_tear_it(torn: str) -> None:
    document = line(f"a{torn}b", facts={"image": f"{torn}.jpg"})
    assert (document["message"], document["image"]) == (f"a{torn}b", f"{torn}.jpg")


HOLDS_ITSELF: list[object] = []
HOLDS_ITSELF.append(HOLDS_ITSELF)


@pytest.mark.parametrize(
    ("fact", "written"),
    [
        pytest.param(Path("/data"), "/data", id="a path"),
        pytest.param([Path("/data"), 1], ["/data", 1], id="a path in a list"),
        pytest.param(float("nan"), "nan", id="not a number"),
        pytest.param({("a", "b"): 1}, "{('a', 'b'): 1}", id="keys that are no text"),
        pytest.param(HOLDS_ITSELF, "[[...]]", id="a list that holds itself"),
    ],
)
def test_a_fact_that_json_does_not_know_becomes_text(fact: object, written: object) -> None:
    document = line("done", facts={"fact": fact, "seconds": 1})
    assert (document["fact"], document["seconds"]) == (written, 1)


def test_no_fact_takes_the_place_of_the_message() -> None:
    document = line("done", facts={"message": "other", "level": "other"})
    assert (document["message"], document["level"]) == ("done", "info")


def test_an_error_brings_its_trace() -> None:
    try:
        raise KeyError("odd")
    except KeyError:
        document = line("unforeseen", is_error=True)
    assert str(document["trace"]).endswith("KeyError: 'odd'")


SPEAK = """
import logging, sys
from baas_telemetry.logs import log_as_json
log_as_json(sys.argv[1])
for name in ("ours", "alembic", "azure.core", "kopf.objects"):
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
        logging.getLogger(name).log(level, "")
"""


@pytest.mark.parametrize(
    ("level", "ours", "libraries"),
    [
        ("DEBUG", ["debug", "info", "warning", "error"], ["debug", "info", "warning", "error"]),
        ("INFO", ["info", "warning", "error"], ["warning", "error"]),
        ("WARNING", ["warning", "error"], ["warning", "error"]),
        ("ERROR", ["error"], ["error"]),
    ],
)
def test_talkative_libraries_are_heard_from_warnings_on(level: Level, ours: list[str], libraries: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", SPEAK, level], check=True, capture_output=True, text=True)
    heard: dict[str, list[str]] = {}
    for text in done.stdout.splitlines():
        document = json.loads(text)
        heard.setdefault(document["logger"], []).append(document["level"])
    assert heard == {"ours": ours, "alembic": libraries, "azure.core": libraries, "kopf.objects": libraries}
    assert done.stderr == ""


def test_addresses_with_signatures_are_not_logged_at_any_level() -> None:
    program = (
        "import logging; from baas_telemetry.logs import log_as_json; log_as_json('DEBUG');"
        "logging.getLogger('urllib3.connectionpool').debug('GET /panoramas?sig=secret');"
        "logging.getLogger('urllib3.connectionpool').warning('retry')"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert [json.loads(text)["message"] for text in done.stdout.splitlines()] == ["retry"]
