"""Access to a folder of a Blob container: who signs in, how long is waited, and who must act on an error.

The only module that knows Azure's errors. Sentences name the account, the container and Azure's code; never a key, a
token or a signed URL, which Azure's own messages may repeat.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError, ClientAuthenticationError, DecodeError, HttpResponseError
from azure.storage.blob import BlobClient, ContainerClient

from baas_crds.codes import QuarantineReason
from baas_crds.errors import BaasError, ConfigurationError, DependencyUnavailable, NotPublishable
from baas_crds.places import AzureBlob
from baas_identity.credentials import IdentityNotSetUp, azure_credential, entra_code
from baas_preprocess.patience import patient
from baas_preprocess.stores.places import name_problem

T = TypeVar("T")

# Trying again is ours, so that the time for all tries together is known. A socket that is silent this long is dead.
_OPTIONS: dict[str, Any] = {"retry_total": 0, "connection_timeout": 10, "read_timeout": 60}
# Azure's limit; its emulator has none.
_LONGEST_NAME = 1_024
# Azure's codes (learn.microsoft.com/rest/api/storageservices/blob-service-error-codes) that are about one blob.
_ABSENT = frozenset({"BlobNotFound", "ResourceNotFound"})
_CHANGED = frozenset({"ConditionNotMet", "TargetConditionNotMet", "BlobAlreadyExists"})
_UNUSABLE_NAMES = frozenset({"InvalidResourceName", "InvalidUri", "OutOfRangeInput"})
_UNREADABLE = {
    "BlobArchived": "it is in the archive tier; rehydrate it first",
    "BlobBeingRehydrated": "it is still being rehydrated from the archive tier; try it again later",
}


class BlobAbsent(Exception):
    """There is no such blob. What that means, only the caller knows."""


class BlobChanged(Exception):
    """The blob is not, or no longer, what the request was about. Look again."""


class BlobFolder:
    """A folder of a container, safe to share between threads. Use it as a context manager."""

    def __init__(
        self, place: AzureBlob, *, title: str, connection_string: str | None = None, patience_seconds: float = 60
    ) -> None:
        """Prepare to sign in: with a connection string, else with the workload identity. Nothing is sent yet.

        `title` is what a person calls the place, such as `spec.source.azureBlob`. A call is given a minute, failures
        that waiting may repair are retried for `patience_seconds`. Raises `ConfigurationError` when the connection
        string is none, or of another account than `place`, and when the identity is not set up.
        """
        self.label = "/".join(filter(None, (place.account_url, place.container, place.prefix)))
        self.start = f"{place.prefix}/" if place.prefix else ""
        self._place = place
        self._title = title
        self._retrying = patient(patience_seconds, dependency="store")
        if connection_string is None:
            self.container = ContainerClient(place.account_url, place.container, _identity(place, title), **_OPTIONS)
            self._remedy = "give the pods a workload identity, or the place a connectionStringSecret"
        else:
            self.container = _client_of(connection_string.strip(), place, title)
            self._remedy = "check the key in its connection string"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.container.close()

    def blob(self, name: str) -> BlobClient:
        """Return the client of a blob with this name in the folder.

        Raises `NotPublishable` for a name that no blob can have, or that would lead out of the folder: HTTP resolves
        `..` on its way.
        """
        problem = name_problem(name)
        if problem is None and len(self.start + name) > _LONGEST_NAME:
            message = f"With its folder the name has more than {_LONGEST_NAME:,} characters: shorten it."
            problem = NotPublishable(QuarantineReason.UNUSABLE_NAME, message)
        if problem is not None:
            raise problem
        return self.container.get_blob_client(self.start + name)

    def ask(self, call: Callable[[], T], name: str = "") -> T:
        """Do one call, about the blob of this name if it is about one; repeat it while the store does not answer.

        Raises `BlobAbsent` and `BlobChanged`, `NotPublishable` when only this blob is at fault,
        `DependencyUnavailable` after the retries, `ConfigurationError` when no retry helps.
        """

        def once() -> T:
            with self._errors(name):
                return call()

        return self._retrying(once)

    @contextmanager
    def _errors(self, name: str) -> Iterator[None]:
        try:
            yield
        except HttpResponseError as error:
            raise self._refused(error, name) from error
        except AzureError as error:
            raise self._silent(_cause(error)) from error

    def _refused(self, error: HttpResponseError, name: str) -> Exception:
        """Translate what the service answered."""
        status, code = error.status_code or 0, _code(error)
        if status in {408, 429} or status >= 500:
            return self._silent(code or f"HTTP {status}")
        if isinstance(error, ClientAuthenticationError) and not code:
            return self._unsigned(error)  # the answer, if any, came from where tokens are
        if isinstance(error, DecodeError) or not status:
            return self._silent("the answer was cut off")
        code = code or f"HTTP {status}"
        if status in {401, 403}:
            return ConfigurationError(
                f"{self._title}: access to {self.label} was denied ({code}): grant Storage Blob Data Reader on a "
                "source, Storage Blob Data Contributor on an output, let this network through the account's firewall, "
                f"or {self._remedy}."
            )
        if code == "ContainerNotFound":
            return ConfigurationError(
                f"{self._title}: {self._place.account_url} has no container {self._place.container!r}: create it, or "
                "correct its name."
            )
        return self._about_blob(code, name)

    def _about_blob(self, code: str, name: str) -> Exception:
        if code in _ABSENT:
            return BlobAbsent(name)
        if code in _CHANGED:
            return BlobChanged(name)
        if code in _UNREADABLE:
            return NotPublishable(QuarantineReason.UNREADABLE, f"{name}: {_UNREADABLE[code]}.")
        if code in _UNUSABLE_NAMES and name:
            return NotPublishable(QuarantineReason.UNUSABLE_NAME, f"{name!r} cannot be the name of a blob ({code}).")
        return ConfigurationError(f"{self._title}: {self.label} refused {name or 'the request'} ({code}).")

    def _silent(self, why: str) -> DependencyUnavailable:
        return DependencyUnavailable(f"{self._place.account_url} does not answer: {why}")

    def _unsigned(self, error: HttpResponseError) -> BaasError:
        code = entra_code(error)
        why = f" ({code})" if code else ""
        return ConfigurationError(f"{self._title}: cannot sign in to {self._place.account_url}{why}: {self._remedy}.")


def _identity(place: AzureBlob, title: str) -> TokenCredential:
    if not place.account_url.startswith("https://"):
        raise ConfigurationError(
            f"{title}: {place.account_url} needs a connectionStringSecret, since identities travel over https:// only."
        )
    try:
        return azure_credential()
    except IdentityNotSetUp as error:
        raise ConfigurationError(f"{title}: {error}.") from error


def _client_of(connection_string: str, place: AzureBlob, title: str) -> ContainerClient:
    try:
        client = ContainerClient.from_connection_string(connection_string, place.container, **_OPTIONS)
    except ValueError:
        raise ConfigurationError(
            f"{title}: what its connectionStringSecret holds is no connection string; copy it from the account's "
            "access keys."
        ) from None
    found = f"{client.scheme}://{client.primary_hostname}".rstrip("/").lower()
    if found != place.account_url:
        raise ConfigurationError(
            f"{title}: its connection string is of {found}, and accountUrl is {place.account_url}: make them the same."
        )
    return client


def _code(error: HttpResponseError) -> str:
    code = getattr(error, "error_code", None)
    return str(getattr(code, "value", code) or "")


def _cause(error: AzureError) -> str:
    """The operating system's words, if there are any: a library's may hold the whole URL."""
    inner = error.inner_exception or error
    seen: BaseException | None = inner
    while seen is not None:
        if isinstance(seen, OSError) and seen.strerror:
            return seen.strerror
        seen = seen.__cause__ or seen.__context__
    return type(inner).__name__
