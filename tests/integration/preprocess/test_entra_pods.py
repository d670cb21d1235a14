"""A BlurJob's pods whose ledger takes tokens in the place of passwords, from the migration to the last picture."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from baas_crds.codes import ExitCode
from tests.identities import NAME, TokenService, machine_identity, make_certificate, token_service
from tests.kills.processes import start
from tests.postgres import PostgresServer, private_server

from .sampled import on_volumes

OWNER = "blur-migration"


@pytest.fixture
def tokens(monkeypatch: pytest.MonkeyPatch) -> Iterator[TokenService]:
    """Whoever hands out tokens to this machine."""
    with token_service() as service:
        for name, value in machine_identity(service).items():
            monkeypatch.setenv(name, value)
        yield service


@pytest.fixture
def azure(tokens: TokenService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PostgresServer]:
    """A PostgreSQL server with two identities, which takes the newest token of each only."""
    (tmp_path / "tls").mkdir()
    certificate = make_certificate(tmp_path / "tls")
    monkeypatch.setenv("PGSSLROOTCERT", str(certificate[0]))
    with private_server(certificate) as server:
        for role in (OWNER, NAME):
            server.execute(f'CREATE ROLE "{role}" LOGIN')
        tokens.on_given = lambda token: server.execute(f"ALTER ROLE \"{tokens.name}\" PASSWORD '{token}'")
        yield server


def test_pods_work_by_tokens_and_may_make_no_tables(
    azure: PostgresServer, tokens: TokenService, places: Path, triton: str
) -> None:
    database = make_url(azure.create_database())
    azure.execute(f'ALTER DATABASE "{database.database}" OWNER TO "{OWNER}"')
    url = f"postgresql://127.0.0.1:{database.port}/{database.database}?auth=entra"
    loud = {"BAAS_LOG_LEVEL": "DEBUG"}

    tokens.name = OWNER
    upgrade = start(["ledger", "upgrade", "--ledger", url, "--grant-to", NAME], os.environ, places / "upgrade")
    assert upgrade.code() == ExitCode.DONE, upgrade.err
    assert upgrade.out.endswith(f"has this version's tables.\n{NAME} may read them and write their rows.\n")

    tokens.name = NAME
    pods = on_volumes(places, url, triton).with_env(**loud)
    planned, worked = pods.run("plan"), pods.run("work")
    assert (planned[0], worked[0]) == (ExitCode.DONE, ExitCode.DONE), (planned, worked)
    assert pods.progress().published == 5

    told = f"{upgrade.out}{upgrade.err}{planned}{worked}{pods.last_words}"
    assert len(tokens.given) >= 4
    assert not any(token.split(".")[1] in told for token in tokens.given)
