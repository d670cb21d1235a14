"""Does for many BlurJobs what nodes and workers would: pods' statuses in Kubernetes, images' fates in the ledger."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import load_kube_config
from sqlalchemy import Engine, text

from baas_operator.kube import Kind, Kube
from baas_operator.names import MANAGED_BY, OPERATOR, ROLE, Role

T = TypeVar("T")

AT_ONCE = 32
SUCCEEDED = {"phase": "Succeeded"}
RUNNING = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}

# As `open_run`, `plan_images` and `finish_planning` leave them, for all runs in one statement each.
_PLANNED = (
    """
    INSERT INTO runs (id, source, destination, model_digest, config_digest, configuration, state,
        created_at, opened_at, planned_at)
    SELECT uid, 'raw', 'safe', :digest, 'sha256:c',
        jsonb_build_object('blurjob', CAST(:namespace AS text) || '/' || name), 'planned', now(), now(), now()
    FROM unnest(CAST(:uids AS text[]), CAST(:names AS text[])) AS blurjob (uid, name)
    """,
    """
    INSERT INTO images (run_id, name, source_version, size_bytes, state, attempts, token)
    SELECT id, number || '.jpg', '1', 1, 'pending', 0, 0
    FROM runs, generate_series(1, CAST(:images AS integer)) AS number
    """,
    """
    INSERT INTO run_counts (run_id, state, reason, shard, images, persons, licence_plates)
    SELECT id, fate, '', 0, CASE fate WHEN 'pending' THEN CAST(:images AS integer) ELSE 0 END, 0, 0
    FROM runs, unnest(ARRAY['pending', 'published']) AS fate
    """,
)
# As `claim` and `finish` would, some images of each run.
_PUBLISHED = (
    """
    UPDATE images SET state = 'published', finished_at = now(), input_digest = 'sha256:i', output_digest = 'sha256:o',
        output_size_bytes = 1, model_digest = 'sha256:m', config_digest = 'sha256:c', persons = 1, licence_plates = 0
    WHERE run_id IN (SELECT id FROM runs) AND CAST(rtrim(name, '.jpg') AS integer) BETWEEN :first AND :last
    """,
    """
    UPDATE run_counts SET
        images = images + CASE state WHEN 'published' THEN :number ELSE -:number END,
        persons = persons + CASE state WHEN 'published' THEN :number ELSE 0 END
    """,
)


def plan_all(engine: Engine, blurjobs: Sequence[Mapping[str, Any]], *, images: int) -> None:
    """Plan the runs of all BlurJobs, with so many images each and the model that their statuses tell."""
    conditions = {one["type"]: one for one in blurjobs[0]["status"]["conditions"]}
    facts = {
        "uids": [one["metadata"]["uid"] for one in blurjobs],
        "names": [one["metadata"]["name"] for one in blurjobs],
        "namespace": blurjobs[0]["metadata"]["namespace"],
        "digest": conditions["DetectorReady"]["message"].rsplit(" ", 1)[-1].rstrip("."),
    }
    with engine.begin() as connection:
        connection.execute(text(_PLANNED[0]), facts)
        for statement in _PLANNED[1:]:
            connection.execute(text(statement), {"images": images})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))  # as the server would do by itself, some time later


def publish(engine: Engine, first: int, last: int) -> None:
    """Publish the images from one number, counted from 1, to another one of every run."""
    with engine.begin() as connection:
        connection.execute(text(_PUBLISHED[0]), {"first": first, "last": last})
        connection.execute(text(_PUBLISHED[1]), {"number": last - first + 1})


class Admin:
    """Asks and tells the API server for many objects at once."""

    def __init__(self, kubeconfig: Path) -> None:
        self._kubeconfig = kubeconfig

    def create(self, blurjobs: Sequence[Mapping[str, Any]]) -> None:
        """Make BlurJobs as fast as the API server takes them."""

        async def one(kube: Kube, document: Mapping[str, Any]) -> None:
            await kube.create(Kind.BLURJOB, document)

        self._for_each(blurjobs, one)

    def blurjobs(self, namespace: str) -> list[dict[str, Any]]:
        """Return all BlurJobs."""
        return self._run(lambda kube: kube.list(Kind.BLURJOB, namespace))

    def pods(self, namespace: str, role: Role) -> list[str]:
        """Return the names of the pods of all Jobs of a role that have not ended."""
        wanted = f"{MANAGED_BY}={OPERATOR},{ROLE}={role}"
        listed = self._run(lambda kube: kube.list(Kind.POD, namespace, labels=wanted))
        return [one["metadata"]["name"] for one in listed if one["status"].get("phase") != SUCCEEDED["phase"]]

    def tell(self, namespace: str, pods: Sequence[str], status: Mapping[str, Any]) -> None:
        """Write the status of pods, as their node would."""

        async def one(kube: Kube, name: str) -> None:
            await kube.patch(Kind.POD, namespace, name, {"status": status}, subresource="status")

        self._for_each(pods, one)

    def _for_each(self, things: Sequence[T], do: Callable[[Kube, T], Awaitable[None]]) -> None:
        async def all_of_them(kube: Kube) -> None:
            gate = asyncio.Semaphore(AT_ONCE)

            async def one(thing: T) -> None:
                async with gate:
                    await do(kube, thing)

            await asyncio.gather(*map(one, things))

        self._run(all_of_them)

    def _run(self, do: Callable[[Kube], Awaitable[T]]) -> T:
        async def within() -> T:
            configuration = Configuration()
            await load_kube_config(config_file=str(self._kubeconfig), client_configuration=configuration)  # type: ignore[no-untyped-call]
            async with ApiClient(configuration) as client:
                return await do(Kube(client))

        return asyncio.run(within())
