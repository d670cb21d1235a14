"""What kopf hears of: each handler only wakes the BlurJob concerned. What is to be done is decided elsewhere."""

import asyncio
from collections.abc import Mapping
from typing import Any

import kopf
from kubernetes.aio.client import Configuration

from baas_crds.blurjob import GROUP, VERSION
from baas_operator.monitor import Monitor
from baas_operator.names import BLURJOB, MANAGED_BY, OPERATOR, PLURAL, RETRY, Key
from baas_operator.settings import Settings
from baas_operator.wakeups import Wakeups

DEBOUNCE_SECONDS = 0.2
"""Changes come in bursts: a Job's pods, or our own writes."""


def registry_of(
    wakeups: Wakeups[Key], monitor: Monitor, deleted: asyncio.Event, configuration: Configuration
) -> kopf.OperatorRegistry:
    """Return kopf's handlers. `deleted` is set when a BlurJob is gone."""
    registry = kopf.OperatorRegistry()
    known: dict[str, object] = {}

    @kopf.on.event(GROUP, VERSION, PLURAL, registry=registry)  # type: ignore[arg-type]
    async def blurjob_changed(
        type: str | None,  # noqa: A002 - kopf's name
        body: Mapping[str, Any],
        namespace: str,
        name: str,
        uid: str,
        **_: Any,
    ) -> None:
        metadata = body["metadata"]
        monitor.heard(uid, metadata["resourceVersion"])
        said = (metadata["generation"], metadata.get("annotations", {}).get(RETRY), metadata.get("deletionTimestamp"))
        # Our own writes of the status say nothing new.
        if type == "DELETED" or known.get(uid) != said:
            wakeups.wake(Key(namespace=namespace, name=name), after_seconds=DEBOUNCE_SECONDS)
        known[uid] = said
        if type == "DELETED":
            known.pop(uid)
            deleted.set()

    ours = {MANAGED_BY: OPERATOR, BLURJOB: kopf.PRESENT}

    @kopf.on.event("batch", "v1", "jobs", labels=ours, registry=registry)  # type: ignore[arg-type]
    async def job_changed(labels: Mapping[str, str], namespace: str, **_: Any) -> None:
        wakeups.wake(Key(namespace=namespace, name=labels[BLURJOB]), after_seconds=DEBOUNCE_SECONDS)

    @kopf.on.login(registry=registry)
    async def login(**_: Any) -> kopf.ConnectionInfo:
        return await connection(configuration)

    return registry


async def connection(configuration: Configuration) -> kopf.ConnectionInfo:
    """Return what kopf needs to reach the same API server as the client, as the same user, with today's token."""
    header = await configuration.get_api_key_with_prefix("BearerToken")
    return kopf.ConnectionInfo(
        server=configuration.host,
        ca_path=configuration.ssl_ca_cert,
        insecure=not configuration.verify_ssl,
        scheme="Bearer" if header else None,
        token=header.split(" ", 1)[1] if header else None,
        certificate_path=configuration.cert_file,
        private_key_path=configuration.key_file,
    )


def kopf_settings(settings: Settings) -> kopf.OperatorSettings:
    """Return kopf's settings: it watches, and writes nothing anywhere."""
    ours = kopf.OperatorSettings()
    # The server ends a watch before a proxy in between would. Bookmarks come every minute; without them it is dead.
    ours.watching.server_timeout = 240
    ours.watching.client_timeout = 270
    ours.watching.connect_timeout = 10
    ours.watching.inactivity_timeout = 90
    ours.networking.request_timeout = 30
    # Namespaces are given by name or are all of them, and the definition is there before kopf starts.
    ours.scanning.disabled = True
    # Jobs of others never leave the API server.
    ours.watching.label_selectors["batch", "v1", "jobs"] = f"{MANAGED_BY}={OPERATOR}"
    ours.posting.enabled = False
    ours.posting.loggers = False
    ours.peering.standalone = True
    ours.execution.max_workers = 1
    ours.process.ultimate_exiting_timeout = 20
    return ours
