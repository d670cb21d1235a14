"""A ledger that is entered with tokens in the place of passwords, as Azure Database for PostgreSQL wants them.

PostgreSQL is real, with TLS, and takes the newest token only; azure-identity is real, too. Played are only those who
hand out tokens (tests/identities.py), and the clock, so that an hour passes at once.
"""

import json
import logging
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest
from sqlalchemy import Connection, Engine, make_url, text

from baas_crds.errors import BaasError, ConfigurationError, DependencyUnavailable
from baas_ledger import earlier_database
from baas_ledger.engine import open_ledger, open_to_read, reading, transaction
from baas_ledger.finish import finish
from baas_ledger.rights import grant
from tests import earlier_service
from tests.identities import (
    CLIENT_ID,
    NAME,
    Certificate,
    TokenService,
    app_service_identity,
    machine_identity,
    make_certificate,
    token_service,
    workload_identity,
)
from tests.integration.ledger.builders import NOON, PUBLISHED, claim, run_with
from tests.postgres import PostgresServer, private_server

ANOTHER = "33333333-3333-3333-3333-333333333333"
MINUTE = 60.0


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def azure(certificate: Certificate) -> Iterator[PostgresServer]:
    """A PostgreSQL server that has roles for an identity and for another one."""
    with private_server(certificate) as server:
        server.execute(f'CREATE ROLE "{NAME}" LOGIN')
        server.execute('CREATE ROLE "somebody-else" LOGIN')
        yield server


@pytest.fixture
def address(azure: PostgresServer, certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty database that the identity may make tables in, as people write it into a ledger's URL."""
    monkeypatch.setenv("PGSSLROOTCERT", str(certificate[0]))
    url = azure.create_database()
    database = make_url(url).database
    azure.execute(f'ALTER DATABASE "{database}" OWNER TO "{NAME}"')
    yield f"127.0.0.1:{make_url(url).port}/{database}?auth=entra"
    azure.drop_database(url)


@pytest.fixture(params=["workload identity", "managed identity of a machine", "managed identity of App Service"])
def tokens(
    request: pytest.FixtureRequest,
    certificate: Certificate,
    azure: PostgresServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[TokenService]:
    """Whoever hands out tokens here. The server takes the newest one only."""
    is_pod = request.param == "workload identity"
    with token_service(certificate if is_pod else None) as service:
        service.on_given = lambda token: azure.execute(f"ALTER ROLE \"{NAME}\" PASSWORD '{token}'")
        if is_pod:
            variables = workload_identity(service, certificate[0], tmp_path)
        elif "App Service" in request.param:
            variables = app_service_identity(service)
        else:
            variables = machine_identity(service)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield service


in_a_pod = pytest.mark.parametrize("tokens", ["workload identity"], indirect=True)
on_a_machine = pytest.mark.parametrize("tokens", ["managed identity of a machine"], indirect=True)


@pytest.fixture
def sleep(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let so many seconds pass at once."""
    now, passed = time.time, [0.0]
    monkeypatch.setattr(time, "time", lambda: now() + passed[0])

    def sleep(seconds: float) -> None:
        passed[0] += seconds

    return sleep


def new_connection(engine: Engine) -> Connection:
    """One that was not open before. Those that somebody holds stay open."""
    engine.dispose()
    return engine.connect()


def who(connection: Connection) -> str:
    return str(connection.scalar(text("SELECT current_user")))


def test_a_run_outlives_its_token(
    address: str, tokens: TokenService, sleep: Callable[[float], None], azure: PostgresServer
) -> None:
    engine = open_ledger(f"postgresql://{address}")
    with new_connection(engine) as open_before:
        sleep(54 * MINUTE)
        with new_connection(engine) as connection:
            assert who(connection) == NAME
        assert len(tokens.given) == 1, "renewed with more than five minutes left"

        sleep(1 * MINUTE + 1)
        with new_connection(engine) as connection:
            assert who(connection) == NAME
        assert len(tokens.given) == 2, "not renewed with five minutes left"
        assert is_refused(engine, tokens.given[0]), "the server takes an old token, and shows nothing"

        sleep(60 * MINUTE)
        assert who(open_before) == NAME
    azure.disconnect_all(str(engine.url))
    with reading(engine) as connection:
        assert who(connection) == NAME
    assert len(tokens.given) == 3
    engine.dispose()


def is_refused(engine: Engine, token: str) -> bool:
    url = engine.url
    try:
        psycopg2.connect(
            host=url.host, port=url.port, dbname=url.database, user=NAME, password=token, sslmode="require"
        ).close()
    except psycopg2.OperationalError as error:
        return "password authentication failed" in str(error)
    return False


@in_a_pod
def test_a_run_outlives_an_outage_of_entra_until_its_token_expires(
    address: str, tokens: TokenService, sleep: Callable[[float], None]
) -> None:
    engine = open_ledger(f"postgresql://{address}")
    tokens.is_away = True
    sleep(56 * MINUTE)
    with new_connection(engine) as connection:
        assert who(connection) == NAME

    sleep(4 * MINUTE + 1)
    with pytest.raises(DependencyUnavailable, match=r"on PostgreSQL at 127.0.0.1:\d+: no token for it at the moment"):
        new_connection(engine)

    tokens.is_away = False
    with new_connection(engine) as connection:
        assert who(connection) == NAME
    engine.dispose()


@on_a_machine
def test_a_machines_endpoint_that_has_answered_before_is_worth_waiting_for(
    address: str, tokens: TokenService, sleep: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_ledger(f"postgresql://{address}")
    sleep(61 * MINUTE)
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:9")
    with pytest.raises(DependencyUnavailable, match="no token for it at the moment"):
        new_connection(engine)
    engine.dispose()


def test_one_of_several_identities_is_picked_by_its_client_id(address: str, tokens: TokenService) -> None:
    open_ledger(f"postgresql://{NAME}@{address}&client_id={CLIENT_ID}").dispose()
    engine = open_to_read(f"postgresql://{address}&client_id={CLIENT_ID}")
    with reading(engine) as connection:
        assert who(connection) == NAME
    engine.dispose()


def test_an_identity_that_is_not_there_is_told_with_its_client_id(
    address: str, tokens: TokenService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(
        ConfigurationError, match=f"no token for the identity with the client id {ANOTHER}.*: give the pod"
    ):
        open_ledger(f"postgresql://{address}&client_id={ANOTHER}")
    assert tokens.given == []


@in_a_pod
def test_a_refusal_of_entra_is_told_by_its_code(address: str, tokens: TokenService, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("another service account's token")
    with pytest.raises(ConfigurationError, match=rf"client id {CLIENT_ID} \(AADSTS700213\): give the pod"):
        open_ledger(f"postgresql://{address}")


@in_a_pod
def test_a_workload_identity_that_is_set_up_by_half_is_told(
    address: str, tokens: TokenService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AZURE_TENANT_ID")
    with pytest.raises(ConfigurationError, match="the workload identity lacks AZURE_CLIENT_ID or AZURE_TENANT_ID"):
        open_ledger(f"postgresql://{address}")


@on_a_machine
def test_a_role_of_somebody_else_is_told_with_whose_token_it_was(address: str, tokens: TokenService) -> None:
    said = f"refused somebody-else with a token of client id {CLIENT_ID}.*pgaadauth_create_principal"
    with pytest.raises(ConfigurationError, match=said):
        open_ledger(f"postgresql://somebody-else@{address}")


@on_a_machine
@pytest.mark.parametrize(
    "claims", [{"xms_mirid": None, "upn": NAME}, {"xms_mirid": None, "unique_name": NAME}], ids=["upn", "unique_name"]
)
def test_a_persons_token_tells_the_name_that_it_signs_in_with(
    address: str, tokens: TokenService, claims: dict[str, str]
) -> None:
    tokens.claims = claims
    open_ledger(f"postgresql://{address}").dispose()


@on_a_machine
def test_a_token_without_a_name_needs_one(address: str, tokens: TokenService, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens.claims = {"xms_mirid": None}
    with pytest.raises(ConfigurationError, match="the identity's token tells no name; write it into the URL"):
        open_ledger(f"postgresql://{address}")
    monkeypatch.setenv("PGUSER", NAME)
    open_ledger(f"postgresql://{address}").dispose()


@on_a_machine
def test_a_token_is_shown_to_nobody_but_the_named_server(
    address: str, tokens: TokenService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, database = address.split("/")
    elsewhere = f"another.invalid:{here.split(':')[1]}/{database}&hostaddr=127.0.0.1"
    with pytest.raises(ConfigurationError, match=r'refused the connection.*does not match host name "another.invalid"'):
        open_ledger(f"postgresql://{elsewhere}")
    stranger, _ = make_certificate(tmp_path)
    with pytest.raises(ConfigurationError, match=r"refused the connection.*certificate verify failed"):
        open_ledger(f"postgresql://{address}&sslrootcert={stranger}")
    monkeypatch.delenv("PGSSLROOTCERT")
    with pytest.raises(ConfigurationError, match=r"refused the connection.*certificate verify failed"):
        open_ledger(f"postgresql://{address}")  # by the authorities of this system


@on_a_machine
def test_the_earlier_services_database_json_opens_the_same_ledger(
    address: str, tokens: TokenService, tmp_path: Path
) -> None:
    url = make_url(f"postgresql://{address}")
    file = tmp_path / "database.json"
    keys = {"hostname": url.host, "port": url.port, "username": NAME, "database_name": url.database}
    file.write_text(json.dumps({**keys, "client_id": CLIENT_ID}))
    engine = open_ledger(str(file))
    with reading(engine) as connection:
        assert (who(connection), engine.url.database) == (NAME, url.database)
    engine.dispose()


@on_a_machine
def test_the_earlier_services_own_database_is_entered_alike(
    address: str, tokens: TokenService, azure: PostgresServer
) -> None:
    name = make_url(f"postgresql://{address}").database
    administrator = make_url(azure.admin_url).set(database=name).render_as_string(hide_password=False)
    earlier_service.load(administrator)
    schema = earlier_database.SCHEMA
    earlier_service.run(
        administrator,
        f'GRANT USAGE ON SCHEMA {schema} TO "{NAME}"; GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO "{NAME}"',
    )
    with earlier_database.open_earlier(f"postgresql://{address}") as earlier:
        assert (earlier.customers(), who(earlier.connection)) == (["dataoffice", "otheroffice"], NAME)


@on_a_machine
def test_who_works_with_a_ledger_needs_no_table_of_its_own(
    address: str, tokens: TokenService, azure: PostgresServer
) -> None:
    owner = open_ledger(f"postgresql://{address}")
    grant(owner, ["somebody-else"])
    grant(owner, ["somebody-else"])
    owner.dispose()
    azure.execute("ALTER ROLE \"somebody-else\" PASSWORD 'p'")
    url = make_url(f"postgresql://somebody-else:p@{address}").difference_update_query(["auth"])
    engine = open_ledger(url.render_as_string(hide_password=False), migrate=False)
    run_id = run_with(engine, ["a", "b"])
    claims = claim(engine, run_id, limit=2)
    with transaction(engine) as connection:
        assert finish(connection, run_id, [(one, PUBLISHED) for one in claims], now=NOON) == {}
    for forbidden in ("DELETE FROM audit_records", "UPDATE events SET kind = kind", "CREATE TABLE mine (a int)"):
        with pytest.raises(ConfigurationError, match="permission denied"), transaction(engine) as connection:
            connection.execute(text(forbidden))
    engine.dispose()


@on_a_machine
def test_a_role_that_the_server_does_not_know_is_granted_nothing(address: str, tokens: TokenService) -> None:
    engine = open_ledger(f"postgresql://{address}")
    with pytest.raises(ConfigurationError, match="knows no role blur-nobody: make it first"):
        grant(engine, ["blur-nobody"])
    engine.dispose()


def test_no_token_is_ever_logged_or_told(
    address: str, tokens: TokenService, sleep: Callable[[float], None], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    engine = open_ledger(f"postgresql://{address}")
    sleep(60 * MINUTE)
    new_connection(engine).close()
    told = [repr(engine), str(engine.url), caplog.text]
    engine.dispose()
    for wrong in (f"postgresql://somebody-else@{address}", f"postgresql://{address}&client_id={ANOTHER}"):
        with pytest.raises(BaasError) as caught:
            open_ledger(wrong)
        told.append("".join(traceback.format_exception(caught.value)))
    told.append(caplog.text)
    assert len(tokens.given) == 3
    assert len(caplog.records) > 1, "nobody logs, and the test shows nothing"
    for token in tokens.given:
        assert all(part not in "\n".join(told) for part in token.split(".")[1:])
