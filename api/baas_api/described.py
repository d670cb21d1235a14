"""What OpenAPI says of the routes: the documents that programs and /docs are made from."""

from typing import Any

from pydantic.json_schema import models_json_schema

from baas_api.answers import Metadata, Score
from baas_api.bodies import Question
from baas_api.refusals import Problem

SERVICE = """Takes a street picture, and answers the same picture, safe to publish: every person and licence plate is
redacted.

What cannot be made safe is refused with a reason, and no picture is answered. Nothing is stored.
docs/howto/online-endpoint.md tells all of it."""
KEEP = "Panoramax asks with 1 to keep what was blurred. This service keeps nothing and refuses that."
BOXES = "Answer a form whose part `metadata` says where what was redacted lies."
NOTHING_IS_KEPT = (
    "keep=1 asks to keep what is blurred, so that it can be restored. This service keeps nothing, and nothing can be "
    "restored: leave `keep` out."
)

_EXAMPLES = {
    400: ("The request is no such request.", "WrongRequest", "The form needs one file called `picture`."),
    401: ("No valid token.", "Unauthorized", "Send `Authorization: Bearer …` with a token of this service."),
    408: ("The body arrived too slowly.", "TooSlow", "The body did not arrive within 120 seconds."),
    413: ("The picture has too many bytes.", "TooManyBytes", "The picture has more than 50,000,000 bytes."),
    415: ("Another content type is wanted.", "WrongContentType", "The content type has to be multipart/form-data."),
    422: ("The picture cannot be made safe.", "Truncated", "The file is incomplete: it ends before its last row."),
    429: ("As many pictures as may be are treated and wait.", "Busy", "Try again later."),
    500: ("An unforeseen error.", "InternalError", "An unforeseen error: the service's log has its trace."),
    503: ("The detector does not answer.", "DetectorAway", "Triton at triton:8001 is not ready yet."),
    504: ("The picture was not finished in time.", "TimedOut", "The picture was not finished within 120 seconds."),
}
_RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
_SAFE_HEADERS = {
    "Baas-Blurring-Id": {"description": "Names this answer in the service's log.", "schema": {"type": "string"}},
    "Baas-Persons": {"description": "Persons that were redacted.", "schema": {"type": "integer"}},
    "Baas-Licence-Plates": {"description": "Licence plates that were redacted.", "schema": {"type": "integer"}},
    "Baas-Model": {"description": "Digest of the detector.", "schema": {"type": "string"}},
    "Baas-Recipe": {"description": "Digest of all settings that decide the bytes.", "schema": {"type": "string"}},
}
_PICTURE = {"type": "string", "format": "binary"}


def _problem(status: int) -> dict[str, Any]:
    description, reason, sentence = _EXAMPLES[status]
    found: dict[str, Any] = {
        "model": Problem,
        "description": description,
        "content": {"application/json": {"example": {"error": sentence, "reason": reason}}},
    }
    return found | ({"headers": _RETRY_AFTER} if status in {429, 503} else {})


def _body(content_type: str, schema: dict[str, Any], example: dict[str, Any] | None = None) -> dict[str, Any]:
    content = {"schema": schema} | ({} if example is None else {"example": example})
    return {"requestBody": {"required": True, "content": {content_type: content}}}


def completed(document: dict[str, Any]) -> dict[str, Any]:
    """Add the models that only parts of forms have, which FastAPI does not look for."""
    template = "#/components/schemas/{model}"
    _, found = models_json_schema([(Metadata, "serialization")], ref_template=template)
    schemas = document["components"]["schemas"] | found["$defs"]
    return document | {"components": document["components"] | {"schemas": schemas}}


_PROBLEMS: dict[int | str, dict[str, Any]] = {status: _problem(status) for status in _EXAMPLES}

ALIVE: dict[int | str, dict[str, Any]] = {
    200: {"description": "It does.", "content": {"application/json": {"example": {"status": "alive"}}}}
}
READY: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "It would.",
        "content": {"application/json": {"example": {"status": "ready", "model": "sha256:…", "version": "1"}}},
    },
    503: _problem(503),
}
BLUR: dict[str, Any] = {
    "summary": "Blur a picture, as Panoramax's blurring service does",
    "description": "The picture comes back as a JPEG, or as a form where `Accept` or `boxes` ask for it.",
    "openapi_extra": _body(
        "multipart/form-data",
        {
            "type": "object",
            "required": ["picture"],
            "properties": {"picture": _PICTURE | {"description": "One JPEG."}},
        },
    ),
    "responses": _PROBLEMS
    | {
        200: {
            "description": "The safe picture.",
            "headers": _SAFE_HEADERS,
            "content": {
                "image/jpeg": {"schema": _PICTURE},
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["image", "metadata"],
                        "properties": {"image": _PICTURE, "metadata": {"$ref": "#/components/schemas/Metadata"}},
                    }
                },
            },
        }
    },
}
SCORE: dict[str, Any] = {
    "summary": "Blur a picture in JSON, as the earlier service's endpoint on Azure ML did",
    "description": "A picture without persons and plates is no error: its counts are 0.",
    "openapi_extra": _body("application/json", Question.model_json_schema(), {"data": "/9j/4AAQSkZJRgABAQ…"}),
    "responses": _PROBLEMS
    | {
        200: {
            "model": Score,
            "description": "The safe picture, and how many objects were redacted.",
            "headers": _SAFE_HEADERS,
            "content": {
                "application/json": {
                    "example": {
                        "annotated_image": "/9j/4AAQSkZJRgABAQ…",
                        "metadata": {"persons_count": 2, "licence_plates_count": 1},
                    }
                }
            },
        }
    },
}
