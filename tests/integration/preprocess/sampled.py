"""BlurJobs that leave samples for people, and what they left."""

import csv
import io
import json
from pathlib import Path
from typing import Any

from azure.storage.blob import ContainerClient

from baas_ledger.engine import open_ledger, reading
from baas_ledger.facts import Event
from baas_ledger.runs import find_run
from baas_ledger.samples import samples_of
from baas_ledger.tables import RunState

from .pods import UID, Pods, make_pods

OWN = f"test-{UID[:8]}"
"""What the folder of a sample is called."""

SAMPLES: dict[str, Any] = {
    "qualityCheck": {"sampleSize": 3},
    "retrainingSample": {
        "size": 3,
        "output": {"volume": {"claimName": "to-label"}},
        "shareWithoutPercent": 100,
        "metadata": "districts.csv",
    },
}


def on_volumes(places: Path, postgres_url: str, triton: str, **further: Any) -> Pods:
    spec = {
        "source": {"volume": {"claimName": "panoramas", "path": "raw"}},
        "output": {"volume": {"claimName": "panoramas", "path": "safe"}},
        **further,
    }
    folders = {
        "BAAS_SOURCE_FOLDER": "raw",
        "BAAS_OUTPUT_FOLDER": "safe",
        "BAAS_QUALITY_CHECK_FOLDER": "safe-quality-check",
        "BAAS_RETRAINING_SAMPLE_FOLDER": "to-label",
    }
    mounted = {variable: str(places / folder) for variable, folder in folders.items()}
    return make_pods(places, spec=spec, ledger=postgres_url, triton=triton, **mounted)


def change(pods: Pods, **patch: Any) -> None:
    """Mount another spec."""
    file = pods.folder / "blurjob.json"
    document = json.loads(file.read_text())
    document["spec"] |= patch
    file.write_text(json.dumps(document))


def noted(pods: Pods) -> list[Event]:
    engine = open_ledger(pods.ledger, migrate=False)
    with reading(engine) as connection:
        found = samples_of(connection, UID)
    engine.dispose()
    return found


def state_of(pods: Pods) -> RunState:
    engine = open_ledger(pods.ledger, migrate=False)
    with reading(engine) as connection:
        run = find_run(connection, UID)
    engine.dispose()
    assert run is not None
    return run.state


def rows_of(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode())))


def pictures_of(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in files.items() if name != "worklist.csv"}


def blobs(container: ContainerClient, start: str) -> dict[str, bytes]:
    names = [blob.name for blob in container.list_blobs(name_starts_with=start)]
    return {name.removeprefix(start): container.download_blob(name).readall() for name in names}
