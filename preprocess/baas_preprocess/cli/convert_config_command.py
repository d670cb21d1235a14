"""`baas convert-config`."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click
from rich.table import Table

from baas_crds.codes import ExitCode
from baas_crds.errors import ConfigurationError
from baas_preprocess.cli.console import err, out, plain
from baas_preprocess.conversion.converting import Converted, convert, yaml_text
from baas_preprocess.conversion.findings import Finding, Verdict
from baas_preprocess.conversion.places import datastore_of
from baas_preprocess.steps.yaml_file import read_mapping


@click.command("convert-config")
@click.argument("earlier", type=click.Path(path_type=Path, dir_okay=False), metavar="EARLIER.YML")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Where config.yml goes."
)
@click.option(
    "--datastore",
    multiple=True,
    metavar="NAME=URL",
    help="Where a datastore of Azure ML is: NAME=https://ACCOUNT.blob.core.windows.net/CONTAINER. May be given several "
    "times.",
)
@click.option("--force", is_flag=True, help="Replace FILE.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of the table.")
@click.pass_context
def convert_config_command(
    context: click.Context, earlier: Path, output: Path | None, datastore: tuple[str, ...], force: bool, as_json: bool
) -> None:
    """Make a config.yml of one of the earlier service's.

    Each of its keys is told: carried over, and where to; dropped, and why; or what you must decide. Thresholds are not
    taken over, for they were another model's. What you must decide stands in `undecided`, and `baas run` and `baas
    blurjob from-config` refuse the file until you have struck it out. Exit code 3 when something is to be decided.

    \b
        baas convert-config earlier/config.yml --output config.yml
        baas convert-config earlier/config.yml -o config.yml \\
          --datastore dataoffice_input=https://myaccount.blob.core.windows.net/panoramas
    """
    if output is not None and output.exists() and not force:
        raise ConfigurationError(f"{output} is there already: name another file, or replace it with --force.")
    converted = convert(read_mapping(earlier), dict(map(datastore_of, datastore)))
    text = yaml_text(converted, earlier.name)
    if output is not None:
        try:
            output.write_text(text, encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(f"{output} cannot be written: {error.strerror}.") from error
    _tell(converted, text if output is None else "", as_json=as_json)
    context.exit(ExitCode.QUARANTINED if converted.decisions else ExitCode.DONE)


def _tell(converted: Converted, text: str, *, as_json: bool) -> None:
    """Print the findings; the file itself, when it goes to no file, in front of them."""
    if as_json:
        document = {"config": converted.document, "keys": [asdict(finding) for finding in converted.findings]}
        click.echo(json.dumps(document, indent=1))
        return
    sys.stdout.write(text)
    console = err if text else out
    for verdict in Verdict:
        if found := [finding for finding in converted.findings if finding.verdict is verdict]:
            console.print(f"[bold]{len(found)} {verdict}[/]")
            console.print(_table(found))


def _table(findings: list[Finding]) -> Table:
    """Keys and what became of them; what is the same of several is said once."""
    keys_of: dict[str, list[str]] = {}
    for finding in findings:
        keys_of.setdefault(finding.sentence, []).append(finding.key)
    table = Table(box=None, show_header=False, padding=(0, 2))
    table.add_column(overflow="fold", ratio=2)
    table.add_column(overflow="fold", ratio=3)
    for sentence, keys in keys_of.items():
        table.add_row(plain(keys[0]), plain(sentence))
        for key in keys[1:]:
            table.add_row(plain(key), "[dim]the same[/]")
    return table
