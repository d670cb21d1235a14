"""Signs in to Azure Database for PostgreSQL: a token of Microsoft Entra stands in for a password.

Each new connection takes the token that is current then; azure-identity renews it five minutes before it expires. The
server asks for it at the door only: connections that are open go on.
"""

import base64
import json
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Engine, event

from baas_crds.errors import BaasError, ConfigurationError, DependencyUnavailable
from baas_identity.credentials import IdentityNotSetUp, azure_credential, entra_code
from baas_ledger.entra_url import AUTH, CLIENT_ID, client_id_of
from baas_ledger.failures import described

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

SCOPE = "https://ossrdbms-aad.database.windows.net/.default"
"""What tokens for PostgreSQL are asked for (learn.microsoft.com/azure/postgresql, Microsoft Entra authentication)."""
SET_UP = "give the pod a workload identity, the machine a managed identity, or sign in yourself with `az login`"


def sign_in(engine: Engine) -> None:
    """Let each new connection of an engine take the token that is current then.

    Raises `ConfigurationError` when nobody is set up who could sign in. Connecting raises it when the identity or the
    server refuses, and `DependencyUnavailable` when there is no token at the moment.
    """
    url = engine.url
    try:
        tokens = Tokens(url, azure_credential(client_id_of(url)))
    except IdentityNotSetUp as error:
        raise ConfigurationError(f"{described(url)}: {error}.") from error
    event.listen(engine, "do_connect", _connecting(url, tokens))


class Tokens:
    """The tokens of one identity for one database. Threads may share them."""

    def __init__(self, url: URL, credential: "TokenCredential") -> None:
        self._url = url
        self._credential = credential
        self._had_one = False

    def current(self) -> str:
        """Return a token that is good for five minutes more, or the one that is left while there is no newer one."""
        from azure.core.exceptions import AzureError, ClientAuthenticationError  # noqa: PLC0415

        try:
            token = self._credential.get_token(SCOPE).token
        except ClientAuthenticationError as error:
            raise self._refused(error, error.status_code or 0) from error
        except AzureError as error:
            raise self._silent(error) from error
        self._had_one = True
        return token

    def _refused(self, error: Exception, status: int) -> BaasError:
        code = entra_code(error)
        # Who could sign in before will again, unless Entra itself says no.
        if status in {408, 429} or status >= 500 or (self._had_one and not code):
            return self._silent(error)
        client_id = client_id_of(self._url) or os.environ.get("AZURE_CLIENT_ID")
        whose = f"the identity with the client id {client_id}" if client_id else "anybody"
        why = f" ({code})" if code else ""
        return ConfigurationError(f"{described(self._url)}: no token for {whose}{why}: {SET_UP}.")

    def _silent(self, error: Exception) -> DependencyUnavailable:
        return DependencyUnavailable(f"{described(self._url)}: no token for it at the moment ({type(error).__name__})")


def _connecting(url: URL, tokens: Tokens) -> Callable[..., Any]:
    """Return what makes connections: SQLAlchemy's event `do_connect`."""

    def connect(dialect: Any, _record: object, cargs: list[Any], cparams: dict[str, Any]) -> Any:
        token = tokens.current()
        claims = _claims(token)
        user = url.username or os.environ.get("PGUSER") or _name_in(claims)
        if user is None:
            raise ConfigurationError(
                f"{described(url)}: the identity's token tells no name; write it into the URL, before an @ and the "
                "server's name, or into PGUSER."
            )
        settings = {name: value for name, value in cparams.items() if name not in {AUTH, CLIENT_ID}}
        try:
            return dialect.connect(*cargs, **settings | {"user": user, "password": token})
        except dialect.loaded_dbapi.OperationalError as error:
            if "authentication failed" not in str(error):
                raise
            raise ConfigurationError(
                f"{described(url)} refused {user} with a token of client id {claims.get('appid', 'unknown')}. On the "
                f"server {user} must be the role that pgaadauth_create_principal made for this identity, or for a "
                f"group that it is in; {CLIENT_ID} in the URL, or AZURE_CLIENT_ID, chooses another identity."
            ) from error

    return connect


def _claims(token: str) -> Mapping[str, Any]:
    """Return what a token says of whose it is: the second part of a JWT (RFC 7519). Not checked: the server does."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _name_in(claims: Mapping[str, Any]) -> str | None:
    """Return what the server calls an identity: a managed identity's name, or a person's sign-in name.

    The claims are those from which Microsoft's library azure-postgresql-auth takes it.
    """
    resource = str(claims.get("xms_mirid") or "")
    people = (claims.get(name) for name in ("upn", "preferred_username", "unique_name"))
    return resource.rsplit("/", 1)[-1] or next((str(name) for name in people if name), None)
