"""What a data engineer does: installs the chart, applies a BlurJob, and finds safe panoramas. All parts are real."""

import csv
import io
import json

import pytest

from tests.azurite import KEY
from tests.blurjobs import example
from tests.e2e.pictures import Blurred
from tests.e2e.runs import BlurJobRun
from tests.e2e.services import PASSWORD, Release

MINUTES = 60


@pytest.fixture(scope="module")
def complete(service: Release, baseline: Blurred) -> BlurJobRun:
    """examples/blurjob-azure.yaml, done, with two pictures for people to look at."""
    service.backends.upload("2026/raw", baseline.originals)
    service.backends.upload("2026/raw/a/test", {"left-out.jpg": b"never read"})
    output = {"azureBlob": {"prefix": "safe"}}
    run = service.run(example("azure"), name="amsterdam-2026", output=output, qualityCheck={"sampleSize": 2})
    run.wait("Complete", seconds=8 * MINUTES)
    return run


def test_the_example_gives_the_bytes_of_baas_blur(service: Release, complete: BlurJobRun, baseline: Blurred) -> None:
    assert service.backends.blobs("safe") == baseline.outputs


def test_people_find_copies_to_look_at_and_their_worklist_beside_the_output(
    service: Release, complete: BlurJobRun, baseline: Blurred
) -> None:
    own = f"amsterdam-2026-{complete.uid[:8]}"
    found = service.backends.blobs(f"safe-quality-check/{own}")
    rows = list(csv.DictReader(io.StringIO(found.pop("worklist.csv").decode())))
    assert len(rows) == 2
    assert found == {row["image"]: baseline.outputs[row["image"]] for row in rows}
    assert {int(row["stratum_images"]) for row in rows} == {len(baseline.originals)}
    assert f"/safe-quality-check/{own} for people to look at." in complete.condition("Complete")["message"]


def test_status_ledger_and_container_count_the_same(service: Release, complete: BlurJobRun, baseline: Blurred) -> None:
    count = len(baseline.originals)
    status = complete.status()
    assert status["images"] == {"total": count + 1, "published": count, "quarantined": 0, "excluded": 1, "pending": 0}
    rows = service.rows(complete)
    assert {name for name, (state, _) in rows.items() if state == "published"} == set(baseline.originals)
    assert rows["a/test/left-out.jpg"] == ("excluded", 0)
    [objects] = service.sql(f"SELECT sum(persons), sum(licence_plates) FROM images WHERE run_id = '{complete.uid}'")  # noqa: S608
    assert status["detections"] == {"person": int(objects[0]), "licencePlate": int(objects[1])}
    assert status["detections"]["person"] >= count
    assert (status["phase"], status["attempt"], status["runId"]) == ("Complete", 1, complete.uid)


def test_pods_logs_and_events_hold_no_secret(service: Release, complete: BlurJobRun) -> None:
    """Neither do BlurJobs, Jobs and ConfigMaps."""
    seen = service.seen_by_viewers()
    assert len(seen) > 4
    assert not any(secret in text for text in seen for secret in (KEY, PASSWORD))


def test_every_line_of_operator_and_pods_is_json_with_a_level(service: Release, complete: BlurJobRun) -> None:
    for pod in (*complete.names("pods"), service.pod("operator")):
        lines = service.cluster.kubectl("logs", "-n", service.namespace, pod).splitlines()
        assert lines
        assert all(json.loads(line)["level"] for line in lines)


def test_helm_test_succeeds(service: Release) -> None:
    said = service.cluster.helm("test", service.name, "--namespace", service.namespace, "--timeout", "5m")
    assert "Phase:          Succeeded" in said
