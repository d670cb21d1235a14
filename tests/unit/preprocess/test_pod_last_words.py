"""What a pod leaves behind when it ends."""

from pathlib import Path

import pytest

from baas_preprocess.cli.pod_last_words import TERMINATION_BYTES, say_last_words


def test_last_words_fit_into_what_kubernetes_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAAS_TERMINATION_LOG", str(tmp_path / "log"))
    say_last_words("nobody listens")
    assert not (tmp_path / "log").exists()
    (tmp_path / "log").touch()
    say_last_words("\u00e9" * TERMINATION_BYTES)
    assert (tmp_path / "log").read_text(errors="strict") == "\u00e9" * (TERMINATION_BYTES // 2)
    say_last_words("x" + "\u00e9" * TERMINATION_BYTES)
    assert (tmp_path / "log").read_text(errors="strict") == "x" + "\u00e9" * (TERMINATION_BYTES // 2 - 1)


def test_last_words_may_speak_of_a_name_that_is_no_unicode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAAS_TERMINATION_LOG", str(tmp_path / "log"))
    (tmp_path / "log").touch()
    say_last_words("\udcff.jpg cannot be read")
    assert (tmp_path / "log").read_text() == "?.jpg cannot be read"
