"""The routes. Each takes the picture out of the request, has it made safe, and answers; it decides nothing."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException

from baas_api import described
from baas_api.answers import Answer, wants_form
from baas_api.bodies import picture_of_form, picture_of_json
from baas_api.desk import Desk
from baas_api.detector import DetectorWatch
from baas_api.measures import count_blurred, count_refused
from baas_api.refusals import Problem, Refusal, Refused, refused
from baas_api.review.routes import Review, add_review
from baas_api.settings import ApiSettings
from baas_api.telling import Telling, told
from baas_api.tokens import Tokens, may_ask
from baas_crds.codes import QuarantineReason
from baas_crds.errors import BaasError, DependencyUnavailable, NotPublishable
from baas_preprocess.container.formats import format_of
from baas_preprocess.detect import Detector
from baas_preprocess.facts import ImageFormat
from baas_preprocess.recipe import Recipe
from baas_preprocess.way import make_safe

logger = logging.getLogger(__name__)

_JPEG = "image/jpeg"
_UNFORESEEN = "An unforeseen error: the service's log has its trace."


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """All that answering needs."""

    settings: ApiSettings
    recipe: Recipe
    tokens: Tokens | None
    """None: anonymous clients are allowed."""
    watch: DetectorWatch
    desk: Desk
    review: Review | None
    """None: there is no review page."""


def application(service: Service) -> FastAPI:
    """Return the ASGI application."""
    app = FastAPI(
        title="Blurring-as-a-Service",
        version=version("blurring-as-a-service"),
        description=described.SERVICE,
        lifespan=lambda _: _running(service),
        # It would lead to http:// and the host that the client named, past the TLS in front of us, with the picture.
        redirect_slashes=False,
        # It would tell paths and queries, where names may stand, and what errors say. `Telling` tells what may be told.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.add_middleware(Telling)
    app.add_exception_handler(Refused, _on_refused)
    app.add_exception_handler(RequestValidationError, _on_wrong_query)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(Exception, _on_unforeseen)
    _add_probes(app, service)
    _add_blurring(app, service)
    if service.review is not None:
        add_review(app, service.review)
    app.openapi_schema = described.completed(app.openapi())
    return app


@asynccontextmanager
async def _running(service: Service) -> AsyncIterator[None]:
    looking = asyncio.create_task(service.watch.keep_looking())
    try:
        yield
    finally:
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking
        await asyncio.to_thread(service.desk.close)
        service.watch.close()


def _add_probes(app: FastAPI, service: Service) -> None:
    @app.get("/healthz", tags=["probes"], summary="Whether the process lives", responses=described.ALIVE)
    async def healthz() -> JSONResponse:
        return JSONResponse({"status": "alive"})

    @app.get("/readyz", tags=["probes"], summary="Whether a picture would be treated now", responses=described.READY)
    async def readyz() -> JSONResponse:
        model = _detector(service).model
        return JSONResponse({"status": "ready", "model": model.digest, "version": model.version})


def _add_blurring(app: FastAPI, service: Service) -> None:
    bearer = HTTPBearer(auto_error=False, description="One of the service's tokens.")

    async def let_in(given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> None:
        if not may_ask(service.tokens, None if given is None else given.credentials):
            raise Refused(Refusal.UNAUTHORIZED, "Send `Authorization: Bearer …` with a token of this service.")

    how: dict[str, Any] = {"tags": ["pictures"], "dependencies": [Depends(let_in)], "response_class": Response}
    limits: dict[str, Any] = {"max_bytes": service.settings.max_bytes, "seconds": service.settings.time_limit_seconds}

    @app.post("/blur/", **how, **described.BLUR)
    async def blur(
        request: Request,
        keep: Annotated[bool, Query(description=described.KEEP)] = False,
        boxes: Annotated[bool, Query(description=described.BOXES)] = False,
    ) -> Response:
        if keep:
            raise Refused(Refusal.WRONG_REQUEST, described.NOTHING_IS_KEPT)
        as_form = boxes or wants_form(request.headers.get("accept", ""))

        def answered(answer: Answer) -> Response:
            body, kind = answer.form(with_boxes=boxes) if as_form else (answer.safe.data, _JPEG)
            return Response(body, media_type=kind, headers=answer.headers)

        async with service.desk.admitted():
            return await _blurred(service, request, await picture_of_form(request, **limits), answered)

    @app.post("/score", **how, **described.SCORE)
    async def score(request: Request) -> Response:
        def answered(answer: Answer) -> Response:
            return Response(answer.score(), media_type="application/json", headers=answer.headers)

        async with service.desk.admitted():
            return await _blurred(service, request, await picture_of_json(request, **limits), answered)


async def _blurred(
    service: Service, request: Request, picture: bytes, answered: Callable[[Answer], Response]
) -> Response:
    def work() -> tuple[Answer, Response]:
        answer = _safe(service, picture)
        return answer, answered(answer)

    about = told(request)
    about.facts["bytes"] = len(picture)
    # Nobody waits for a turn that others hold because the detector went away.
    _detector(service)
    answer, response = await service.desk.run(work, request.is_disconnected)
    about.facts |= {
        "answered_bytes": len(response.body),
        "persons": answer.counts.persons_count,
        "licence_plates": answer.counts.licence_plates_count,
        "blurring_id": answer.blurring_id,
    }
    count_blurred(answer)
    return response


def _detector(service: Service) -> Detector:
    """Return what answers now. Raises `Refused` when nobody does."""
    try:
        return service.watch.detector
    except DependencyUnavailable as error:
        raise refused(error) from error


def _safe(service: Service, picture: bytes) -> Answer:
    """Have a picture made safe. Raises `Refused` for whatever comes between: then nothing of it is answered."""
    detector = _detector(service)
    try:
        if (found := format_of(picture)) is not ImageFormat.JPEG:
            raise NotPublishable(
                QuarantineReason.UNSUPPORTED, f"The picture is a {found.upper()}; JPEG alone is taken here."
            )
        safe = make_safe(picture, service.recipe, detector)
    except BaasError as error:
        raise refused(error) from error
    except Exception as error:
        logger.exception("unforeseen error")
        raise Refused(QuarantineReason.INTERNAL_ERROR, _UNFORESEEN) from error
    return Answer(safe=safe, model=detector.model.digest, recipe=service.recipe.digest)


async def _on_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)  # noqa: S101 - registered for it
    about = told(request)
    about.facts["reason"] = error.reason
    if request.method == "POST":
        count_refused(error)
    return _problem(error.status, str(error), error.reason, error.headers)


async def _on_wrong_query(request: Request, error: Exception) -> Response:
    """Answer in our own form, without repeating what was sent."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
    problems = [f"{problem['loc'][-1]}: {problem['msg']}" for problem in error.errors()]
    return await _on_refused(request, Refused(Refusal.WRONG_REQUEST, f"{'; '.join(problems)}."))


async def _on_http_error(request: Request, error: Exception) -> Response:
    """Answer what the library refuses itself, such as paths and methods that there are not, in our own form."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    return _problem(error.status_code, f"{error.detail}.", error.detail.title().replace(" ", ""), error.headers)


async def _on_unforeseen(_request: Request, _error: Exception) -> Response:
    """Answer when even we do not know what went wrong; the server logs the trace."""
    return _problem(500, _UNFORESEEN, QuarantineReason.INTERNAL_ERROR, {"Cache-Control": "no-store"})


def _problem(status: int, sentence: str, reason: str, headers: Any = None) -> Response:
    return JSONResponse(Problem(error=sentence, reason=reason).model_dump(), status, headers=headers)
