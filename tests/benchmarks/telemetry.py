"""What does telling of it cost? A worker's throughput with exporters on, off, and with a collector that is dead.

    python -m tests.benchmarks.telemetry --images 8 --rounds 5

Each round works through the same pictures with each setting, in alternation; the first round warms up and does not
count. All spans are told, a hundred times as many as by default. What is printed are ratios to the setting without
exporters, within each round: the machine may be busy, but it is as busy for all of them.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import click
from rich.console import Console
from rich.table import Table

from baas_ledger.engine import open_ledger
from tests.collectors import collector
from tests.postgres import postgres_server

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(sys.executable).parent
# Nobody listens on port 9, and the machine says so at once; 198.51.100.1 (RFC 5737) would need a network.
DEAD = "http://127.0.0.1:9"
OFF = "off"


@contextmanager
def running_triton() -> Iterator[str]:
    """Serve the default model; gives its gRPC address."""
    serve = [str(PROGRAMS / "baas-detector"), "serve", "--repository", str(ROOT / ".cache" / "models")]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as server:
        if server.stdout is None:
            raise RuntimeError("no output of Triton")
        yield json.loads(server.stdout.readline())["grpc"]
        server.terminate()


def seconds_of(folder: Path, environment: Mapping[str, str]) -> float:
    """Plan and work through the pictures below `folder/in`; return the seconds of the work."""
    uid, output = str(uuid4()), folder / "out"
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir()
    job = {
        "apiVersion": "blurring.amsterdam.nl/v1alpha1",
        "kind": "BlurJob",
        "metadata": {"name": "benchmark", "namespace": "benchmark", "uid": uid},
        "spec": {"source": {"volume": {"claimName": "in"}}, "output": {"volume": {"claimName": "out"}}},
    }
    (folder / "blurjob.json").write_text(json.dumps(job))
    told = {
        "BAAS_JOB_FILE": str(folder / "blurjob.json"),
        "BAAS_SOURCE_FOLDER": str(folder / "in"),
        "BAAS_OUTPUT_FOLDER": str(output),
        "BAAS_TRACED_PERCENT": "100",
        "TRACEPARENT": f"00-{uid.replace('-', '')}-00f067aa0ba902b7-01",
    }
    env = {**os.environ, **told, **environment}
    subprocess.run([PROGRAMS / "baas", "plan"], env=env, check=True, stdout=subprocess.DEVNULL)
    start = time.perf_counter()
    subprocess.run([PROGRAMS / "baas", "work"], env=env, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


@click.command()
@click.option("--images", default=8, show_default=True, help="Pictures of a round.")
@click.option("--rounds", default=5, show_default=True, help="Rounds that count.")
def main(images: int, rounds: int) -> None:
    """Print the throughput of each setting as a ratio to that without exporters."""
    seconds: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as temporary, postgres_server() as postgres, running_triton() as triton:
        folder = Path(temporary)
        subprocess.run([PROGRAMS / "baas", "sample-panoramas", folder / "in", "--count", str(images)], check=True)
        ledger = postgres.create_database()
        open_ledger(ledger).dispose()
        common = {"BAAS_LEDGER": ledger, "BAAS_TRITON": f"grpc://{triton}"}
        with collector() as collected:
            settings = {
                OFF: {},
                "OTLP": {"OTEL_EXPORTER_OTLP_ENDPOINT": collected.endpoint},
                "Azure Monitor": {"APPLICATIONINSIGHTS_CONNECTION_STRING": collected.connection_string},
                "OTLP, dead": {"OTEL_EXPORTER_OTLP_ENDPOINT": DEAD},
            }
            for number in range(rounds + 1):
                for name, environment in settings.items():
                    spent = seconds_of(folder, {**common, **environment})
                    if number:
                        seconds[name].append(spent)
    table = Table("exporters", "throughput", "spread", title=f"{images} pictures, {rounds} rounds")
    for name, rows in seconds.items():
        ratios = [off / own for off, own in zip(seconds[OFF], rows, strict=True)]
        table.add_row(name, f"{statistics.median(ratios):.3f}", f"{min(ratios):.3f} to {max(ratios):.3f}")
    Console().print(table)


if __name__ == "__main__":
    main()
