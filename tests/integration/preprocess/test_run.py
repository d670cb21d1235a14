"""`baas run` as its users run it: a real Triton, folders, containers, and the Panorama API's protocol."""

import csv
import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from azure.storage.blob import ContainerClient
from PIL import Image, ImageDraw

from baas_crds.codes import ExitCode
from baas_crds.reading import read_blurjob
from tests.azurite import Azurite
from tests.kills.processes import start
from tests.panorama_server import panorama, serving
from tests.waiting import eventually

from .conftest import Ended, command, published

Baas = Callable[..., Ended]
PANO = "TMX9900000001-000001_pano_0000_000000"


def written(folder: Path, triton: str = "127.0.0.1:1", **sections: Any) -> Path:
    """A file of `baas run`."""
    document = {"name": "street", "machine": {"triton": triton}} | sections
    file = folder / "config.yml"
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    return file


def sentences(ended: Ended) -> dict[str, str]:
    """What each step said at the end."""
    return {done["step"]: done["sentence"] for done in ended.document["steps"]}


@pytest.fixture
def everything(photos: Path, photo: bytes, triton: str, tmp_path: Path) -> Path:
    """A file with all steps of one machine that need no training, and a picture that is cut."""
    (photos / "street" / "cut.jpg").write_bytes(photo[: len(photo) // 2])
    (tmp_path / "exclude.csv").write_text("filename,why\nc.jpg,objection\n")
    return written(
        tmp_path,
        triton,
        steps={"inspect": True, "storeDetections": True, "qualityCheck": True, "retrainingSample": True},
        source={"folder": "in", "excludeList": {"file": "exclude.csv"}},
        output={"folder": "safe"},
        inspect={"report": "folders.csv"},
        qualityCheck={"sampleSize": 1},
        retrainingSample={"size": 1, "output": {"folder": "to-label"}},
    )


def test_the_steps_of_a_file_are_done_and_done_again_only_where_something_is_new(
    everything: Path, baas: Baas, photo: bytes, tmp_path: Path
) -> None:
    first = baas("run", everything, "--json")
    assert first.code == ExitCode.QUARANTINED, first.err
    assert first.document["run"]["images"] == {
        "total": 4,
        "published": 2,
        "quarantined": 1,
        "excluded": 1,
        "waiting": 0,
    }
    rows = list(csv.DictReader((tmp_path / "folders.csv").read_text().splitlines()))
    assert [(row["folder"], row["ok"], row["Truncated"]) for row in rows] == [
        (".", "1", "0"),
        ("street", "1", "1"),
        ("street/deep", "1", "0"),
    ]
    safe = published(tmp_path / "safe")
    assert set(safe) == {name + end for name in ("a.jpg", "street/b.jpg") for end in ("", ".json", ".txt")}
    (checked,) = (tmp_path / "safe-quality-check").glob("street-*/**/*.jpg")
    assert checked.read_bytes() in safe.values()
    (to_label,) = (tmp_path / "to-label").glob("street-*/**/*.jpg")
    assert to_label.read_bytes() == photo
    assert list(sentences(first)) == [
        "inspect",
        "detect",
        "redact",
        "verify",
        "storeDetections",
        "qualityCheck",
        "retrainingSample",
    ]
    assert baas("status", tmp_path / "safe").code == ExitCode.QUARANTINED

    again = baas("run", everything, "--json")
    assert (again.code, again.document["run"]["now"]["published"]) == (ExitCode.QUARANTINED, 0)
    (tmp_path / "in" / "street" / "cut.jpg").write_bytes(photo)
    third = baas("run", everything, "--json")
    assert (third.code, third.document["run"]["now"]["published"]) == (ExitCode.DONE, 1)


def test_a_run_of_a_file_and_baas_blur_are_the_same_run(baas: Baas, photos: Path, triton: str, tmp_path: Path) -> None:
    file = written(tmp_path, triton, source={"folder": "in"}, output={"folder": "safe"})
    assert baas("run", file).code == ExitCode.DONE
    ended = baas("blur", photos, tmp_path / "safe", "--json", triton=triton)
    assert (ended.code, ended.document["now"]["published"]) == (ExitCode.DONE, 0)


def test_originals_go_when_their_outputs_were_looked_at_again(
    baas: Baas, photos: Path, photo: bytes, triton: str, tmp_path: Path
) -> None:
    (photos / "cut.jpg").write_bytes(photo[: len(photo) // 2])
    file = written(tmp_path, triton, steps={"deleteSource": True}, source={"folder": "in"}, output={"folder": "safe"})
    ended = baas("run", file, "--json")
    assert sentences(ended)["deleteSource"] == "3 originals deleted, 0 kept"
    assert [path.name for path in photos.rglob("*.jpg")] == ["cut.jpg"]
    assert len(published(tmp_path / "safe")) == 3


def test_a_run_that_is_killed_goes_on(everything: Path, baas: Baas, tmp_path: Path) -> None:
    call = start(["run", str(everything)], {"PATH": "/usr/bin"}, tmp_path / "killed")
    call.ended(seconds=0.8)
    call.kill()
    ended = baas("run", everything, "--json")
    assert ended.code == ExitCode.QUARANTINED, ended.err
    assert ended.document["run"]["images"]["published"] == 2
    assert list((tmp_path / "safe" / ".baas" / "unfinished").iterdir()) == []


def test_a_signal_finishes_what_is_in_flight_and_draws_no_sample(
    baas: Baas, photos: Path, photo: bytes, triton: str, tmp_path: Path
) -> None:
    for number in range(40):
        (photos / f"{number}.jpg").write_bytes(photo)
    file = written(
        tmp_path,
        triton,
        steps={"qualityCheck": True},
        source={"folder": "in"},
        output={"folder": "safe"},
        qualityCheck={"sampleSize": 2},
    )
    with subprocess.Popen(command("run", file, "--json"), stdout=subprocess.PIPE, text=True) as process:
        eventually(lambda: len(list((tmp_path / "safe").glob("*.jpg"))) > 0)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate()
    stopped = Ended(code=process.returncode, out=out, err="")
    assert stopped.code == ExitCode.INTERRUPTED
    assert 0 < stopped.document["run"]["images"]["waiting"] < 43
    assert list((tmp_path / "safe-quality-check").rglob("*.jpg")) == []

    ended = baas("run", file, "--json")
    assert ended.code == ExitCode.DONE
    assert ended.document["run"]["images"]["published"] == 43
    assert len(list((tmp_path / "safe-quality-check").rglob("*.jpg"))) == 2


def test_a_dry_run_needs_nothing_and_writes_nothing(everything: Path, baas: Baas, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    ended = baas("run", everything, "--dry-run")
    assert ended.code == ExitCode.DONE
    assert "copy 1 finished pictures" in " ".join(ended.out.split())
    assert sorted(tmp_path.rglob("*")) == before


def test_a_detector_that_is_away_ends_the_run_with_what_was_done(baas: Baas, photos: Path, tmp_path: Path) -> None:
    file = written(
        tmp_path,
        steps={"inspect": True},
        source={"folder": "in"},
        output={"folder": "safe"},
        machine={"triton": "127.0.0.1:1", "patienceSeconds": 0},
    )
    ended = baas("run", file)
    assert ended.code == ExitCode.UNREACHABLE
    assert "3 pictures in 3 folders: 3 ok" in ended.out
    assert "not done" in ended.out


def test_another_model_than_the_file_pins_does_nothing(baas: Baas, photos: Path, triton: str, tmp_path: Path) -> None:
    pinned = {"modelDigest": f"sha256:{'0' * 64}"}
    file = written(tmp_path, triton, source={"folder": "in"}, output={"folder": "safe"}, detector=pinned)
    ended = baas("run", file)
    assert ended.code == ExitCode.CONFIGURATION
    assert "detector.modelDigest" in ended.err
    assert published(tmp_path / "safe") == {}


# Other places


@pytest.fixture
def city(azurite: Azurite, container: ContainerClient, monkeypatch: pytest.MonkeyPatch, photo: bytes) -> dict[str, Any]:
    """Two pictures in a container; gives how a file names a folder of it."""
    for name in ("raw/a.jpg", "raw/street/b.jpg"):
        container.upload_blob(name, photo)
    for place in ("SOURCE", "OUTPUT", "QUALITY_CHECK"):
        monkeypatch.setenv(f"BAAS_{place}_CONNECTION_STRING", azurite.connection_string)
    return {"accountUrl": azurite.account_url, "container": container.container_name}


def test_a_container_is_retrieved_and_what_is_there_is_not_fetched_again(
    city: dict[str, Any], container: ContainerClient, baas: Baas, photo: bytes, triton: str, tmp_path: Path
) -> None:
    file = written(
        tmp_path,
        triton,
        steps={"retrieve": True},
        source={"azureBlob": city | {"prefix": "raw"}, "exclude": ["street/*"]},
        retrieve={"folder": "copies"},
        output={"folder": "safe"},
    )
    first = baas("run", file, "--json")
    assert first.code == ExitCode.DONE, first.err
    assert published(tmp_path / "copies") == {"a.jpg": photo}
    assert set(published(tmp_path / "safe")) == {"a.jpg"}
    container.upload_blob("raw/c.jpg", photo)
    again = baas("run", file, "--json")
    assert sentences(again)["retrieve"].startswith("1 downloaded, 1 whole before")
    container.upload_blob("raw/a.jpg", photo[:-1] + b"\xd8", overwrite=True)  # as many bytes, and another picture
    assert sentences(baas("run", file, "--json"))["retrieve"].startswith("1 downloaded, 1 whole before")


def of_copies(folder: Path, triton: str, source: dict[str, Any], output: str) -> Path:
    """A file that retrieves into one folder, whatever the source and wherever the pictures go."""
    return written(
        folder,
        triton,
        steps={"retrieve": True, "inspect": True, "retrainingSample": True},
        source=source,
        retrieve={"folder": "copies"},
        output={"folder": output},
        retrainingSample={"size": 9, "output": {"folder": "to-label"}},
    )


def test_only_what_this_call_retrieved_is_published_and_sampled_whatever_else_lies_there(
    city: dict[str, Any], container: ContainerClient, baas: Baas, photo: bytes, triton: str, tmp_path: Path
) -> None:
    raw, other = ({"azureBlob": city | {"prefix": prefix}} for prefix in ("raw", "other"))
    assert baas("run", of_copies(tmp_path, triton, raw, "safe")).code == ExitCode.DONE
    container.upload_blob("other/c.jpg", photo)
    container.upload_blob("other//d.jpg", photo)  # no file can be called so
    (tmp_path / "copies" / "by-hand.jpg").write_bytes(photo)

    ended = baas("run", of_copies(tmp_path, triton, other, "safe-other"), "--json")
    assert ended.code == ExitCode.QUARANTINED, ended.err
    assert sentences(ended)["inspect"].startswith("2 pictures in ")
    assert set(published(tmp_path / "safe-other")) == {"c.jpg"}
    sampled = {path.name for path in (tmp_path / "to-label").rglob("*.jpg")}
    again = baas("run", of_copies(tmp_path, triton, other, "safe-other"), "--json")
    assert set(published(tmp_path / "safe-other")) == {"c.jpg"}
    assert again.document["run"]["images"]["quarantined"] == 1
    assert sampled == {path.name for path in (tmp_path / "to-label").rglob("*.jpg")} == {"a.jpg", "b.jpg", "c.jpg"}

    container.delete_blob("raw/a.jpg")
    gone = baas("run", of_copies(tmp_path, triton, raw, "safe-later"), "--json")
    assert gone.code == ExitCode.DONE, gone.err
    assert (tmp_path / "copies" / "a.jpg").exists()
    assert set(published(tmp_path / "safe-later")) == {"street/b.jpg"}


def test_what_is_left_out_from_now_on_is_taken_away_though_no_copy_of_it_lies_there_any_more(
    city: dict[str, Any], baas: Baas, triton: str, tmp_path: Path
) -> None:
    raw = {"azureBlob": city | {"prefix": "raw"}}
    assert baas("run", of_copies(tmp_path, triton, raw, "safe")).code == ExitCode.DONE
    (tmp_path / "copies" / "a.jpg").unlink()
    ended = baas("run", of_copies(tmp_path, triton, raw | {"exclude": ["a.jpg"]}, "safe"), "--json")
    assert ended.code == ExitCode.DONE, ended.err
    assert sentences(ended)["inspect"].startswith("1 pictures in ")
    assert ended.document["run"]["images"]["excluded"] == 1
    assert set(published(tmp_path / "safe")) == {"street/b.jpg"}


def test_a_container_is_redacted_into_another_folder_of_it(
    city: dict[str, Any], container: ContainerClient, baas: Baas, triton: str, tmp_path: Path
) -> None:
    sections: dict[str, Any] = {
        "steps": {"qualityCheck": True},
        "source": {"azureBlob": city | {"prefix": "raw"}},
        "output": {"azureBlob": city | {"prefix": "safe"}},
        "qualityCheck": {"sampleSize": 1},
    }
    without = baas("run", written(tmp_path, triton, **sections))
    assert without.code == ExitCode.CONFIGURATION
    assert "machine.ledger is missing" in without.err

    ledger = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    file = written(tmp_path, **sections, machine={"triton": triton, "ledger": ledger})
    ended = baas("run", file, "--json")
    assert ended.code == ExitCode.DONE, ended.err
    names = {blob.name for blob in container.list_blobs()}
    assert {"safe/a.jpg", "safe/street/b.jpg"} <= names
    assert sum(name.startswith("safe-quality-check/street-") and name.endswith(".jpg") for name in names) == 1


@pytest.fixture
def panorama_api(photo: bytes) -> Iterator[str]:
    """The address of an API with one panorama."""
    with serving([panorama(PANO)]) as running:
        running.add(PANO, photo)
        yield running.url.removesuffix("/")


@pytest.mark.parametrize("retrieves", [True, False])
def test_panoramas_of_the_api_are_redacted_with_or_without_copies(
    retrieves: bool, panorama_api: str, baas: Baas, triton: str, tmp_path: Path
) -> None:
    file = written(
        tmp_path,
        triton,
        steps={"retrieve": retrieves},
        source={"panoramaApi": {"baseUrl": panorama_api}},
        retrieve={"folder": "copies"},
        output={"folder": "safe"},
    )
    ended = baas("run", file, "--json")
    assert ended.code == ExitCode.DONE, ended.err
    assert set(published(tmp_path / "safe")) == {f"{PANO}.jpg"}
    assert (tmp_path / "copies").exists() == retrieves


def test_a_copy_of_a_panorama_that_is_refused_now_or_of_other_filters_is_not_used(
    photo: bytes, baas: Baas, triton: str, tmp_path: Path
) -> None:
    other = PANO.replace("_0000_", "_0001_")
    with serving([panorama(PANO), panorama(other)]) as running:
        place = {"baseUrl": running.url.removesuffix("/")}
        for pano_id in (PANO, other):
            running.add(pano_id, photo)
        assert baas("run", of_copies(tmp_path, triton, {"panoramaApi": place}, "safe")).code == ExitCode.DONE
        one = {"panoramaApi": place | {"filters": {"limit": 1}}}
        assert baas("run", of_copies(tmp_path, triton, one, "safe-one")).code == ExitCode.DONE
        assert len(published(tmp_path / "safe-one")) == 1
        running.pictures = {name: data for name, data in running.pictures.items() if not name.startswith(other)}
        ended = baas("run", of_copies(tmp_path, triton, {"panoramaApi": place}, "safe-later"), "--json")
    assert ended.code == ExitCode.QUARANTINED, ended.err
    assert set(published(tmp_path / "copies")) == {f"{PANO}.jpg", f"{other}.jpg"}
    assert set(published(tmp_path / "safe-later")) == {f"{PANO}.jpg"}
    assert ended.document["run"]["images"]["quarantined"] == 1


# Training


def test_the_training_file_is_read_by_its_own_program(baas: Baas, tmp_path: Path) -> None:
    (tmp_path / "training.yml").write_text("name: t\ndata: {path: d}\nsteps: {train: false, validate: false}\n")
    file = written(tmp_path, steps={"redact": False, "train": True}, training={"file": "training.yml"})
    ended = baas("run", file, "--json")
    assert ended.code == ExitCode.CONFIGURATION
    assert "switches on none of convert, select, train, validate" in ended.err
    assert ended.document["steps"][0]["code"] == ExitCode.CONFIGURATION


def draw(folder: Path) -> None:
    """Draw labelled pictures of a red figure, for training and for validation."""
    for split, count in (("train", 8), ("val", 4)):
        for number in range(count):
            left = 4 + 3 * number
            picture = Image.new("RGB", (96, 96), (120, 130, 140))
            ImageDraw.Draw(picture).ellipse((left, 20, left + 20, 60), fill=(200, 50, 50))
            for kind in ("images", "labels"):
                (folder / kind / split).mkdir(parents=True, exist_ok=True)
            picture.save(folder / "images" / split / f"{number}.jpg")
            label = f"0 {(left + 10) / 96} {40 / 96} {20 / 96} {40 / 96}\n"
            (folder / "labels" / split / f"{number}.txt").write_text(label)


def test_a_detector_is_trained_and_what_is_trained_is_not_trained_again(baas: Baas, tmp_path: Path) -> None:
    draw(tmp_path / "data")
    training = {
        "name": "small",
        "data": {"path": "data"},
        "steps": {"train": True, "validate": True, "export": True},
        "train": {"image_size_px": 64, "epochs": 1, "batch": 4},
        "export": {},
    }
    (tmp_path / "training.yml").write_text(yaml.safe_dump(training))
    file = written(tmp_path, steps={"redact": False, "train": True}, training={"file": "training.yml"})
    ended = baas("run", file, "--json")
    assert ended.code == ExitCode.DONE, ended.err
    weights = tmp_path / "runs" / "small" / "train" / "weights" / "best.pt"
    assert sentences(ended) == {"train": f"run {tmp_path / 'runs' / 'small'}"}
    assert not (tmp_path / "runs" / "small" / "models").exists()
    trained_at = weights.stat().st_mtime_ns
    assert baas("run", file, "--json").code == ExitCode.DONE
    assert weights.stat().st_mtime_ns == trained_at


# Beside it


def test_a_blurjob_is_printed_for_each_file(city: dict[str, Any], baas: Baas, tmp_path: Path) -> None:
    files = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        places = {"source": {"azureBlob": city | {"prefix": name}}, "output": {"azureBlob": city | {"prefix": "safe"}}}
        files.append(written(tmp_path / name, **places | {"name": name, "steps": {"inspect": True}}))
    ended = baas("blurjob", "from-config", *files)
    assert ended.code == ExitCode.DONE
    jobs = [read_blurjob(document) for document in yaml.safe_load_all(ended.out)]
    assert [(job.metadata.name, job.spec.source.azure_blob and job.spec.source.azure_blob.prefix) for job in jobs] == [
        ("one", "one"),
        ("two", "two"),
    ]
    assert "left out: steps.inspect" in ended.err


def test_folders_are_counted_by_a_command_too(baas: Baas, photos: Path, photo: bytes, tmp_path: Path) -> None:
    assert baas("inspect", "--per-folder", photos).code == ExitCode.DONE
    (photos / "street" / "empty.jpg").write_bytes(b"")
    ended = baas("inspect", "--per-folder", photos, "--report", tmp_path / "folders.json")
    assert ended.code == ExitCode.QUARANTINED
    assert "4 pictures in 3 folders: 3 ok, 1 Empty" in ended.out
    (bad,) = json.loads((tmp_path / "folders.json").read_text())["pictures"]
    assert (bad["name"], bad["reason"]) == ("street/empty.jpg", "Empty")
    assert baas("inspect", photos / "a.jpg", "--report", tmp_path / "x.csv").code == ExitCode.CONFIGURATION


def test_a_file_of_the_earlier_service_is_converted_and_told(baas: Baas, tmp_path: Path) -> None:
    earlier, made = tmp_path / "earlier.yml", tmp_path / "config.yml"
    earlier.write_text(
        "customer: city\n"
        "inference_pipeline:\n"
        "  inputs: {datastore_path: in}\n"
        "  outputs: {datastore_path: out, output_rel_path: blurred}\n"
    )
    stores = [f"--datastore={name}=https://myaccount.blob.core.windows.net/city-{name}" for name in ("in", "out")]
    assert baas("run", earlier).code == ExitCode.CONFIGURATION
    assert baas("convert-config", earlier, "-o", made, *stores).code == ExitCode.DONE
    assert baas("blurjob", "from-config", made).code == ExitCode.DONE
    assert "is there already" in baas("convert-config", earlier, "-o", made, *stores).err
    earlier.write_text(f"{earlier.read_text()}  save_all_images: false\n")
    assert baas("convert-config", earlier, "-o", made, "--force", *stores).code == ExitCode.QUARANTINED
    for refusing in (("run", "--dry-run"), ("blurjob", "from-config")):
        ended = baas(*refusing, made)
        assert ended.code == ExitCode.CONFIGURATION
        assert "undecided: inference_pipeline.save_all_images" in " ".join(ended.err.split())
    undecided = baas("convert-config", earlier, "--json", stores[0])
    assert undecided.code == ExitCode.QUARANTINED
    verdicts = {one["key"]: one["verdict"] for one in undecided.document["keys"]}
    assert verdicts["inference_pipeline.outputs.datastore_path"] == "needs your decision"
    assert verdicts["customer"] == "carried over"
