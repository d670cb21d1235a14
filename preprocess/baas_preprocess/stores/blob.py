"""Pictures in a folder of a Blob container (Azure Storage)."""

import contextlib
import hashlib
import mimetypes
from collections.abc import Iterator
from functools import partial
from typing import Any

from azure.core import MatchConditions
from azure.storage.blob import BlobProperties, ContentSettings

from baas_crds.codes import QuarantineReason
from baas_crds.errors import DependencyUnavailable, NotPublishable
from baas_preprocess.digests import digest_of
from baas_preprocess.facts import Digest
from baas_preprocess.stores.blob_access import BlobAbsent, BlobChanged, BlobFolder
from baas_preprocess.stores.places import (
    STATE_FOLDER,
    CopyOfOriginal,
    Deletion,
    Entry,
    Provenance,
    SourceKept,
    is_picture,
)

# The most that Azure gives at once.
_PAGE = 5_000
# Others may change a blob between a look and an act; who loses this often in a row is not alone with it.
_TRIES = 5


class BlobSource:
    """The blobs below a folder; their paths from there on are the names."""

    def __init__(self, folder: BlobFolder, *, page: int = _PAGE) -> None:
        """List `page` blobs a request."""
        self.label = folder.label
        self._folder = folder
        self._page = page

    def entries(self) -> Iterator[Entry]:
        """List the pictures page by page. The version is the ETag."""
        for name, blob in _listed(self._folder, self._page):
            if is_picture(name) and not name.startswith(f"{STATE_FOLDER}/"):
                yield Entry(name=name, version=blob.etag.strip('"'), size_bytes=blob.size)

    def read(self, name: str, version: str | None = None) -> bytes:
        """Return a blob's bytes, all of one version, whichever.

        Raises `NotPublishable` when it cannot be read (any more).
        """
        return _read(self._folder, name)

    def delete(self, name: str, version: str) -> Deletion:
        """Delete a blob that is still of this version, with its snapshots, and name the copies that Azure keeps."""
        delete = partial(
            self._folder.blob(name).delete_blob,
            delete_snapshots="include",
            match_condition=MatchConditions.IfNotModified,
            etag=f'"{version}"',
        )
        was_there = True
        try:
            self._folder.ask(delete, name)
        except BlobAbsent:
            was_there = False
        except BlobChanged as error:
            if self._folder.ask(self._folder.blob(name).exists, name):
                raise SourceKept(f"{name}: it changed since it was read.") from error
            was_there = False  # what is not there does not fulfil the condition either
        return Deletion(was_there=was_there, copies=tuple(self._copies(name)))

    def _copies(self, name: str) -> Iterator[str]:
        """Versions and soft-deleted states of a blob, which the account's settings may keep after its deletion."""
        path = self._folder.start + name
        kept = self._folder.container.list_blobs(
            name_starts_with=path, include=["deleted", "versions", "snapshots", "deletedwithversions"]
        )
        for copy in self._folder.ask(lambda: [blob for blob in kept if blob.name == path], name):
            what = f"version {copy.version_id}" if copy.version_id else f"snapshot {copy.snapshot}"
            if not copy.version_id and not copy.snapshot:
                what = "the blob itself"
            days = copy.remaining_retention_days
            yield f"{what}, {f'soft-deleted, {days} days left' if copy.deleted else 'kept until somebody deletes it'}"


class BlobDestination:
    """A folder of a container. Every blob carries its MD5 and, as metadata, its provenance."""

    def __init__(self, folder: BlobFolder) -> None:
        """Raise `ConfigurationError` when there is no such container or it cannot be looked into."""
        self.label = folder.label
        self._folder = folder
        self._look(STATE_FOLDER)

    def write(self, name: str, data: bytes, provenance: Provenance | CopyOfOriginal) -> str:
        """Put a whole blob there unless just that is there already, and return its ETag.

        Each write says what it expects to replace, so that nobody's change is overwritten unseen.
        """
        blob = self._folder.blob(name)
        md5 = bytearray(hashlib.md5(data, usedforsecurity=False).digest())
        metadata = provenance.as_metadata()
        upload = partial(
            blob.upload_blob,
            data,
            overwrite=True,
            metadata=metadata,
            content_settings=ContentSettings(content_type=mimetypes.guess_type(name)[0], content_md5=md5),
            validate_content=True,
        )
        for _ in range(_TRIES):
            there = self._look(name)
            if there is not None and _is_same(there, len(data), md5, metadata):
                return _version(there.etag)
            try:
                written = self._folder.ask(partial(upload, **_as_seen(there)), name)
            except BlobChanged:
                continue
            return _version(written["etag"])
        raise DependencyUnavailable(f"{self.label}: {name} is being changed by others all the time.")

    def remove(self, name: str) -> None:
        """Take a blob away, with its snapshots; it need not be there."""
        with contextlib.suppress(BlobAbsent, NotPublishable):
            self._folder.ask(lambda: self._folder.blob(name).delete_blob(delete_snapshots="include"), name)

    def size_bytes(self, name: str) -> int | None:
        """Return the size of a blob, None when it is not there."""
        there = self._look(name)
        return None if there is None else there.size

    def holds(self, name: str, size_bytes: int, version: str | None) -> bool:
        """Whether a blob has this size and this ETag."""
        there = self._look(name)
        return there is not None and (there.size, _version(there.etag)) == (size_bytes, version)

    def digest(self, name: str) -> Digest | None:
        """Return the digest that a blob's metadata holds, or that of its content when another program wrote it."""
        there = self._look(name)
        if there is None:
            return None
        metadata = _metadata(there)
        noted = metadata.get("output") or metadata.get("original")
        return digest_of(_read(self._folder, name)) if noted is None else Digest(noted)

    def names(self) -> Iterator[str]:
        """Give the names of all blobs in the folder."""
        return (name for name, _ in _listed(self._folder, _PAGE))

    def read(self, name: str) -> bytes | None:
        """Return a blob's bytes, None when it is not there or cannot be read."""
        try:
            return _read(self._folder, name)
        except NotPublishable:
            return None

    def _look(self, name: str) -> BlobProperties | None:
        try:
            return self._folder.ask(self._folder.blob(name).get_blob_properties, name)
        except (BlobAbsent, NotPublishable):
            return None  # what cannot have this name is not there either


def _listed(folder: BlobFolder, page_size: int) -> Iterator[tuple[str, BlobProperties]]:
    """Give each blob of a folder with its path from there on, page by page."""
    pages = folder.container.list_blobs(name_starts_with=folder.start or None, results_per_page=page_size).by_page()
    while (page := folder.ask(lambda: next(pages, None))) is not None:
        yield from ((blob.name.removeprefix(folder.start), blob) for blob in page)


def _read(folder: BlobFolder, name: str) -> bytes:
    for _ in range(_TRIES):
        try:
            # A large blob comes in several ranges: the library asks for each on condition of the first one's ETag.
            return folder.ask(lambda: folder.blob(name).download_blob().readall(), name)
        except BlobChanged:
            continue
        except BlobAbsent as error:
            raise NotPublishable(QuarantineReason.UNREADABLE, f"{name}: it is not there any more.") from error
    raise NotPublishable(QuarantineReason.UNREADABLE, f"{name}: it changed each time it was read.")


def _as_seen(there: BlobProperties | None) -> dict[str, Any]:
    """The condition for replacing just this."""
    if there is None:
        return {"match_condition": MatchConditions.IfMissing}
    return {"match_condition": MatchConditions.IfNotModified, "etag": there.etag}


def _is_same(there: BlobProperties, size_bytes: int, md5: bytearray, metadata: dict[str, str]) -> bool:
    return (there.size, there.content_settings.content_md5, _metadata(there)) == (size_bytes, md5, metadata)


def _metadata(there: BlobProperties) -> dict[str, str]:
    # Names of headers, on their way through proxies, may change their case.
    return {name.lower(): value for name, value in (there.metadata or {}).items()}


def _version(etag: str) -> str:
    return etag.strip('"')
