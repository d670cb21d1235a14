"""Sends notices to somebody's HTTP address, one after the other, beside the work. What cannot be sent is dropped."""

import asyncio
import json
import logging
from collections.abc import Iterable
from http import HTTPStatus

import aiohttp
from pydantic import SecretStr

from baas_operator.notices import CONTENT_TYPE, Notice

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 10.0
PAUSES = (1.0, 4.0, 15.0, 60.0)
"""Seconds before each further try."""
QUEUE_LIMIT = 1000
"""So many notices may wait; further ones are dropped."""
DRAIN_SECONDS = 5.0
_WAITING_HELPS = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


class Webhook:
    """An address that wants to be told. Without one nothing is sent."""

    def __init__(
        self, url: SecretStr | None, token: SecretStr | None = None, *, pauses: tuple[float, ...] = PAUSES
    ) -> None:
        self._url = url
        self._token = token
        self._pauses = pauses
        self._waiting: asyncio.Queue[Notice] = asyncio.Queue(QUEUE_LIMIT)
        self._unsent = 0

    def put(self, notices: Iterable[Notice]) -> None:
        """Have notices sent; never waits."""
        if self._url is None:
            return
        for notice in notices:
            try:
                self._waiting.put_nowait(notice)
                self._unsent += 1
            except asyncio.QueueFull:
                logger.warning("Too many notices wait to be sent: one is dropped.", extra=_facts(notice))

    async def send_for_ever(self) -> None:
        """Send what was put, until cancelled."""
        if self._url is None:
            return
        headers = {"Content-Type": CONTENT_TYPE}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token.get_secret_value()}"
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
            while True:
                notice = await self._waiting.get()
                await self._send(session, self._url.get_secret_value(), notice)
                self._waiting.task_done()
                self._unsent -= 1

    async def drain(self) -> None:
        """Wait a little until all that was put is sent, before the process ends. What is not sent then is lost."""
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                await self._waiting.join()
        except TimeoutError:
            logger.error("%d notices could not be sent before the operator ended: they are dropped.", self._unsent)

    async def _send(self, session: aiohttp.ClientSession, url: str, notice: Notice) -> None:
        for pause in (*self._pauses, None):
            problem, helps_to_wait = await _post(session, url, notice)
            if not problem:
                return
            if pause is None or not helps_to_wait:
                logger.error("A notice could not be sent: %s", problem, extra=_facts(notice))
                return
            logger.warning("A notice could not be sent: %s Again in %.0f s.", problem, pause, extra=_facts(notice))
            await asyncio.sleep(pause)


async def _post(session: aiohttp.ClientSession, url: str, notice: Notice) -> tuple[str, bool]:
    """Return what went wrong, empty if nothing, and whether it may go well later."""
    try:
        # Whoever redirects would be handed the token.
        async with session.post(url, data=json.dumps(notice), allow_redirects=False) as answer:
            status = answer.status
    except (aiohttp.ClientError, OSError, ValueError) as error:
        # What the error says may hold the address, and that a password.
        return f"{type(error).__name__}.", True
    if status < HTTPStatus.MULTIPLE_CHOICES:
        return "", False
    return f"the webhook answered {status}.", status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _WAITING_HELPS


def _facts(notice: Notice) -> dict[str, object]:
    return {"facts": {"event": notice["type"], "event_id": notice["id"], "run": notice["data"]["runId"]}}
