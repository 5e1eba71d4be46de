"""The server as the patterns see it: watched by the breaker, and owed what could not be taken away."""

from __future__ import annotations

import inspect
import logging
import threading
import time
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from elasticache_client.caching.breaker import SLOW_SECONDS, Breaker
from elasticache_client.caching.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from elasticache_client.caching.scripts import Script
    from elasticache_client.caching.steps import Steps, Waits

_logger = logging.getLogger(__name__)

_LIBRARIES = ("redis", "valkey")
_MOST_OWED = 2000
_CROWD = ("Too many connections", "No connection available")
_CROWD_SECONDS = 3.0
_CROWD_POLL_SECONDS = 0.005


class Server:
    """Commands as steps; each raises `Unavailable` where there is no answer.

    Args:
        client: a client of redis-py or valkey-py.
        prefix: what names begin with.
        waits: how to wait for a connection where the client's pool does not.
        asynchronous: whether the client has to be an asyncio one.
    """

    def __init__(self, client: Any, prefix: str, waits: Waits, *, asynchronous: bool) -> None:
        self.breaker = Breaker()
        library = _checked(client, asynchronous=asynchronous)
        self._no_script: type[Exception] = import_module(f"{library}.exceptions").NoScriptError
        self._waits = waits
        self._client = client
        # A cluster's keys lie in many slots: its own method asks each node once.
        self._get_many: Callable[[list[str]], Any] = getattr(client, "mget_nonatomic", client.mget)
        self._prefix = prefix
        self._owed: dict[str, object] = {}
        self._owed_lock = threading.Lock()

    def get(self, key: str) -> Steps[bytes | None]:
        """What is stored for a key."""
        return self._ask(self._client.get, self._name(key))

    def get_at_once(self, key: str) -> bytes | None:
        """The same from a blocking client, without steps, which cost as much as the rest of a hit; None in trouble."""
        if self._owed or not self.breaker.is_calm:
            return None
        started_at = time.monotonic()
        try:
            content: bytes | None = self._client.get(self._name(key))
        except Exception as error:  # noqa: BLE001  # as below
            if not _is_crowd(error):
                self.breaker.failed(time.monotonic() - started_at, error)
            return None
        seconds = time.monotonic() - started_at
        if seconds >= SLOW_SECONDS:
            self.breaker.answered(seconds)
        return content

    def get_many(self, keys: Iterable[str]) -> Steps[list[bytes | None]]:
        """What is stored for the keys, in one trip; in a cluster in one to each node."""
        contents: list[bytes | None] = yield from self._ask(self._get_many, [self._name(key) for key in keys])
        return contents

    def run(self, script: Script, key: str, *arguments: Any) -> Steps[Any]:
        """A script's answer for one key."""
        keys_and_arguments = (2, *self._names(key), *arguments)
        try:
            return (yield from self._ask(self._client.evalsha, script.sha, *keys_and_arguments))
        except self._no_script:
            return (yield from self._ask(self._client.eval, script.text, *keys_and_arguments))

    def run_all(self, script: Script, calls: Sequence[tuple[Any, ...]]) -> Steps[list[Any]]:
        """A script's answers for many keys, in one trip; in a cluster in one to each node."""
        if len(calls) == 1:
            return [(yield from self.run(script, *calls[0]))]
        pipeline = self._client.pipeline(transaction=False)
        for key, *arguments in calls:
            # Cluster pipelines take scripts in no other form.
            pipeline.execute_command("EVAL", script.text, 2, *self._names(key), *arguments)
        answers: list[Any] = yield from self._ask(pipeline.execute)
        return answers

    def remove(self, keys: Sequence[str]) -> Steps[None]:
        """Take values and leases away, now or as soon as the server answers."""
        if keys:
            with self.or_remove_later(keys) as names:
                yield from self._ask(self._client.delete, *names)

    @contextmanager
    def or_remove_later(self, keys: Sequence[str]) -> Iterator[list[str]]:
        """Owe a removal for what cannot be changed now, and go on: the caller's own work is done."""
        names = [name for key in keys for name in self._names(key)]
        try:
            yield names
        except BaseException as error:
            with self._owed_lock:
                room = _MOST_OWED - len(self._owed)
                self._owed |= {name: object() for name in names[:room]}
            if room < len(names):
                _logger.warning("Some values could not be taken away and stay until their ttl: the cache was down")
            if not isinstance(error, Unavailable):
                raise

    def _pay(self) -> Steps[None]:
        owed = dict(self._owed)
        yield from self._send(self._client.delete, *owed)
        with self._owed_lock:
            for name, mark in owed.items():
                if self._owed.get(name) is mark:
                    del self._owed[name]

    def _ask(self, command: Callable[..., Any], *arguments: Any) -> Steps[Any]:
        # Handed out, not gone through: two generators less for each hit.
        if self.breaker.is_open or self._owed:
            return self._ask_in_trouble(command, *arguments)
        return self._send(command, *arguments)

    def _ask_in_trouble(self, command: Callable[..., Any], *arguments: Any) -> Steps[Any]:
        if self.breaker.is_open and not self.breaker.allows():
            raise Unavailable
        if self._owed:
            yield from self._pay()
        return (yield from self._send(command, *arguments))

    def _send(self, command: Callable[..., Any], *arguments: Any) -> Steps[Any]:
        started_at = time.monotonic()
        while True:
            try:
                answer = yield command(*arguments)
            except self._no_script:
                raise
            # Any error: a login that cannot be had, say, is not the caller's fault either.
            except Exception as error:
                seconds = time.monotonic() - started_at
                if _is_crowd(error) and seconds < _CROWD_SECONDS and not self.breaker.is_open:
                    yield self._waits.sleep(_CROWD_POLL_SECONDS)
                    continue
                # Where somebody else has put a list, there is an answer, and nothing to serve.
                if not str(error).startswith("WRONGTYPE"):
                    self.breaker.failed(seconds, error)
                    raise Unavailable from error
                answer = None
            seconds = time.monotonic() - started_at
            if seconds >= SLOW_SECONDS or not self.breaker.is_calm:
                self.breaker.answered(seconds)
            return answer

    def _name(self, key: str) -> str:
        if not key or key[0] == "}":
            raise ValueError(
                f"key={key!r}. Allowed: a text that is not empty and does not begin with }}. Choose another."
            )
        # What is in braces decides on the slot, so that a value and its lease share one.
        return f"{self._prefix}:{{{key}}}"

    def _names(self, key: str) -> tuple[str, str]:
        name = self._name(key)
        return name, f"{name}:lease"


def _is_crowd(error: Exception) -> bool:
    """Whether all connections of the client's pool are in use, which its different pools say differently."""
    return type(error).__name__ == "MaxConnectionsError" or str(error).startswith(_CROWD)


def _checked(client: Any, *, asynchronous: bool) -> str:
    """Refuse a client that cannot be used; the name of its library."""
    got = f"A client of type {type(client).__module__}.{type(client).__qualname__}"
    modules = [base.__module__.partition(".")[0] for base in type(client).__mro__]
    library = next((each for each in modules if each in _LIBRARIES), None)
    if library is None or inspect.iscoroutinefunction(client.execute_command) is not asynchronous:
        allowed, fix, other = ("an asyncio", "_async", "Cache") if asynchronous else ("a blocking", "", "AsyncCache")
        raise TypeError(
            f"{got} was given. Allowed: {allowed} client of redis-py or valkey-py. Pass what connect{fix}() gives, or "
            f"use {other}."
        )
    if client.get_encoder().decode_responses:
        raise ValueError(
            f"{got} with decode_responses=True was given. Allowed: one that answers bytes, as values are stored. Make "
            "one without decode_responses for the cache."
        )
    return library
