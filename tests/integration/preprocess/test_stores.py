"""What every kind of place promises, tried on a folder and on a real Blob service."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from azure.storage.blob import ContainerClient

from baas_crds.codes import QuarantineReason
from baas_crds.errors import NotPublishable
from baas_crds.places import AzureBlob
from baas_preprocess.digests import digest_of
from baas_preprocess.facts import Digest
from baas_preprocess.stores.blob import BlobDestination, BlobSource
from baas_preprocess.stores.blob_access import BlobFolder
from baas_preprocess.stores.files import FileSource
from baas_preprocess.stores.folder import FolderDestination
from baas_preprocess.stores.places import Deletion, Destination, Entry, Provenance, Source, SourceKept
from tests.azurite import Azurite

ODD_NAMES = ("a b.jpg", "100%.jpg", "a%2Fb.jpg", "#?&=+;,.jpg", "café/日本.jpg", "'\"<>.jpg", "..jpg", "x.jpg/y.jpg")


@dataclass(frozen=True, kw_only=True)
class Place:
    """A source and a destination of one kind, and what others do to them."""

    source: Source
    destination: Destination
    put: Callable[[str, bytes], None]
    """Store something beside or below the source."""
    delete: Callable[[str], None]
    published: Callable[[], dict[str, bytes]]
    """All that the destination's users see, and whatever lies beside it."""


def provenance(data: bytes) -> Provenance:
    return Provenance(
        model=Digest("sha256:m"), configuration=Digest("sha256:c"), input=Digest("sha256:i"), output=digest_of(data)
    )


def of_folders(tmp_path: Path) -> Place:
    (tmp_path / "in" / "raw").mkdir(parents=True)
    out = tmp_path / "out"

    def put(name: str, data: bytes) -> None:
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(data)

    def published() -> dict[str, bytes]:
        files = (path for path in out.rglob("*") if path.is_file() and ".baas" not in path.parts)
        return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}

    return Place(
        source=FileSource([str(tmp_path / "in" / "raw")]),
        destination=FolderDestination(out / "safe"),
        put=put,
        delete=lambda name: (tmp_path / "in" / name).unlink(),
        published=published,
    )


def folder(azurite: Azurite, container: ContainerClient, prefix: str) -> BlobFolder:
    place = AzureBlob(account_url=azurite.account_url, container=container.container_name, prefix=prefix)
    return BlobFolder(place, title="the test", connection_string=azurite.connection_string, patience_seconds=0)


@pytest.fixture(params=["folder", "blob"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "folder":
        yield of_folders(tmp_path)
        return
    azurite, container = request.getfixturevalue("azurite"), request.getfixturevalue("container")
    with folder(azurite, container, "raw") as source, folder(azurite, container, "out/safe") as destination:
        yield Place(
            source=BlobSource(source, page=3),
            destination=BlobDestination(destination),
            put=lambda name, data: container.upload_blob(name, data, overwrite=True),
            delete=container.delete_blob,
            published=lambda: {
                blob.name.removeprefix("out/"): container.download_blob(blob.name).readall()
                for blob in container.list_blobs(name_starts_with="out/")
            },
        )


def listed(place: Place) -> dict[str, Entry]:
    return {entry.name: entry for entry in place.source.entries()}


def test_a_source_lists_the_pictures_below_it_and_nothing_else(place: Place) -> None:
    inside = ["a.jpg", "b.JPEG", "street/c.png", "street/deep/d.tif", "street/e.tiff", "street2.jpg", "z.jpg"]
    for name in [*inside, "notes.txt", "street/list.csv"]:
        place.put(f"raw/{name}", name.encode())
    for name in ["raw.jpg", "raw2/a.jpg", "other/a.jpg"]:
        place.put(name, b"beside")
    entries = listed(place)
    assert sorted(entries) == sorted(inside)
    assert {entry.size_bytes for entry in entries.values()} == {len(name) for name in inside}
    assert not any(entry.problem for entry in entries.values())


def test_an_empty_source_lists_nothing(place: Place) -> None:
    assert listed(place) == {}


def test_a_destination_knows_what_it_holds_as_it_was_written(place: Place) -> None:
    here = place.destination
    assert not here.holds("a.jpg", 4, None)
    version = here.write("a.jpg", b"data", provenance(b"data"))
    assert here.holds("a.jpg", 4, version)
    assert not here.holds("a.jpg", 5, version)
    here.write("a.jpg", b"atad", provenance(b"atad"))
    # A folder has no versions: there only the size tells.
    assert here.holds("a.jpg", 4, version) == (version is None)
    here.remove("a.jpg")
    assert not here.holds("a.jpg", 4, version)


def test_a_source_reads_what_it_lists_whatever_the_name(place: Place) -> None:
    for name in ODD_NAMES:
        place.put(f"raw/{name}", name.encode())
    assert {name: place.source.read(name) for name in listed(place)} == {name: name.encode() for name in ODD_NAMES}


def test_only_a_changed_picture_has_another_version(place: Place) -> None:
    place.put("raw/a.jpg", b"one")
    place.put("raw/b.jpg", b"one")
    before = listed(place)
    assert listed(place) == before
    place.put("raw/b.jpg", b"other")
    after = listed(place)
    assert after["a.jpg"] == before["a.jpg"]
    assert after["b.jpg"].version != before["b.jpg"].version
    assert place.source.read("b.jpg") == b"other"


def test_a_picture_without_bytes_is_read_as_such(place: Place) -> None:
    place.put("raw/a.jpg", b"")
    assert listed(place)["a.jpg"].size_bytes == 0
    assert place.source.read("a.jpg") == b""


def test_a_picture_that_is_gone_cannot_be_read(place: Place) -> None:
    place.put("raw/a.jpg", b"x")
    assert list(listed(place)) == ["a.jpg"]
    place.delete("raw/a.jpg")
    with pytest.raises(NotPublishable, match=r"a\.jpg") as refused:
        place.source.read("a.jpg")
    assert refused.value.reason is QuarantineReason.UNREADABLE


def test_what_is_written_is_there_under_its_name(place: Place) -> None:
    names = [name for name in ODD_NAMES if not name.startswith("x.jpg/")]
    for name in names:
        place.destination.write(name, name.encode(), provenance(name.encode()))
    assert place.published() == {f"safe/{name}": name.encode() for name in names}


def test_size_and_digest_tell_what_is_there(place: Place) -> None:
    assert (place.destination.size_bytes("a/b.jpg"), place.destination.digest("a/b.jpg")) == (None, None)
    place.destination.write("a/b.jpg", b"data", provenance(b"data"))
    assert (place.destination.size_bytes("a/b.jpg"), place.destination.digest("a/b.jpg")) == (4, digest_of(b"data"))
    assert place.destination.size_bytes("a/b.jpg/c.jpg") is None


def test_writing_again_changes_nothing_and_other_data_takes_its_place(place: Place) -> None:
    version = place.destination.write("a.jpg", b"one", provenance(b"one"))
    assert place.destination.write("a.jpg", b"one", provenance(b"one")) == version
    place.destination.write("a.jpg", b"other", provenance(b"other"))
    assert place.published() == {"safe/a.jpg": b"other"}
    assert place.destination.digest("a.jpg") == digest_of(b"other")


def test_a_removed_file_is_gone_and_can_be_removed_again(place: Place) -> None:
    place.destination.write("a.jpg", b"one", provenance(b"one"))
    place.destination.remove("a.jpg")
    place.destination.remove("a.jpg")
    assert place.published() == {}


@pytest.mark.parametrize("name", ["../a.jpg", "/a.jpg", "a//b.jpg", "a/./b.jpg", "a/../../../b.jpg", "", "a/"])
def test_a_name_that_leads_out_of_the_destination_is_refused(place: Place, name: str) -> None:
    with pytest.raises(NotPublishable) as refused:
        place.destination.write(name, b"x", provenance(b"x"))
    assert refused.value.reason is QuarantineReason.UNUSABLE_NAME
    place.destination.remove(name)
    assert (place.destination.size_bytes(name), place.destination.digest(name)) == (None, None)
    assert place.published() == {}


def test_a_name_that_no_file_there_can_have_is_refused(place: Place) -> None:
    with pytest.raises(NotPublishable) as refused:
        place.destination.write("x" * 1100 + ".jpg", b"x", provenance(b"x"))
    assert refused.value.reason is QuarantineReason.UNUSABLE_NAME
    place.destination.remove("x" * 1100 + ".jpg")


def test_of_many_that_write_one_name_at_once_one_whole_file_stays(place: Place) -> None:
    versions = [bytes([number]) * 200_000 for number in range(4)]
    start = threading.Barrier(len(versions))

    def write(data: bytes) -> None:
        start.wait()
        place.destination.write("a.jpg", data, provenance(data))

    with ThreadPoolExecutor(len(versions)) as pool:
        list(pool.map(write, versions))
    [data] = place.published().values()
    assert data in versions
    assert place.destination.digest("a.jpg") == digest_of(data)


def test_labels_tell_places_apart(tmp_path: Path, azurite: Azurite, container: ContainerClient) -> None:
    folders = of_folders(tmp_path)
    with folder(azurite, container, "raw") as raw, folder(azurite, container, "") as whole:
        labels = [BlobSource(raw).label, BlobSource(whole).label, folders.source.label, folders.destination.label]
    assert labels == [
        f"{azurite.account_url}/{container.container_name}/raw",
        f"{azurite.account_url}/{container.container_name}",
        str(tmp_path / "in" / "raw"),
        str(tmp_path / "out" / "safe"),
    ]


def test_an_original_is_deleted_in_the_version_that_was_read_only(place: Place) -> None:
    place.put("raw/a.jpg", b"one")
    place.put("raw/ab.jpg", b"beside")
    before = listed(place)["a.jpg"].version
    place.put("raw/a.jpg", b"other")
    with pytest.raises(SourceKept, match=r"a\.jpg: it changed since it was read"):
        place.source.delete("a.jpg", before)

    assert place.source.delete("a.jpg", listed(place)["a.jpg"].version) == Deletion(was_there=True, copies=())
    assert list(listed(place)) == ["ab.jpg"]
    assert place.source.delete("a.jpg", before) == Deletion(was_there=False, copies=())


def test_other_names_of_a_deleted_file_are_told(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(b"one")
    (tmp_path / "copy.jpg").hardlink_to(tmp_path / "in" / "a.jpg")
    source = FileSource([str(tmp_path / "in")])
    (entry,) = source.entries()

    assert source.delete("a.jpg", entry.version).copies == ("1 other names of the file (hard links)",)
    assert (tmp_path / "copy.jpg").read_bytes() == b"one"


def test_of_two_names_of_one_file_the_second_stays_and_why_is_told(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(b"one")
    (tmp_path / "in" / "b.jpg").hardlink_to(tmp_path / "in" / "a.jpg")
    source = FileSource([str(tmp_path / "in")])
    first, second = source.entries()

    assert source.delete("a.jpg", first.version).was_there
    with pytest.raises(SourceKept, match=r"b\.jpg: .* another name of the file \(hard link\) was deleted"):
        source.delete("b.jpg", second.version)
    assert (tmp_path / "in" / "b.jpg").read_bytes() == b"one"
