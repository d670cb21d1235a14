"""What only a Blob service has: versions and conditions, provenance, accounts, outages."""

import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from azure.storage.blob import AccountSasPermissions, ContainerClient, ResourceTypes, generate_account_sas

from baas_crds.errors import ConfigurationError, DependencyUnavailable, NotPublishable
from baas_crds.places import AzureBlob
from baas_preprocess.digests import digest_of
from baas_preprocess.stores.blob import BlobDestination, BlobSource
from baas_preprocess.stores.blob_access import BlobFolder
from baas_preprocess.stores.places import CopyOfOriginal
from tests.azurite import ACCOUNT, KEY, Azurite, running_azurite

from .test_stores import folder, provenance

OTHER_KEY = "bm90IHRoZSBrZXk="


@pytest.fixture
def whole(azurite: Azurite, container: ContainerClient) -> Iterator[BlobFolder]:
    """The whole of an empty container."""
    with folder(azurite, container, "") as whole:
        yield whole


def test_a_blob_carries_its_md5_its_type_and_what_it_was_made_from(whole: BlobFolder) -> None:
    BlobDestination(whole).write("a.jpg", b"safe", provenance(b"safe"))
    there = whole.container.get_blob_client("a.jpg").get_blob_properties()
    assert there.content_settings.content_md5 == hashlib.md5(b"safe", usedforsecurity=False).digest()
    assert there.content_settings.content_type == "image/jpeg"
    assert there.metadata == {
        "model": "sha256:m",
        "configuration": "sha256:c",
        "input": "sha256:i",
        "output": digest_of(b"safe"),
    }


def test_a_listing_is_fetched_page_by_page_and_never_held_as_a_whole(whole: BlobFolder) -> None:
    for name in ("a.jpg", "b.jpg"):
        whole.container.upload_blob(name, b"x")
    entries = BlobSource(whole, page=1).entries()
    assert next(entries).name == "a.jpg"
    whole.container.upload_blob("c.jpg", b"x")
    assert [entry.name for entry in entries] == ["b.jpg", "c.jpg"]


def test_a_copied_original_says_that_it_is_one_and_names_no_model(whole: BlobFolder) -> None:
    destination = BlobDestination(whole)
    destination.write("a.jpg", b"original", CopyOfOriginal(original=digest_of(b"original")))
    there = whole.container.get_blob_client("a.jpg").get_blob_properties()
    assert there.metadata == {"original": digest_of(b"original")}
    assert destination.digest("a.jpg") == digest_of(b"original")


def test_a_blob_that_is_there_already_is_not_sent_again(whole: BlobFolder) -> None:
    destination = BlobDestination(whole)
    destination.write("a.jpg", b"safe", provenance(b"safe"))
    before = whole.container.get_blob_client("a.jpg").get_blob_properties()
    destination.write("a.jpg", b"safe", provenance(b"safe"))
    after = whole.container.get_blob_client("a.jpg").get_blob_properties()
    assert (after.etag, after.last_modified) == (before.etag, before.last_modified)


def test_what_another_program_put_there_is_replaced_and_its_digest_read_from_its_bytes(whole: BlobFolder) -> None:
    destination = BlobDestination(whole)
    whole.container.upload_blob("a.jpg", b"safe")
    assert destination.digest("a.jpg") == digest_of(b"safe")
    destination.write("a.jpg", b"safe", provenance(b"safe"))
    assert whole.container.get_blob_client("a.jpg").get_blob_properties().metadata["input"] == "sha256:i"


def test_a_blob_that_changes_while_it_is_read_is_never_a_mixture(whole: BlobFolder) -> None:
    # Many small ranges, as a picture of gigabytes would need.
    whole.container._config.max_single_get_size = whole.container._config.max_chunk_get_size = 4_096
    versions = [bytes([number]) * 100_000 for number in range(2)]
    whole.container.upload_blob("a.jpg", versions[0])
    source, ended, seen = BlobSource(whole), threading.Event(), []

    def read() -> None:
        while not ended.is_set():
            try:
                seen.append(source.read("a.jpg"))
            except NotPublishable as error:
                assert "changed each time" in str(error)  # noqa: PT017

    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        for number in range(40):
            whole.container.upload_blob("a.jpg", versions[number % 2], overwrite=True)
        while not seen:
            assert not any(reader.done() for reader in readers)
        ended.set()
        for reader in readers:
            reader.result()
    assert set(seen) <= set(versions)
    assert source.read("a.jpg") == versions[1]


def connection_string(azurite: Azurite, **changes: str) -> str:
    parts = {"AccountName": ACCOUNT, "AccountKey": KEY, "BlobEndpoint": azurite.account_url, **changes}
    return ";".join(f"{name}={value}" for name, value in parts.items())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        pytest.param({"AccountKey": OTHER_KEY}, "access to {label} was denied", id="another key"),
        pytest.param({"AccountKey": "halfkey"}, "cannot sign in to {account}", id="no key at all"),
        pytest.param(
            {"BlobEndpoint": "https://other.blob.core.windows.net"},
            "is of https://other.blob.core.windows.net, and accountUrl is {account}",
            id="another account",
        ),
        pytest.param({"AccountName": "a;b"}, "is no connection string", id="something else"),
    ],
)
def test_a_wrong_connection_string_is_a_sentence_without_the_key(
    changes: dict[str, str], sentence: str, azurite: Azurite, container: ContainerClient
) -> None:
    place = AzureBlob(account_url=azurite.account_url, container=container.container_name)
    text = connection_string(azurite, **changes)
    with (
        pytest.raises(ConfigurationError) as refused,
        BlobFolder(place, title="spec.source.azureBlob", connection_string=text) as folder,
    ):
        list(BlobSource(folder).entries())
    label = f"{azurite.account_url}/{container.container_name}"
    assert sentence.format(label=label, account=azurite.account_url) in str(refused.value)
    assert str(refused.value).startswith("spec.source.azureBlob: ")
    assert changes.get("AccountKey", KEY) not in str(refused.value)


def test_who_may_only_read_is_told_which_role_is_missing(azurite: Azurite, container: ContainerClient) -> None:
    token = generate_account_sas(
        ACCOUNT,
        KEY,
        ResourceTypes(service=True, container=True, object=True),
        AccountSasPermissions(read=True, list=True),
        expiry=datetime.now(UTC) + timedelta(hours=1),
    )
    place = AzureBlob(account_url=azurite.account_url, container=container.container_name)
    text = f"BlobEndpoint={azurite.account_url};SharedAccessSignature={token}"
    with BlobFolder(place, title="spec.output.azureBlob", connection_string=text) as folder:
        assert list(BlobSource(folder).entries()) == []
        with pytest.raises(ConfigurationError, match="Storage Blob Data Contributor") as refused:
            BlobDestination(folder).write("a.jpg", b"x", provenance(b"x"))
    assert "sig=" not in str(refused.value)


def test_a_missing_container_is_named_for_sources_and_destinations(azurite: Azurite) -> None:
    place = AzureBlob(account_url=azurite.account_url, container="no-such-container")
    with BlobFolder(place, title="the test", connection_string=azurite.connection_string) as folder:
        with pytest.raises(ConfigurationError, match="has no container 'no-such-container'"):
            list(BlobSource(folder).entries())
        with pytest.raises(ConfigurationError, match="has no container 'no-such-container'"):
            BlobDestination(folder)


def test_a_service_that_is_away_is_named_with_the_reason() -> None:
    place = AzureBlob(account_url="http://127.0.0.1:9/devstoreaccount1", container="panoramas")
    text = f"AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={place.account_url}"
    with (
        BlobFolder(place, title="the test", connection_string=text, patience_seconds=0) as folder,
        pytest.raises(DependencyUnavailable) as away,
    ):
        BlobSource(folder).read("a.jpg")
    assert str(away.value) == "http://127.0.0.1:9/devstoreaccount1 does not answer: Connection refused"


def test_a_service_that_comes_back_in_time_is_waited_for() -> None:
    with running_azurite() as azurite, azurite.create_container() as container:
        container.upload_blob("a.jpg", b"here")
        place = AzureBlob(account_url=azurite.account_url, container=container.container_name)
        with (
            BlobFolder(place, title="the test", connection_string=azurite.connection_string) as folder,
            ThreadPoolExecutor() as pool,
        ):
            azurite.stop()
            source = BlobSource(folder, page=1)
            reading = pool.submit(source.read, "a.jpg")
            listing = pool.submit(lambda: [entry.name for entry in source.entries()])
            writing = pool.submit(lambda: BlobDestination(folder).write("b.txt", b"safe", provenance(b"safe")))
            azurite.start()
            writing.result()
            assert (reading.result(), listing.result()) == (b"here", ["a.jpg"])
