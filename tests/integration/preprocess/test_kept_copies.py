"""An original is deleted where the account keeps what was deleted: told, and left to the account.

Azurite keeps nothing, so the service is played, in the form of learn.microsoft.com/rest/api/storageservices
(Delete Blob, List Blobs with `include=deleted,versions`).
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from baas_crds.places import AzureBlob
from baas_preprocess.stores.blob import BlobSource
from baas_preprocess.stores.blob_access import BlobFolder
from baas_preprocess.stores.places import Deletion
from tests.azurite import ACCOUNT, connection_string_of

NAME = "raw/a.jpg"
VERSION = "2026-06-01T12:00:00.0000000Z"
PROPERTIES = (
    "<Last-Modified>Mon, 01 Jun 2026 12:00:00 GMT</Last-Modified><Etag>0x1</Etag>"
    "<Content-Length>4</Content-Length><BlobType>BlockBlob</BlobType>"
)
KEPT_DAYS = "<DeletedTime>Mon, 01 Jun 2026 12:00:00 GMT</DeletedTime><RemainingRetentionDays>7</RemainingRetentionDays>"


def listed(before: str, more: str = "", name: str = NAME) -> str:
    return f"<Blob><Name>{name}</Name>{before}<Properties>{PROPERTIES}{more}</Properties></Blob>"


@contextmanager
def blob_service(blobs: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Give the address of an account that deletes and then lists these, and the requests that it got."""
    requests: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_DELETE(self) -> None:
            requests.append((self.path, f"{self.headers['If-Match']} {self.headers['x-ms-delete-snapshots']}"))
            self.say(202, "")

        def do_GET(self) -> None:
            requests.append((self.path, ""))
            body = f'<EnumerationResults ServiceEndpoint="" ContainerName="c"><Blobs>{blobs}</Blobs><NextMarker/>'
            self.say(200, f'<?xml version="1.0" encoding="utf-8"?>{body}</EnumerationResults>')

        def say(self, status: int, body: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/{ACCOUNT}", requests
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("blobs", "copies"),
    [
        pytest.param("", (), id="the account keeps nothing"),
        pytest.param(
            listed("<Deleted>true</Deleted>", KEPT_DAYS),
            ("the blob itself, soft-deleted, 7 days left",),
            id="soft delete",
        ),
        pytest.param(
            listed(f"<VersionId>{VERSION}</VersionId>"),
            (f"version {VERSION}, kept until somebody deletes it",),
            id="versions",
        ),
        pytest.param(
            listed(f"<Deleted>true</Deleted><VersionId>{VERSION}</VersionId>", KEPT_DAYS),
            (f"version {VERSION}, soft-deleted, 7 days left",),
            id="versions and soft delete",
        ),
        pytest.param(listed(f"<VersionId>{VERSION}</VersionId>", name="raw/a.jpg.txt"), (), id="of another blob"),
    ],
)
def test_what_the_account_keeps_is_named_and_not_deleted(blobs: str, copies: tuple[str, ...]) -> None:
    with blob_service(blobs) as (url, requests):
        place = AzureBlob(account_url=url, container="city", prefix="raw")
        with BlobFolder(place, title="the test", connection_string=connection_string_of(url)) as folder:
            assert BlobSource(folder).delete("a.jpg", "0x1") == Deletion(was_there=True, copies=copies)
    (deleted, how), (looked, _) = requests
    assert (urlsplit(deleted).path, urlsplit(deleted).query) == (f"/{ACCOUNT}/city/{NAME}", "")
    assert how == '"0x1" include', "another version, or a blob with its snapshots left, would be deleted"
    asked = parse_qs(urlsplit(looked).query)
    assert (asked["comp"], set(asked["include"][0].split(","))) == (
        ["list"],
        {"deleted", "versions", "snapshots", "deletedwithversions"},
    )
