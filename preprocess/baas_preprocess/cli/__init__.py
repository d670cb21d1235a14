"""The command line `baas`. A command parses, calls the room, and prints; it decides nothing."""

import logging
import os
import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import version

import click

from baas_crds.codes import ExitCode
from baas_crds.errors import BaasError
from baas_preprocess.cli.audit_command import audit_command
from baas_preprocess.cli.blur_command import blur_command
from baas_preprocess.cli.blurjob_command import blurjob_command
from baas_preprocess.cli.convert_config_command import convert_config_command
from baas_preprocess.cli.earlier_command import earlier_command
from baas_preprocess.cli.inspect_command import inspect_command
from baas_preprocess.cli.ledger_command import ledger_command
from baas_preprocess.cli.panoramas_command import panoramas_command
from baas_preprocess.cli.pod_commands import plan_command, work_command
from baas_preprocess.cli.redact_more_command import redact_more_command
from baas_preprocess.cli.report_command import report_command
from baas_preprocess.cli.review_command import review_command
from baas_preprocess.cli.run_command import run_command
from baas_preprocess.cli.samples_command import samples_command
from baas_preprocess.cli.status_command import status_command

EPILOG = "Exit codes: " + "; ".join(
    f"{int(code)} {meaning}"
    for code, meaning in [
        (ExitCode.DONE, "all published"),
        (ExitCode.BUG, "unforeseen error"),
        (ExitCode.CONFIGURATION, "wrong usage or configuration"),
        (ExitCode.QUARANTINED, "finished, some images quarantined"),
        (ExitCode.UNREACHABLE, "a service or disk went away, run again"),
        (ExitCode.TAMPERED, "records, ledger and outputs contradict each other"),
        (ExitCode.INTERRUPTED, "interrupted, run again"),
    ]
)


@click.group(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(version("blurring-as-a-service"), prog_name="baas")
@click.option("-v", "--verbose", is_flag=True, help="Show log messages, and the trace of an error.")
def cli(verbose: bool) -> None:
    """Make street panoramas safe to publish: every person and licence plate is redacted, or the image stays back."""
    level = logging.INFO if verbose else logging.CRITICAL
    logging.basicConfig(level=level, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")


cli.add_command(blur_command)
cli.add_command(run_command)
cli.add_command(status_command)
cli.add_command(report_command)
cli.add_command(inspect_command)
cli.add_command(review_command)
cli.add_command(redact_more_command)
cli.add_command(audit_command)
cli.add_command(panoramas_command)
cli.add_command(samples_command)
cli.add_command(ledger_command)
cli.add_command(earlier_command)
cli.add_command(blurjob_command)
cli.add_command(convert_config_command)
cli.add_command(plan_command)
cli.add_command(work_command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; every error of ours becomes its sentence and its exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = cli.main(arguments, prog_name="baas", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = ExitCode.CONFIGURATION
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted. The same command again continues.", err=True)
        code = ExitCode.INTERRUPTED
    except BaasError as error:
        _trace_if_wanted(arguments)
        click.echo(f"Error: {error}", err=True)
        code = error.exit_code
    except UnicodeEncodeError as error:
        _trace_if_wanted(arguments)
        click.echo(f"Error: {error.object[:200]!r} is no UTF-8, and cannot be recorded: give it another name", err=True)
        code = ExitCode.CONFIGURATION
    except BrokenPipeError:
        # Whoever read our output has seen enough; what was done stays done.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = ExitCode.DONE
    except Exception as error:  # noqa: BLE001 - whatever it is, a person gets a sentence
        _trace_if_wanted(arguments)
        message = (
            f"Unforeseen error, please report it with the output of `baas -v ...`: {type(error).__name__}: {error}"
        )
        click.echo(message, err=True)
        code = ExitCode.BUG
    sys.exit(code)


def _trace_if_wanted(arguments: Sequence[str]) -> None:
    if "-v" in arguments or "--verbose" in arguments:
        traceback.print_exc()
