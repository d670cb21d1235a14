"""What does telling of it cost? A worker's throughput with exporters on, off, and with a collector that is dead.

All spans are told, a hundred times as many as by default.
"""

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

from baas_ledger.engine import open_ledger
from tests.benchmarks.options import Options
from tests.benchmarks.rounds import Finding, Outcome, alternate, ratios
from tests.benchmarks.tritons import PROGRAMS, running_triton
from tests.collectors import collector
from tests.postgres import postgres_server

# Nobody listens on port 9, and the machine says so at once; 198.51.100.1 (RFC 5737) would need a network.
DEAD = "http://127.0.0.1:9"
OFF = "off"


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


def measure(options: Options) -> Outcome:
    """Work through the same pictures with each setting."""
    count = 1 if options.is_short else 3
    with tempfile.TemporaryDirectory() as temporary, postgres_server() as postgres:
        folder = Path(temporary)
        subprocess.run([PROGRAMS / "baas", "sample-panoramas", folder / "in", "--count", str(count)], check=True)
        ledger = postgres.create_database()
        open_ledger(ledger).dispose()
        with ExitStack() as stack:
            triton = options.triton or stack.enter_context(running_triton(options.models))
            collected = stack.enter_context(collector())
            settings: dict[str, dict[str, str]] = {
                OFF: {},
                "OTLP": {"OTEL_EXPORTER_OTLP_ENDPOINT": collected.endpoint},
                "Azure Monitor": {"APPLICATIONINSIGHTS_CONNECTION_STRING": collected.connection_string},
                "OTLP, dead collector": {"OTEL_EXPORTER_OTLP_ENDPOINT": DEAD},
            }

            def timed(own: Mapping[str, str]) -> Callable[[], float]:
                return lambda: seconds_of(folder, {"BAAS_LEDGER": ledger, "BAAS_TRITON": f"grpc://{triton}", **own})

            spent = alternate({name: timed(own) for name, own in settings.items()}, options.rounds)
    return Outcome(
        title="Telemetry",
        findings=[
            Finding(what=f"throughput with {name}", values=ratios(spent[OFF], rows), unit="x", at_least=0.97)
            for name, rows in spent.items()
            if name != OFF
        ],
        notes=[
            f"A worker's process from start to end over {count} generated panoramas of 8000x4000 px, beside the same "
            "without exporters.",
            "Spans of all images are told (`tracedPercent: 100`).",
        ],
    )
