"""The edge between decisions about BlurSchedules and Kubernetes: look, do what was decided, tell."""

import logging
from contextlib import suppress
from dataclasses import asdict, dataclass

from baas_crds.blurschedule import BlurScheduleStatus
from baas_crds.errors import BaasError
from baas_operator.kube import Conflict, Kind, Kube, NotThere
from baas_operator.limits import Limits
from baas_operator.memory import this_second
from baas_operator.names import SCHEDULE_UID, Key, blurjob_name
from baas_operator.schedule_documents import blurjob_of, read_child, read_schedule
from baas_operator.schedule_status import schedule_events
from baas_operator.schedules import CreateBlurJob, RemoveBlurJob, ScheduleAction, ScheduleDecision, SeenSchedule
from baas_operator.world import NameTaken

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleWorld:
    """Kubernetes, for all BlurSchedules."""

    kube: Kube
    limits: Limits
    instance: str
    """The operator's own pod, for events."""

    async def find(self, key: Key) -> SeenSchedule | None:
        """Return all there is to know about a schedule now; None when there is none of that name."""
        try:
            document = await self.kube.get(Kind.BLURSCHEDULE, key.namespace, key.name)
        except NotThere:
            return None
        labels = f"{SCHEDULE_UID}={document['metadata']['uid']}"
        children = await self.kube.list(Kind.BLURJOB, key.namespace, labels=labels)
        return read_schedule(document, children, self.limits, now=this_second())

    async def act(self, seen: SeenSchedule, decision: ScheduleDecision) -> None:
        """Do what was decided, in order. Raises what the API server raises; trying again is safe."""
        for action in decision.actions:
            logger.info(type(action).__name__, extra={"facts": asdict(action)})
            await self._do(seen, action)

    async def tell(self, seen: SeenSchedule, decision: ScheduleDecision, status: BlurScheduleStatus) -> None:
        """Renew a status that differs, and tell by events what was done and has changed."""
        if status != seen.told:
            # Whoever has changed it meanwhile is not spoken over: that wakes us, too.
            metadata = {"uid": seen.uid, "resourceVersion": seen.version}
            change = {"metadata": metadata, "status": status.model_dump(mode="json")}
            await self.kube.patch(Kind.BLURSCHEDULE, seen.namespace, seen.name, change, subresource="status")
        for event in schedule_events(seen, decision, status, instance=self.instance):
            logger.info(event["note"], extra={"facts": {"reason": event["reason"]}})
            try:
                with suppress(Conflict):  # it was told before
                    await self.kube.create(Kind.EVENT, event)
            except BaasError as error:
                logger.warning("An Event could not be made: %s", error, extra={"facts": {"reason": event["reason"]}})

    async def _do(self, seen: SeenSchedule, action: ScheduleAction) -> None:
        match action:
            case RemoveBlurJob(name=name, uid=uid):
                with suppress(NotThere, Conflict):  # somebody else did it
                    await self.kube.delete(Kind.BLURJOB, seen.namespace, name, uid=uid)
            case CreateBlurJob() if seen.spec is not None:
                try:
                    await self.kube.create(Kind.BLURJOB, blurjob_of(action, seen, seen.spec))
                except Conflict as error:
                    await self._check_ours(seen, blurjob_name(seen.name, action.due), error)

    async def _check_ours(self, seen: SeenSchedule, name: str, error: Conflict) -> None:
        """Accept a BlurJob that another operator made meanwhile. Raises `NameTaken` when it is not of this schedule."""
        try:
            document = await self.kube.get(Kind.BLURJOB, seen.namespace, name)
        except NotThere:
            raise error from None
        if read_child(document, seen.uid) is None:
            raise NameTaken(
                f"BlurJob {name} exists and is not this BlurSchedule's. If it is of an earlier BlurSchedule of this "
                "name, it is about to go; else delete it, or give the BlurSchedule another name."
            ) from error
