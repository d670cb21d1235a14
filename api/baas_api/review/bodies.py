"""What a browser sends to the review page, and what it is told."""

import asyncio
from typing import Annotated, TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import ClientDisconnect

from baas_api.refusals import Refusal, Refused
from baas_api.review.samples import Picture
from baas_crds.codes import ObjectClass
from baas_ledger.reviews import Finding, Mark
from baas_ledger.tables import MarkKind, Projection
from baas_preprocess.wanted import Number, OutOfPicture, ShareBox, SphereBox, outline

Body = TypeVar("Body", bound=BaseModel)
_MOST_BYTES = 10_000


class FlatBox(ShareBox):
    """A box in shares of a flat picture that has an area."""

    width: Annotated[Number, Field(gt=0, le=1)]
    height: Annotated[Number, Field(gt=0, le=1)]


class NewMark(BaseModel):
    """A box that a reviewer drew."""

    model_config = ConfigDict(extra="forbid")

    kind: MarkKind
    object_class: Annotated[ObjectClass, Field(alias="class")]
    box: SphereBox | FlatBox

    def finding(self, picture: Picture) -> Finding:
        """Return it as a finding in this picture. Raises `Refused` when it does not lie in it."""
        projection = Projection.SPHERE if isinstance(self.box, SphereBox) else Projection.FLAT
        if projection is not picture.projection:
            raise Refused(Refusal.WRONG_REQUEST, f"box: this picture is {picture.projection}, the box {projection}.")
        try:
            outline(self.box, picture.seen)
        except OutOfPicture as error:
            raise Refused(Refusal.WRONG_REQUEST, f"box: {error}") from error
        width, height = picture.shown_size
        x, y, across, up = self.box.model_dump().values()
        return Finding(
            kind=self.kind,
            object_class=self.object_class,
            projection=projection,
            x=x,
            y=y,
            width=across,
            height=up,
            picture_width_px=width,
            picture_height_px=height,
        )


class Look(BaseModel):
    """Whether a reviewer has looked at all of a picture."""

    model_config = ConfigDict(extra="forbid", strict=True)

    done: bool


async def body_of(request: Request, kind: type[Body], *, seconds: float) -> Body:
    """Return a small JSON body. Raises `Refused`, without what was sent."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused(Refusal.WRONG_CONTENT_TYPE, "The content type has to be application/json.")
    try:
        return kind.model_validate_json(await bytes_of(request, seconds=seconds))
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        told = [f"{'.'.join(map(str, problem['loc'])) or 'the body'}: {problem['msg']}" for problem in problems]
        raise Refused(Refusal.WRONG_REQUEST, f"{'; '.join(told)}.") from None


async def bytes_of(request: Request, *, seconds: float) -> bytes:
    """Return a small body. Raises `Refused` for a large one, and one that does not arrive in time."""
    body = b""
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > _MOST_BYTES:
                    raise Refused(Refusal.TOO_MANY_BYTES, f"The body has more than {_MOST_BYTES:,} bytes.")
    except ClientDisconnect:
        raise Refused(Refusal.CLIENT_GONE, "The client went away before its body had arrived.") from None
    except TimeoutError:
        raise Refused(Refusal.TOO_SLOW, f"The body did not arrive within {seconds:g} seconds.") from None
    return body


def told_mark(mark_id: int, finding: Finding) -> dict[str, object]:
    """Return a mark as browsers are told of it."""
    return {
        "id": mark_id,
        "kind": finding.kind,
        "class": finding.object_class,
        "projection": finding.projection,
        "x": finding.x,
        "y": finding.y,
        "width": finding.width,
        "height": finding.height,
    }


def told_work(tasks: list[str], marks: list[Mark], looked_at: set[str]) -> dict[str, object]:
    """Return all that a browser needs to go on where somebody left off."""
    by_image: dict[str, list[dict[str, object]]] = {name: [] for name in tasks}
    for mark in marks:
        if mark.image in by_image:
            by_image[mark.image].append(told_mark(mark.id, mark.finding))
    return {
        "pictures": [
            {"number": number, "name": name, "done": name in looked_at, "marks": by_image[name]}
            for number, name in enumerate(tasks, 1)
        ]
    }
