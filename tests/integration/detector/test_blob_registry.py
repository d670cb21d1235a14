"""Models in a Blob container: the promises of a folder, kept by conditional requests. Against a real Azurite."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from azure.storage.blob import ContainerClient

from baas_crds.errors import BaasError, ConfigurationError, DependencyUnavailable
from baas_detector.training.blob_registry import CONNECTION_STRING, register_in_blob
from baas_detector.training.registry import Bundle, open_version
from tests.azurite import Azurite, azurite, connection_string_of, container

__all__ = ["azurite", "container"]


@pytest.fixture
def url(azurite: Azurite, container: ContainerClient, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(CONNECTION_STRING, azurite.connection_string)
    return f"{azurite.account_url}/{container.container_name}/some/models"


def bundle(folder: Path, content: str = "weights") -> Bundle:
    folder.mkdir(exist_ok=True)
    (folder / "best.pt").write_text(content)
    return Bundle(name="person-plate", files={"weights.pt": folder / "best.pt", "repository/a": folder / "best.pt"})


def test_what_is_downloaded_is_the_registered_version(url: str, container: ContainerClient, tmp_path: Path) -> None:
    done = register_in_blob(url, bundle(tmp_path / "run"))

    assert (done.version, done.is_new, done.place) == (1, True, f"{url}/person-plate/1")
    for blob in container.list_blobs():
        path = tmp_path / "down" / blob.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(container.download_blob(blob.name).readall())
    home = tmp_path / "down" / "some" / "models" / "person-plate" / "1"
    assert open_version(home).digest == done.digest
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=home, check=True)


def test_the_same_files_are_the_same_version_and_others_the_next(url: str, tmp_path: Path) -> None:
    first = register_in_blob(url, bundle(tmp_path / "run"))
    second = register_in_blob(url, bundle(tmp_path / "run", "better"))
    again = register_in_blob(f"{url}/", bundle(tmp_path / "run"))

    assert [one.version for one in (first, second, again)] == [1, 2, 1]
    assert not again.is_new


def test_several_at_once_get_a_number_each(url: str, tmp_path: Path) -> None:
    bundles = [bundle(tmp_path / f"run{number}", str(number)) for number in range(6)]

    with ThreadPoolExecutor(6) as several:
        versions = sorted(one.version for one in several.map(lambda b: register_in_blob(url, b), bundles))

    assert versions == list(range(1, 7))


def test_a_number_that_a_killed_registration_took_is_not_used_again(
    url: str, container: ContainerClient, tmp_path: Path
) -> None:
    container.upload_blob("some/models/person-plate/1/SHA256SUMS", b"of one that was killed")

    assert register_in_blob(url, bundle(tmp_path / "run")).version == 2


def test_a_container_that_is_not_there_is_named(azurite: Azurite, url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nowhere refused: ContainerNotFound"):
        register_in_blob(f"{azurite.account_url}/nowhere/models", bundle(tmp_path / "run"))


def test_a_connection_string_of_another_account_is_not_used(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=CONNECTION_STRING):
        register_in_blob("https://other.blob.core.windows.net/models", bundle(tmp_path / "run"))


def test_an_account_that_does_not_answer_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    account = "http://127.0.0.1:9/devstoreaccount1"
    monkeypatch.setenv(CONNECTION_STRING, connection_string_of(account))

    with pytest.raises(DependencyUnavailable, match="does not answer") as told:
        register_in_blob(f"{account}/models", bundle(tmp_path / "run"), retries=0)
    assert isinstance(told.value, BaasError)
