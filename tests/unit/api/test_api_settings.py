"""What the endpoint's environment says, and when it refuses to start."""

from pathlib import Path
from typing import Any

import pytest

from baas_api.refusals import Refusal, Refused
from baas_api.settings import ApiSettings, read_api_settings
from baas_crds.codes import QuarantineReason
from baas_crds.errors import ConfigurationError

PAGE = Path(__file__).parents[3] / "docs" / "howto" / "online-endpoint.md"
TOKEN = "0123456789abcdef"


def test_settings_are_read_from_the_environment_and_options_go_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAAS_API_TOKENS", TOKEN)
    monkeypatch.setenv("BAAS_API_MAX_MEGABYTES", "1.5")
    monkeypatch.setenv("BAAS_API_PORT", "1")
    settings = read_api_settings({"port": 2})
    assert (settings.max_bytes, settings.port, settings.host) == (1_500_000, 2, "127.0.0.1")
    assert TOKEN not in repr(settings)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "There is no token: set BAAS_API_TOKENS_FILE"),
        ({"allow_anonymous": True, "host": "0.0.0.0"}, "Anonymous clients are allowed on loopback only"),  # noqa: S104
        ({"allow_anonymous": True, "host": "localhost.example.org"}, "on loopback only"),
        ({"allow_anonymous": True, "tokens": TOKEN}, "leave one of them out"),
        ({"tokens": TOKEN, "queue": -1}, "BAAS_API_QUEUE: Input should be greater than or equal to 0."),
    ],
)
def test_it_does_not_start_with(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence) as refused:
        read_api_settings(given)
    assert TOKEN not in str(refused.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_anonymous_clients_are_allowed_on_loopback(host: str) -> None:
    assert read_api_settings({"allow_anonymous": True, "host": host}).allow_anonymous


@pytest.mark.parametrize("reason", [*Refusal, QuarantineReason.INTERNAL_ERROR])
def test_the_page_tells_of_every_refusal_with_its_status(reason: Refusal | QuarantineReason) -> None:
    rows = [line for line in PAGE.read_text().splitlines() if f"| `{reason}` |" in line]
    # Who went away reads no answer.
    expected = [] if reason is Refusal.CLIENT_GONE else [str(Refused(reason, "").status)]
    assert [row.split("|")[1].strip() for row in rows] == expected


@pytest.mark.parametrize("name", ApiSettings.model_fields)
def test_the_page_tells_of_every_variable_in_the_settings_own_words(name: str) -> None:
    row = next(line for line in PAGE.read_text().splitlines() if line.startswith(f"| `BAAS_API_{name.upper()}` |"))
    field = ApiSettings.model_fields[name]
    default = "" if field.default is None else str(field.default).lower()
    assert row.split("|")[2].strip().strip("`").lower() == default
    assert str(field.description) in row
