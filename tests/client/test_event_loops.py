"""Using an asyncio client on a second event loop raises one clear error, regardless of what wraps the client."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from elasticache_client import ConnectionSettings, EventLoopError, connect_async
from elasticache_client.caching import AsyncCache
from elasticache_client.leaderboard import AsyncLeaderboard
from elasticache_client.sessions import AsyncSessions
from local_servers.certificates import HOST

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from tests.client.engines import Engine

_COOKIE = "A" * 22 + "." + "A" * 22


async def _load() -> int:
    return 1


async def _session(sessions: AsyncSessions) -> None:
    session = await sessions.load(None)
    session.renew("ada")
    await sessions.save(session)


WRAPPED: dict[str, Callable[[Any], Callable[[], Coroutine[Any, Any, Any]]]] = {
    "a client": lambda client: partial(client.ping),
    "a cache": lambda client: partial(AsyncCache(client, prefix="t").get_or_load, "a", _load, ttl=60),
    "sessions": lambda client: partial(_session, AsyncSessions(client)),
    "a board": lambda client: partial(AsyncLeaderboard(client, "game").submit, "ada", 1),
}


@pytest.fixture(name="settings")
def _settings(engine: Engine) -> ConnectionSettings:
    engine.admin.execute_command("ACL", "SETUSER", "default", "on", "nopass", "~*", "&*", "+@all")
    return ConnectionSettings(engine="redis", host=HOST, port=engine.port, tls=False, mode="standalone", auth="none")


@pytest.mark.parametrize("library", ["redis", "valkey"])
@pytest.mark.parametrize("wrapped", WRAPPED)
def test_another_loop(library: Any, wrapped: str, settings: ConnectionSettings) -> None:
    """Each use on the second loop raises the error, and on the first loop the client continues to work."""
    with asyncio.Runner() as own:

        async def make() -> Any:
            return connect_async(settings, library=library)

        client = own.run(make())
        use = WRAPPED[wrapped](client)
        own.run(use())
        for _ in range(2):
            with pytest.raises(EventLoopError, match=r"Make a client on each loop, or keep one loop.*asyncio\.Runner"):
                asyncio.run(use())
        own.run(use())
        own.run(client.aclose())


def test_two_loops_at_once(settings: ConnectionSettings) -> None:
    """A thread with its own loop gets the error while the first loop is running."""
    errors: list[BaseException] = []

    async def main() -> None:
        client = connect_async(settings)
        await client.ping()

        def run() -> None:
            try:
                asyncio.run(WRAPPED["a client"](client)())
            except EventLoopError as error:
                errors.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        await asyncio.to_thread(thread.join)
        await client.aclose()

    asyncio.run(main())
    assert len(errors) == 1
