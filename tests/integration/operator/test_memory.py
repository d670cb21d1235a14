"""What the operator remembers saves questions, and misleads nobody."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from baas_operator.names import Key
from baas_operator.settle import settle
from baas_operator.spans import Look
from baas_operator.world import World
from tests.blurjobs import with_change

from .api_server import ApiServer, Object, api_server
from .worlds import BLURJOBS, failed_long_ago, world

KEY = Key(namespace="panoramas", name="amsterdam")


def in_a_world(blurjob: Object, folder: Path, story: Callable[[World, ApiServer], Awaitable[None]]) -> None:
    async def go(api: ApiServer) -> None:
        async with world(api, folder / "ledger.sqlite") as it:
            await story(it, api)

    with api_server() as api:
        api.objects[f"{BLURJOBS}/amsterdam"] = blurjob
        asyncio.run(go(api))


async def look(it: World) -> None:
    with Look(KEY) as one:
        await settle(KEY, it, one)


def test_a_look_at_which_nothing_is_new_asks_kubernetes_nothing(tmp_path: Path) -> None:
    blurjob = failed_long_ago("amsterdam")

    async def story(it: World, api: ApiServer) -> None:
        it.memory.learn(blurjob)
        await look(it)
        assert api.asked, "the notebook is in no watch"
        api.asked.clear()
        await look(it)
        assert not api.asked

    in_a_world(blurjob, tmp_path, story)


def test_nothing_is_done_or_told_because_memory_is_behind(tmp_path: Path) -> None:
    blurjob = failed_long_ago("amsterdam")
    before = with_change(blurjob, {"status": None})

    async def story(it: World, api: ApiServer) -> None:
        it.memory.learn(before)
        it.memory.note(before["metadata"]["uid"], None)
        await look(it)
        assert {asked.split()[0] for asked in api.asked} == {"GET"}
        assert api.blurjob("panoramas", "amsterdam") == blurjob

    in_a_world(blurjob, tmp_path, story)


def test_a_blurjob_that_is_gone_is_forgotten_by_whoever_looks(tmp_path: Path) -> None:
    blurjob = failed_long_ago("amsterdam")

    async def story(it: World, api: ApiServer) -> None:
        it.memory.learn(blurjob)
        api.objects.clear()
        await look(it)
        assert it.memory.recall(KEY) is None
        assert not it.memory.knows(blurjob)

    in_a_world(blurjob, tmp_path, story)
