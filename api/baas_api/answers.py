"""What is answered of a safe picture: headers, counts, boxes. Pure; it knows neither HTTP library nor pipeline's edges.

Panoramax: https://docs.panoramax.fr (Picture blurring, Blur API specifications).
"""

import base64
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from uuid import uuid4

from pydantic import BaseModel, Field
from urllib3.fields import RequestField
from urllib3.filepost import encode_multipart_formdata

from baas_crds.codes import ObjectClass
from baas_preprocess.facts import Digest, Region
from baas_preprocess.way import Safe

SERVICE_NAME = "blurring-as-a-service"
"""Never changes: Panoramax takes away what a service of this name said of a picture when it blurs it again."""


class Tag(BaseModel):
    """A semantic tag of Panoramax: `key=value`; a key with `[…]` qualifies another tag."""

    key: str
    value: str


class Annotation(BaseModel):
    """Where something was redacted."""

    shape: tuple[int, int, int, int] = Field(description="Left, top, right, bottom in the stored picture's pixels.")
    semantics: list[Tag]


class Metadata(BaseModel):
    """The part `metadata` of the answer to `POST /blur/`."""

    blurring_id: str = Field(description="Names this answer in the service's log. Nothing can be restored with it.")
    service_name: str = Field(examples=[SERVICE_NAME])
    annotations: list[Annotation] = Field(description="Empty unless the query says `boxes=1`.")


class Counts(BaseModel):
    """How many objects were redacted."""

    persons_count: int = Field(ge=0)
    licence_plates_count: int = Field(ge=0)


class Score(BaseModel):
    """The answer to `POST /score`."""

    annotated_image: str = Field(description="The safe picture: a JPEG in base64.")
    metadata: Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A safe picture, and by what it was made safe."""

    safe: Safe
    model: Digest
    recipe: Digest
    blurring_id: str = field(default_factory=lambda: str(uuid4()))

    @property
    def counts(self) -> Counts:
        """How many persons and licence plates were redacted."""
        classes = [region.object_class for region in self.safe.regions]
        return Counts(
            persons_count=classes.count(ObjectClass.PERSON),
            licence_plates_count=classes.count(ObjectClass.LICENCE_PLATE),
        )

    @property
    def headers(self) -> dict[str, str]:
        """What each answer with a picture tells beside it."""
        return {
            "Baas-Blurring-Id": self.blurring_id,
            "Baas-Persons": str(self.counts.persons_count),
            "Baas-Licence-Plates": str(self.counts.licence_plates_count),
            "Baas-Model": self.model,
            "Baas-Recipe": self.recipe,
        }

    def metadata(self, *, with_boxes: bool) -> Metadata:
        """Return what stands beside the picture in a form."""
        annotations = list(annotations_of(self.safe, self.model)) if with_boxes else []
        return Metadata(blurring_id=self.blurring_id, service_name=SERVICE_NAME, annotations=annotations)

    def form(self, *, with_boxes: bool) -> tuple[bytes, str]:
        """Return a `multipart/form-data` body with the parts `image` and `metadata`, and its content type."""
        metadata = RequestField("metadata", self.metadata(with_boxes=with_boxes).model_dump_json())
        metadata.make_multipart(content_type="application/json")
        image = RequestField("image", self.safe.data, filename="picture.jpg")
        image.make_multipart(content_type="image/jpeg")
        return encode_multipart_formdata([image, metadata])

    def score(self) -> bytes:
        """Return the JSON of a `Score`."""
        picture = base64.b64encode(self.safe.data).decode()
        return json.dumps({"annotated_image": picture, "metadata": self.counts.model_dump()}).encode()


def annotations_of(safe: Safe, model: Digest) -> Iterator[Annotation]:
    """Tell where each object lies; one across the seam is two, as a box of Panoramax's ends at the edge."""
    for region in safe.regions:
        name = f"blurred={region.object_class}"
        semantics = [
            Tag(key="blurred", value=region.object_class),
            Tag(key=f"detection_confidence[{name}]", value=f"{region.score:.3f}"),
            Tag(key=f"detection_model[{name}]", value=f"{SERVICE_NAME}/{model}"),
        ]
        for shape in shapes_of(region, safe.inspection.width_px, safe.inspection.height_px):
            yield Annotation(shape=shape, semantics=semantics)


def shapes_of(region: Region, width_px: int, height_px: int) -> Iterator[tuple[int, int, int, int]]:
    """Give the whole pixels of a region's box: left, top, right, bottom, each within the picture."""
    box = region.box
    left, right = math.floor(box.left), math.ceil(box.right)
    top, bottom = max(math.floor(box.top), 0), min(math.ceil(box.bottom), height_px)
    yield max(left, 0), top, min(right, width_px), bottom
    if right > width_px:
        yield 0, top, min(right - width_px, width_px), bottom


def wants_form(accept: str) -> bool:
    """Whether `Accept` names `multipart/form-data`, and not with a weight of 0 (RFC 9110, section 12.5.1)."""
    for media_range in accept.lower().split(","):
        kind, *parameters = (word.strip() for word in media_range.split(";"))
        if kind == "multipart/form-data":
            return _weight(parameters) > 0
    return False


def _weight(parameters: list[str]) -> float:
    named: Mapping[str, str] = dict(word.split("=", 1) for word in parameters if "=" in word)
    try:
        return float(named.get("q", "1"))
    except ValueError:
        return 1
