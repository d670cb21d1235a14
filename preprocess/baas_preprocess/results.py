"""Look back at a run: its facts from the ledger, its pictures from the destination. Nothing is written."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlsplit

from pydantic import ValidationError
from sqlalchemy import Engine

from baas_crds.codes import ObjectClass, QuarantineReason
from baas_crds.errors import ConfigurationError, NotPublishable
from baas_crds.places import AzureBlob
from baas_ledger.engine import open_ledger, reading
from baas_ledger.facts import DetectedObject, ImageRecord, Run
from baas_ledger.records import detections, images
from baas_ledger.runs import find_run, latest_run
from baas_ledger.tables import ImageState as State
from baas_preprocess.digests import digest_of
from baas_preprocess.facts import Digest, Inspection
from baas_preprocess.inspection import inspect
from baas_preprocess.report import ImageState, Report, ReportBox, ReportImage, page_picture
from baas_preprocess.stores.blob import BlobDestination
from baas_preprocess.stores.blob_access import BlobFolder
from baas_preprocess.stores.files import read_plain_file
from baas_preprocess.stores.folder import FolderDestination, resolved
from baas_preprocess.stores.places import Destination, is_picture

PAGE_PICTURE_PX = 2048
_STATES = {
    State.PUBLISHED: ImageState.PUBLISHED,
    State.QUARANTINED: ImageState.QUARANTINED,
    State.EXCLUDED: ImageState.EXCLUDED,
    State.PENDING: ImageState.PENDING,
    State.LEASED: ImageState.PENDING,
}


@contextmanager
def open_results(place: Path | str, ledger: str | None, *, run_id: str | None = None) -> Iterator[tuple[Engine, Run]]:
    """Give the ledger of a destination and its latest run, or the run of this id.

    A destination is a folder, or the `https://` address of a container's folder. Raises `ConfigurationError` when
    there is no such ledger or run.
    """
    if ledger is None and is_blob(place):
        raise ConfigurationError(f"The ledger of {place} is a database: give its URL with --ledger.")
    label = str(place).rstrip("/") if is_blob(place) else str(resolved(Path(place)))
    engine = open_ledger(ledger or _own_ledger(Path(place)), migrate=False)
    try:
        with reading(engine) as connection:
            run = latest_run(connection, label) if run_id is None else find_run(connection, run_id)
        if run is None:
            raise ConfigurationError(
                f"The ledger knows no run into {label}." if run_id is None else f"The ledger knows no run {run_id}."
            )
        yield engine, run
    finally:
        engine.dispose()


@contextmanager
def open_outputs(place: str, run: Run, *, needed: bool) -> Iterator[Destination | None]:
    """Give the destination at a place, as `open_destination`; None when it is not needed."""
    if not needed:
        yield None
        return
    with open_destination(place, run) as destination:
        yield destination


@contextmanager
def open_destination(place: str, run: Run) -> Iterator[Destination]:
    """Give the destination at a place, under the name that the run has for it."""
    if is_blob(place):
        with BlobFolder(
            azure_blob(place), title="DEST", connection_string=os.environ.get("BAAS_OUTPUT_CONNECTION_STRING")
        ) as folder:
            yield BlobDestination(folder)
    else:
        yield FolderDestination(Path(place), label=run.destination)


def is_blob(place: Path | str) -> bool:
    """Whether a destination is written as an address in Azure Blob Storage."""
    return isinstance(place, str) and place.startswith(("https://", "http://"))


def azure_blob(address: str) -> AzureBlob:
    """Read `https://account.blob.core.windows.net/container/folder`. Raises `ConfigurationError` when it is none."""
    parts = urlsplit(address)
    folders = parts.path.strip("/").split("/")
    # An emulator, at plain http, has the account's name as the first part of the path.
    account = [folders.pop(0)] if parts.scheme == "http" else []
    container, *prefix = folders or [""]
    place = {
        "accountUrl": "/".join([f"{parts.scheme}://{parts.netloc}", *account]),
        "container": container,
        "prefix": "/".join(prefix),
    }
    try:
        return AzureBlob.model_validate(place)
    except ValidationError as error:
        raise ConfigurationError(f"{address} is no folder of a container: https://ACCOUNT/CONTAINER/FOLDER.") from error


def _own_ledger(folder: Path) -> str:
    path = FolderDestination.state_of(folder) / "ledger.sqlite"
    try:
        is_there = path.is_file()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be reached: {error.strerror}. Check its permissions.") from error
    if not is_there:
        raise ConfigurationError(f"{folder} holds no run (no {path}): `baas blur SOURCE {folder}` makes one.")
    return str(path)


def check_page_apart(page: Path, folder: Path) -> None:
    """Raise `ConfigurationError` when a page of this name would replace a picture of the destination, or its state."""
    target, place = resolved(page), resolved(folder)
    state = FolderDestination.state_of(place)
    if target.is_relative_to(state) or (target.is_relative_to(place) and is_picture(target.name)):
        raise ConfigurationError(
            f"--output {page} is where {folder} keeps its pictures or its state: name another file."
        )


def report_of(engine: Engine, run: Run, folder: Path, page: Path, *, pictures: int) -> Report:
    """Collect what the report page of a run shows; the first `pictures` published images are shown themselves."""
    shown: list[ReportImage] = []
    moments: list[datetime] = []
    left = pictures
    for record, boxes in _records(engine, run.id):
        image = _image(record, boxes, folder, page, with_picture=left > 0)
        left -= image.picture is not None
        shown.append(image)
        if record.finished_at is not None:
            moments.append(record.finished_at)
    started, finished = run.opened_at, max(moments, default=None)
    return Report(
        title=folder.resolve().name,
        generated_at=datetime.now(UTC),
        source=run.source,
        destination=run.destination,
        model_digest=Digest(run.model_digest),
        config_digest=Digest(run.config_digest),
        settings={name: str(value) for name, value in run.configuration.items()},
        started=started,
        finished=finished,
        seconds=(finished - started).total_seconds() if finished is not None and finished > started else None,
        images=shown,
    )


def _records(engine: Engine, run_id: str) -> Iterator[tuple[ImageRecord, list[DetectedObject]]]:
    after: str | None = None
    while True:
        with reading(engine) as connection:
            page = images(connection, run_id, after=after)
            found = detections(connection, [image.id for image in page])
        if not page:
            return
        yield from ((image, found.get(image.id, [])) for image in page)
        after = page[-1].name


def _image(
    record: ImageRecord, boxes: list[DetectedObject], folder: Path, page: Path, *, with_picture: bool
) -> ReportImage:
    published = folder / record.name
    data = _published(published, record) if with_picture else None
    seen, picture = (None, None) if data is None else _shown(data)
    is_there = data is not None if with_picture else _is_there(published, record)
    return ReportImage(
        name=record.name,
        state=_STATES[record.state],
        reason=QuarantineReason(record.reason) if record.reason else None,
        message=record.message or "",
        width_px=record.width_px,
        height_px=record.height_px,
        wraps=seen is not None and seen.wraps,
        orientation=1 if seen is None else seen.orientation,
        boxes=[
            ReportBox(
                x=box.x,
                y=box.y,
                width=box.width,
                height=box.height,
                object_class=ObjectClass(box.object_class),
                score=box.score,
            )
            for box in boxes
        ],
        masked_share=record.masked_share,
        second_looks=record.second_looks or 0,
        found_later=record.found_later or 0,
        residuals=record.residuals or 0,
        seconds_per_step=record.timings or {},
        input_digest=None if record.input_digest is None else Digest(record.input_digest),
        output_digest=None if record.output_digest is None else Digest(record.output_digest),
        picture=picture,
        link=_relative_link(published, page) if is_there else None,
    )


def _is_there(published: Path, record: ImageRecord) -> bool:
    try:
        return record.state is State.PUBLISHED and published.is_file()
    except OSError:
        return False


def _published(published: Path, record: ImageRecord) -> bytes | None:
    """What was published, None when that is not what is there by now: it may be an original, copied over it."""
    if record.state is not State.PUBLISHED:
        return None
    try:
        data = read_plain_file(published)
    except (OSError, NotPublishable):
        return None
    return data if digest_of(data) == record.output_digest else None


def _shown(data: bytes) -> tuple[Inspection | None, bytes | None]:
    try:
        seen = inspect(data, max_pixels=1 << 40)
        return seen, page_picture(data, width_px=PAGE_PICTURE_PX, orientation=seen.orientation)
    except NotPublishable:
        return None, None  # an older version published what this one would not


def _relative_link(published: Path, page: Path) -> str:
    return quote(os.path.relpath(published.resolve(), page.resolve().parent))
