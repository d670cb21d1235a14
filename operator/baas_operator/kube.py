"""The only place that speaks REST to the API server: documents in, documents out, our errors.

The official client brings credentials, TLS and connections. Its models are left aside: they are slower, and drop fields
that are newer than they are.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from enum import StrEnum
from http import HTTPStatus
from os import environ
from typing import Any
from urllib.parse import quote

import aiohttp
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config

from baas_crds.blurjob import GROUP, VERSION
from baas_crds.errors import BaasError, ConfigurationError, DependencyUnavailable
from baas_operator.names import PLURAL, SCHEDULES

TIMEOUT_SECONDS = 30.0
PAGE = "250"
"""Objects that are read at once."""
METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
MERGE_PATCH = "application/merge-patch+json"


class Kind(StrEnum):
    """What the operator deals with, by the path of its group and its plural."""

    BLURJOB = f"/apis/{GROUP}/{VERSION}|{PLURAL}"
    BLURSCHEDULE = f"/apis/{GROUP}/{VERSION}|{SCHEDULES}"
    JOB = "/apis/batch/v1|jobs"
    CONFIG_MAP = "/api/v1|configmaps"
    POD = "/api/v1|pods"
    EVENT = "/apis/events.k8s.io/v1|events"

    def path(self, namespace: str | None, name: str | None = None, subresource: str | None = None) -> str:
        """Return the path of one object, or of all of a namespace, or of all."""
        group, plural = self.value.split("|")
        inside = f"/namespaces/{quote(namespace)}" if namespace else ""
        return f"{group}{inside}/{plural}" + "".join(f"/{quote(part)}" for part in (name, subresource) if part)


class NotThere(BaasError):
    """The object does not exist, or not any more."""


class Conflict(BaasError):
    """Another object has that name."""


class Invalid(BaasError):
    """The API server says that a document can never be accepted."""


class Forbidden(BaasError):
    """The API server does not allow it now: no permission, or a quota is used up."""


_ERRORS: Mapping[int, type[BaasError]] = {
    HTTPStatus.NOT_FOUND: NotThere,
    HTTPStatus.CONFLICT: Conflict,
    HTTPStatus.BAD_REQUEST: Invalid,
    HTTPStatus.UNPROCESSABLE_ENTITY: Invalid,
    HTTPStatus.FORBIDDEN: Forbidden,
}


def _refusal(what: str, status: int, body: bytes) -> BaasError:
    """Return the error for an answer that is none, with the API server's own sentence."""
    try:
        said = json.loads(body)["message"]
    except (ValueError, KeyError, TypeError):
        said = body[:200].decode(errors="replace")
    return _ERRORS.get(status, DependencyUnavailable)(f"The API server answered {status} to {what}: {said}")


class Kube:
    """Requests to one API server."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client

    @property
    def configuration(self) -> Configuration:
        """Where the API server is and who we are."""
        configuration: Configuration = self._client.configuration
        return configuration

    async def get(self, kind: Kind, namespace: str, name: str, *, metadata_only: bool = False) -> dict[str, Any]:
        """Return an object. Raises `NotThere`."""
        accept = METADATA_ONLY if metadata_only else "application/json"
        return await self._request("GET", kind.path(namespace, name), accept=accept)

    async def list(self, kind: Kind, namespace: str | None, *, labels: str | None = None) -> list[dict[str, Any]]:
        """Return all objects of a namespace or of all, as they are now."""
        return [item async for item in self.each(kind, namespace, labels=labels)]

    async def each(
        self, kind: Kind, namespace: str | None, *, labels: str | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """Give each object of a namespace or of all, read in pages: never more than one is held."""
        query = {"limit": PAGE, **({"labelSelector": labels} if labels else {})}
        while True:
            answer = await self._request("GET", kind.path(namespace), query=query)
            for item in answer["items"]:
                yield item
            if not (token := answer["metadata"].get("continue")):
                return
            query["continue"] = token

    async def create(self, kind: Kind, document: Mapping[str, Any]) -> dict[str, Any]:
        """Create an object and return it as it is then. Raises `Conflict`, `Invalid`, `Forbidden`."""
        return await self._request("POST", kind.path(document["metadata"]["namespace"]), body=document)

    async def patch(
        self, kind: Kind, namespace: str, name: str, change: Mapping[str, Any], *, subresource: str | None = None
    ) -> None:
        """Change an object by a merge patch. A `metadata.uid` in it must be the object's. Raises `NotThere`."""
        await self._request("PATCH", kind.path(namespace, name, subresource), body=change, content_type=MERGE_PATCH)

    async def delete(self, kind: Kind, namespace: str, name: str, *, uid: str) -> None:
        """Delete an object if it is still the one with this uid; what it owns goes after it. Raises `NotThere`."""
        how = {"propagationPolicy": "Background", "preconditions": {"uid": uid}}
        await self._request("DELETE", kind.path(namespace, name), body=how)

    async def is_known(self, kind: Kind) -> bool:
        """Return whether the API server knows such objects; for BlurJobs: whether the definition is installed."""
        group, plural = kind.value.split("|")
        try:
            answer = await self._request("GET", group)
        except NotThere:
            return False
        return any(resource["name"] == plural for resource in answer["resources"])

    async def _request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> dict[str, Any]:
        what = f"{method} {path}"
        try:
            prepared = await self._client.param_serialize(
                method,
                path,
                query_params=list((query or {}).items()),
                header_params={"Accept": accept, "Content-Type": content_type},
                body=body,
                auth_settings=["BearerToken"],
            )
            answer = await self._client.call_api(*prepared, _request_timeout=TIMEOUT_SECONDS)
            content: bytes = await answer.read()  # type: ignore[no-untyped-call]
        except (aiohttp.ClientError, OSError) as error:  # a TimeoutError is an OSError
            raise DependencyUnavailable(f"The API server does not answer to {what}: {error!r}") from error
        if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
            raise _refusal(what, answer.status, content)
        document: dict[str, Any] = json.loads(content)
        return document


@asynccontextmanager
async def open_kube() -> AsyncIterator[Kube]:
    """Connect as KUBECONFIG says; without it as the pod's ServiceAccount. Raises `ConfigurationError`."""
    configuration = Configuration()
    try:
        if "KUBECONFIG" in environ:
            await load_kube_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        else:
            load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    except ConfigException as error:
        raise ConfigurationError(
            f"No API server: set KUBECONFIG, or run in a pod with a ServiceAccount ({error})."
        ) from error
    async with ApiClient(configuration) as client:
        yield Kube(client)
