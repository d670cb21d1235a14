"""Who hands out tokens in Azure, on loopback: a machine's identity endpoints, and Microsoft Entra's token endpoint.

They speak the protocols as azure-identity does: the Instance Metadata Service's (learn.microsoft.com/entra/identity/
managed-identities-azure-resources/how-to-use-vm-token), App Service's (…/azure/app-service/overview-managed-identity),
and OAuth 2.0's client credentials with a client assertion, which workload identity exchanges a mounted token by.
"""

import base64
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

MOUNTED = "the service account's token"
TENANT = "11111111-1111-1111-1111-111111111111"
CLIENT_ID = "22222222-2222-2222-2222-222222222222"
NAME = "blur-workers"
LIFE_SECONDS = 3600

Certificate = tuple[Path, Path]
"""Files: a certificate that is its own authority, and its key."""


def make_certificate(folder: Path) -> Certificate:
    """Make a certificate of 127.0.0.1 and localhost, valid for an hour around now."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1")), x509.DNSName("localhost")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / "cert.pem", folder / "key.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return pem, secret


@dataclass(slots=True)
class TokenService:
    """Hands out tokens to one identity, and knows all that it gave."""

    url: str = ""
    name: str = NAME
    """Of the identity that tokens are for."""
    is_away: bool = False
    """It answers 503."""
    claims: dict[str, Any] = field(default_factory=dict)
    """Further claims of tokens, or others."""
    given: list[str] = field(default_factory=list)
    on_given: Callable[[str], object] = len
    """Called with each new token before it is handed out."""

    def token(self, audience: str) -> str:
        """Make a token of Entra's form, and about as long. Nobody here checks its signature."""
        now = int(time.time())
        identities = "/subscriptions/s/resourcegroups/blur/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
        claims = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{TENANT}/",
            "iat": now - 60,
            "nbf": now - 60,
            "exp": now + LIFE_SECONDS,
            "appid": CLIENT_ID,
            "xms_mirid": f"{identities}/{self.name}",
            "jti": len(self.given),
            "padding": "0" * 1200,
            **self.claims,
        }
        head = {"typ": "JWT", "alg": "none"}
        parts = [json.dumps(part).encode() for part in (head, claims)] + [b"signature"]
        token = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
        self.given.append(token)
        self.on_given(token)
        return token

    def answer_machine(self, query: dict[str, list[str]], *, is_asked_rightly: bool) -> tuple[int, dict[str, Any]]:
        """Answer as a machine's endpoint: for its own identity, and for no other client id."""
        if not is_asked_rightly:
            return 400, {"error": "bad_request_102", "error_description": "Required metadata header not specified"}
        if query.get("client_id", [CLIENT_ID]) != [CLIENT_ID]:
            return 400, {"error": "invalid_request", "error_description": "Identity not found"}
        token = self.token(query["resource"][0])
        life = {"expires_in": str(LIFE_SECONDS), "expires_on": str(int(time.time()) + LIFE_SECONDS)}
        return 200, {"access_token": token, "resource": query["resource"][0], "token_type": "Bearer", **life}

    def answer_exchange(self, form: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        """Answer as Entra: who shows the mounted token gets another."""
        if (form["client_id"], form["client_assertion"]) != ([CLIENT_ID], [MOUNTED]):
            return 401, {"error": "invalid_client", "error_description": "AADSTS700213: No matching identity."}
        token = self.token(form["scope"][0].removesuffix("/.default"))
        return 200, {"access_token": token, "expires_in": LIFE_SECONDS, "token_type": "Bearer"}


@contextmanager
def token_service(certificate: Certificate | None = None) -> Iterator[TokenService]:
    """Give a machine's endpoints; with a certificate, Entra's, which is reached by TLS only."""
    service = TokenService()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            headers = {"/metadata/identity/oauth2/token": "Metadata", "/msi/token": "X-IDENTITY-HEADER"}
            rightly = headers.get(asked.path, "none") in self.headers
            self._say(lambda: service.answer_machine(parse_qs(asked.query), is_asked_rightly=rightly))

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self._say(lambda: service.answer_exchange(form))

        def _say(self, answer: Callable[[], tuple[int, dict[str, Any]]]) -> None:
            status, document = (503, {"error": "temporarily_unavailable"}) if service.is_away else answer()
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        service.url = f"{'http' if certificate is None else 'https'}://127.0.0.1:{server.server_port}"
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def workload_identity(
    service: TokenService, authority: Path, folder: Path, *, mounted: str = MOUNTED
) -> dict[str, str]:
    """Return a pod's variables as the workload identity's webhook sets them, and who is trusted by TLS."""
    (folder / "token").write_text(mounted)
    return {
        "AZURE_FEDERATED_TOKEN_FILE": str(folder / "token"),
        "AZURE_CLIENT_ID": CLIENT_ID,
        "AZURE_TENANT_ID": TENANT,
        "AZURE_AUTHORITY_HOST": service.url,
        "REQUESTS_CA_BUNDLE": str(authority),
    }


def machine_identity(service: TokenService) -> dict[str, str]:
    """Return what leads to this Instance Metadata Service instead of the machine's own."""
    return {"AZURE_POD_IDENTITY_AUTHORITY_HOST": service.url}


def app_service_identity(service: TokenService) -> dict[str, str]:
    """Return what App Service, Azure Functions and Container Apps set."""
    return {"IDENTITY_ENDPOINT": f"{service.url}/msi/token", "IDENTITY_HEADER": "header"}
