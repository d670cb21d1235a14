"""What the operator asks of the ledger. SQLAlchemy blocks, so each question runs in a thread."""

import asyncio
from collections.abc import Callable, Collection
from typing import TypeVar

from sqlalchemy import Connection, Engine

from baas_crds.errors import BaasError, ConfigurationError
from baas_ledger.abandon import Mark, abandon, marks_of_unfinished, unfinished_blurjobs
from baas_ledger.engine import open_ledger, reading, transaction
from baas_ledger.progress import read_progress
from baas_ledger.reopen import retry_quarantined
from baas_ledger.runs import find_run, finish_run
from baas_ledger.samples import samples_of
from baas_operator.observed import Ledger, NotReady

Answer = TypeVar("Answer")
TIMEOUT_SECONDS = 30.0
"""A database that hangs must not hang the operator."""


class LedgerEdge:
    """The ledger at a URL. Opened on first use, and again until it is there and has the right schema."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._engine: Engine | None = None
        self._opening = asyncio.Lock()

    async def look(self, run_id: str) -> Ledger | NotReady:
        """Return what the ledger says of a run, or why it cannot say anything."""

        def read(connection: Connection) -> Ledger:
            run = find_run(connection, run_id)
            if run is None:
                return Ledger(run=None)
            told = tuple(sample.message for sample in samples_of(connection, run_id))
            return Ledger(run=run, progress=read_progress(connection, run_id), samples=told)

        try:
            return await self._ask(read)
        except ConfigurationError as error:
            return NotReady(reason="NotUsable", message=str(error))
        except BaasError as error:
            return NotReady(reason="Unavailable", message=str(error))
        except TimeoutError:
            return NotReady(reason="Unavailable", message=f"The ledger gave no answer in {TIMEOUT_SECONDS:.0f} s.")

    async def retry_quarantined(self, run_id: str) -> None:
        """Send a run's quarantined images back to be done again."""
        await self._ask(lambda connection: retry_quarantined(connection, run_id), writes=True)

    async def finish(self, run_id: str) -> None:
        """Note that a run has nothing left to do."""
        await self._ask(lambda connection: finish_run(connection, run_id), writes=True)

    async def unfinished_runs(self, namespaces: Collection[str] | None) -> list[str]:
        """Return the ids of runs that belong to BlurJobs of these namespaces, of all if None, and are not over."""
        return await self._ask(lambda connection: unfinished_blurjobs(connection, namespaces))

    async def marks(self, namespaces: Collection[str] | None) -> dict[str, Mark]:
        """Return a mark of each such run by its id: it stays the same as long as nothing about the run changes."""
        return await self._ask(lambda connection: marks_of_unfinished(connection, namespaces))

    async def abandon(self, run_ids: Collection[str]) -> None:
        """Note that the BlurJobs of these runs are gone."""
        await self._ask(lambda connection: abandon(connection, run_ids), writes=True)

    async def close(self) -> None:
        """Give back the connections."""
        if self._engine is not None:
            await asyncio.to_thread(self._engine.dispose)

    async def _ask(self, question: Callable[[Connection], Answer], *, writes: bool = False) -> Answer:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            engine = await self._opened()
            return await asyncio.to_thread(_answer, engine, question, writes=writes)

    async def _opened(self) -> Engine:
        async with self._opening:
            if self._engine is None:
                self._engine = await asyncio.to_thread(open_ledger, self._url, migrate=False)
            return self._engine


def _answer(engine: Engine, question: Callable[[Connection], Answer], *, writes: bool) -> Answer:
    with transaction(engine) if writes else reading(engine) as connection:
        return question(connection)
