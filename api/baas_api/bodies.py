"""Take the picture out of a request's body: within a limit of bytes, within a limit of time, in memory only."""

import asyncio
import base64
import binascii
import logging
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Request
from pydantic import BaseModel, Field, ValidationError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from baas_api.refusals import Refusal, Refused

# It tells bytes of what it cannot read.
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
# For what stands around a picture: names of parts, keys.
_AROUND_BYTES = 65_536


class Question(BaseModel):
    """The body of `POST /score`. Other keys, such as `user_id`, are not looked at."""

    data: str = Field(description="A JPEG in base64 (RFC 4648, section 4), without line ends.")


class _InMemory(MultiPartParser):
    # Nothing is ever written to a disk; how much may arrive is limited before.
    spool_max_size = sys.maxsize


async def picture_of_form(request: Request, *, max_bytes: int, seconds: float) -> bytes:
    """Return the one file `picture` of a `multipart/form-data` body. Raises `Refused`."""
    _check_content_type(request, "multipart/form-data", "a form with the file `picture`: curl -F picture=@pano.jpg …")
    body = _chunks(request, max_bytes + _AROUND_BYTES, max_bytes)
    parser = _InMemory(request.headers, body, max_files=1, max_fields=10)
    try:
        async with _in_time(seconds):
            form = await parser.parse()
    except MultiPartException as error:
        raise Refused(Refusal.WRONG_REQUEST, f"The form cannot be read: {error.message}") from error
    try:
        match form.getlist("picture"):
            case [UploadFile() as picture]:
                return _within(await picture.read(), max_bytes)
            case _:
                raise Refused(
                    Refusal.WRONG_REQUEST, "The form needs one file called `picture`: curl -F picture=@pano.jpg …"
                )
    finally:
        await form.close()


async def picture_of_json(request: Request, *, max_bytes: int, seconds: float) -> bytes:
    """Return the picture of a JSON body (`Question`). Raises `Refused`."""
    _check_content_type(request, "application/json", '{"data": "a JPEG in base64"}')
    most = 4 * -(-max_bytes // 3) + _AROUND_BYTES
    async with _in_time(seconds):
        body = b"".join([chunk async for chunk in _chunks(request, most, max_bytes)])
    return _within(await asyncio.to_thread(_decoded, body), max_bytes)


def _decoded(body: bytes) -> bytes:
    try:
        return base64.b64decode(Question.model_validate_json(body).data, validate=True)
    except ValidationError as error:
        # Without the input: nobody's picture belongs into a sentence.
        [first, *_] = error.errors(include_url=False, include_input=False, include_context=False)
        where = ".".join(map(str, first["loc"])) or "the body"
        raise Refused(Refusal.WRONG_REQUEST, f'{where}: {first["msg"]}. Send {{"data": "a JPEG in base64"}}.') from None
    except (binascii.Error, ValueError):
        raise Refused(
            Refusal.WRONG_REQUEST, "data is no base64: write it as `base64 -w0 pano.jpg` does, without line ends."
        ) from None


def _check_content_type(request: Request, wanted: str, example: str) -> None:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != wanted:
        raise Refused(Refusal.WRONG_CONTENT_TYPE, f"The content type has to be {wanted}; send {example}")


def _within(picture: bytes, max_bytes: int) -> bytes:
    if len(picture) > max_bytes:
        raise _too_many_bytes(max_bytes)
    return picture


def _too_many_bytes(max_bytes: int) -> Refused:
    return Refused(Refusal.TOO_MANY_BYTES, f"The picture has more than {max_bytes:,} bytes, the most that is taken.")


async def _chunks(request: Request, most_bytes: int, max_bytes: int) -> AsyncGenerator[bytes, None]:
    """Give a body as it arrives, and stop as soon as it is too long, whether it announced that or not."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > most_bytes:
        raise _too_many_bytes(max_bytes)
    arrived = 0
    try:
        async for chunk in request.stream():
            arrived += len(chunk)
            if arrived > most_bytes:
                raise _too_many_bytes(max_bytes)
            yield chunk
    except ClientDisconnect:
        raise Refused(Refusal.CLIENT_GONE, "The client went away before its picture had arrived.") from None


@asynccontextmanager
async def _in_time(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise Refused(Refusal.TOO_SLOW, f"The body did not arrive within {seconds:g} seconds.") from None
