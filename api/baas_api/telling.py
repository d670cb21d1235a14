"""Around each request: its span, its metrics, its line in the log; and that no cache keeps the answer."""

import logging

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from baas_api.measures import Told, request_span

logger = logging.getLogger(__name__)

PROBES = frozenset({"/healthz", "/readyz"})
"""Asked every few seconds, and worth no line."""
_TOLD = "baas.told"


def told(request: Request) -> Told:
    """Return what is told of a request when it is answered."""
    found: Told = request.scope[_TOLD]
    return found


class Telling:
    """An ASGI application around another one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the other does."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        about = scope[_TOLD] = Told(scope["method"])

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                about.status = message["status"]
                # A template of ours, never the path: that may hold a name.
                about.route = getattr(scope.get("route"), "path", about.route)
                MutableHeaders(scope=message).setdefault("Cache-Control", "no-store")
            await send(message)

        if scope["path"] in PROBES:
            await self._app(scope, receive, sent)
            return
        with request_span(about, Headers(scope=scope)):
            try:
                await self._app(scope, receive, sent)
            finally:
                _log(about)


def _log(about: Told) -> None:
    facts = {"method": about.method, "route": about.route, "status": about.status, **about.facts}
    facts["seconds"] = round(about.seconds, 3)
    logger.log(logging.WARNING if about.status >= 500 else logging.INFO, "request answered", extra={"facts": facts})
