"""`baas-detector check`."""

import json
from dataclasses import asdict

import click
from rich.console import Console
from rich.table import Table

from baas_detector.probe import Found, probe


@click.command()
@click.option("--triton", "url", required=True, help="The server's gRPC address, such as 127.0.0.1:8001.")
@click.option("--tiles", type=click.IntRange(1), default=3, show_default=True, help="How many tiles to time.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def check(url: str, tiles: int, as_json: bool) -> None:
    """Tell whether a Triton server holds the expected model, and how fast it is.

    Ends with 2 when it holds another model and with 4 when it does not answer or is not ready yet.

    \b
        baas-detector check --triton 127.0.0.1:8001
    """
    found = probe(url, tiles=tiles)
    if as_json:
        click.echo(json.dumps(asdict(found), indent=2))
    else:
        Console().print(_table(found))


def _table(found: Found) -> Table:
    table = Table(title=f"{found.model} at {found.url}", show_header=False, title_justify="left")
    table.add_row("server", found.server)
    table.add_row("ready", f"yes, version {', '.join(found.versions)}")
    table.add_row("backend", f"{found.backend}, up to {found.max_batch_size} tiles at once")
    for name, tensor in found.tensors.items():
        table.add_row(name, tensor)
    if len(found.digests) > 1:
        for version, digest in sorted(found.digests.items(), key=lambda pair: int(pair[0])):
            table.add_row(f"version {version}", digest)
    for name, value in found.parameters.items():
        table.add_row(name, value)
    table.add_row("latency", f"{found.latency_seconds:.3f} s for one tile")
    return table
