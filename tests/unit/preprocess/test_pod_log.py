"""What a pod leaves behind when it ends."""

import json
import logging
import sys
from pathlib import Path

import pytest

from baas_preprocess.cli.pod_log import TERMINATION_BYTES, JsonLine, say_last_words


def line(message: str, *, facts: dict[str, object] | None = None, is_error: bool = False) -> dict[str, object]:
    error = sys.exc_info() if is_error else None
    record = logging.LogRecord("room", logging.INFO, __file__, 1, message, None, error)
    record.facts = facts or {}
    [text] = JsonLine().format(record).splitlines()
    document: dict[str, object] = json.loads(text)
    return document


def test_a_log_record_is_one_line_of_json_with_its_facts() -> None:
    document = line("a\nb", facts={"image": "caf\u00e9\n.jpg", "seconds": 1.5})
    assert (document["level"], document["logger"], document["message"]) == ("info", "room", "a\nb")
    assert (document["image"], document["seconds"]) == ("caf\u00e9\n.jpg", 1.5)


def test_an_error_brings_its_trace() -> None:
    try:
        raise KeyError("odd")
    except KeyError:
        document = line("unforeseen", is_error=True)
    assert str(document["trace"]).endswith("KeyError: 'odd'")


def test_last_words_fit_into_what_kubernetes_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAAS_TERMINATION_LOG", str(tmp_path / "log"))
    say_last_words("nobody listens")
    assert not (tmp_path / "log").exists()
    (tmp_path / "log").touch()
    say_last_words("\u00e9" * TERMINATION_BYTES)
    assert (tmp_path / "log").read_text(errors="strict") == "\u00e9" * (TERMINATION_BYTES // 2)
