"""`baas-detector serve`."""

import json
import logging
import sys
from pathlib import Path
from typing import BinaryIO

import click

from baas_detector.repository import open_repository
from baas_detector.server import LOOPBACK, Ports, running
from baas_detector.whole_files import write_whole

log = logging.getLogger(__name__)


@click.command()
@click.option(
    "--repository", type=click.Path(path_type=Path), required=True, help="What `build-repository --output` made."
)
@click.option(
    "--address", default=LOOPBACK, show_default=True, help="Listen on this IPv4 address; in a pod on 0.0.0.0."
)
@click.option("--grpc-port", type=click.IntRange(0, 65535), default=0, show_default="a free one")
@click.option("--http-port", type=click.IntRange(0, 65535), default=0, show_default="a free one")
@click.option("--metrics-port", type=click.IntRange(0, 65535), default=0, show_default="a free one")
@click.option("--announce", type=click.Path(path_type=Path), help="Write the addresses to this file, too, once ready.")
@click.option("--log-file", type=click.Path(path_type=Path), help="Keep Triton's log here; with -v it goes to stderr.")
@click.option(
    "--ready-seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=180,
    show_default=True,
    help="Give up when not warm by then.",
)
@click.pass_context
def serve(
    context: click.Context,
    repository: Path,
    address: str,
    grpc_port: int,
    http_port: int,
    metrics_port: int,
    announce: Path | None,
    log_file: Path | None,
    ready_seconds: float,
) -> None:
    """Serve a model repository on this machine's CPU, and unless told otherwise for this machine only.

    When the model is warm, one line of JSON with the addresses and the model's digest is printed. SIGTERM or Ctrl-C
    ends the server after the requests in flight. It also ends when this command is killed.

    \b
        baas-detector serve --repository models --grpc-port 8001
    """
    opened = open_repository(repository)
    wish = Ports(address=address, grpc=grpc_port, http=http_port, metrics=metrics_port)
    triton_log: BinaryIO | None = sys.stderr.buffer if log.isEnabledFor(logging.DEBUG) else None
    if log_file is not None:
        triton_log = context.with_resource(log_file.open("w+b"))
    with running(opened.path, wish, triton_log, ready_seconds=ready_seconds) as server:
        addresses = {name: f"{address}:{getattr(server.ports, name)}" for name in ("grpc", "http", "metrics")}
        line = json.dumps(addresses | {"model_digest": opened.card.digest})
        if announce is not None:
            write_whole(announce, (line + "\n").encode())
        click.echo(line)
        server.wait_for_signal()
