"""The cache server behind circuit breakers, with a queue of deletes to retry."""

from __future__ import annotations

import inspect
import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

from elasticache_client.caching.breaker import SLOW_SECONDS
from elasticache_client.caching.errors import Refused, Unavailable
from elasticache_client.caching.nodes import Nodes
from elasticache_client.caching.refusals import Refusals
from elasticache_client.caching.stats import Stats
from elasticache_client.failures import Failure, kind_of
from elasticache_client.forks import after_fork
from elasticache_client.messages import refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from elasticache_client.caching.nesting import Key
    from elasticache_client.caching.nodes import Command, Reply
    from elasticache_client.caching.scripts import NamedScript
    from elasticache_client.steps import Backend, Steps

Names: TypeAlias = Sequence[str]
"""The names that a command is for, on one node."""

Ask: TypeAlias = Callable[..., "Steps[Any]"]

_logger = logging.getLogger(__name__)

_LIBRARIES = ("redis", "valkey")
_MAX_PENDING = 2000
_FLUSH_SECONDS = 1.0
_ELSEWHERE = {"MovedError", "AskError", "TryAgainError"}
_ANSWERS = (Failure.COMMAND, Failure.NODE)
_EXHAUSTED = ("Too many connections", "No connection available")
_EXHAUSTED_SECONDS = 3.0
_EXHAUSTED_POLL_SECONDS = 0.005


class Server:
    """Commands as steps. Each raises `Unavailable` if there is no answer, and `Refused` if the answer is an error.

    Args:
        client: A client of redis-py or valkey-py.
        prefix: What names begin with.
        backend: How to wait for a connection if the client's pool does not.
        asynchronous: Whether the client has to be an asyncio client.
    """

    def __init__(self, client: Any, prefix: str, backend: Backend, *, asynchronous: bool) -> None:
        library = _checked(client, asynchronous=asynchronous)
        self.stats = Stats()
        exceptions = import_module(f"{library}.exceptions")
        self._no_script: type[Exception] = exceptions.NoScriptError
        self._timeout: type[Exception] = exceptions.TimeoutError
        self._backend = backend
        self._client = client
        self._encoder = client.get_encoder()
        self._nodes = Nodes(client, library, asynchronous=asynchronous)
        self._refusals = Refusals()
        self._prefix = prefix
        self._pending_deletes: dict[str, object] = {}
        # Reentrant: the garbage collector may end an abandoned load, whose values are deleted, in a thread that has it.
        self._pending_lock = threading.RLock()
        after_fork(self)
        self._flush_at = 0.0

    @property
    def is_down(self) -> bool:
        """Whether a node is bypassed, or refuses a command that every look-up needs."""
        return self._nodes.is_any_open or self._refusals.is_refusing

    def identity(self, key: str) -> Key:
        """What distinguishes a key from those of all other caches in this process."""
        return id(self._client), self._name(key)

    def get(self, key: str) -> Steps[bytes | None]:
        """Read what is stored for a key."""
        name = self._name(key)
        return self._ask((name,), "GET", self._client.get, name)

    def get_at_once(self, key: str) -> bytes | None:
        """Read it from a blocking client, without steps, which cost as much as the rest of a hit.

        Returns:
            What is stored. None: nothing is, or a node is not healthy, so that `get` has to be used.

        Raises:
            Unavailable: If there is no answer; another command would get none either.
        """
        if self._nodes.unhealthy or self._pending_deletes or self._refusals.lasting:
            return None
        name = self._name(key)
        started_at = time.monotonic()
        try:
            content: bytes | None = self._client.get(name)
        except Exception as error:
            if _pool_is_exhausted(error) or _is_of_another_type(error):
                return None
            raise self._classified(error, (name,), "GET", time.monotonic() - started_at) from error
        seconds = time.monotonic() - started_at
        if seconds >= SLOW_SECONDS:
            self._nodes.answered(self._nodes.of(name), seconds)
        return content

    def get_many(self, keys: Iterable[str]) -> Steps[list[bytes | Unavailable | None]]:
        """Read what is stored for each key, in one trip to each node; its `Unavailable` if there is no answer."""
        names = [self._name(key) for key in keys]
        if not self._nodes.is_cluster and not self._pending_deletes:
            try:
                contents: list[Any] = yield from self._ask(names, "GET", self._client.mget, names)
            except Refused:
                pass  # for one of them, or this command; the others may be readable
            except Unavailable as error:
                return [error] * len(names)
            else:
                return contents
        return (yield from self._ask_all([(name,) for name in names], "GET", [("GET", name) for name in names]))

    def run(self, script: NamedScript, key: str, *arguments: Any) -> Steps[Any]:
        """Run a script for one key."""
        names = self._names(key)
        keys_and_arguments = (2, *names, *arguments)
        try:
            return (yield from self._ask(names, script.name, self._client.evalsha, script.sha, *keys_and_arguments))
        except self._no_script:
            return (yield from self._ask(names, script.name, self._client.eval, script.text, *keys_and_arguments))

    def run_all(self, script: NamedScript, calls: Sequence[tuple[Any, ...]]) -> Steps[list[Any]]:
        """Run a script for each of many keys, in one trip to each node; `Unavailable` for those without an answer."""
        if len(calls) == 1:
            try:
                return [(yield from self.run(script, *calls[0]))]
            except Unavailable as error:
                return [error]
        names = [self._names(key) for key, *_ in calls]
        commands = [
            ("EVAL", script.text, 2, *each, *arguments) for each, (_, *arguments) in zip(names, calls, strict=True)
        ]
        return (yield from self._ask_all(names, script.name, commands))

    def remove(self, keys: Sequence[str]) -> Steps[None]:
        """Delete values and leases, now or as soon as the server answers."""
        names = [self._names(key) for key in keys]
        with self.or_remove_later(keys):
            if len(names) == 1:
                yield from self._ask(names[0], "DEL", self._client.delete, *names[0])
            elif names:
                answers = yield from self._ask_all(names, "DEL", [("DEL", *each) for each in names])
                told = zip(names, answers, strict=True)
                self._delete_later([name for each, answer in told if isinstance(answer, Unavailable) for name in each])

    @contextmanager
    def or_remove_later(self, keys: Sequence[str]) -> Iterator[None]:
        """Delete later what cannot be changed now, and go on: the caller's own work is done."""
        names = [name for key in keys for name in self._names(key)]
        try:
            yield
        except BaseException as error:
            self._delete_later(names)
            if not isinstance(error, Unavailable):
                raise

    def release_later(self, key: str) -> None:
        """Delete a lease as soon as the server answers."""
        self._delete_later([self._names(key)[1]])

    def _delete_later(self, names: list[str]) -> None:
        if not names:
            return
        with self._pending_lock:
            room = _MAX_PENDING - len(self._pending_deletes)
            self._pending_deletes |= {name: object() for name in names[:room]}
        self._flush_at = 0.0
        if room < len(names):
            _logger.warning("Some values could not be deleted and stay until their ttl: the cache was down")

    def _flush_pending(self, names: Names, node: str) -> Steps[None]:
        """Run pending deletes: all that can be sent, once per second, and those of the names that are asked for now."""
        now = time.monotonic()
        own = {each for name in names for each in (name, f"{name}:lease") if each in self._pending_deletes}
        if now >= self._flush_at:
            self._flush_at = now + _FLUSH_SECONDS
            due = dict(self._pending_deletes)
        else:
            due = {name: mark for name, mark in dict(self._pending_deletes).items() if name in own}
        listed = list(due)
        for where, places in self._grouped([(name,) for name in listed]).items():
            if where != node and self._nodes.is_open(where):
                continue
            group = [(listed[place],) for place in places]
            told = yield self._nodes.ask([(where, [("DEL", *each) for each in group])])
            # Sent, not asked: it does not wait for pending deletes itself.
            answers = yield from self._settled(
                where, group, "DEL", [("DEL", *each) for each in group], told[0], self._send
            )
            with self._pending_lock:
                for (name,), answer in zip(group, answers, strict=True):
                    if not isinstance(answer, Unavailable) and self._pending_deletes.get(name) is due[name]:
                        del self._pending_deletes[name]
        if any(name in self._pending_deletes for name in own):
            raise Unavailable

    def _ask(self, names: Names, step: str, command: Callable[..., Any], *arguments: Any) -> Steps[Any]:
        # Returned, not delegated to: two generators fewer for each hit.
        if self._nodes.unhealthy or self._pending_deletes:
            return self._ask_unhealthy(names, step, command, *arguments)
        return self._send(names, step, command, *arguments)

    def _ask_unhealthy(self, names: Names, step: str, command: Callable[..., Any], *arguments: Any) -> Steps[Any]:
        node = self._node(names)
        if not self._nodes.allows(node):
            raise Unavailable
        if self._pending_deletes:
            yield from self._flush_pending(names, node)
        return (yield from self._send(names, step, command, *arguments))

    def _send(self, names: Names, step: str, command: Callable[..., Any], *arguments: Any) -> Steps[Any]:
        """Send a command whose names are on one node."""
        started_at = time.monotonic()
        while True:
            try:
                answer = yield command(*arguments)
            except self._no_script:
                raise
            except Exception as error:
                seconds = time.monotonic() - started_at
                if (
                    _pool_is_exhausted(error)
                    and seconds < _EXHAUSTED_SECONDS
                    and not self._nodes.is_open(self._node(names))
                ):
                    yield self._backend.sleep(_EXHAUSTED_POLL_SECONDS)
                    continue
                # If another application has stored a list there, there is an answer, and nothing to serve.
                if step != "GET" or not _is_of_another_type(error):
                    raise self._classified(error, names, step, seconds) from error
                answer = None
            seconds = time.monotonic() - started_at
            if seconds >= SLOW_SECONDS or self._nodes.unhealthy:
                self._nodes.answered(self._node(names), seconds)
            if self._refusals.lasting:
                self._refusals.succeeded(step)
            return answer

    def _ask_all(self, names: Sequence[Names], step: str, commands: list[Command]) -> Steps[list[Any]]:
        """The answer to each command, or its `Unavailable`; the names of each are on one node."""
        started_at = time.monotonic()
        if self._nodes.is_cluster:
            try:
                yield self._nodes.load_slots()
            except Exception as error:  # noqa: BLE001 - classified
                return [self._classified(error, names[0], step, time.monotonic() - started_at)] * len(commands)
        answers: list[Any] = [Unavailable()] * len(commands)
        left = self._grouped(names)
        while left:
            admitted = yield from self._admitted(left, names, step, commands, answers)
            told = yield self._nodes.ask([(node, [commands[place] for place in at]) for node, at in admitted.items()])
            left = {}
            for (node, places), each in zip(admitted.items(), told, strict=True):
                if (
                    isinstance(each[0], Exception)
                    and _pool_is_exhausted(each[0])
                    and time.monotonic() - started_at < _EXHAUSTED_SECONDS
                ):
                    left[node] = places
                    continue
                group, sent = [names[place] for place in places], [commands[place] for place in places]
                settled = yield from self._settled(node, group, step, sent, each, self._ask)
                for place, answer in zip(places, settled, strict=True):
                    answers[place] = answer
            if left:
                yield self._backend.sleep(_EXHAUSTED_POLL_SECONDS)
        return answers

    def _admitted(
        self,
        left: dict[str, list[int]],
        names: Sequence[Names],
        step: str,
        commands: list[Command],
        answers: list[Any],
    ) -> Steps[dict[str, list[int]]]:
        """The nodes that may be used now and that have no pending deletes of these names."""
        admitted = {}
        for node, places in left.items():
            if not self._nodes.allows(node):
                continue
            try:
                if self._pending_deletes:
                    yield from self._flush_pending([name for place in places for name in names[place]], node)
            except Unavailable:
                # It may be one of them whose delete is pending; a trip for each costs less than their loads.
                for place in places:
                    answers[place] = yield from self._tried(names[place], step, commands[place], self._ask)
            else:
                admitted[node] = places
        return admitted

    def _settled(  # noqa: PLR0917 - a batch, and how to ask again
        self, node: str, names: Sequence[Names], step: str, commands: list[Command], told: Reply, ask: Ask
    ) -> Steps[list[Any]]:
        """A node's answers to a batch; the client itself sends what has no answer yet again, and follows slots."""
        got, seconds = told
        if isinstance(got, Exception):
            got = [got] * len(names)
        elif seconds >= SLOW_SECONDS or self._nodes.unhealthy:
            self._nodes.answered(node, seconds)
        answers: list[Any] = []
        lost: Unavailable | None = None
        for each, command, answer in zip(names, commands, got, strict=True):
            if not isinstance(answer, Exception):
                answers.append(answer)
            elif lost is not None:
                answers.append(lost)
            elif step == "GET" and _is_of_another_type(answer):
                answers.append(None)
            elif isinstance(answer, self._timeout) or not (self._nodes.is_cluster and _may_be_elsewhere(answer)):
                judged = self._classified(answer, each, step, seconds)
                if not isinstance(judged, Refused):
                    # The connection is gone, and with it all further answers.
                    lost = judged
                answers.append(judged)
            else:
                answers.append((yield from self._tried(each, step, command, ask)))
        return answers

    def _tried(self, names: Names, step: str, command: Command, ask: Ask) -> Steps[Any]:
        try:
            return (yield from ask(names, step, self._client.execute_command, *command))
        except Unavailable as error:
            return error

    def _classified(self, error: Exception, names: Names, step: str, seconds: float) -> Unavailable:
        """What an error of a command or a node means for the caller; an error of the caller's is raised."""
        if isinstance(error, UnicodeEncodeError):
            raise self._bad_key(names[0]) from None
        kind = kind_of(error)
        # An exception of another class comes from the caller's side, for example from a signal's handler. What the
        # libraries raise by mistake when a connection is lost, such as an AttributeError, is Python's own.
        if kind is Failure.OTHER and type(error).__module__ != "builtins":
            raise error
        if kind in _ANSWERS:
            self.stats.refused += 1
            self._refusals.add(step, error)
        if kind is Failure.COMMAND:
            if seconds >= SLOW_SECONDS or self._nodes.unhealthy:
                self._nodes.answered(self._node(names), seconds)
            judged: Unavailable = Refused()
        else:
            # A pool that is exhausted says nothing about the node.
            if not _pool_is_exhausted(error):
                self._nodes.failed(self._node(names), seconds, error)
            judged = Unavailable()
        judged.__cause__ = error
        return judged

    def _node(self, names: Names) -> str:
        try:
            return self._nodes.of(names[0])
        except UnicodeEncodeError:
            raise self._bad_key(names[0]) from None

    def _grouped(self, names: Sequence[Names]) -> dict[str, list[int]]:
        """The places of the names in their list, by node."""
        places: dict[str, list[int]] = {}
        for place, each in enumerate(names):
            places.setdefault(self._node(each), []).append(place)
        return places

    def _name(self, key: str) -> str:
        if not isinstance(key, str) or not key or key[0] == "}":
            raise ValueError(
                refusal(
                    got=f"key={key!r}",
                    allowed="must be a non-empty string that does not start with }",
                    fix="Choose another key",
                )
            )
        # The part in braces decides on the slot, so that a value and its lease share one.
        return f"{self._prefix}:{{{key}}}"

    def _names(self, key: str) -> Names:
        name = self._name(key)
        try:
            name.encode(self._encoder.encoding, self._encoder.encoding_errors)
        except UnicodeEncodeError:
            raise self._bad_key(name) from None
        return name, f"{name}:lease"

    def _bad_key(self, name: str) -> ValueError:
        key = name.removeprefix(f"{self._prefix}:{{").removesuffix(":lease").removesuffix("}")
        encoding = self._encoder.encoding
        return ValueError(
            refusal(
                got=f"key={key!r}",
                allowed=f"must be a string that the client can send as {encoding}, so without lone surrogates",
                fix="Reject the input that it was made of, or pass "
                f'key.encode("{encoding}", "replace").decode("{encoding}")',
            )
        )


def _pool_is_exhausted(error: Exception) -> bool:
    """Whether all connections of the client's pool are in use, for which each kind of pool has another message."""
    return type(error).__name__ == "MaxConnectionsError" or str(error).startswith(_EXHAUSTED)


def _is_of_another_type(error: Exception) -> bool:
    return str(error).startswith("WRONGTYPE")


def _may_be_elsewhere(error: Exception) -> bool:
    """Whether the cluster client itself may get an answer: slots move, primaries change, connections break."""
    if kind_of(error) is Failure.COMMAND:
        return type(error).__name__ in _ELSEWHERE
    return not _pool_is_exhausted(error)


def _checked(client: Any, *, asynchronous: bool) -> str:
    """Refuse a client that cannot be used, and return the name of its library."""
    got = f"A client of type {type(client).__module__}.{type(client).__qualname__}"
    modules = [base.__module__.partition(".")[0] for base in type(client).__mro__]
    library = next((each for each in modules if each in _LIBRARIES), None)
    if library is None or inspect.iscoroutinefunction(client.execute_command) is not asynchronous:
        allowed, fix, other = ("an asyncio", "_async", "Cache") if asynchronous else ("a blocking", "", "AsyncCache")
        raise TypeError(
            refusal(
                got=got,
                allowed=f"must be {allowed} client of redis-py or valkey-py",
                fix=f"Pass the result of connect{fix}(), or use {other}",
            )
        )
    if client.get_encoder().decode_responses:
        raise ValueError(
            refusal(
                got=f"{got} with decode_responses=True",
                allowed="must return bytes, because values are stored as bytes",
                fix="Make a client without decode_responses for the cache",
            )
        )
    if _keeps_values(client):
        raise ValueError(
            refusal(
                got=f"{got} with client-side caching",
                allowed="must read from the server, because a value in the client may be older than the last write",
                fix="Make a client without cache_config, cache or cache_enabled for the cache",
            )
        )
    return library


def _keeps_values(client: Any) -> bool:
    """Whether a client has a cache itself, which each kind of client has in another place."""
    owners = {"cache": getattr(client, "connection_pool", None), "_cache": getattr(client, "nodes_manager", None)}
    kept = [getattr(owner, name, None) for name, owner in owners.items()]
    return any(each is not None for each in kept) or bool(client.get_connection_kwargs().get("cache_enabled"))
