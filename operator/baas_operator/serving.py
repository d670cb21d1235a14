"""`/healthz` for the liveness probe and `/metrics` for Prometheus, on two ports."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from baas_operator.monitor import Monitor
from baas_operator.wakeups import Wakeups
from baas_operator.world import Key

Handler = Callable[[web.Request], Awaitable[web.Response]]


@asynccontextmanager
async def serve(monitor: Monitor, wakeups: Wakeups[Key], *, health_port: int, metrics_port: int) -> AsyncIterator[None]:
    """Answer on all addresses while the block runs."""

    async def health(_: web.Request) -> web.Response:
        ailment = monitor.ailment(seconds_behind=wakeups.seconds_behind())
        return web.Response(text=ailment or "ok", status=503 if ailment else 200)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(monitor.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async with _site("/healthz", health, health_port), _site("/metrics", metrics, metrics_port):
        yield


@asynccontextmanager
async def _site(path: str, handler: Handler, port: int) -> AsyncIterator[None]:
    application = web.Application()
    application.router.add_get(path, handler)
    runner = web.AppRunner(application, handle_signals=False, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, port=port).start()
        yield
    finally:
        await runner.cleanup()
