"""What kopf hears of: each handler remembers it and wakes the BlurJob. What is to be done is decided elsewhere."""

import asyncio
from collections.abc import Mapping
from typing import Any

import kopf
from kubernetes.aio.client import Configuration

from baas_crds.blurjob import GROUP, VERSION
from baas_operator.memory import Memory, key_of
from baas_operator.monitor import Monitor
from baas_operator.names import BLURJOB, MANAGED_BY, OPERATOR, PLURAL, SCHEDULES, Key
from baas_operator.schedule_watch import ScheduleWatch
from baas_operator.settings import Settings
from baas_operator.wakeups import DEBOUNCE_SECONDS, Wakeups


def registry_of(
    wakeups: Wakeups[Key],
    memory: Memory,
    schedules: ScheduleWatch,
    monitor: Monitor,
    deleted: asyncio.Event,
    configuration: Configuration,
) -> kopf.OperatorRegistry:
    """Return kopf's handlers. `deleted` is set when a BlurJob is gone."""
    registry = kopf.OperatorRegistry()

    @kopf.on.event(GROUP, VERSION, PLURAL, registry=registry)
    async def blurjob_changed(event: Mapping[str, Any], uid: str, **_: Any) -> None:
        document, key = event["object"], key_of(event["object"])
        monitor.heard(uid, document["metadata"]["resourceVersion"])
        is_gone = event["type"] == "DELETED"
        schedules.heard_of_child(document, is_gone=is_gone)
        if is_gone:
            memory.forget(key)
            deleted.set()
        if is_gone or memory.learn(document):
            wakeups.wake(key, after_seconds=DEBOUNCE_SECONDS)

    @kopf.on.event(GROUP, VERSION, SCHEDULES, registry=registry)
    async def schedule_changed(event: Mapping[str, Any], **_: Any) -> None:
        schedules.heard(event["object"], is_gone=event["type"] == "DELETED")

    ours = {MANAGED_BY: OPERATOR, BLURJOB: kopf.PRESENT}

    @kopf.on.event("batch", "v1", "jobs", labels=ours, registry=registry)  # type: ignore[arg-type]
    async def job_changed(event: Mapping[str, Any], labels: Mapping[str, str], namespace: str, **_: Any) -> None:
        if event["type"] == "DELETED":
            memory.forget_job(event["object"])
        else:
            memory.learn_job(event["object"])
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


class NoDiffs(kopf.DiffBaseStorage):
    """Nobody here asks what has changed in a document: to tell that, kopf would copy each one several times."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        return kopf.BodyEssence({})

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        pass


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
    ours.persistence.diffbase_storage = NoDiffs()
    ours.execution.max_workers = 1
    # So long kopf holds the document of an event that was handled: ten times as much as what is remembered of it.
    ours.queueing.idle_timeout = 0.5
    ours.process.ultimate_exiting_timeout = 20
    return ours
