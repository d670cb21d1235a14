"""`baas plan` and `baas work`, for pods: told by the environment, they end with an exit code the operator knows."""

import logging
import signal
import threading
from collections.abc import Callable
from dataclasses import asdict
from types import FrameType

import click

from baas_crds.codes import ExitCode
from baas_crds.errors import BaasError
from baas_ledger.facts import Claim, Quarantined
from baas_preprocess.cli.pod_last_words import say_last_words
from baas_preprocess.pod import plan_run, work_on_run
from baas_preprocess.pod_settings import PodSettings, read_pod_settings
from baas_preprocess.work import Outcome
from baas_telemetry.logs import log_as_json

logger = logging.getLogger(__name__)

INTERRUPTED = "Stopped by a signal; what has no fate yet is free for the next pod."
NAMES_TOLD = 20


@click.command("plan")
@click.pass_context
def plan_command(context: click.Context) -> None:
    """For pods: list the source of the BlurJob in BAAS_JOB_FILE, and fill the ledger.

    There are no options; docs/reference/environment.md lists the environment variables.
    """
    context.exit(_in_pod(_plan))


@click.command("work")
@click.pass_context
def work_command(context: click.Context) -> None:
    """For pods: work on the BlurJob in BAAS_JOB_FILE, with any number of others, until every image has its fate.

    SIGTERM finishes what is in flight and gives back the rest. There are no options; docs/reference/environment.md
    lists the environment variables.
    """
    context.exit(_in_pod(_work))


def _plan(settings: PodSettings) -> ExitCode:
    planned = plan_run(settings)
    if planned.unmatched:
        names = ", ".join(planned.unmatched[:NAMES_TOLD])
        logger.warning("The exclude list has %d names that no picture has: %s", len(planned.unmatched), names)
    logger.info("run planned", extra={"facts": {"run": planned.run_id, **asdict(planned.result)}})
    return ExitCode.DONE


def _work(settings: PodSettings) -> ExitCode:
    stop = threading.Event()

    def finish_what_is_in_flight(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    counts = work_on_run(
        settings,
        stop=stop,
        on_start=lambda: _on_signals(finish_what_is_in_flight),
        on_done=_tell,
    )
    facts = {"published": counts.published, "quarantined": counts.quarantined, "remaining": counts.remaining}
    logger.info("worker ends", extra={"facts": facts})
    return ExitCode.INTERRUPTED if stop.is_set() and counts.remaining else ExitCode.DONE


def _tell(image: Claim, outcome: Outcome) -> None:
    """Log one image's fate."""
    reason = outcome.reason if isinstance(outcome, Quarantined) else None
    facts = {
        "run": image.run_id,
        "image": image.name,
        "outcome": "published" if reason is None else "quarantined",
        "reason": reason,
        "seconds": round(sum(outcome.timings.values()), 3),
    }
    logger.info("image %s", facts["outcome"], extra={"facts": facts})


def _in_pod(act: Callable[[PodSettings], ExitCode]) -> ExitCode:
    """Do it; whatever ends it early becomes a log line, the pod's last words and an exit code."""
    log_as_json("INFO")
    _on_signals(_leave)
    code, sentence = ExitCode.DONE, ""
    try:
        code = act(read_pod_settings())
        if code is ExitCode.INTERRUPTED:
            sentence = INTERRUPTED
    except KeyboardInterrupt:
        code, sentence = ExitCode.INTERRUPTED, INTERRUPTED
    except BaasError as error:
        code, sentence = error.exit_code, str(error)
        logger.error("%s", sentence)
    except Exception as error:
        code, sentence = ExitCode.BUG, f"Unforeseen error {type(error).__name__}: the pod's log has the trace."
        logger.exception("unforeseen error")
    if sentence:
        say_last_words(sentence)
    return code


def _on_signals(handler: Callable[[int, FrameType | None], None]) -> None:
    # In a pod we are the first process, to which the kernel gives no signal without a handler.
    signal.signal(signal.SIGTERM, handler)
    signal.signal(signal.SIGINT, handler)


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
