"""`baas-operator`: puts the parts together and runs until it is told to stop."""

import asyncio
import logging
import socket
import sys
from collections import Counter

import kopf
from opentelemetry import metrics

from baas_crds.codes import ExitCode
from baas_crds.errors import BaasError
from baas_operator.detector_edge import DetectorEdge
from baas_operator.handlers import kopf_settings, registry_of
from baas_operator.kube import Kind, Kube, open_kube
from baas_operator.ledger_edge import LedgerEdge
from baas_operator.loops import LOOKERS, follow_for_ever, list_for_ever, look_for_ever
from baas_operator.memory import Memory
from baas_operator.monitor import Monitor
from baas_operator.names import OPERATOR, Key
from baas_operator.schedule_loop import schedule_for_ever
from baas_operator.schedule_watch import ScheduleWatch
from baas_operator.schedule_world import ScheduleWorld
from baas_operator.serving import serve
from baas_operator.settings import Settings, read_settings
from baas_operator.wakeups import Wakeups
from baas_operator.webhook import Webhook
from baas_operator.world import World
from baas_telemetry.exporters import WrongExporter
from baas_telemetry.logs import log_as_json
from baas_telemetry.setup import telemetry

logger = logging.getLogger(__name__)

DEFINITION_SECONDS = 5.0


def main() -> None:
    """Run the operator. Exit code 2 and a sentence when it was told something that cannot be."""
    try:
        settings = read_settings()
        log_as_json(settings.log_level)
        with telemetry(OPERATOR, instance=socket.gethostname(), metrics_port=settings.metrics_port):
            asyncio.run(operate(settings))
    except WrongExporter as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(ExitCode.CONFIGURATION)
    except BaasError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)


async def operate(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT, which kopf listens to."""
    async with open_kube() as kube:
        world = World(
            kube=kube,
            ledger=LedgerEdge(settings.ledger.get_secret_value()),
            detector=DetectorEdge(),
            defaults=settings.pod_defaults(),
            memory=Memory(settings.limits()),
            status_interval_seconds=settings.status_interval_seconds,
            instance=socket.gethostname(),
            webhook=Webhook(settings.webhook_url, settings.webhook_token),
        )
        try:
            await _run(settings, world)
        finally:
            await world.ledger.close()


async def _run(settings: Settings, world: World) -> None:
    wakeups: Wakeups[Key] = Wakeups()
    watch = ScheduleWatch()
    monitor = Monitor(
        metrics.get_meter("baas_operator"),
        seconds_behind=lambda: max(wakeups.seconds_behind(), watch.wakeups.seconds_behind()),
    )
    schedules = ScheduleWorld(kube=world.kube, limits=settings.limits(), instance=world.instance)
    deleted, failures = asyncio.Event(), Counter[Key]()
    namespaces = None if settings.watches_everywhere else settings.watched_namespaces
    async with serve(monitor, port=settings.health_port):
        await _definition(world.kube, monitor)
        async with asyncio.TaskGroup() as tasks:
            loops = [
                tasks.create_task(list_for_ever(wakeups, world, monitor, namespaces=namespaces, deleted=deleted)),
                tasks.create_task(follow_for_ever(wakeups, world, namespaces=namespaces)),
                tasks.create_task(schedule_for_ever(watch, schedules, monitor)),
                tasks.create_task(world.webhook.send_for_ever()),
                *(tasks.create_task(look_for_ever(wakeups, world, monitor, failures)) for _ in range(LOOKERS)),
            ]
            await kopf.operator(
                registry=registry_of(wakeups, world.memory, watch, monitor, deleted, world.kube.configuration),
                settings=kopf_settings(settings),
                clusterwide=settings.watches_everywhere,
                namespaces=namespaces or (),
                standalone=True,
                # kopf would look for the name of our user, which has none in an image.
                identity=world.instance,  # type: ignore[arg-type]  # kopf does not export its type
            )
            await world.webhook.drain()
            for loop in loops:
                loop.cancel()


async def _definition(kube: Kube, monitor: Monitor) -> None:
    """Wait until the cluster knows what a BlurJob is, and tell if it knows no BlurSchedules: kopf would not notice."""
    while not await kube.is_known(Kind.BLURJOB):
        logger.warning("The cluster does not know BlurJobs yet: apply crds/blurjobs.yaml.")
        monitor.listed({})
        await asyncio.sleep(DEFINITION_SECONDS)
    if not await kube.is_known(Kind.BLURSCHEDULE):
        logger.warning(
            "The cluster does not know BlurSchedules, and none will be looked at: apply crds/blurschedules.yaml, and "
            "start the operator anew."
        )


if __name__ == "__main__":
    main()
