"""The command `baas-api`: reads settings, then serves until it is told to stop."""

import logging
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import uvicorn

from baas_api.app import Service, application
from baas_api.desk import Desk
from baas_api.detector import DetectorWatch
from baas_api.review.pages import check_built
from baas_api.review.routes import Review
from baas_api.review.samples import open_samples
from baas_api.settings import ApiSettings, read_api_settings
from baas_api.tokens import Tokens, tokens_of
from baas_crds.codes import ExitCode
from baas_crds.errors import BaasError, ConfigurationError
from baas_preprocess.local_triton import local_triton
from baas_preprocess.settings import Settings, read_settings
from baas_telemetry.exporters import WrongExporter
from baas_telemetry.logs import log_as_json, set_level
from baas_telemetry.setup import telemetry

logger = logging.getLogger(__name__)


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="blurring-as-a-service", prog_name="baas-api")
@click.option("--host", help="Address to listen on.  [127.0.0.1]")
@click.option("--port", type=int, metavar="N", help="Port to listen on.  [8080]")
@click.option(
    "--allow-anonymous", is_flag=True, default=None, help="Answer without a token, to try it out: on loopback only."
)
@click.option("--triton", metavar="HOST:PORT", help="Triton's gRPC address; without it one is started.")
@click.option(
    "--model-repository", type=click.Path(path_type=Path), metavar="DIR", help="What a Triton of our own serves."
)
def command(triton: str | None, model_repository: Path | None, **given: Any) -> None:
    """Answer pictures that are posted with safe ones, until a signal says to stop.

    All settings but these stand in the environment: docs/howto/online-endpoint.md lists them. How pictures are
    redacted is set as for `baas blur` (BAAS_METHOD=solid, or baas.toml).

    \b
        baas-api --allow-anonymous --model-repository .cache/models
        curl -F picture=@pano.jpg http://127.0.0.1:8080/blur/ -o safe.jpg
    """
    own = read_api_settings({name: value for name, value in given.items() if value is not None})
    set_level(own.log_level)
    detecting = {"triton": triton, "model_repository": model_repository}
    blurring = read_settings({name: value for name, value in detecting.items() if value is not None})
    with _triton(blurring) as url, telemetry("baas-api", instance=socket.gethostname(), metrics_port=own.metrics_port):
        serve(own, blurring, url)


def serve(own: ApiSettings, blurring: Settings, triton: str) -> None:
    """Serve until a signal says to stop; what is in flight is finished. Raises `ConfigurationError`."""
    tokens = tokens_of(own)
    with _review(own, tokens, max_pixels=blurring.recipe.max_pixels) as review:
        _serve(own, blurring, triton, tokens, review)


def _serve(own: ApiSettings, blurring: Settings, triton: str, tokens: Tokens | None, review: Review | None) -> None:
    service = Service(
        settings=own,
        recipe=blurring.recipe,
        tokens=tokens,
        watch=DetectorWatch(
            triton,
            blurring.recipe,
            patience_seconds=blurring.patience_seconds,
            deadline_seconds=own.time_limit_seconds,
        ),
        desk=Desk(in_flight=blurring.in_flight, queue=own.queue, time_limit_seconds=own.time_limit_seconds),
        review=review,
    )
    server = uvicorn.Server(
        uvicorn.Config(
            application(service),
            lifespan="on",
            log_config=None,
            # Its lines hold paths and addresses. Ours do not.
            access_log=False,
            server_header=False,
            # A body that arrives, and then its answer.
            timeout_graceful_shutdown=round(2 * own.time_limit_seconds),
        )
    )

    def stop(_number: int, _frame: object) -> None:
        server.should_exit = True

    # uvicorn raises the signal once more when all is done; then it means nothing any more.
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    with _listening(own.host, own.port) as listener:
        logger.info("listening", extra={"facts": {"host": own.host, "port": listener.getsockname()[1]}})
        server.run(sockets=[listener])


@contextmanager
def _review(own: ApiSettings, tokens: Tokens | None, *, max_pixels: int) -> Iterator[Review | None]:
    """Give what the review page needs, None when it is not wanted."""
    if own.review_ledger is None or own.review_samples is None:
        yield None
        return
    check_built()
    with open_samples(own.review_ledger.get_secret_value(), own.review_samples, max_pixels=max_pixels) as samples:
        yield Review(samples=samples, tokens=tokens, time_limit_seconds=own.time_limit_seconds)


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigurationError(f"Nobody can listen on {host}, port {port}: {error.strerror}.") from error


@contextmanager
def _triton(settings: Settings) -> Iterator[str]:
    """Give the address of the Triton that is named, or of one on this machine."""
    if settings.triton is not None:
        yield settings.triton
        return
    with tempfile.TemporaryDirectory(prefix="baas-api-") as folder:
        logger.info("starting Triton on this machine")
        with local_triton(settings.model_repository, Path(folder) / "detector.log") as url:
            yield url


def main() -> None:
    """Run the command; every error of ours becomes a line in the log and its exit code."""
    # In a pod we are the first process, to which the kernel gives no signal without a handler.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(ExitCode.INTERRUPTED))
    log_as_json("INFO")
    try:
        code = command.main(prog_name="baas-api", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = ExitCode.CONFIGURATION
    except (click.Abort, KeyboardInterrupt):
        code = ExitCode.INTERRUPTED
    except WrongExporter as error:
        logger.error("%s", error)
        code = ExitCode.CONFIGURATION
    except BaasError as error:
        logger.error("%s", error)
        code = error.exit_code
    sys.exit(code)
