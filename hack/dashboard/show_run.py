"""Do a run on this machine as pods do it, let Prometheus scrape it, and draw the dashboard of it.

    python -m hack.dashboard.show_run docs/images/dashboard.png

Triton, plan, two workers, ledger and Prometheus are real. There is no Kubernetes: what the operator would tell is told
by the operator's own monitor, from the ledger. Pictures are generated; some are cut off or empty, so that there is
something to quarantine.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import IO, cast

import click
import yaml
from hack.dashboard.draw import draw
from hack.dashboard.panels import ROOT
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from PIL import Image
from prometheus_client import CollectorRegistry, start_http_server
from sqlalchemy import Engine

from baas_crds.status import BlurJobStatus, Images, Phase
from baas_ledger.engine import open_ledger, reading
from baas_ledger.facts import Progress
from baas_ledger.progress import read_progress
from baas_operator.monitor import Monitor
from baas_operator.names import Key

BIN = Path(sys.executable).parent
NAMESPACE, BLURJOB, RUN = "panoramas", "amsterdam-2026", "5d1c6d0e-6d7a-4a57-9f0c-0b7a4d6a1c11"
SCRAPE_SECONDS = 2
MODELS = ROOT / ".cache" / "models"


@click.command()
@click.argument("output", type=click.Path(path_type=Path))
@click.option("--images", default=120, help="How many whole pictures.")
def main(output: Path, images: int) -> None:
    """Draw the dashboard of a run into OUTPUT."""
    with TemporaryDirectory() as name, ExitStack() as running:
        folder = Path(name)
        _make_pictures(folder, images)
        engine = open_ledger(str(folder / "ledger.sqlite"))
        triton = running.enter_context(_triton())
        ports = {"operator": _free_port(), "first": _free_port(), "second": _free_port()}
        prometheus = running.enter_context(_prometheus(folder, ports, triton["metrics"]))
        running.enter_context(_told(engine, ports["operator"]))
        environment = _environment(folder, triton["grpc"])
        start = time.time()
        subprocess.run([BIN / "baas", "plan"], env=environment, check=True, stdout=subprocess.DEVNULL)
        workers = [
            subprocess.Popen(
                [BIN / "baas", "work"],
                env={**environment, "BAAS_POD_NAME": which, "OTEL_EXPORTER_PROMETHEUS_PORT": str(ports[which])},
                stdout=subprocess.DEVNULL,
            )
            for which in ("first", "second")
        ]
        codes = [worker.wait() for worker in workers]
        print(f"workers ended with {codes} after {time.time() - start:.0f} s")
        time.sleep(2 * SCRAPE_SECONDS)
        draw(prometheus, output, seconds=time.time() - start, rate_seconds=30)


def _make_pictures(folder: Path, count: int) -> None:
    samples, source = folder / "samples", folder / "in"
    source.mkdir()
    (folder / "out").mkdir()
    generate: list[str | Path] = [BIN / "baas", "sample-panoramas", samples, "--count", "4"]
    subprocess.run(generate, check=True, stdout=subprocess.DEVNULL)
    pictures = [_smaller(path) for path in sorted(samples.glob("*.jpg"))]
    for number in range(count):
        (source / f"{number:04}.jpg").write_bytes(pictures[number % len(pictures)])
    for number in range(0, count, 16):
        (source / f"{number:04}-empty.jpg").write_bytes(b"")
        (source / f"{number:04}-cut.jpg").write_bytes(pictures[0][: len(pictures[0]) // 2])


def _smaller(path: Path) -> bytes:
    """A quarter of the width: a run for a picture need not take an hour."""
    with Image.open(path) as panorama, BytesIO() as data:
        panorama.resize((panorama.width // 4, panorama.height // 4)).save(data, "JPEG", quality=90)
        return data.getvalue()


def _environment(folder: Path, triton: str) -> dict[str, str]:
    job = {
        "apiVersion": "blurring.amsterdam.nl/v1alpha1",
        "kind": "BlurJob",
        "metadata": {"name": BLURJOB, "namespace": NAMESPACE, "uid": RUN},
        "spec": {"source": {"volume": {"claimName": "in"}}, "output": {"volume": {"claimName": "out"}}},
    }
    (folder / "blurjob.json").write_text(json.dumps(job))
    (folder / "termination-log").touch()
    return {
        **os.environ,
        "BAAS_JOB_FILE": str(folder / "blurjob.json"),
        "BAAS_LEDGER": f"sqlite:///{folder}/ledger.sqlite",
        "BAAS_TRITON": f"grpc://{triton}",
        "BAAS_TERMINATION_LOG": str(folder / "termination-log"),
        "BAAS_SOURCE_FOLDER": str(folder / "in"),
        "BAAS_OUTPUT_FOLDER": str(folder / "out"),
        "OTEL_METRICS_EXPORTER": "prometheus",
    }


@contextmanager
def _triton() -> Iterator[dict[str, str]]:
    with subprocess.Popen([BIN / "baas-detector", "serve", "--repository", MODELS], stdout=subprocess.PIPE) as server:
        yield json.loads(cast("IO[bytes]", server.stdout).readline())
        server.terminate()


@contextmanager
def _prometheus(folder: Path, ports: dict[str, int], triton: str) -> Iterator[str]:
    """Scrape them all, with the labels that a PodMonitor gives."""
    pods = {
        "baas-operator-7d9f6c5b8-x2x4z": f"127.0.0.1:{ports['operator']}",
        f"{BLURJOB}-work-1-k5k7w": f"127.0.0.1:{ports['first']}",
        f"{BLURJOB}-work-1-m9p2q": f"127.0.0.1:{ports['second']}",
        "baas-triton-5c7d8f9b4-9zz8t": triton,
    }
    targets = [{"targets": [where], "labels": {"namespace": NAMESPACE, "pod": pod}} for pod, where in pods.items()]
    document = {
        "global": {"scrape_interval": f"{SCRAPE_SECONDS}s"},
        "scrape_configs": [{"job_name": "pods", "static_configs": targets}],
    }
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(document))
    port = _free_port()
    command = ["prometheus", f"--config.file={folder}/prometheus.yaml", f"--storage.tsdb.path={folder}/prometheus"]
    with subprocess.Popen(
        [*command, f"--web.listen-address=127.0.0.1:{port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        yield f"http://127.0.0.1:{port}"
        server.terminate()


@contextmanager
def _told(engine: Engine, port: int) -> Iterator[None]:
    """Tell every two seconds what the operator would."""
    registry = CollectorRegistry()
    reader = PrometheusMetricReader(scope_info_enabled=False, registry=registry)
    monitor = Monitor(MeterProvider(metric_readers=[reader]).get_meter("show_run"), seconds_behind=lambda: 0.0)
    start_http_server(port, addr="127.0.0.1", registry=registry)
    ended = Event()

    def tell() -> None:
        while not ended.wait(SCRAPE_SECONDS):
            start = time.perf_counter()
            with reading(engine) as connection:
                progress = read_progress(connection, RUN)
            if progress.total:
                monitor.told(Key(namespace=NAMESPACE, name=BLURJOB), _status(progress))
            monitor.looked(time.perf_counter() - start)

    thread = Thread(target=tell, daemon=True)
    thread.start()
    yield
    ended.set()
    thread.join()


def _status(progress: Progress) -> BlurJobStatus:
    images = Images(
        total=progress.total,
        published=progress.published,
        quarantined=progress.quarantined,
        excluded=progress.excluded,
        pending=progress.remaining,
    )
    return BlurJobStatus(phase=Phase.RUNNING if progress.remaining else Phase.COMPLETE, images=images)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


if __name__ == "__main__":
    main()
