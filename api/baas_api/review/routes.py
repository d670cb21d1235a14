"""The routes of the review page. Each finds out who asks, has the work done on a thread, and answers."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import parse_qs

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from baas_api.refusals import Refusal, Refused
from baas_api.review import pages
from baas_api.review.bodies import Look, NewMark, body_of, bytes_of, told_mark, told_work
from baas_api.review.samples import Samples
from baas_api.review.sessions import check_origin, reviewer_of, sign_in, sign_out
from baas_api.tokens import Tokens, may_ask
from baas_crds.errors import BaasError, NotPublishable
from baas_ledger.engine import reading, transaction
from baas_ledger.reviews import add_mark, looked_at, marks_of, note_look, remove_mark, take_back_look
from baas_preprocess.container.formats import format_of

T = TypeVar("T")
_HOME = "/review"
_STRANGER = "Sign in, or send `Authorization: Bearer …` with a token of this service."


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """All that the review page needs."""

    samples: Samples
    tokens: Tokens | None
    """None: anonymous clients are allowed."""
    time_limit_seconds: float


def add_review(app: FastAPI, review: Review) -> None:
    """Add the routes to an application."""
    _add_pages(app, review)
    _add_session(app, review)
    _add_looking(app, review)
    _add_marking(app, review)


def _add_pages(app: FastAPI, review: Review) -> None:
    @app.get(f"{_HOME}/static/{{version}}/{{name}}", include_in_schema=False)
    async def static(name: str) -> Response:
        return pages.static_file(name)

    @app.get(_HOME, include_in_schema=False)
    async def runs(request: Request) -> Response:
        if _reviewer(review, request) is None:
            return pages.page("login", status=401, is_wrong=False)
        found = await _done(review.samples.runs)
        return pages.page("runs", runs=found, can_leave=review.tokens is not None)

    @app.get(f"{_HOME}/runs/{{run}}", include_in_schema=False)
    async def run_page(request: Request, run: str) -> Response:
        if _reviewer(review, request) is None:
            return pages.page("login", status=401, is_wrong=False)
        await _done(lambda: review.samples.worklist(run))
        return pages.page("run", run=run)


def _add_session(app: FastAPI, review: Review) -> None:
    @app.post(f"{_HOME}/session", include_in_schema=False)
    async def begin(request: Request) -> Response:
        check_origin(request.headers)
        form = parse_qs((await bytes_of(request, seconds=review.time_limit_seconds)).decode(errors="replace"))
        token = form.get("token", [""])[0].strip()
        if not may_ask(review.tokens, token):
            return pages.page("login", status=401, is_wrong=True)
        response = RedirectResponse(_HOME, 303)
        sign_in(response, token)
        return response

    @app.post(f"{_HOME}/session/end", include_in_schema=False)
    async def end(request: Request) -> Response:
        check_origin(request.headers)
        response = RedirectResponse(_HOME, 303)
        sign_out(response)
        return response


def _add_looking(app: FastAPI, review: Review) -> None:
    samples = review.samples

    @app.get(f"{_HOME}/runs/{{run}}/work", include_in_schema=False)
    async def work(request: Request, run: str) -> Response:
        _known(review, request)

        def found() -> dict[str, object]:
            names = [task.image for task in samples.worklist(run)]
            with reading(samples.ledger) as connection:
                return told_work(names, marks_of(connection, run), looked_at(connection, run))

        return JSONResponse(await _done(found))

    @app.get(f"{_HOME}/runs/{{run}}/pictures/{{number}}", include_in_schema=False)
    async def picture(request: Request, run: str, number: int) -> Response:
        _known(review, request)
        found = await _done(lambda: samples.picture(run, number))
        headers = {
            "Baas-Projection": found.projection,
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cross-Origin-Resource-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
        }
        return Response(found.data, media_type=f"image/{format_of(found.data)}", headers=headers)

    @app.put(f"{_HOME}/runs/{{run}}/pictures/{{number}}", include_in_schema=False)
    async def look(request: Request, run: str, number: int) -> Response:
        reviewer = _writer(review, request)
        told = await body_of(request, Look, seconds=review.time_limit_seconds)

        def note() -> None:
            # What cannot be shown was not looked at.
            image = samples.picture(run, number).image if told.done else samples.image(run, number)
            with transaction(samples.ledger) as connection:
                if told.done:
                    note_look(connection, image.id, reviewer=reviewer)
                else:
                    take_back_look(connection, image.id)

        await _done(note)
        return Response(status_code=204)


def _add_marking(app: FastAPI, review: Review) -> None:
    samples = review.samples

    @app.post(f"{_HOME}/runs/{{run}}/pictures/{{number}}/marks", include_in_schema=False)
    async def mark(request: Request, run: str, number: int) -> Response:
        reviewer = _writer(review, request)
        new = await body_of(request, NewMark, seconds=review.time_limit_seconds)

        def add() -> dict[str, object]:
            picture = samples.picture(run, number)
            finding = new.finding(picture)
            with transaction(samples.ledger) as connection:
                return told_mark(add_mark(connection, picture.image.id, finding, reviewer=reviewer), finding)

        return JSONResponse(await _done(add), 201)

    @app.delete(f"{_HOME}/runs/{{run}}/marks/{{mark}}", include_in_schema=False)
    async def undo(request: Request, run: str, mark: int) -> Response:
        _writer(review, request)

        def remove() -> bool:
            with transaction(samples.ledger) as connection:
                return remove_mark(connection, run, mark)

        if not await _done(remove):
            raise Refused(Refusal.NOT_FOUND, "There is no such mark: somebody took it back already.")
        return Response(status_code=204)


def _reviewer(review: Review, request: Request) -> str | None:
    return reviewer_of(review.tokens, request.headers, request.cookies)


def _known(review: Review, request: Request) -> str:
    """Return who asks. Raises `Refused` for a stranger."""
    reviewer = _reviewer(review, request)
    if reviewer is None:
        raise Refused(Refusal.UNAUTHORIZED, _STRANGER)
    return reviewer


def _writer(review: Review, request: Request) -> str:
    """Return who wants to change something. Raises `Refused` for a stranger, and for what another site's page sends."""
    reviewer = _known(review, request)
    check_origin(request.headers)
    return reviewer


async def _done(work: Callable[[], T]) -> T:
    """Return what `work` returns on a thread. Raises `Refused` for every error of ours."""
    try:
        return await asyncio.to_thread(work)
    except NotPublishable as error:
        raise Refused(Refusal.NOT_AS_PUBLISHED, f"This picture cannot be shown: {error}") from error
    except BaasError as error:
        raise Refused(Refusal.PLACE_AWAY, f"The ledger or the samples cannot be read: {error}") from error
