"""Look back at a run: its facts from the ledger, its pictures from the destination. Nothing is written."""

import itertools
import os
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine

from baas_crds.codes import ObjectClass, QuarantineReason
from baas_crds.errors import ConfigurationError, NotPublishable
from baas_ledger.facts import DetectedObject, ImageRecord, Run
from baas_ledger.records import detections, looked_at
from baas_ledger.tables import ImageState as State
from baas_panoramas.viewer import viewer_of
from baas_preprocess.digests import digest_of
from baas_preprocess.facts import Digest, Inspection
from baas_preprocess.inspection import inspect
from baas_preprocess.report import ImageState, Report, ReportBox, ReportImage, page_picture
from baas_preprocess.stores.files import read_plain_file
from baas_preprocess.stores.folder import FolderDestination, resolved
from baas_preprocess.stores.places import is_picture

PAGE_PICTURE_PX = 2048
_STATES = {
    State.PUBLISHED: ImageState.PUBLISHED,
    State.QUARANTINED: ImageState.QUARANTINED,
    State.EXCLUDED: ImageState.EXCLUDED,
    State.PENDING: ImageState.PENDING,
    State.LEASED: ImageState.PENDING,
}


def check_page_apart(page: Path, folder: Path, *, option: str = "--output") -> None:
    """Raise `ConfigurationError` when a file of this name would replace a picture of the destination, or its state."""
    target, place = resolved(page), resolved(folder)
    state = FolderDestination.state_of(place)
    if target.is_relative_to(state) or (target.is_relative_to(place) and is_picture(target.name)):
        raise ConfigurationError(
            f"{option} {page} is where {folder} keeps its pictures or its state: name another file."
        )


def report_of(engine: Engine, run: Run, folder: Path, page: Path, *, pictures: int, viewer: str) -> Report:
    """Collect what the report page of a run shows; the first `pictures` published images are shown themselves.

    `viewer` is where people look at panoramas of the API, such as `panorama_viewer` in the settings.
    """
    shown: list[ReportImage] = []
    moments: list[datetime] = []
    left = pictures
    for record, boxes in itertools.chain.from_iterable(looked_at(engine, run.id, _boxed)):
        image = _image(
            record,
            boxes,
            folder,
            page,
            with_picture=left > 0,
            viewer=viewer_of(run.source, record.name, viewer),
        )
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


def _boxed(connection: Connection, page: list[ImageRecord]) -> list[tuple[ImageRecord, list[DetectedObject]]]:
    found = detections(connection, [image.id for image in page])
    return [(image, found[image.id]) for image in page]


def _image(
    record: ImageRecord,
    boxes: list[DetectedObject],
    folder: Path,
    page: Path,
    *,
    with_picture: bool,
    viewer: str | None,
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
        viewer=viewer,
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
