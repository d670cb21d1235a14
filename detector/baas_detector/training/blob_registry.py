"""The registry in a Blob container: the layout of a folder, written under a free number by conditional requests.

A version counts from the moment its model.json is there, which is written last. Whoever is killed before leaves a
number that is not used again.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from baas_crds.errors import ConfigurationError, DependencyUnavailable
from baas_detector.training.registry import MANIFEST, SUMS, Bundle, Registered, manifest
from baas_detector.weights import digest_of
from baas_identity.credentials import IdentityNotSetUp, azure_credential

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.storage.blob import ContainerClient

CONNECTION_STRING = "AZURE_STORAGE_CONNECTION_STRING"


def register_in_blob(url: str, bundle: Bundle, *, retries: int = 3) -> Registered:
    """Upload the files to the next free number below the folder that `url` names, or find them there.

    The account's connection string is read from the environment; without it, whatever identity is at hand is used
    (workload identity, `az login`). An account that does not answer is asked again `retries` times, over 80 s for 3.

    Raises `ConfigurationError` when the container is not there or not allowed, and `DependencyUnavailable` when the
    account does not answer.
    """
    address, sums = read_address(url), bundle.sums()
    with _container(address, retries) as client, _sentences(address):
        home = f"{address.folder}/{bundle.name}".strip("/")
        numbers = _numbers(client, home)
        for version in numbers:
            noted = client.get_blob_client(f"{home}/{version}/{MANIFEST}")
            if noted.exists() and noted.download_blob().readall() == manifest(bundle.name, version, sums):
                return _registered(url, bundle.name, version, sums, is_new=False)
        version = _claim(client, home, sums, max(numbers, default=0) + 1)
        for name, path in bundle.files.items():
            with path.open("rb") as data:
                client.upload_blob(f"{home}/{version}/{name}", data, overwrite=False)
        client.upload_blob(f"{home}/{version}/{MANIFEST}", manifest(bundle.name, version, sums), overwrite=False)
    return _registered(url, bundle.name, version, sums, is_new=True)


def _claim(client: "ContainerClient", home: str, sums: bytes, version: int) -> int:
    """Take the first free number: only one of several at once can write its list of sums there."""
    from azure.core.exceptions import ResourceExistsError  # noqa: PLC0415

    while True:
        try:
            client.upload_blob(f"{home}/{version}/{SUMS}", sums, overwrite=False)
        except ResourceExistsError:
            version += 1
        else:
            return version


def _registered(url: str, name: str, version: int, sums: bytes, *, is_new: bool) -> Registered:
    place = f"{url.rstrip('/')}/{name}/{version}"
    return Registered(place=place, name=name, version=version, digest=digest_of(sums), is_new=is_new)


def _numbers(client: "ContainerClient", home: str) -> list[int]:
    names = (blob.name.removeprefix(f"{home}/") for blob in client.list_blobs(name_starts_with=f"{home}/"))
    return sorted({int(number) for name in names if (number := name.split("/")[0]).isdecimal()})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Address:
    account: str
    container: str
    folder: str


def read_address(url: str) -> _Address:
    """Split https://ACCOUNT.blob.core.windows.net/CONTAINER/FOLDER. Raises `ConfigurationError` when it is none."""
    parts = urlsplit(url)
    # An emulator has the account's name in the path.
    in_path = 1 if parts.hostname in {"127.0.0.1", "localhost"} else 0
    steps = [part for part in parts.path.split("/") if part]
    if parts.query or len(steps) <= in_path or (parts.scheme != "https" and not in_path):
        raise ConfigurationError(
            f"{parts.scheme}://{parts.netloc}{parts.path} is no folder of a container: expected "
            "https://ACCOUNT.blob.core.windows.net/CONTAINER/FOLDER, without a signature"
        )
    return _Address(
        account="/".join([f"{parts.scheme}://{parts.netloc}", *steps[:in_path]]),
        container=steps[in_path],
        folder="/".join(steps[in_path + 1 :]),
    )


def _container(address: _Address, retries: int) -> "ContainerClient":
    try:
        from azure.storage.blob import BlobServiceClient  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"Blob Storage needs {error.name}: install the extra `azure_ml`") from error

    if known := os.environ.get(CONNECTION_STRING):
        account = BlobServiceClient.from_connection_string(known, retry_total=retries)
        if account.url.rstrip("/") != address.account:
            raise ConfigurationError(f"{CONNECTION_STRING} is for {account.url}, but the address is {address.account}")
    else:
        account = BlobServiceClient(address.account, credential=_identity(), retry_total=retries)
    return account.get_container_client(address.container)


def _identity() -> "TokenCredential":
    try:
        return azure_credential()
    except IdentityNotSetUp as error:
        raise ConfigurationError(f"Blob Storage: {error}") from error


@contextmanager
def _sentences(address: _Address) -> Iterator[None]:
    """Turn the client library's errors into ours."""
    from azure.core.exceptions import (  # noqa: PLC0415
        ClientAuthenticationError,
        HttpResponseError,
        ServiceRequestError,
        ServiceResponseError,
    )

    where = f"{address.account}/{address.container}"
    try:
        yield
    except (ServiceRequestError, ServiceResponseError) as error:
        raise DependencyUnavailable(f"{where} does not answer: {error.message.splitlines()[0]}") from error
    except ClientAuthenticationError as error:
        raise ConfigurationError(
            f"{where} does not know us: `az login`, use a workload identity, or set {CONNECTION_STRING}"
        ) from error
    except HttpResponseError as error:
        kind = DependencyUnavailable if (error.status_code or 500) >= 500 else ConfigurationError
        raise kind(f"{where} refused: {getattr(error, 'error_code', None) or error.reason}") from error
