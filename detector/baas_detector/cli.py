"""The command line `baas-detector`. Each command lives in a module of its own."""

import errno
import logging
import sys
from typing import Any

import click

from baas_crds.codes import ExitCode
from baas_crds.errors import BaasError
from baas_detector.acceptance_command import acceptance
from baas_detector.attack_command import attack
from baas_detector.build_command import build_repository
from baas_detector.check_command import check
from baas_detector.compare_command import compare
from baas_detector.convert_command import convert
from baas_detector.evaluate_command import evaluate
from baas_detector.export_command import export
from baas_detector.gate_command import gate
from baas_detector.metadata_command import metadata
from baas_detector.register_command import register
from baas_detector.sample_command import sample
from baas_detector.select_command import select
from baas_detector.serve_command import serve
from baas_detector.train_command import train
from baas_detector.validate_command import validate


class _Commands(click.Group):
    """Commands whose foreseen errors end as one sentence and their own exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BaasError as error:
            self._tell(error, str(error))
            ctx.exit(error.exit_code)
        except OSError as error:
            self._tell(error, f"{error.strerror}: {error.filename}")
            ctx.exit(ExitCode.UNREACHABLE if error.errno == errno.ENOSPC else ExitCode.CONFIGURATION)
        except KeyboardInterrupt:
            ctx.exit(ExitCode.INTERRUPTED)

    @staticmethod
    def _tell(error: Exception, sentence: str) -> None:
        logging.getLogger(__name__).debug("Where it came from:", exc_info=error)
        click.echo(f"Error: {sentence}", err=True)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.option("-v", "--verbose", is_flag=True, help="Tell more: Triton's log, and the trace of an error.")
@click.version_option(package_name="blurring-as-a-service")
def main(verbose: bool) -> None:
    """Build, serve, check and evaluate the detector of persons and licence plates.

    \b
        baas-detector build-repository --output models
        baas-detector serve --repository models --grpc-port 8001
        baas-detector check --triton 127.0.0.1:8001
        baas-detector evaluate --truth annotations-coco.json --masks masks
        baas-detector gate --policy policy.yaml report.json
        baas-detector compare old.json new.json
        baas-detector acceptance plan images.csv --by district
        baas-detector attack --redaction fill --redaction pixelate:6
        baas-detector convert export.json --to coco --output annotations.json
        baas-detector metadata panoramas --output metadata.csv
        baas-detector train config.yml
        baas-detector sample safe --size 200 --output worklist.csv

    Exit codes: 0 done; 2 wrong usage, files or model; 3 done, and it does not pass (`gate`, `acceptance`); 4 a service
    did not answer; 130 interrupted.
    """
    logging.basicConfig(stream=sys.stderr, format="%(message)s", level=logging.DEBUG if verbose else logging.INFO)


for command in (
    build_repository, serve, check, attack,
    convert, metadata, select, train, validate, export, register,
    evaluate, gate, compare, acceptance, sample,
):  # fmt: skip
    main.add_command(command)
