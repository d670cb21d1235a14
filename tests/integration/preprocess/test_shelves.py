"""Places of samples are tried out when a run is planned, and lead nowhere else."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import ContainerClient, ContainerSasPermissions, generate_container_sas

from baas_crds.codes import ExitCode
from tests.azurite import Azurite

from .conftest import published
from .pods import Pods, blob_env, blob_spec, make_pods, published_blobs, upload
from .sampled import OWN, SAMPLES, change, noted, on_volumes, pictures_of


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ({"metadata": "missing.csv"}, "spec.retrainingSample.metadata: missing.csv in volume://panoramas/"),
        ({"metadata": "empty.jpg"}, "cannot be used: 'utf-8' codec can't decode"),
    ],
)
def test_a_sample_that_could_not_be_drawn_at_the_end_is_refused_at_the_beginning(
    how: dict[str, Any], sentence: str, places: Path, postgres_url: str, triton: str
) -> None:
    retraining = {**SAMPLES["retrainingSample"], **how}
    pods = on_volumes(places, postgres_url, triton, retrainingSample=retraining)
    assert pods.run("plan")[0] == ExitCode.CONFIGURATION
    assert sentence in pods.last_words
    assert pods.progress().total == 0


def test_a_container_for_a_sample_must_be_there_when_the_run_begins(
    azurite: Azurite, places: Path, postgres_url: str, triton: str
) -> None:
    place = {"accountUrl": azurite.account_url, "container": "nobody-made-it", "connectionStringSecret": {"name": "a"}}
    pods = on_volumes(
        places, postgres_url, triton, qualityCheck={"sampleSize": 3, "output": {"azureBlob": place}}
    ).with_env(BAAS_QUALITY_CHECK_CONNECTION_STRING=azurite.connection_string)
    assert pods.run("plan")[0] == ExitCode.CONFIGURATION
    assert "spec.qualityCheck.output.azureBlob: " in pods.last_words
    assert "has no container 'nobody-made-it'" in pods.last_words


@pytest.mark.parametrize("link", ["", ".baas", ".baas/unfinished"])
def test_a_link_in_a_volume_leads_no_copy_elsewhere(link: str, places: Path, postgres_url: str, triton: str) -> None:
    pods = on_volumes(places, postgres_url, triton, retrainingSample=SAMPLES["retrainingSample"])
    assert pods.run("plan")[0] == ExitCode.DONE
    shelf = places / "to-label" / OWN
    place = shelf / link
    shutil.rmtree(place)
    place.symlink_to(places / "safe")
    for step in ("work", "plan"):
        assert pods.run(step)[0] == ExitCode.CONFIGURATION
        assert pods.last_words.startswith(f"spec.retrainingSample.output.volume: {OWN}")
        assert "is a link, or lies behind one" in pods.last_words
    found = pictures_of(published(places / "safe"))
    assert found.keys() == pods.records().keys()
    assert all(found[name] != (places / "raw" / name).read_bytes() for name in found if name != "empty.jpg")
    assert noted(pods) == []


@pytest.mark.parametrize("other", ["raw", "raw/deeper", "safe", "safe-quality-check"])
def test_two_claims_on_one_share_are_one_place(other: str, places: Path, postgres_url: str, triton: str) -> None:
    (places / other).mkdir(parents=True, exist_ok=True)
    pods = on_volumes(places, postgres_url, triton, **SAMPLES).with_env(
        BAAS_RETRAINING_SAMPLE_FOLDER=str(places / other)
    )
    pods = pods if other != "raw/deeper" else placed(pods, "deeper")
    assert pods.run("plan")[0] == ExitCode.CONFIGURATION
    field = {"safe": "spec.output", "safe-quality-check": "spec.qualityCheck.output"}.get(other, "spec.source")
    assert f"spec.retrainingSample.output: what is copied there is also seen in {field} (" in pods.last_words
    assert published(places / other / OWN) == {}


def placed(pods: Pods, path: str) -> Pods:
    volume = {"claimName": "to-label", "path": path}
    change(pods, retrainingSample={**SAMPLES["retrainingSample"], "output": {"volume": volume}})
    return pods


def test_two_spellings_of_one_account_are_one_place(
    azurite: Azurite, container: ContainerClient, originals: Path, postgres_url: str, triton: str, tmp_path: Path
) -> None:
    upload(originals, container)
    to_label = {
        "accountUrl": azurite.account_url.replace("127.0.0.1", "localhost"),
        "container": container.container_name,
        "prefix": "safe",
        "connectionStringSecret": {"name": "azurite"},
    }
    retraining = {**SAMPLES["retrainingSample"], "output": {"azureBlob": to_label}}
    spec = blob_spec(azurite, container, retrainingSample=retraining)
    given = azurite.connection_string.replace("127.0.0.1", "localhost")
    pods = make_pods(
        tmp_path,
        spec=spec,
        ledger=postgres_url,
        triton=triton,
        **blob_env(azurite),
        BAAS_RETRAINING_SAMPLE_CONNECTION_STRING=given,
    )
    assert pods.run("plan")[0] == ExitCode.CONFIGURATION
    assert "spec.retrainingSample.output: what is copied there is also seen in spec.output (" in pods.last_words
    assert published_blobs(container) == {}


def test_a_container_that_nothing_can_be_written_to_is_refused_at_the_beginning(
    azurite: Azurite, container: ContainerClient, places: Path, postgres_url: str, triton: str
) -> None:
    place = {
        "accountUrl": azurite.account_url,
        "container": container.container_name,
        "connectionStringSecret": {"name": "azurite"},
    }
    signature = generate_container_sas(
        container.account_name,
        container.container_name,
        account_key=container.credential.account_key,
        permission=ContainerSasPermissions(read=True, list=True),
        expiry=datetime.now(UTC) + timedelta(hours=1),
    )
    pods = on_volumes(
        places, postgres_url, triton, qualityCheck={"sampleSize": 3, "output": {"azureBlob": place}}
    ).with_env(
        BAAS_QUALITY_CHECK_CONNECTION_STRING=f"BlobEndpoint={azurite.account_url};SharedAccessSignature={signature}"
    )
    assert pods.run("plan")[0] == ExitCode.CONFIGURATION
    assert pods.last_words.startswith("spec.qualityCheck.output.azureBlob: access to ")
    assert pods.progress().total == 0


def test_a_volume_that_cannot_be_written_is_named_by_its_field(places: Path, postgres_url: str, triton: str) -> None:
    (places / "to-label").write_bytes(b"no folder")
    pods = on_volumes(places, postgres_url, triton, retrainingSample=SAMPLES["retrainingSample"])
    assert pods.run("plan")[0] == ExitCode.CONFIGURATION
    assert pods.last_words.startswith(f"spec.retrainingSample.output.volume {places / 'to-label' / OWN} cannot be")
