"""Many callers of one library at once, in one process and in several, over one database."""

from __future__ import annotations

import asyncio
import multiprocessing
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from benchmarks.caching.libraries import LIBRARIES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

    from benchmarks.caching.libraries import Face
    from benchmarks.caching.servers import Servers

# As many queries run at a time; whoever finds no connection waits for one, as in an application.
_DATABASE_CONNECTIONS = 40
_PATIENCE_SECONDS = 60.0
_OPTIONS: dict[str, Any] = {"autocommit": True, "row_factory": dict_row}

# Forked from a process that has imported everything and has no threads: ready in milliseconds.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__])


@dataclass(frozen=True)
class Answer:
    """What one caller got: a row or an error's name, and how long that took."""

    row: dict[str, Any] | None
    error: str | None
    seconds: float


@dataclass(frozen=True)
class Call:
    """So many callers in one process are to look a key up, kept for so long, that one query loads."""

    key: str
    query: str
    callers: int
    fresh: float


@dataclass(frozen=True)
class Invalidate:
    """One process is to forget a key that is kept for so long."""

    key: str
    fresh: float


class Member:
    """One process of a crowd, from outside."""

    def __init__(self, library: str, servers: Servers, connections: int) -> None:
        self._pipe, theirs = _processes.Pipe()
        self.process: BaseProcess = _processes.Process(
            target=_work, args=(library, servers, connections, theirs), daemon=True
        )
        self.process.start()
        theirs.close()

    def begin(self, task: Call | Invalidate) -> None:
        """Give it something to do."""
        self._pipe.send(task)

    def answers(self) -> list[Answer]:
        """What its callers got, when the last of them has."""
        answers: list[Answer] = self._pipe.recv()
        return answers

    def has_answered(self, within: float) -> bool:
        """Whether it is done within so many seconds."""
        return self._pipe.poll(within)

    def stop(self) -> None:
        """End it, whatever it is doing."""
        self.process.kill()
        self.process.join()
        self._pipe.close()


@contextmanager
def crowd(library: str, servers: Servers, members: int) -> Iterator[Sequence[Member]]:
    """So many processes that use a library, and share the database's connections."""
    with ExitStack() as stack:
        started = []
        for _ in range(members):
            member = Member(library, servers, _DATABASE_CONNECTIONS // members)
            stack.callback(member.stop)
            started.append(member)
        yield started


def together(members: Sequence[Member], task: Call) -> list[Answer]:
    """Give all the same to do at once; what everybody got."""
    for member in members:
        member.begin(task)
    return [answer for member in members for answer in member.answers()]


def _work(library: str, servers: Servers, connections: int, pipe: Connection) -> None:
    known = LIBRARIES[library]
    # One for each freshness, as an application has one for each kind of value.
    opened = cache(partial(known.open, servers))
    if known.asynchronous:
        asyncio.run(_work_in_tasks(opened, servers, connections, pipe))
    else:
        _work_in_threads(opened, servers, connections, pipe)


def _work_in_threads(opened: Callable[[float], Face], servers: Servers, connections: int, pipe: Connection) -> None:
    with ConnectionPool(
        servers.conninfo,
        kwargs=_OPTIONS,
        min_size=connections,
        max_size=connections,
        timeout=_PATIENCE_SECONDS,
        open=True,
    ) as database:
        database.wait()

        def load(query: str) -> Any:
            with database.connection() as connection:
                return connection.execute(query.encode()).fetchone()

        while True:
            task = pipe.recv()
            face = opened(task.fresh)
            if isinstance(task, Invalidate):
                face.invalidate(task.key)
                pipe.send([])
            else:
                pipe.send(_in_threads(task.callers, partial(face.get, task.key, partial(load, task.query))))


def _in_threads(callers: int, look_up: Callable[[], Any]) -> list[Answer]:
    answers: list[Answer] = []
    ready = threading.Barrier(callers)

    def call() -> None:
        ready.wait()
        started_at = time.monotonic()
        try:
            row, error = look_up(), None
        except Exception as caught:  # noqa: BLE001 - counted
            row, error = None, type(caught).__name__
        answers.append(Answer(row, error, time.monotonic() - started_at))

    threads = [threading.Thread(target=call) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


async def _work_in_tasks(opened: Callable[[float], Face], servers: Servers, connections: int, pipe: Connection) -> None:
    async with AsyncConnectionPool(
        servers.conninfo,
        kwargs=_OPTIONS,
        min_size=connections,
        max_size=connections,
        timeout=_PATIENCE_SECONDS,
        open=False,
    ) as database:
        await database.wait()

        async def load(query: str) -> Any:
            async with database.connection() as connection:
                return await (await connection.execute(query.encode())).fetchone()

        while True:
            # In a thread, so that refreshes in the background go on.
            task = await asyncio.to_thread(pipe.recv)
            face = opened(task.fresh)
            if isinstance(task, Invalidate):
                await face.invalidate(task.key)
                pipe.send([])
            else:
                pipe.send(await _in_tasks(task.callers, partial(face.get, task.key, partial(load, task.query))))


async def _in_tasks(callers: int, look_up: Callable[[], Awaitable[Any]]) -> list[Answer]:
    async def call() -> Answer:
        started_at = time.monotonic()
        try:
            row, error = await look_up(), None
        except Exception as caught:  # noqa: BLE001 - counted
            row, error = None, type(caught).__name__
        return Answer(row, error, time.monotonic() - started_at)

    return await asyncio.gather(*(call() for _ in range(callers)))
