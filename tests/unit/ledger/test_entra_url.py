"""What a ledger's URL, or the earlier service's database.json, says of signing in without a password."""

import json
from pathlib import Path

import pytest
from sqlalchemy import make_url

from baas_crds.errors import ConfigurationError
from baas_ledger.engine import parsed

ROOT = Path(__file__).resolve().parents[3]
SERVER = "mydatabase.postgres.database.azure.com"


def test_the_server_must_prove_its_name_though_nobody_says_so() -> None:
    url = parsed(f"postgresql://blur-workers@{SERVER}/baas?auth=entra")
    assert url.query["sslmode"] == "verify-full"
    assert Path(str(url.query["sslrootcert"])).read_text().count("BEGIN CERTIFICATE") > 50
    assert url.query["gssencmode"] == "disable"


def test_authorities_of_ones_own_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSSLROOTCERT", "/etc/city.pem")
    assert parsed(f"postgresql://{SERVER}/baas?auth=entra").query["sslrootcert"] == "/etc/city.pem"
    named = parsed(f"postgresql://{SERVER}/baas?auth=entra&sslrootcert=/etc/mine.pem&sslmode=verify-full")
    assert named.query["sslrootcert"] == "/etc/mine.pem"


def test_other_urls_stay_as_they_are() -> None:
    url = "postgresql+psycopg2://user:password@host/database?sslmode=require"
    assert parsed(url) == make_url(url)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        (f"postgresql://{SERVER}/baas?auth=kerberos", "its URL has auth without auth=entra, which is the only way"),
        (f"postgresql://me:s3cret@{SERVER}/baas?client_id=1", "its URL has client_id without auth=entra"),
        (f"postgresql://me:s3cret@{SERVER}/baas?auth=entra", "a password and auth=entra; remove one of them"),
        (f"postgresql://{SERVER}/baas?password=s3cret&auth=entra", "a password and auth=entra; remove one of them"),
        (
            f"postgresql://{SERVER}/baas?auth=entra&sslmode=require",
            "sslmode=require; with auth=entra it is verify-full",
        ),
        (f"postgresql://{SERVER}/baas?auth=entra&client_id=me", "client_id in its URL is no client id"),
        ("postgresql:///baas?auth=entra", "auth=entra needs the server's name"),
        ("postgresql:///baas?auth=entra&host=/run/postgresql", "auth=entra needs the server's name"),
    ],
)
def test_a_url_that_would_show_a_token_to_others_or_means_nothing_is_refused(url: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence) as caught:
        parsed(url)
    assert "s3cret" not in str(caught.value)


def test_the_example_of_a_database_json_is_read() -> None:
    url = parsed(str(ROOT / "examples" / "database.example.json"))
    assert (url.host, url.port, url.username, url.database) == (SERVER, 5432, "blur-workers", "baas")
    assert (url.query["auth"], url.query["client_id"]) == ("entra", "11111111-2222-3333-4444-555555555555")
    assert url.query["sslmode"] == "verify-full"


KEYS = {"hostname": SERVER, "username": "blur-workers", "database_name": "baas"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (json.dumps({"client_id": "11111111-2222-3333-4444-555555555555"}), "hostname: Field required"),
        (json.dumps({**KEYS, "password": "s3cret"}), "password: Extra inputs are not permitted"),
        (json.dumps({**KEYS, "client_id": "me"}), "client_id in its URL is no client id"),
        (json.dumps({**KEYS, "port": 0}), "port: Input should be greater than or equal to 1"),
        ("{", "the file: Invalid JSON"),
    ],
)
def test_a_database_json_that_names_no_database_is_told(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "database.json").write_text(content)
    with pytest.raises(ConfigurationError, match=said) as caught:
        parsed(str(tmp_path / "database.json"))
    assert "s3cret" not in str(caught.value)


def test_a_database_json_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"database\.json cannot be read: No such file"):
        parsed(str(tmp_path / "database.json"))
