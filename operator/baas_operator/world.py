"""The edge between decisions and the world: look at a BlurJob, do what was decided, tell what was seen."""

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from baas_crds.blurjob import BlurJobSpec, Detector
from baas_crds.errors import BaasError
from baas_crds.status import BlurJobStatus
from baas_ledger.runs import MODEL_VERSION
from baas_operator import children
from baas_operator.changes import is_news
from baas_operator.decision import (
    Action,
    CreateJob,
    DeleteBlurJob,
    DeleteJob,
    FinishRun,
    Remember,
    RetryQuarantined,
    Scale,
    WriteSpec,
)
from baas_operator.detector_edge import DetectorEdge
from baas_operator.documents import notebook_annotations, read_blurjob, read_job, read_notebook, read_pod
from baas_operator.events import event_of
from baas_operator.kube import Conflict, Kind, Kube, NotThere
from baas_operator.ledger_edge import LedgerEdge
from baas_operator.memory import Memory, in_order, this_second
from baas_operator.names import Key, selector, spec_map_name
from baas_operator.observed import Job, JobOutcome, Ledger, Notebook, NotReady, Observed, Pod
from baas_operator.pods import PodDefaults
from baas_operator.spans import action_span
from baas_operator.webhook import Webhook

logger = logging.getLogger(__name__)


class NameTaken(Exception):
    """A Job that is not ours has the name that ours needs."""


@dataclass(slots=True, kw_only=True)
class World:
    """Kubernetes, the ledger and Triton, for all BlurJobs."""

    kube: Kube
    ledger: LedgerEdge
    detector: DetectorEdge
    defaults: PodDefaults
    memory: Memory
    status_interval_seconds: float
    instance: str
    """The operator's own pod, for events."""
    webhook: Webhook
    _told_at: dict[Key, float] = field(default_factory=dict)

    async def find(self, key: Key) -> Observed | None:
        """Return what a BlurJob itself tells; None when there is none of that name."""
        try:
            document = await self.kube.get(Kind.BLURJOB, key.namespace, key.name)
        except NotThere:
            self._told_at.pop(key, None)
            self.memory.forget(key)
            return None
        return read_blurjob(document, self.memory.limits, now=this_second())

    async def observe(self, seen: Observed) -> Observed:
        """Return all there is to know about a BlurJob that was found, as it is now."""
        seen = replace(seen, jobs=await self._jobs(seen), notebook=await self._notebook(seen))
        self.memory.note(seen.uid, seen.notebook)
        return await self.around(seen)

    async def around(self, seen: Observed) -> Observed:
        """Return a BlurJob, whose Jobs and notebook are known, with what its pods, the ledger and Triton say now."""
        if seen.is_at_rest or seen.spec is None or seen.mistake:
            return seen
        ledger = await self.ledger.look(seen.uid)
        detector = await self.detector.look(self._wanted_detector(seen.spec.detector, ledger))
        return replace(seen, pods=await self._pods(seen), ledger=ledger, detector=detector)

    async def act(self, seen: Observed, actions: Sequence[Action]) -> None:
        """Do what was decided, in order. Raises what the API server or the ledger raises; trying again is safe."""
        for action in actions:
            with action_span(seen, action):
                logger.info(type(action).__name__, extra={"facts": asdict(action)})
                await self._do(seen, action)

    async def tell(self, seen: Observed, status: BlurJobStatus) -> bool:
        """Renew a status that differs: at once when the state changed, mere counts only every few seconds.

        Returns whether it was renewed; if not, it is to be looked at again.
        """
        key = Key(namespace=seen.namespace, name=seen.name)
        now = time.monotonic()
        if (
            not is_news(seen.told, status)
            and now - self._told_at.get(key, -self.status_interval_seconds) < self.status_interval_seconds
        ):
            return False
        # What was seen may be behind: then whoever has changed it meanwhile is not spoken over.
        metadata = {"uid": seen.uid, "resourceVersion": seen.version}
        change = {"metadata": metadata, "status": status.model_dump(mode="json")}
        try:
            await self.kube.patch(Kind.BLURJOB, seen.namespace, seen.name, change, subresource="status")
        except (NotThere, Conflict):
            return False  # it was changed meanwhile, or deleted and perhaps made anew
        self._told_at[key] = now
        event = event_of(seen, status, instance=self.instance)
        if event is not None:
            logger.info(event["note"], extra={"facts": {"reason": event["reason"]}})
            await self._announce(event)
        return True

    def _wanted_detector(self, wanted: Detector, ledger: Ledger | NotReady) -> Detector:
        """Return where Triton is and which model is wanted; a run keeps the version that it began with."""
        run = ledger.run if isinstance(ledger, Ledger) else None
        version = run.configuration.get(MODEL_VERSION, wanted.version) if run else wanted.version
        return wanted.model_copy(
            update={"triton_url": wanted.triton_url or self.defaults.detector.triton_url, "version": version}
        )

    async def _jobs(self, seen: Observed) -> tuple[Job, ...]:
        documents = await self.kube.list(Kind.JOB, seen.namespace, labels=selector(seen.uid))
        return in_order(job for document in documents if (job := read_job(document)))

    async def _notebook(self, seen: Observed) -> Notebook | None:
        name = spec_map_name(seen.name)
        try:
            document = await self.kube.get(Kind.CONFIG_MAP, seen.namespace, name, metadata_only=True)
        except NotThere:
            return None
        owners = document["metadata"].get("ownerReferences", ())
        # That of an earlier BlurJob of this name is about to be deleted with it.
        return read_notebook(document) if any(owner["uid"] == seen.uid for owner in owners) else None

    async def _pods(self, seen: Observed) -> tuple[Pod, ...]:
        tells_something = any(
            job.outcome is JobOutcome.FAILED or (job.is_underway and job.ready < max(job.active, 1))
            for job in seen.jobs
        )
        if not tells_something:
            return ()
        return tuple(map(read_pod, await self.kube.list(Kind.POD, seen.namespace, labels=selector(seen.uid))))

    async def _do(self, seen: Observed, action: Action) -> None:
        match action:
            case WriteSpec():
                await self._write_spec(seen, action)
            case Remember(notebook=notebook):
                change = {"metadata": {"annotations": notebook_annotations(notebook)}}
                if await self._change(Kind.CONFIG_MAP, seen, spec_map_name(seen.name), change):
                    self.memory.note(seen.uid, notebook)
            case CreateJob():
                await self._create_job(seen, action)
            case Scale():
                await self._change(Kind.JOB, seen, action.job, {"spec": {"parallelism": action.parallelism}})
            case DeleteJob():
                await self._delete(Kind.JOB, seen.namespace, action.job, action.uid)
            case RetryQuarantined():
                await self.ledger.retry_quarantined(seen.uid)
            case FinishRun():
                await self.ledger.finish(seen.uid)
            case DeleteBlurJob():
                await self._delete(Kind.BLURJOB, seen.namespace, seen.name, seen.uid)

    async def _write_spec(self, seen: Observed, action: WriteSpec) -> None:
        document = children.spec_map(
            namespace=seen.namespace,
            name=seen.name,
            uid=seen.uid,
            spec=_understood(seen),
            handled_retry=action.handled_retry,
        )
        self.memory.note(seen.uid, read_notebook(await self._create_or_be_taken(Kind.CONFIG_MAP, document)))

    async def _create_job(self, seen: Observed, action: CreateJob) -> None:
        document = children.job(
            action,
            namespace=seen.namespace,
            name=seen.name,
            uid=seen.uid,
            spec=_understood(seen),
            defaults=self.defaults,
        )
        await self._create_or_be_taken(Kind.JOB, document)

    async def _create_or_be_taken(self, kind: Kind, document: dict[str, Any]) -> dict[str, Any]:
        try:
            return await self.kube.create(kind, document)
        except Conflict as error:
            what = f"{document['kind']} {document['metadata']['name']}"
            raise NameTaken(
                f"{what} exists and is not this BlurJob's. If it is of an earlier BlurJob of this name, it is about to "
                "go; else delete it, or give the BlurJob another name."
            ) from error

    async def _announce(self, event: dict[str, Any]) -> None:
        try:
            with suppress(Conflict):  # it was made before the operator started anew
                await self.kube.create(Kind.EVENT, event)
        except BaasError as error:
            # The status is told and will not be told again: whoever else is to hear of it must hear of it now.
            logger.warning("An Event could not be made: %s", error, extra={"facts": {"reason": event["reason"]}})

    async def _change(self, kind: Kind, seen: Observed, name: str, change: dict[str, Any]) -> bool:
        """Change a child; return whether it is there."""
        try:
            await self.kube.patch(kind, seen.namespace, name, change)
        except NotThere:
            logger.info("%s is gone meanwhile", name)
            return False
        return True

    async def _delete(self, kind: Kind, namespace: str, name: str, uid: str) -> None:
        try:
            await self.kube.delete(kind, namespace, name, uid=uid)
        except (NotThere, Conflict):
            logger.info("%s is gone meanwhile", name)


def _understood(seen: Observed) -> BlurJobSpec:
    if seen.spec is None or seen.mistake:
        raise ValueError(f"{seen.namespace}/{seen.name}: nothing can be made from an invalid spec")
    return seen.spec
