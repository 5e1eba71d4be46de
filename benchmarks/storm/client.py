"""One process of the storm: a client with a cache and a session store, which are interrupted in all ways.

``python -m benchmarks.storm.client JSON`` prints what it counted as JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import json
import os
import random
import select
import signal
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from elasticache_client import ConnectionSettings, connect, connect_async
from elasticache_client.caching import AsyncCache, Cache, LoadFailed
from elasticache_client.sessions import AsyncSessions, Sessions

if TYPE_CHECKING:
    from collections.abc import Callable

_KEYS = 300
_USERS = 50
_THREADS = 3
_TASKS = 16
_TTL = 3600
_DISTURBED = 0.2
_MAX_INTERRUPT_SECONDS = 0.001
_FORK_EVERY = 500
_CHILD_REQUESTS = 30
_CHILD_SECONDS = 30.0
_TRACEBACK_SECONDS = 1.0
_SAMPLE_SECONDS = 0.05
_STUCK_SECONDS = 120.0
_ALARM_SECONDS = 5.0


class Interrupted(Exception):  # noqa: N818 - as RQ's JobTimeoutException or Celery's SoftTimeLimitExceeded
    """Raised by a signal handler, at any place."""


@dataclass
class Seen:
    """Counts of the requests' results.

    Attributes:
        right: Answers that belong to their request.
        lost: Reads of values that were written and lost, as a killed server loses them.
        wrong: Answers that belong to another request.
        foreign: Sessions of another user.
        interrupted: Requests that were interrupted or cancelled, or whose load was interrupted in another thread.
        example: One of the wrong or foreign answers.
        failures: Times, by `time.monotonic`, at which requests failed without an interrupt.
        errors: Number of failures by error.
        bypasses: Times at which the cache was bypassed.
        forks: Child processes that ended.
        hung: Child processes and threads that did not end.
    """

    right: int = 0
    lost: int = 0
    wrong: int = 0
    foreign: int = 0
    interrupted: int = 0
    example: str = ""
    failures: list[float] = field(default_factory=list)
    errors: dict[str, int] = field(default_factory=dict)
    bypasses: list[float] = field(default_factory=list)
    forks: int = 0
    hung: int = 0

    def judge(self, key: str, answer: Any) -> None:
        """Count an answer for a key."""
        if answer is None:
            self.lost += 1
        elif answer == value_of(key):
            self.right += 1
        else:
            self.wrong += 1
            self.example = f"asked for {key}, got {answer!r:.80}"

    def judge_session(self, user: str, session: Any) -> None:
        """Count a session of a user."""
        if session.user is None:
            self.lost += 1
        elif session.user == user and session.get("of") == user:
            self.right += 1
        else:
            self.foreign += 1
            self.example = f"the cookie of {user} opened the session of {session.user}"

    def failed(self, error: BaseException) -> None:
        """Count a request that failed, as interrupted if it waited for a load that was."""
        if isinstance(error, LoadFailed) and Interrupted.__name__ in str(error):
            self.interrupted += 1
            return
        self.failures.append(time.monotonic())
        cause = error.__cause__
        name = f"{type(error).__name__} from {cause!r:.90}" if cause else f"{error!r:.90}"
        self.errors[name] = self.errors.get(name, 0) + 1

    @property
    def answers(self) -> int:
        """The number of requests with an answer."""
        return self.right + self.lost + self.wrong + self.foreign

    @property
    def ended(self) -> int:
        """The number of requests that ended in any way."""
        return self.answers + self.interrupted + len(self.failures)

    def add(self, other: Seen) -> None:
        """Add the counts of another thread or process."""
        for name in ("right", "lost", "wrong", "foreign", "interrupted", "forks", "hung"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.example = self.example or other.example
        self.failures += other.failures
        self.bypasses += other.bypasses
        for error, count in other.errors.items():
            self.errors[error] = self.errors.get(error, 0) + count


def value_of(key: str) -> bytes:
    """The value that is stored under a key."""
    return f"the value of {key}".encode()


class _Application:
    """The requests of threads: read a key, look up a value, open a session."""

    def __init__(self, settings: ConnectionSettings, library: Any) -> None:
        self.client: Any = connect(settings, library=library)
        self.cache = Cache(self.client, prefix="storm")
        self.sessions = Sessions(self.client)
        self.cookies: dict[str, str] = {}

    def serve(self, seen: Seen) -> None:
        """Make a random request."""
        kind, key, user = _drawn()
        if kind == "read":
            answer = self.client.get(key)
            seen.judge(key, answer)
            if answer is None:
                self.client.set(key, value_of(key))
        elif kind == "look up":
            found = self.cache.get_or_load(key, lambda: value_of(key).decode(), ttl=_TTL, type=str)
            seen.judge(key, found.encode())
        else:
            session = self.sessions.load(self.cookies.get(user))
            seen.judge_session(user, session)
            if session.user is None:
                session.renew(user)
                session["of"] = user
                change = self.sessions.save(session)
                if change is not None:
                    self.cookies[user] = change.value

    def work(self, seen: Seen, is_over: Callable[[], bool]) -> None:
        """Make requests without interrupts."""
        while not is_over():
            try:
                self.serve(seen)
            except Exception as error:  # noqa: BLE001 - counted
                seen.failed(error)

    def work_interrupted(self, seen: Seen, interrupts: _Interrupts) -> None:
        """Make a request that a signal may interrupt, as it can in the main thread only."""
        try:
            try:
                if _is_disturbed():
                    interrupts.arm()
                self.serve(seen)
            finally:
                interrupts.disarm()
        except Interrupted:
            seen.interrupted += 1
        except Exception as error:  # noqa: BLE001 - counted
            if _caused_by_interrupt(error):
                seen.interrupted += 1
            else:
                seen.failed(error)


class _AsyncApplication:
    """The requests of tasks: read a key, look up a value, open a session."""

    def __init__(self, settings: ConnectionSettings, library: Any) -> None:
        self.client: Any = connect_async(settings, library=library)
        self.cache = AsyncCache(self.client, prefix="storm")
        self.sessions = AsyncSessions(self.client)
        self.cookies: dict[str, str] = {}

    async def serve(self, seen: Seen) -> None:
        """Make a random request."""
        kind, key, user = _drawn()
        if kind == "read":
            answer = await self.client.get(key)
            seen.judge(key, answer)
            if answer is None:
                await self.client.set(key, value_of(key))
        elif kind == "look up":

            async def load() -> str:
                return value_of(key).decode()

            found = await self.cache.get_or_load(key, load, ttl=_TTL, type=str)
            seen.judge(key, found.encode())
        else:
            session = await self.sessions.load(self.cookies.get(user))
            seen.judge_session(user, session)
            if session.user is None:
                session.renew(user)
                session["of"] = user
                change = await self.sessions.save(session)
                if change is not None:
                    self.cookies[user] = change.value

    async def work(self, seen: Seen, requests: int) -> None:
        """Make requests and cancel some of them."""
        while seen.answers < requests:
            task = asyncio.ensure_future(self.serve(seen))
            if _is_disturbed():
                seconds = random.uniform(0, 2 * _MAX_INTERRUPT_SECONDS)  # noqa: S311 - nothing secret
                asyncio.get_running_loop().call_later(seconds, task.cancel)
            try:
                await task
            except asyncio.CancelledError:
                seen.interrupted += 1
            except Exception as error:  # noqa: BLE001 - counted
                seen.failed(error)


def storm(settings: ConnectionSettings, library: Any, requests: int) -> Seen:
    """Run threads that share one client; the main thread is interrupted and forks."""
    application = _Application(settings, library)
    seen, others = Seen(), [Seen() for _ in range(_THREADS)]
    over = threading.Event()
    threads = [threading.Thread(target=application.work, args=(counts, over.is_set), daemon=True) for counts in others]
    threads.append(threading.Thread(target=_watch, args=(application.cache, seen, over), daemon=True))
    interrupts = _Interrupts()
    for thread in threads:
        thread.start()
    since_fork = 0
    while sum(counts.answers for counts in (seen, *others)) < requests:
        application.work_interrupted(seen, interrupts)
        since_fork += 1
        if since_fork >= _FORK_EVERY:
            since_fork = 0
            _fork(seen, application.serve)
    over.set()
    for thread in threads:
        thread.join(_CHILD_SECONDS)
        if thread.is_alive():
            seen.hung += 1
            faulthandler.dump_traceback()  # where it hangs
    for counts in others:
        seen.add(counts)
    return seen


async def storm_async(settings: ConnectionSettings, library: Any, requests: int) -> Seen:
    """Run tasks that share one client; some of their requests are cancelled."""
    application = _AsyncApplication(settings, library)
    seen = Seen()
    over = threading.Event()
    watch = threading.Thread(target=_watch, args=(application.cache, seen, over), daemon=True)
    watch.start()
    await asyncio.gather(*(application.work(seen, requests) for _ in range(_TASKS)))
    over.set()
    watch.join()
    with contextlib.suppress(Exception):
        await application.client.aclose()
    return seen


def _drawn() -> tuple[str, str, str]:
    number = random.randrange(_KEYS)  # noqa: S311 - nothing secret
    kind = random.choice(("read", "look up", "open a session"))  # noqa: S311 - nothing secret
    return kind, f"key-{number}", f"user-{number % _USERS}"


def _is_disturbed() -> bool:
    return random.random() < _DISTURBED  # noqa: S311 - nothing secret


class _Interrupts:
    """Raises `Interrupted` in the main thread while it makes a request, and never afterwards."""

    def __init__(self) -> None:
        self._is_armed = False
        signal.signal(signal.SIGALRM, self._interrupt)

    def arm(self) -> None:
        """Interrupt this thread within a millisecond.

        Not by `sys.setprofile`, which reaches more places: an exception in its function ends CPython 3.11 with a
        segmentation fault now and then.
        """
        self._is_armed = True
        seconds = random.uniform(1e-5, _MAX_INTERRUPT_SECONDS)  # noqa: S311 - nothing secret
        signal.setitimer(signal.ITIMER_REAL, seconds)

    def disarm(self) -> None:
        """Raise nothing from now on, also if the signal has come and its handler has not run yet."""
        self._is_armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _interrupt(self, *_: object) -> None:
        if self._is_armed:
            self._is_armed = False
            raise Interrupted


def _watch(cache: Any, seen: Seen, over: threading.Event) -> None:
    before, ended, set_at = 0, -1, -_ALARM_SECONDS
    while not over.wait(_SAMPLE_SECONDS):
        now, moment = cache.stats.bypassed, time.monotonic()
        if now != before:
            seen.bypasses.append(moment)
            before = now
        # A storm may take long. One whose main thread ends no request for two minutes is stuck.
        if seen.ended != ended and moment - set_at >= _ALARM_SECONDS:
            ended, set_at = seen.ended, moment
            faulthandler.dump_traceback_later(_STUCK_SECONDS, exit=True)


def _fork(seen: Seen, request: Callable[[Seen], None]) -> None:
    """Fork a child that uses its parent's client, and add its counts."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        result = Seen()
        with contextlib.suppress(BaseException):
            for _ in range(_CHILD_REQUESTS):
                try:
                    request(result)
                except Exception as error:  # noqa: BLE001 - counted
                    result.failed(error)
            os.write(writer, json.dumps(asdict(result)).encode())
        os._exit(0)
    os.close(writer)
    ready, _, _ = select.select([reader], [], [], _CHILD_SECONDS)
    if ready:
        with os.fdopen(reader, "rb") as pipe:
            report = json.loads(pipe.read() or b"{}")
        seen.add(Seen(**report))
        seen.forks += 1
    else:
        os.close(reader)
        # It prints where it hangs.
        os.kill(child, signal.SIGUSR1)
        time.sleep(_TRACEBACK_SECONDS)
        os.kill(child, signal.SIGKILL)
        seen.hung += 1
    os.waitpid(child, 0)


def _caused_by_interrupt(error: BaseException) -> bool:
    chain: BaseException | None = error
    while chain is not None:
        if isinstance(chain, Interrupted):
            return True
        chain = chain.__cause__ or chain.__context__
    return False


def main() -> None:
    """Run the storm that the argument describes."""
    # Not dump_traceback_later() in children: its thread and lock are those of the parent.
    faulthandler.register(signal.SIGUSR1)
    faulthandler.dump_traceback_later(_STUCK_SECONDS, exit=True)
    order = json.loads(sys.argv[1])
    settings = ConnectionSettings(**order["settings"])
    if order["asynchronous"]:
        seen = asyncio.run(storm_async(settings, order["library"], order["requests"]))
    else:
        seen = storm(settings, order["library"], order["requests"])
    sys.stdout.write(json.dumps(asdict(seen)))
    sys.stdout.flush()
    os._exit(0)  # does not wait for threads that hang


if __name__ == "__main__":
    main()
