"""`baas-detector train`."""

import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from baas_detector.gate_command import gate
from baas_detector.training.tables import show_measures

if TYPE_CHECKING:
    from baas_detector.training.settings import Gate, TrainingConfig

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
STEPS = ("convert", "select", "train", "validate", "export", "evaluate", "gate", "register")


@click.command("train")
@click.argument("config_file", metavar="CONFIG.YML", type=_FILE)
@click.option(
    "--data", type=click.Path(exists=True, path_type=Path), help="Where the pictures are here, instead of data.path."
)
@click.option(
    "--output", type=click.Path(file_okay=False, path_type=Path), help="Where results go here, instead of output."
)
@click.option(
    "--only",
    multiple=True,
    type=click.Choice(STEPS),
    help="Of the steps that the file switches on, only this one; may be given several times.",
)
@click.option(
    "--submit-azure-ml",
    "workspace_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="CONFIG.JSON",
    help="Do not train here: submit the job train-job.yml beside this file to the workspace that it names.",
)
def train(
    config_file: Path, data: Path | None, output: Path | None, only: tuple[str, ...], workspace_file: Path | None
) -> None:
    """Run the steps that CONFIG.YML switches on, from labelled pictures to a registered model.

    In this order: convert, select, train, validate, export, evaluate, gate, register. Each leaves files in the run's
    folder; after an interruption, even `kill -9`, the same command goes on. All settings stand in
    examples/config.example.yml.

    Exit codes: 0 done; 3 the model does not pass the gate, and was not registered; 2 wrong settings, labels or files.

    \b
        baas-detector train config.yml
        baas-detector train config.yml --submit-azure-ml azureml/config.json
    """
    from baas_detector.training.settings import read_config  # noqa: PLC0415 - other commands do without

    config = read_config(config_file)
    if only and workspace_file is not None:
        raise click.UsageError("--only is for this machine: a job does the steps that its file switches on.")
    if only:
        config = config.only(only)
    if workspace_file is not None:
        click.echo(_submit(workspace_file))
        return
    _run(config.at(data=data, output=output), config_file.parent)


def _submit(workspace_file: Path) -> str:
    from baas_detector.training import azure  # noqa: PLC0415

    workspace = azure.read_workspace(workspace_file)
    return azure.submit(azure.load_job(workspace_file.with_name("train-job.yml")), workspace)


def _run(config: "TrainingConfig", folder: Path) -> None:
    from baas_detector.training import evaluating, preparing, runs, yolo  # noqa: PLC0415 - torch takes seconds
    from baas_detector.training.registering import register  # noqa: PLC0415

    if config.steps.convert:
        preparing.convert(config)
    with yolo.shut_in():
        if config.steps.train:
            runs.train(config, folder)
        measures = runs.validate(config) if config.steps.validate_ else None
    if measures is not None:
        show_measures(measures, Console(stderr=True))
    told: dict[str, object] = {"run": str(config.folder)}
    if config.steps.export:
        told["model"] = runs.export(config).card.digest
    if config.steps.evaluate:
        told["evaluation"] = str(evaluating.evaluate(config))
    if config.steps.gate and config.gate is not None:
        _gate(config.folder / runs.REPORT, config.gate)
    if config.steps.register_ and config.register_ is not None:
        told["registered"] = register(config.register_.to, runs.bundle(config, config.register_.name)).document()
    click.echo(json.dumps(told, indent=2))


def _gate(report: Path, settings: "Gate") -> None:
    """Show the gate's verdict; when it fails, the command ends with its exit code."""
    with redirect_stdout(sys.stderr):
        click.get_current_context().invoke(
            gate,
            report_file=report,
            policy_file=settings.policy,
            production_file=settings.production,
            as_json=False,
        )
