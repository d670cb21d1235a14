"""What people do to a run that goes on or has failed: pause it, scale it, delete it, have images tried again."""

from pathlib import Path

from tests.blurjobs import example
from tests.e2e.clusters import PATIENTLY, RESTRICTED, USER, Object
from tests.e2e.pictures import Blurred, write_tree
from tests.e2e.runs import BlurJobRun
from tests.e2e.services import Images, Release
from tests.waiting import eventually


def begun(service: Release, name: str) -> BlurJobRun:
    """Return a run of which some images are published and many are not."""
    run = service.blur(name, imagesInFlight=1, imagesPerClaim=5)
    service.wait_until_published(run, 2)
    return run


def test_a_run_is_paused_resumed_and_scaled_while_it_goes_on(service: Release, baseline: Blurred) -> None:
    run = begun(service, "in-stages")
    run.change({"suspend": True})
    run.wait("Suspended")
    run.wait_for_workers(0)
    states = [state for state, _ in service.rows(run).values()]
    assert set(states) == {"published", "pending"}, "what was claimed is given back"
    assert run.status()["phase"] == "Suspended"

    run.change({"suspend": False, "parallelism": 3})
    run.wait_for_job("work", pods=3)
    service.cluster.kubectl("scale", "-n", run.namespace, "blurjob", run.name, "--replicas", "1")
    run.wait_for_workers(1)
    run.wait("Complete", seconds=600)
    assert service.output(run) == baseline.outputs
    assert run.names("jobs") == [f"{run.name}-plan-1", f"{run.name}-work-1"]
    (job,) = [job for job in run.children("jobs") if job["metadata"]["name"].endswith("work-1")]
    assert job["status"].get("failed", 0) == 0, "a pod that is told to stop has not failed"


def ledger_state(service: Release, run: BlurJobRun) -> str:
    [[state]] = service.sql(f"SELECT state FROM runs WHERE id = '{run.uid}'")  # noqa: S608
    return state


def test_a_run_that_is_deleted_leaves_whole_pictures_and_a_word_in_the_ledger(
    service: Release, baseline: Blurred
) -> None:
    run = begun(service, "deleted")
    assert "finalizers" not in run.blurjob()["metadata"]
    run.delete()
    eventually(lambda: not run.names("jobs", "configmaps", "pods"))
    eventually(lambda: ledger_state(service, run) == "abandoned")
    assert service.output(run).items() < baseline.outputs.items()


def test_a_run_is_deleted_while_there_is_no_operator(service: Release) -> None:
    run = begun(service, "deleted-alone")
    with service.without_operator():
        run.delete()
        eventually(lambda: not run.names("jobs", "configmaps", "pods"))
        assert ledger_state(service, run) == "planned"
    eventually(lambda: ledger_state(service, run) == "abandoned")


def finished_at(service: Release, run: BlurJobRun) -> dict[str, str]:
    """When each image got its fate."""
    rows = service.sql(f"SELECT name, finished_at FROM images WHERE run_id = '{run.uid}'")  # noqa: S608
    return {row[0]: row[1] for row in rows}


def test_what_was_quarantined_is_tried_again_once_its_cause_is_removed(service: Release, baseline: Blurred) -> None:
    some = dict(list(baseline.originals.items())[:6])
    truncated, empty = list(some)[:2]
    broken = some | {truncated: some[truncated][:9000], empty: b""}
    service.backends.upload("mixed", broken)
    run = service.blur("mixed-safe", source="mixed", maxQuarantinedPercent=10)
    run.wait("Failed")
    failed, status = run.condition("Failed"), run.status()
    assert failed["reason"] == "TooManyQuarantined"
    assert "2 of 6 images are quarantined; maxQuarantinedPercent allows 10 %." in failed["message"]
    assert {row["reason"]: row["count"] for row in status["quarantinedReasons"]} == {"Truncated": 1, "Empty": 1}
    assert status["images"] == {"total": 6, "published": 4, "quarantined": 2, "excluded": 0, "pending": 0}
    assert not {truncated, empty} & set(service.output(run))
    first = finished_at(service, run)

    service.backends.upload("mixed", {name: some[name] for name in (truncated, empty)})
    run.ask_for_retry("replaced-both")
    run.wait("Complete")
    again = finished_at(service, run)
    assert {name for name in some if again[name] != first[name]} == {truncated, empty}
    wanted = {name: data for name, data in baseline.pictures.items() if name in some}
    assert wanted.items() <= service.output(run).items()


def reader(image: str) -> Object:
    """A pod in which files of the claim `panoramas` can be written and read."""
    container = {
        "name": "reader",
        "image": image,
        "command": ["sleep", "infinity"],
        "volumeMounts": [{"name": "panoramas", "mountPath": "/panoramas"}],
        "securityContext": RESTRICTED,
    }
    spec = {
        "containers": [container],
        "terminationGracePeriodSeconds": 0,
        "securityContext": {"fsGroup": USER},
        "volumes": [{"name": "panoramas", "persistentVolumeClaim": {"claimName": "panoramas"}}],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "reader"}, "spec": spec}


def test_the_smallest_example_blurs_a_folder_of_a_volume(
    service: Release, baseline: Blurred, service_images: Images, tmp_path: Path
) -> None:
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    volume = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "panoramas"}, "spec": claim}
    service.cluster.apply(service.namespace, volume, reader(service_images.preprocess))
    service.cluster.kubectl("wait", "-n", service.namespace, "--for", "condition=Ready", "pod/reader", *PATIENTLY)
    some = dict(list(baseline.originals.items())[:3])
    write_tree(tmp_path / "raw", some)
    service.cluster.kubectl("cp", "-n", service.namespace, str(tmp_path / "raw"), "reader:/panoramas/raw")

    run = service.run(example("minimal"), name="my-first-run")
    run.wait("Complete")
    service.cluster.kubectl("cp", "-n", service.namespace, "reader:/panoramas/safe", str(tmp_path / "safe"))
    for name in some:
        assert (tmp_path / "safe" / name).read_bytes() == baseline.outputs[name]
    service.cluster.kubectl("delete", "-n", service.namespace, "pod/reader", "pvc/panoramas", "--wait=false")
