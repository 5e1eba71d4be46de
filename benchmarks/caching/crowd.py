"""Many concurrent callers of one library, in one or several processes, with one database."""

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

    from benchmarks.caching.libraries import OpenLibrary
    from benchmarks.caching.servers import Servers

# The maximum number of concurrent queries; other callers wait for a connection, as in an application.
_DATABASE_CONNECTIONS = 40
_CONNECTION_TIMEOUT_SECONDS = 60.0
_OPTIONS: dict[str, Any] = {"autocommit": True, "row_factory": dict_row}

# Forked from a process with all imports and no threads, so that a process is ready in milliseconds.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__])


@dataclass(frozen=True)
class Answer:
    """What one caller got.

    Attributes:
        row: The value, if there was no error.
        error: Name of the error's type, if there was one.
        seconds: How long it took.
    """

    row: dict[str, Any] | None
    error: str | None
    seconds: float


@dataclass(frozen=True)
class Call:
    """A task for one process: several callers look up one key.

    Attributes:
        key: The key.
        query: The query that loads its value.
        callers: Number of callers.
        fresh: For how many seconds the value is kept.
    """

    key: str
    query: str
    callers: int
    fresh: float


@dataclass(frozen=True)
class Invalidate:
    """A task for one process: delete a key from the cache.

    Attributes:
        key: The key.
        fresh: For how many seconds its value is kept.
    """

    key: str
    fresh: float


class Member:
    """The parent's view of one process of a crowd.

    Args:
        library: Name of the library that it uses.
        servers: The servers that it uses.
        connections: Number of its database connections.
    """

    def __init__(self, library: str, servers: Servers, connections: int) -> None:
        self._pipe, theirs = _processes.Pipe()
        self.process: BaseProcess = _processes.Process(
            target=_work, args=(library, servers, connections, theirs), daemon=True
        )
        self.process.start()
        theirs.close()

    def begin(self, task: Call | Invalidate) -> None:
        """Send it a task."""
        self._pipe.send(task)

    def answers(self) -> list[Answer]:
        """Wait for the answers of all its callers."""
        answers: list[Answer] = self._pipe.recv()
        return answers

    def has_answered(self, within: float) -> bool:
        """Whether it completes its task within some seconds."""
        return self._pipe.poll(within)

    def stop(self) -> None:
        """Kill it."""
        self.process.kill()
        self.process.join()
        self._pipe.close()


@contextmanager
def crowd(library: str, servers: Servers, members: int) -> Iterator[Sequence[Member]]:
    """Run processes that use one library and share the database connections, for as long as the block lasts.

    Args:
        library: Name of the library.
        servers: The servers that they use.
        members: Number of processes.
    """
    with ExitStack() as stack:
        started = []
        for _ in range(members):
            member = Member(library, servers, _DATABASE_CONNECTIONS // members)
            stack.callback(member.stop)
            started.append(member)
        yield started


def together(members: Sequence[Member], task: Call) -> list[Answer]:
    """Send all members the same task, and wait for all answers."""
    for member in members:
        member.begin(task)
    return [answer for member in members for answer in member.answers()]


def _work(library: str, servers: Servers, connections: int, pipe: Connection) -> None:
    known = LIBRARIES[library]
    # One per freshness, as an application has one per kind of value.
    opened = cache(partial(known.open, servers))
    if known.asynchronous:
        asyncio.run(_work_in_tasks(opened, servers, connections, pipe))
    else:
        _work_in_threads(opened, servers, connections, pipe)


def _work_in_threads(
    opened: Callable[[float], OpenLibrary], servers: Servers, connections: int, pipe: Connection
) -> None:
    with ConnectionPool(
        servers.conninfo,
        kwargs=_OPTIONS,
        min_size=connections,
        max_size=connections,
        timeout=_CONNECTION_TIMEOUT_SECONDS,
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


async def _work_in_tasks(
    opened: Callable[[float], OpenLibrary], servers: Servers, connections: int, pipe: Connection
) -> None:
    async with AsyncConnectionPool(
        servers.conninfo,
        kwargs=_OPTIONS,
        min_size=connections,
        max_size=connections,
        timeout=_CONNECTION_TIMEOUT_SECONDS,
        open=False,
    ) as database:
        await database.wait()

        async def load(query: str) -> Any:
            async with database.connection() as connection:
                return await (await connection.execute(query.encode())).fetchone()

        while True:
            # In a thread, so that background refreshes continue.
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
