"""`/healthz` for the liveness probe. Metrics have a server of their own, OpenTelemetry's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from baas_operator.monitor import Monitor


@asynccontextmanager
async def serve(monitor: Monitor, *, port: int) -> AsyncIterator[None]:
    """Answer on all addresses while the block runs."""

    async def health(_: web.Request) -> web.Response:
        ailment = monitor.ailment()
        return web.Response(text=ailment or "ok", status=503 if ailment else 200)

    application = web.Application()
    application.router.add_get("/healthz", health)
    runner = web.AppRunner(application, handle_signals=False, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, port=port).start()
        yield
    finally:
        await runner.cleanup()
