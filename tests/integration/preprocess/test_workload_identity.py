"""Signing in without a secret: a mounted token is exchanged for one that a real Blob service accepts.

Only Microsoft's token endpoint is played by this file; it checks that it is shown the mounted token.
"""

import base64
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from baas_crds.errors import ConfigurationError, DependencyUnavailable
from baas_crds.places import AzureBlob
from baas_preprocess.stores.blob import BlobDestination, BlobSource
from baas_preprocess.stores.blob_access import BlobFolder
from tests.azurite import Azurite, running_azurite

from .test_stores import provenance

MOUNTED = "the service account's token"
TENANT = "11111111-1111-1111-1111-111111111111"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 that is its own authority, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / "cert.pem", folder / "key.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return pem, secret


@pytest.fixture(scope="module")
def azurite_over_tls(certificate: tuple[Path, Path]) -> Iterator[Azurite]:
    """A Blob service that takes tokens."""
    pem, key = certificate
    with running_azurite("--oauth", "basic", "--cert", str(pem), "--key", str(key), scheme="https") as server:
        yield server


class _TokenEndpoint(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if form["client_assertion"] == [MOUNTED]:
            answer = {"access_token": _token(), "expires_in": 3600, "token_type": "Bearer"}
        else:
            answer = {"error": "invalid_client", "error_description": "AADSTS700213: No matching identity."}
        body = json.dumps(answer).encode()
        self.send_response(200 if "access_token" in answer else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _token() -> str:
    """A token of the form that Azurite checks; it cannot check signatures."""
    now = int(time.time())
    issued = {"aud": "https://storage.azure.com", "iss": f"https://sts.windows.net/{TENANT}/", "iat": now - 60}
    claims = {**issued, "nbf": now - 60, "exp": now + 3600}
    parts = [json.dumps(part).encode() for part in ({"typ": "JWT", "alg": "none"}, claims)] + [b"signature"]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


@contextmanager
def token_endpoint(certificate: tuple[Path, Path]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _TokenEndpoint)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def place(
    azurite_over_tls: Azurite, certificate: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[AzureBlob]:
    """A container, and a pod's environment as the workload identity's webhook sets it."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))
    (tmp_path / "token").write_text(MOUNTED)
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("AZURE_CLIENT_ID", "22222222-2222-2222-2222-222222222222")
    monkeypatch.setenv("AZURE_TENANT_ID", TENANT)
    with azurite_over_tls.create_container() as client:
        yield AzureBlob(account_url=azurite_over_tls.account_url, container=client.container_name)


def test_a_mounted_token_opens_the_container(
    place: AzureBlob, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with token_endpoint(certificate) as authority:
        monkeypatch.setenv("AZURE_AUTHORITY_HOST", authority)
        with BlobFolder(place, title="the test") as folder:
            BlobDestination(folder).write("a.jpg", b"safe", provenance(b"safe"))
            assert [entry.name for entry in BlobSource(folder).entries()] == ["a.jpg"]


def test_an_identity_that_is_not_accepted_is_a_configuration_error_with_microsofts_code(
    place: AzureBlob, certificate: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("another service account's token")
    with token_endpoint(certificate) as authority:
        monkeypatch.setenv("AZURE_AUTHORITY_HOST", authority)
        with (
            BlobFolder(place, title="spec.source.azureBlob") as folder,
            pytest.raises(ConfigurationError, match=r"cannot sign in to .* \(AADSTS700213\): give the pods a workload"),
        ):
            BlobSource(folder).read("a.jpg")


def test_a_token_endpoint_that_is_away_is_something_that_waiting_may_repair(
    place: AzureBlob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", "https://127.0.0.1:9")
    with (
        BlobFolder(place, title="the test", patience_seconds=0) as folder,
        pytest.raises(DependencyUnavailable, match="Connection refused"),
    ):
        BlobSource(folder).read("a.jpg")


def test_without_any_identity_a_person_is_told_to_give_one(
    place: AzureBlob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AZURE_FEDERATED_TOKEN_FILE")
    monkeypatch.setenv("HOME", str(tmp_path))
    with (
        BlobFolder(place, title="spec.source.azureBlob") as folder,
        pytest.raises(ConfigurationError, match=r"cannot sign in .* give the pods a workload identity, or the place a"),
    ):
        BlobSource(folder).read("a.jpg")


def test_an_identity_that_is_set_up_by_half_is_told(place: AzureBlob, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_CLIENT_ID")
    with pytest.raises(ConfigurationError, match="lacks AZURE_CLIENT_ID or AZURE_TENANT_ID"):
        BlobFolder(place, title="the test")


def test_an_identity_is_not_shown_to_an_emulator_without_tls() -> None:
    place = AzureBlob(account_url="http://azurite:10000/devstoreaccount1", container="panoramas")
    with pytest.raises(ConfigurationError, match="needs a connectionStringSecret"):
        BlobFolder(place, title="the test")
