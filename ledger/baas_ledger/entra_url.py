"""What a ledger's URL says of signing in by Microsoft Entra: `auth=entra`, and `client_id` to pick an identity. Pure.

A token is worth as much as a password, so the server must prove by TLS that it is the one that the URL names.
"""

import os
import ssl
from pathlib import Path
from uuid import UUID

from sqlalchemy import URL

from baas_crds.errors import ConfigurationError
from baas_ledger.failures import described

AUTH, CLIENT_ID = "auth", "client_id"
ENTRA = "entra"
ROOTS = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Alpine, and our images
    "/etc/pki/tls/certs/ca-bundle.crt",  # Red Hat
    "/etc/ssl/cert.pem",  # macOS
)
"""Where systems keep the authorities they trust, in one file: the driver's own OpenSSL knows no such place."""


def asks_for_entra(url: URL) -> bool:
    """Whether a ledger's URL has a token in the place of a password."""
    return url.query.get(AUTH) == ENTRA


def client_id_of(url: URL) -> str | None:
    """Return the client id of the managed identity that a URL picks, None when it picks none."""
    value = url.query.get(CLIENT_ID)
    return value if isinstance(value, str) or value is None else value[-1]


def with_entra(url: URL) -> URL:
    """Check what a PostgreSQL URL says of signing in, and add what keeps a token from all but the named server.

    The server must prove its name by TLS, to the authorities in `sslrootcert`, in `PGSSLROOTCERT`, or of the system.
    A URL that does not speak of Entra is returned as it is. Raises `ConfigurationError`, which never repeats the URL.
    """
    if not {AUTH, CLIENT_ID} & set(url.query):
        return url
    if problem := _problem(url):
        raise ConfigurationError(f"{described(url)}: {problem}")
    roots = url.query.get("sslrootcert") or os.environ.get("PGSSLROOTCERT") or _system_roots()
    if roots is None:
        raise ConfigurationError(
            f"{described(url)}: this system has no file of authorities where others have it ({', '.join(ROOTS)}): add "
            "&sslrootcert=FILE to the ledger's URL."
        )
    # Kerberos, where somebody has a ticket, would take the place of TLS.
    return url.update_query_dict({"sslmode": "verify-full", "sslrootcert": roots, "gssencmode": "disable"})


def _problem(url: URL) -> str:
    if not asks_for_entra(url):
        wrong = AUTH if AUTH in url.query else CLIENT_ID
        return f"its URL has {wrong} without auth=entra, which is the only way to sign in without a password."
    if url.password is not None or "password" in url.query:
        return "its URL has a password and auth=entra; remove one of them."
    if not url.host or url.host.startswith("/") or "host" in url.query:
        return "auth=entra needs the server's name: postgresql://SERVER.postgres.database.azure.com/DATABASE?auth=entra"
    mode = url.query.get("sslmode", "verify-full")
    if mode != "verify-full":
        return (
            f"its URL has sslmode={mode}; with auth=entra it is verify-full, and need not be said: a token is shown to "
            "nobody but the server it is meant for."
        )
    return (
        "" if _is_uuid(client_id_of(url)) else "client_id in its URL is no client id: expected 8-4-4-4-12 hex digits."
    )


def _is_uuid(client_id: str | None) -> bool:
    try:
        UUID(client_id or "0" * 32)
    except ValueError:
        return False
    return True


def _system_roots() -> str | None:
    places = (ssl.get_default_verify_paths().cafile, *ROOTS)
    return next((place for place in places if place and Path(place).is_file()), None)
