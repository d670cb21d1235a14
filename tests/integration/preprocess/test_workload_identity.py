"""Signing in without a secret: a mounted token is exchanged for one that a real Blob service accepts.

Only Microsoft's token endpoint is played (tests/identities.py); it checks that it is shown the mounted token.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from baas_crds.errors import ConfigurationError, DependencyUnavailable
from baas_crds.places import AzureBlob
from baas_preprocess.stores.blob import BlobDestination, BlobSource
from baas_preprocess.stores.blob_access import BlobFolder
from tests.azurite import Azurite, running_azurite
from tests.identities import Certificate, TokenService, make_certificate, token_service, workload_identity

from .test_stores import provenance


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def azurite_over_tls(certificate: Certificate) -> Iterator[Azurite]:
    """A Blob service that takes tokens."""
    pem, key = certificate
    with running_azurite("--oauth", "basic", "--cert", str(pem), "--key", str(key), scheme="https") as server:
        yield server


@pytest.fixture
def entra(certificate: Certificate) -> Iterator[TokenService]:
    """Microsoft Entra's token endpoint."""
    with token_service(certificate) as service:
        yield service


@pytest.fixture
def place(
    azurite_over_tls: Azurite,
    entra: TokenService,
    certificate: Certificate,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[AzureBlob]:
    """A container, and a pod's environment as the workload identity's webhook sets it."""
    for name, value in workload_identity(entra, certificate[0], tmp_path).items():
        monkeypatch.setenv(name, value)
    with azurite_over_tls.create_container() as client:
        yield AzureBlob(account_url=azurite_over_tls.account_url, container=client.container_name)


def test_a_mounted_token_opens_the_container(place: AzureBlob) -> None:
    with BlobFolder(place, title="the test") as folder:
        BlobDestination(folder).write("a.jpg", b"safe", provenance(b"safe"))
        assert [entry.name for entry in BlobSource(folder).entries()] == ["a.jpg"]


def test_an_identity_that_is_not_accepted_is_a_configuration_error_with_microsofts_code(
    place: AzureBlob, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("another service account's token")
    with (
        BlobFolder(place, title="spec.source.azureBlob") as folder,
        pytest.raises(ConfigurationError, match=r"cannot sign in to .* \(AADSTS700213\): give the pods a workload"),
    ):
        BlobSource(folder).read("a.jpg")


def test_a_token_endpoint_that_is_away_is_something_that_waiting_may_repair(
    place: AzureBlob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", "https://127.0.0.1:9")
    with (
        BlobFolder(place, title="the test", patience_seconds=0) as folder,
        pytest.raises(DependencyUnavailable, match="Connection refused"),
    ):
        BlobSource(folder).read("a.jpg")


def test_without_any_identity_a_person_is_told_to_give_one(
    place: AzureBlob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AZURE_FEDERATED_TOKEN_FILE")
    monkeypatch.setenv("HOME", str(tmp_path))
    with (
        BlobFolder(place, title="spec.source.azureBlob") as folder,
        pytest.raises(ConfigurationError, match=r"cannot sign in .* give the pods a workload identity, or the place a"),
    ):
        BlobSource(folder).read("a.jpg")


def test_an_identity_that_is_set_up_by_half_is_told(place: AzureBlob, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_CLIENT_ID")
    with pytest.raises(ConfigurationError, match="lacks AZURE_CLIENT_ID or AZURE_TENANT_ID"):
        BlobFolder(place, title="the test")


def test_an_identity_is_not_shown_to_an_emulator_without_tls() -> None:
    place = AzureBlob(account_url="http://azurite:10000/devstoreaccount1", container="panoramas")
    with pytest.raises(ConfigurationError, match="needs a connectionStringSecret"):
        BlobFolder(place, title="the test")
