"""`baas blurjob`."""

from pathlib import Path

import click
import yaml

from baas_preprocess.cli.console import err, printable
from baas_preprocess.steps.blurjobs import blurjob_of
from baas_preprocess.steps.config import read_config


@click.group("blurjob")
def blurjob_command() -> None:
    """Write BlurJobs for Kubernetes."""


@blurjob_command.command("from-config")
@click.argument(
    "config_file",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="CONFIG.YML...",
)
def from_config_command(config_file: tuple[Path, ...]) -> None:
    """Write the BlurJobs that do in Kubernetes what `baas run` does with the same files on one machine.

    They are printed as YAML, one for each file, and are what the cluster accepts. Steps that no BlurJob has are named
    on stderr, with what to do instead. Exit code 2 when a file names what pods cannot see, such as a folder of this
    machine.

    \b
        baas blurjob from-config config.yml | kubectl apply --namespace baas --filename -
    """
    written = [(file, blurjob_of(read_config(file))) for file in config_file]
    click.echo(yaml.safe_dump_all([one.document for _, one in written], sort_keys=False, explicit_start=True), nl=False)
    for file, one in written:
        for sentence in one.left_out:
            err.print(printable(f"{file}: left out: {sentence}"), markup=False, soft_wrap=True)
