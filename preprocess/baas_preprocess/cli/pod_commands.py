"""`baas plan` and `baas work`, for pods: told by the environment, they end with an exit code the operator knows.

With `--redo-model`, `baas plan` is for people.
"""

import logging
import os
import signal
import socket
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import FrameType

import click

from baas_crds.codes import ExitCode
from baas_crds.errors import BaasError
from baas_ledger.facts import Claim, Outcome, Quarantined
from baas_preprocess.cli.lineage_command import tell_lineage
from baas_preprocess.cli.pod_last_words import say_last_words
from baas_preprocess.copies import Stopped
from baas_preprocess.measures import end_pod_span, pod_span
from baas_preprocess.pod import plan_run, work_on_run
from baas_preprocess.pod_settings import PodSettings, read_pod_settings
from baas_telemetry.exporters import WrongExporter
from baas_telemetry.logs import log_as_json, set_level
from baas_telemetry.setup import telemetry

logger = logging.getLogger(__name__)

INTERRUPTED = "Stopped by a signal; what has no fate yet is free for the next pod."
NAMES_TOLD = 20


@click.command("plan")
@click.argument("dest", required=False)
@click.option(
    "--redo-model", metavar="DIGEST", help="The model; one that no run had is answered with those that there are."
)
@click.option("--ledger", metavar="URL", help="Where runs were recorded, when not in DEST/.baas; as for `baas status`.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document with every picture.")
@click.option(
    "--names", type=click.Path(path_type=Path), metavar="FILE", help="Write the pictures' names there, one a line."
)
@click.pass_context
def plan_command(
    context: click.Context,
    dest: str | None,
    redo_model: str | None,
    ledger: str | None,
    as_json: bool,
    names: Path | None,
) -> None:
    """For pods: list the source of the BlurJob in BAAS_JOB_FILE, and fill the ledger.

    There are no options then; docs/reference/environment.md lists the environment variables.

    With --redo-model, for people: tell which pictures at DEST, or at any destination, were made by that model and
    stand as it made them. Nothing is changed. DEST is a folder, the https:// address of a container's folder, or a
    volume as the ledger calls it. Exit code 0, also when there are none.

    \b
        baas plan safe/ --redo-model sha256:…
        baas plan --redo-model sha256:… --ledger postgresql://… --json
    """
    if redo_model is not None:
        tell_lineage(redo_model, dest, ledger, names=names, as_json=as_json)
    elif dest is not None or ledger is not None or as_json or names is not None:
        raise click.UsageError("DEST and options are for --redo-model, which is missing.")
    else:
        context.exit(_in_pod("plan", _plan))


@click.command("work")
@click.pass_context
def work_command(context: click.Context) -> None:
    """For pods: work on the BlurJob in BAAS_JOB_FILE, with any number of others, until every image has its fate.

    SIGTERM finishes what is in flight and gives back the rest. There are no options; docs/reference/environment.md
    lists the environment variables.
    """
    context.exit(_in_pod("work", _work))


def _plan(settings: PodSettings) -> ExitCode:
    planned = plan_run(settings)
    if planned.unmatched:
        names = ", ".join(planned.unmatched[:NAMES_TOLD])
        logger.warning("The exclude list has %d names that no picture has: %s", len(planned.unmatched), names)
    facts = {"run": planned.run_id, **asdict(planned.result), "part": planned.part}
    logger.info("run planned", extra={"facts": facts})
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


def _in_pod(role: str, act: Callable[[PodSettings], ExitCode]) -> ExitCode:
    """Do it, and tell of it: all of it is one span of the BlurJob's trace."""
    log_as_json("INFO")
    _on_signals(_leave)
    instance = os.environ.get("BAAS_POD_NAME") or socket.gethostname()
    try:
        with telemetry(f"baas-{role}", instance=instance), pod_span(role, os.environ) as span:
            code = _ended(act)
            # All is done; what is left is to tell of it, which has its own limit of time.
            _on_signals(signal.SIG_IGN)
            end_pod_span(span, code)
    except WrongExporter as error:
        code = ExitCode.CONFIGURATION
        logger.error("%s", error)
        say_last_words(str(error))
    return code


def _ended(act: Callable[[PodSettings], ExitCode]) -> ExitCode:
    """Do it; whatever ends it early becomes a log line, the pod's last words and an exit code."""
    code, sentence = ExitCode.DONE, ""
    try:
        settings = read_pod_settings()
        set_level(settings.log_level)
        code = act(settings)
        if code is ExitCode.INTERRUPTED:
            sentence = INTERRUPTED
    except (KeyboardInterrupt, Stopped):
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


def _on_signals(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    # In a pod we are the first process, to which the kernel gives no signal without a handler.
    signal.signal(signal.SIGTERM, handler)
    signal.signal(signal.SIGINT, handler)


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
