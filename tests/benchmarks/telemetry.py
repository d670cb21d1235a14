"""What does telling of it cost? A worker's throughput with exporters on, off, and with a collector that is dead.

The detector is replaced at Triton by one that answers recorded boxes at once, so that nothing hides what telling costs.
Exporters tell as much as by default, and once the spans of all images, a hundred times as many.
"""

import json
import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy import Engine, select

from baas_ledger.engine import open_ledger, reading
from baas_ledger.tables import images
from baas_preprocess.samples import generate
from tests.benchmarks.options import Options
from tests.benchmarks.rounds import Finding, Outcome, alternate, ratios
from tests.benchmarks.tritons import PROGRAMS, recorded_repository, running_triton
from tests.collectors import collector
from tests.postgres import postgres_server

# Nobody listens on port 9, and the machine says so at once; 198.51.100.1 (RFC 5737) would need a network.
NOBODY = "http://127.0.0.1:9"
OFF, DEAD, ALL_SPANS = "no exporter", "OTLP, dead collector", "OTLP, all spans"


class Spent(NamedTuple):
    """Seconds of a worker's process, by the clock but for the last."""

    starting: float
    """Until the first picture is done."""
    working: float
    """From then on until the last one is."""
    ending: float
    """From then on until it is gone."""
    cpu: float
    """Of the processor, from its start to its end."""


def spent_on(folder: Path, ledger: Engine, environment: Mapping[str, str]) -> Spent:
    """Plan and work through the pictures below `folder/in`."""
    uid, output = str(uuid4()), folder / "out"
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir()
    job = {
        "apiVersion": "blurring.amsterdam.nl/v1alpha1",
        "kind": "BlurJob",
        "metadata": {"name": "benchmark", "namespace": "benchmark", "uid": uid},
        "spec": {
            "source": {"volume": {"claimName": "in"}},
            "output": {"volume": {"claimName": "out"}},
            "verification": {"mode": "Off"},
        },
    }
    (folder / "blurjob.json").write_text(json.dumps(job))
    here = {
        "BAAS_JOB_FILE": str(folder / "blurjob.json"),
        "BAAS_SOURCE_FOLDER": str(folder / "in"),
        "BAAS_OUTPUT_FOLDER": str(output),
        "TRACEPARENT": f"00-{uid.replace('-', '')}-00f067aa0ba902b7-01",
    }
    env = {**os.environ, **here, **environment}
    subprocess.run([PROGRAMS / "baas", "plan"], env=env, check=True, stdout=subprocess.DEVNULL)
    start, cpu_before = datetime.now(UTC), children_cpu_seconds()
    subprocess.run([PROGRAMS / "baas", "work"], env=env, check=True, stdout=subprocess.DEVNULL)
    end, cpu = datetime.now(UTC), children_cpu_seconds() - cpu_before
    with reading(ledger) as connection:
        done = connection.scalars(select(images.c.finished_at).where(images.c.run_id == uid)).all()
    first, last = min(done), max(done)
    starting, working, ending = (one.total_seconds() for one in (first - start, last - first, end - last))
    return Spent(starting, working, ending, cpu)


def children_cpu_seconds() -> float:
    """Return what all processes that were waited for have used."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measure(options: Options) -> Outcome:
    """Work through the same pictures with each setting."""
    count = 4 if options.is_short else 30
    with tempfile.TemporaryDirectory() as temporary, postgres_server() as postgres, ExitStack() as stack:
        folder = Path(temporary)
        drawn = generate(folder / "drawn", count=2)
        (folder / "in").mkdir()
        for number in range(count):
            (folder / "in" / f"panorama_{number:04}.jpg").hardlink_to(drawn[number % len(drawn)])
        url = postgres.create_database()
        ledger = open_ledger(url)
        stack.callback(ledger.dispose)
        triton = stack.enter_context(running_triton(recorded_repository(options.models, folder / "models", 0)))
        collected = stack.enter_context(collector())
        settings: dict[str, dict[str, str]] = {
            OFF: {},
            "OTLP": {"OTEL_EXPORTER_OTLP_ENDPOINT": collected.endpoint},
            "Azure Monitor": {"APPLICATIONINSIGHTS_CONNECTION_STRING": collected.connection_string},
            DEAD: {"OTEL_EXPORTER_OTLP_ENDPOINT": NOBODY},
            ALL_SPANS: {"OTEL_EXPORTER_OTLP_ENDPOINT": collected.endpoint, "BAAS_TRACED_PERCENT": "100"},
        }

        def timed(own: Mapping[str, str]) -> Callable[[], Spent]:
            return lambda: spent_on(folder, ledger, {"BAAS_LEDGER": url, "BAAS_TRITON": f"grpc://{triton}", **own})

        spent = alternate({name: timed(own) for name, own in settings.items()}, options.rounds)
    off = [one.working for one in spent[OFF]]
    others = {name: rows for name, rows in spent.items() if name != OFF}
    return Outcome(
        title="Telemetry",
        findings=[
            *(
                Finding(
                    what=f"throughput with {name}",
                    values=ratios(off, [one.working for one in rows]),
                    unit="x",
                    at_least=None if name == ALL_SPANS else 0.97,
                )
                for name, rows in others.items()
            ),
            *(
                Finding(
                    what=f"CPU of the worker with {name}",
                    values=ratios([one.cpu for one in rows], [one.cpu for one in spent[OFF]]),
                    unit="x",
                )
                for name, rows in others.items()
            ),
            *(
                Finding(what=f"to start, {name}", values=[one.starting for one in spent[name]], unit="s")
                for name in spent
            ),
            *(Finding(what=f"to end, {name}", values=[one.ending for one in spent[name]], unit="s") for name in spent),
        ],
        notes=[
            f"A worker's process over {count} generated panoramas of 8000x4000 px. Throughput is from the first done "
            "one to the last; starting ends with the first, ending begins with the last.",
            "All spans: `BAAS_TRACED_PERCENT` is 100 instead of 1. Recorded boxes, without the second look.",
        ],
    )
