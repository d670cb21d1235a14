"""Who is let in."""

from pathlib import Path

import pytest

from baas_api.settings import read_api_settings
from baas_api.tokens import may_ask, tokens_of
from baas_crds.errors import ConfigurationError

OLD, NEW = "an-old-token-of-24-chars", "c29tZSBuZXcgdG9rZW4="


def test_each_of_several_tokens_lets_in_and_nothing_else_does() -> None:
    tokens = tokens_of(read_api_settings({"tokens": f"{OLD}, {NEW}"}))
    assert may_ask(tokens, OLD)
    assert may_ask(tokens, NEW)
    wrong = ("", None, OLD[:-1], OLD + "x", OLD.upper(), f"{OLD}, {NEW}", "é" * 20, "\ud800" * 20)
    assert not any(may_ask(tokens, one) for one in wrong)


def test_a_token_is_added_and_withdrawn_without_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(f"{OLD}\n")
    tokens = tokens_of(read_api_settings({"tokens_file": file}))
    assert [may_ask(tokens, one) for one in (OLD, NEW)] == [True, False]
    file.write_text(f"{OLD}\n{NEW}\n")
    assert [may_ask(tokens, one) for one in (OLD, NEW)] == [True, True]
    file.write_text(f"{NEW}\n")
    assert [may_ask(tokens, one) for one in (OLD, NEW)] == [False, True]


@pytest.mark.parametrize("content", [None, "", "short\n", f"{OLD}\nshort"])
def test_nobody_is_let_in_while_the_file_is_wrong_and_no_token_is_told(
    content: str | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "tokens"
    file.write_text(OLD)
    tokens = tokens_of(read_api_settings({"tokens_file": file}))
    if content is None:
        file.unlink()
    else:
        file.write_text(content)
    assert not may_ask(tokens, OLD)
    assert str(file) in caplog.text
    assert OLD not in caplog.text


@pytest.mark.parametrize("tokens", ["short", " , ", f"{OLD} no-täken-of-24-letters!"])
def test_it_does_not_start_with_tokens_that_are_none(tokens: str) -> None:
    with pytest.raises(ConfigurationError, match="in BAAS_API_TOKENS: write one a line") as refused:
        tokens_of(read_api_settings({"tokens": tokens}))
    assert OLD not in str(refused.value)


def test_everybody_is_let_in_only_where_that_is_asked_for() -> None:
    tokens = tokens_of(read_api_settings({"allow_anonymous": True}))
    assert may_ask(tokens, None)
