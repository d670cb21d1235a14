"""Pictures of the Panorama API: facts, bytes, and downloads that are cut, on a server that is told to fail."""

import errno
import fcntl
import io
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from baas_crds.codes import QuarantineReason
from baas_crds.errors import ConfigurationError, DependencyUnavailable, NotPublishable
from baas_crds.places import PanoramaSize
from baas_panoramas import asking, pictures
from baas_panoramas.asking import CHUNK_BYTES
from baas_panoramas.client import PanoramaClient
from baas_panoramas.downloading import PARTS, Download, Fate, download_all
from baas_panoramas.panorama import Panorama
from baas_panoramas.pictures import PictureFacts
from tests.panorama_server import PATH, Answer, PanoramaServer, panorama, serving

from .conftest import FAST, IDS

FULL = PanoramaSize.FULL
ONE = IDS[0]
PICTURE = f"{ONE}/full"
DATA = bytes(range(256)) * 1000
HALF = 2 * CHUNK_BYTES
CUT = Answer(is_real=True, cut_after=HALF)


@pytest.fixture
def server() -> Iterator[PanoramaServer]:
    with serving() as running:
        for number, name in enumerate(IDS):
            running.add(name, DATA + bytes([number]))
        running.pictures[PICTURE] = DATA
        yield running


def known(client: PanoramaClient, pano_id: str = ONE) -> Panorama:
    found = client.panorama(pano_id)
    assert found is not None
    return found


def read(client: PanoramaClient) -> bytes:
    one = known(client)
    return client.read_picture(one, FULL, client.facts(one, FULL))


def ranges(server: PanoramaServer) -> list[str | None]:
    """What of the picture was asked for."""
    return [one.headers.get("Range") for one in server.log if one.method == "GET" and one.path.endswith("/full")]


@pytest.mark.parametrize("size", PanoramaSize)
def test_each_size_is_read_from_its_own_address(
    server: PanoramaServer, client: PanoramaClient, size: PanoramaSize
) -> None:
    server.pictures[f"{ONE}/{size.lower()}"] = size.encode()
    one = known(client)
    facts = client.facts(one, size)

    assert facts.size_bytes == len(size)
    assert client.read_picture(one, size, facts) == size.encode()


def test_another_picture_has_another_version(server: PanoramaServer, client: PanoramaClient) -> None:
    one = known(client)
    before = client.facts(one, FULL).version
    assert client.facts(one, FULL).version == before
    server.pictures[PICTURE] = DATA[::-1]
    assert client.facts(one, FULL).version != before
    server.tells_tags = server.tells_times = False
    assert client.facts(one, FULL).version == f"{len(DATA)}-"


@pytest.mark.parametrize("tells_tags", [True, False])
def test_a_picture_that_is_cut_goes_on_where_it_was(
    server: PanoramaServer, client: PanoramaClient, tells_tags: bool
) -> None:
    server.tells_tags = tells_tags
    server.failures[PICTURE] = [Answer(is_real=True), CUT]

    assert read(client) == DATA
    assert ranges(server) == [None, f"bytes={HALF}-"]


def test_a_picture_whose_server_cannot_tell_it_from_another_begins_anew(
    server: PanoramaServer, client: PanoramaClient
) -> None:
    server.tells_tags = server.tells_times = False
    server.failures[PICTURE] = [Answer(is_real=True), CUT]

    assert read(client) == DATA
    assert ranges(server) == [None, None]


def test_a_rest_of_another_part_is_not_taken(server: PanoramaServer, client: PanoramaClient) -> None:
    wrong = Answer(is_real=True, headers={"Content-Range": f"bytes 7-{len(DATA) - 1}/{len(DATA)}"})
    server.failures[PICTURE] = [Answer(is_real=True), CUT, wrong]

    with pytest.raises(NotPublishable, match="does not tell how long"):
        read(client)


def test_a_picture_that_comes_too_slowly_is_cut_and_goes_on(
    server: PanoramaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "LONGEST_ANSWER_SECONDS", 0)
    monkeypatch.setattr(asking, "CHUNK_BYTES", 10_000)
    server.pictures[PICTURE] = DATA[:40_000]
    with PanoramaClient(server.url, replace(FAST, retries=20, backoff_seconds=0.001)) as client:
        assert read(client) == DATA[:40_000]
    wanted = ranges(server)
    assert wanted[0] is None
    assert len(wanted) > 1
    assert None not in wanted[1:]


def test_a_picture_that_is_always_cut_is_no_picture(server: PanoramaServer, client: PanoramaClient) -> None:
    server.failures[PICTURE] = [Answer(is_real=True), *[Answer(is_real=True, cut_after=10)] * 3]

    with pytest.raises(DependencyUnavailable):
        read(client)


def test_a_picture_that_becomes_another_one_on_the_way_is_refused(
    server: PanoramaServer, client: PanoramaClient
) -> None:
    one = known(client)
    facts = client.facts(one, FULL)
    server.pictures[PICTURE] = DATA[::-1]

    with pytest.raises(NotPublishable, match="another one since it was listed"):
        client.read_picture(one, FULL, facts)


def test_a_picture_that_becomes_another_one_while_it_is_cut_is_refused(
    server: PanoramaServer, client: PanoramaClient
) -> None:
    one = known(client)
    facts = client.facts(one, FULL)
    sink = io.BytesIO(DATA[:HALF])
    server.pictures[PICTURE] = DATA[::-1]

    with pytest.raises(NotPublishable, match="another one since it was listed"):
        client.copy_picture(one, FULL, facts, sink)


@pytest.mark.parametrize(
    ("headers", "sentence"),
    [
        ({"Content-Length": ""}, "does not tell how long"),
        ({"Content-Encoding": "gzip"}, "does not tell how long"),
        ({"Content-Length": str(pictures.MOST_BYTES + 1)}, "has more than"),
        ({"Content-Length": "9" * 5000}, "has more than"),
    ],
)
def test_a_picture_of_unknown_or_unlikely_length_is_refused(
    server: PanoramaServer, client: PanoramaClient, headers: dict[str, str], sentence: str
) -> None:
    server.failures[PICTURE] = [Answer(is_real=True, headers=headers)]

    with pytest.raises(NotPublishable, match=sentence):
        client.facts(known(client), FULL)


def test_a_picture_that_is_not_there_is_refused(server: PanoramaServer, client: PanoramaClient) -> None:
    one = known(client)
    facts = client.facts(one, FULL)
    del server.pictures[PICTURE]

    with pytest.raises(NotPublishable, match="there is no picture at"):
        client.facts(one, FULL)
    with pytest.raises(NotPublishable, match=r"no picture at .* any more"):
        client.read_picture(one, FULL, facts)


def test_a_panorama_without_a_link_to_its_picture_is_refused(server: PanoramaServer, client: PanoramaClient) -> None:
    server.panoramas[ONE] = panorama(ONE)

    with pytest.raises(NotPublishable, match="names no equirectangular picture of the size full"):
        client.facts(known(client), FULL)


def test_a_link_to_a_picture_elsewhere_is_not_followed(server: PanoramaServer, client: PanoramaClient) -> None:
    server.panoramas[ONE]["_links"]["equirectangular_full"]["href"] = "http://169.254.169.254/metadata"

    with pytest.raises(ConfigurationError, match="neither its own host"):
        client.facts(known(client), FULL)


@pytest.mark.parametrize("status", [401, 403, 404, 405, 410, 451])
@pytest.mark.parametrize("before", [[], [Answer(is_real=True)]], ids=["asked about", "fetched"])
def test_a_picture_that_is_refused_is_asked_for_once_and_is_no_trouble_of_the_api(
    server: PanoramaServer, client: PanoramaClient, before: list[Answer], status: int
) -> None:
    server.failures[PICTURE] = [*before, Answer(status=status)]

    with pytest.raises(NotPublishable, match=f"/pictures/{PICTURE}") as refused:
        read(client)
    assert refused.value.reason is QuarantineReason.UNREADABLE
    assert server.asked[PICTURE] == len(before) + 1


@pytest.mark.parametrize("before", [[], [Answer(is_real=True)]], ids=["asked about", "fetched"])
def test_a_picture_whose_server_fails_is_no_refused_one(
    server: PanoramaServer, client: PanoramaClient, before: list[Answer]
) -> None:
    server.failures[PICTURE] = [*before, *[Answer(status=501)] * 3]

    with pytest.raises(DependencyUnavailable, match="answers 501"):
        read(client)


@pytest.mark.parametrize(
    ("etag", "last_modified", "validator"),
    [('"a"', "then", '"a"'), ('W/"a"', "then", "then"), ('W/"a"', None, None), (None, None, None)],
)
def test_only_what_tells_bytes_apart_validates(
    etag: str | None, last_modified: str | None, validator: str | None
) -> None:
    assert PictureFacts(size_bytes=1, etag=etag, last_modified=last_modified).validator == validator


class FullDisk(io.BytesIO):
    """A file that cannot grow."""

    def write(self, data: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_no_silence_of_the_api(server: PanoramaServer, client: PanoramaClient) -> None:
    one = known(client)
    facts = client.facts(one, FULL)

    with pytest.raises(OSError, match="No space left"):
        client.copy_picture(one, FULL, facts, FullDisk())
    assert ranges(server) == [None]


# Into a folder


def download(client: PanoramaClient, folder: Path, ids: list[str] = IDS, **wishes: Any) -> list[Download]:
    found = (known(client, name) for name in ids)
    return list(download_all(client, found, wishes.get("size", FULL), folder, at_once=3))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_pictures_are_downloaded_under_their_ids(
    server: PanoramaServer, client: PanoramaClient, tmp_path: Path
) -> None:
    folder = tmp_path / "new" / "raw"
    assert {one.fate for one in download(client, folder)} == {Fate.DOWNLOADED}
    assert contents(folder) == {f"{name}.jpg": server.pictures[f"{name}/full"] for name in IDS}
    assert not (folder / PARTS).exists()


def test_what_is_whole_is_not_downloaded_again_and_what_changed_is(
    server: PanoramaServer, client: PanoramaClient, tmp_path: Path
) -> None:
    download(client, tmp_path)
    server.pictures[PICTURE] = b"longer" + DATA
    (tmp_path / f"{IDS[1]}.jpg").write_bytes(DATA)
    server.log.clear()

    fates = {one.panorama.pano_id: one.fate for one in download(client, tmp_path)}
    assert sorted(name for name, fate in fates.items() if fate is Fate.WHOLE) == IDS[2:]
    assert sum(one.method == "GET" and one.path.endswith("/full") for one in server.log) == 2
    assert contents(tmp_path) == {f"{name}.jpg": server.pictures[f"{name}/full"] for name in IDS}


def test_a_download_that_ended_goes_on_and_shows_no_half_picture(
    server: PanoramaServer, client: PanoramaClient, tmp_path: Path
) -> None:
    server.failures[PICTURE] = [Answer(is_real=True), CUT, Answer(status=503), Answer(status=503)]
    with pytest.raises(DependencyUnavailable):
        download(client, tmp_path, [ONE])
    assert not (tmp_path / f"{ONE}.jpg").exists()
    assert [len(data) for data in contents(tmp_path).values()] == [HALF]
    server.log.clear()

    assert [one.fate for one in download(client, tmp_path, [ONE])] == [Fate.DOWNLOADED]
    assert ranges(server) == [f"bytes={HALF}-"]
    assert contents(tmp_path) == {f"{ONE}.jpg": DATA}


def test_a_rest_of_another_picture_is_not_joined_to_it(
    server: PanoramaServer, client: PanoramaClient, tmp_path: Path
) -> None:
    server.failures[PICTURE] = [Answer(is_real=True), CUT, Answer(status=503), Answer(status=503)]
    with pytest.raises(DependencyUnavailable):
        download(client, tmp_path, [ONE])
    server.pictures[PICTURE] = DATA[::-1]

    download(client, tmp_path, [ONE])
    assert contents(tmp_path)[f"{ONE}.jpg"] == DATA[::-1]


def test_what_cannot_be_had_is_told_and_the_rest_goes_on(
    server: PanoramaServer, client: PanoramaClient, tmp_path: Path
) -> None:
    del server.pictures[PICTURE]

    done = {one.panorama.pano_id: one for one in download(client, tmp_path)}
    assert (done[ONE].fate, "there is no picture" in done[ONE].message) == (Fate.REFUSED, True)
    assert [done[name].fate for name in IDS[1:]] == [Fate.DOWNLOADED] * 4


def test_two_downloads_do_not_go_into_one_folder(client: PanoramaClient, tmp_path: Path) -> None:
    (tmp_path / PARTS).mkdir()
    descriptor = os.open(tmp_path / PARTS, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        with pytest.raises(ConfigurationError, match="Another download goes into"):
            download(client, tmp_path)
    finally:
        os.close(descriptor)


def test_a_folder_that_cannot_be_is_named(client: PanoramaClient, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(ConfigurationError, match=r"file/raw cannot be made or written to: Not a directory"):
        download(client, tmp_path / "file" / "raw")


def test_a_picture_in_whose_place_is_a_folder_is_named(client: PanoramaClient, tmp_path: Path) -> None:
    (tmp_path / f"{ONE}.jpg").mkdir()

    with pytest.raises(ConfigurationError, match=rf"{ONE}\.jpg cannot be written"):
        download(client, tmp_path)


def test_pictures_are_asked_for_on_the_api_s_own_host(server: PanoramaServer) -> None:
    with PanoramaClient(server.url.removesuffix("/"), FAST) as client:
        assert client.base.endswith(PATH)
        assert read(client) == DATA
