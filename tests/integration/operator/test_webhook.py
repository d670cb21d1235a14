"""Notices reach a real HTTP server, also one that fails at first; and they never hold up who puts them."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from pydantic import SecretStr

from baas_operator import webhook
from baas_operator.notices import Notice
from baas_operator.webhook import QUEUE_LIMIT, Webhook
from baas_telemetry.logs import JsonLine

from .worlds import until

PAUSES = (0.01, 0.01)


@dataclass(slots=True)
class Receiver:
    """A server that answers with one status after the other, then always with 200."""

    answers: Iterator[int]
    url: SecretStr | None = None
    bodies: list[Notice] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.bodies.append(json.loads(await request.text()))
        self.headers.append(dict(request.headers))
        status = next(self.answers, 200)
        return web.Response(status=status, headers={"Location": "/elsewhere"} if status == 307 else {})


@asynccontextmanager
async def receiver(*answers: int) -> AsyncIterator[Receiver]:
    it = Receiver(iter(answers))
    application = web.Application()
    application.router.add_post("/{path:.*}", it.take)
    runner = web.AppRunner(application, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    it.url = SecretStr(f"http://127.0.0.1:{runner.addresses[0][1]}/hooks/pass-word?key=pass-word")
    try:
        yield it
    finally:
        await runner.cleanup()


def notice(number: int) -> Notice:
    return {"type": "t", "id": str(number), "data": {"runId": "run"}}


async def sent(by: Webhook, notices: Sequence[Notice], *, when: Callable[[], bool] = lambda: True) -> None:
    """Send them, and end as the operator does, once something is so."""
    sending = asyncio.create_task(by.send_for_ever())
    by.put(notices)
    await until(when)
    await by.drain()
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)


def test_notices_arrive_in_order_as_cloudevents_with_the_token() -> None:
    async def go() -> None:
        async with receiver() as it:
            await sent(Webhook(it.url, SecretStr("token")), [notice(1), notice(2)])
        assert it.bodies == [notice(1), notice(2)]
        assert {one["Content-Type"] for one in it.headers} == {"application/cloudevents+json"}
        assert {one["Authorization"] for one in it.headers} == {"Bearer token"}

    asyncio.run(go())


@pytest.mark.parametrize(
    ("answers", "arrivals"),
    [
        pytest.param((503, 429), 3, id="it was away for a while"),
        pytest.param((500, 500, 500, 500), 3, id="it stays away"),
        pytest.param((404,), 1, id="it says that no other try helps"),
        pytest.param((307,), 1, id="it sends elsewhere, where the token has no business"),
    ],
)
def test_a_notice_is_tried_again_where_that_may_help_and_not_for_ever(
    answers: tuple[int, ...], arrivals: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def go() -> None:
        async with receiver(*answers) as it:
            await sent(Webhook(it.url, SecretStr("pass-word"), pauses=PAUSES), [notice(1)])
        assert it.bodies == [notice(1)] * arrivals

    with caplog.at_level(logging.INFO):
        asyncio.run(go())
    gave_up = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(gave_up) == (0 if answers == (503, 429) else 1)


def test_an_address_where_nobody_is_stays_out_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def go() -> None:
        nowhere = Webhook(SecretStr("http://127.0.0.1:9/pass-word"), SecretStr("pass-word"), pauses=PAUSES)
        await sent(nowhere, [notice(1)])

    asyncio.run(go())
    lines = [JsonLine().format(record) for record in caplog.records]
    assert len(lines) == 1 + len(PAUSES)
    assert "A notice could not be sent: ClientConnectorError." in lines[-1]
    assert "pass-word" not in "".join(lines)


def test_too_many_notices_are_dropped_instead_of_kept_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    async def go() -> None:
        Webhook(SecretStr("http://127.0.0.1:9/")).put(notice(number) for number in range(QUEUE_LIMIT + 2))

    asyncio.run(go())
    assert len(caplog.records) == 2


def test_what_still_waits_at_the_end_is_counted(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "DRAIN_SECONDS", 0.5)

    async def go() -> None:
        async with receiver(200, 503) as it:
            four = [notice(number) for number in range(4)]
            await sent(Webhook(it.url, pauses=(60,)), four, when=lambda: len(it.bodies) == 2)

    asyncio.run(go())
    assert caplog.messages[-1] == "3 notices could not be sent before the operator ended: they are dropped."


def test_without_an_address_nothing_is_kept() -> None:
    async def go() -> None:
        await sent(Webhook(None), [notice(1)])

    asyncio.run(go())
