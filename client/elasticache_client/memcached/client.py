"""The client, and the functions that connect it."""

# ruff: noqa: A002  # type: the name that the caching patterns and msgspec give it

from __future__ import annotations

import logging
import re
import time
from functools import cache
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

from elasticache_client.contract import ConnectionSettings, SettingsError
from elasticache_client.forks import after_fork
from elasticache_client.memcached.discovery import DiscoveryError
from elasticache_client.memcached.node import Node, NodeError
from elasticache_client.memcached.ring import Membership
from elasticache_client.memcached.transport import Address, Dialer
from elasticache_client.memcached.values import UnreadableError, UntypedError, decode, encode
from elasticache_client.memcached.watch import Watch
from elasticache_client.messages import refusal
from elasticache_client.tls import tls_context

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Mapping, Sequence
    from types import TracebackType

    from elasticache_client.memcached.ring import Nowhere, Ring
    from elasticache_client.memcached.values import Item

_log = logging.getLogger(__name__.rpartition(".")[0])

T = TypeVar("T")
D = TypeVar("D")

POLL_SECONDS = 60.0
"""How often the list of nodes is asked for, less up to a tenth by chance: as often as AWS's own clients do."""

_CONNECT_SECONDS = 1.0
_ANSWER_SECONDS = 1.0
_LONGEST_KEY = 250
_UNFIT = re.compile(rb"[\x00-\x20\x7f]")
# Memcached takes a longer time for a moment, in seconds since 1970, and that one is past.
_LONGEST_TTL = 30 * 24 * 3600
# 2038-01-19: Memcached has no later moment, and takes one for a past one.
_LAST_MOMENT = 2**31 - 1


class Memcached:
    """A client for all nodes of a cluster, for any number of threads.

    Each command goes to the node that has its key. What a node that is down, slow or makes no sense cannot answer is a
    miss: reads find nothing, writes and deletes say False. A node that failed twice in a row is not asked at all, but
    for one command now and then that finds out whether it is back. Its keys do not move to other nodes meanwhile.

    Values are bytes, text, whole numbers, and whatever msgspec writes as MessagePack: lists, dictionaries, dataclasses,
    ``msgspec.Struct``, dates and so on. A read with ``type=`` gives that type back; a value that does not fit it, that
    an older release of the application wrote or a stranger, is a miss. An object with fields is a dictionary
    for a read without ``type=``; anything else that would come back as something else, a date or a tuple for instance,
    is a miss for it, and the first is logged. What would not come back with its type either is a TypeError where it is
    written. Nothing is ever unpickled.

    Keys are text, 1 to 250 bytes of UTF-8 with their prefix, without blanks and control characters. A time to live is
    in whole seconds; 0 keeps the item until the node needs the space.

    What a failed write or delete would have replaced may still be there when the node is back: choose times to live
    accordingly.

    Made by `connect` and `connect_nodes`. Close it, or use it in a ``with`` statement, when it is no longer needed;
    afterwards everything misses. A process forked from another one opens connections of its own.
    """

    def __init__(
        self,
        dialer: Dialer,
        *,
        endpoint: Address | None = None,
        nodes: Sequence[Address] = (),
        poll_seconds: float = POLL_SECONDS,
        key_prefix: str = "",
        fail_open: bool = True,
    ) -> None:
        self._dialer = dialer
        self._prefix = key_prefix.encode()
        self._fail_open = fail_open
        self._membership = Membership(self._make_node)
        self._membership.replace(nodes)
        # None again after close(), by any thread: it is read once by whoever needs it.
        self._watch: Watch | None = None
        if endpoint is not None:
            self._watch = Watch(endpoint, dialer, self._membership, poll_seconds=poll_seconds)
            try:
                self._watch.refresh()
            except DiscoveryError as error:
                if not fail_open:
                    raise
                _log.warning("everything misses until there is a list of nodes: %s", error)
        after_fork(self, Memcached.start_afresh)

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes of now, as ``host:port``."""
        return tuple(str(node.address) for node in self._membership.ring.nodes)

    @property
    def nodes_down(self) -> tuple[str, ...]:
        """Those of them that failed twice in a row and have not answered since."""
        return tuple(str(node.address) for node in self._membership.ring.nodes if node.is_down)

    @overload
    def get(self, key: str, default: object = None) -> Any: ...

    @overload
    def get(self, key: str, default: D, *, type: type[T]) -> T | D: ...

    @overload
    def get(self, key: str, default: None = None, *, type: type[T]) -> T | None: ...

    @overload
    def get(self, key: str, default: object = None, *, type: Any = Any) -> Any: ...

    def get(self, key: str, default: object = None, *, type: Any = Any) -> Any:
        """The value, or the default where there is none."""
        item = self._one(key, None, "get")
        return default if item is None else _decoded(item, type, default)

    def get_many(self, keys: Iterable[str], *, type: Any = Any) -> dict[str, Any]:
        """The values there are, by key: one round trip to each node concerned, one after another."""
        found = {}
        for node, names in self._by_node(keys).items():
            for wire, item in self._call(node, {}, "get_many", list(names)).items():
                found[names[wire]] = _decoded(item, type, _MISSING)
        return {key: value for key, value in found.items() if value is not _MISSING}

    def gets(self, key: str, *, type: Any = Any) -> tuple[Any, bytes | None]:
        """The value and a token for `cas`, or None twice."""
        item, token = self._one(key, (None, None), "gets")
        value = _MISSING if item is None else _decoded(item, type, _MISSING)
        return (None, None) if value is _MISSING else (value, token)

    def set(self, key: str, value: object, ttl: int = 0) -> bool:
        """Store a value; whether it is stored. If not, the one before may be there or not."""
        return bool(self._one(key, False, "set", encode(value), _expiry(ttl)))

    def set_many(self, values: Mapping[str, object], ttl: int = 0) -> list[str]:
        """Store values, one round trip to each node concerned; the keys of those that are not known to be stored."""
        expiry = _expiry(ttl)
        failed = []
        for node, names in self._by_node(values).items():
            items = {wire: encode(values[key]) for wire, key in names.items()}
            failed += [names[wire] for wire in self._call(node, list(names), "set_many", items, expiry)]
        return failed

    def add(self, key: str, value: object, ttl: int = 0) -> bool:
        """Store a value where there is none; whether it is stored."""
        return bool(self._one(key, False, "add", encode(value), _expiry(ttl)))

    def replace(self, key: str, value: object, ttl: int = 0) -> bool:
        """Store a value where there is one already; whether it is stored."""
        return bool(self._one(key, False, "replace", encode(value), _expiry(ttl)))

    def cas(self, key: str, value: object, token: bytes, ttl: int = 0) -> bool:
        """Store a value unless somebody else has since `gets` gave the token; whether it is stored."""
        return bool(self._one(key, False, "cas", encode(value), token, _expiry(ttl)))

    def delete(self, key: str) -> bool:
        """Delete the item; whether there was one and it is gone. With a node that is down it may still be there."""
        return bool(self._one(key, False, "delete"))

    def delete_many(self, keys: Iterable[str]) -> list[str]:
        """Delete items, one round trip to each node concerned; the keys of those that may still be there."""
        kept: list[str] = []
        for node, names in self._by_node(keys).items():
            if not self._call(node, False, "delete_many", list(names)):
                kept += names.values()
        return kept

    def incr(self, key: str, by: int = 1) -> int | None:
        """Count a whole number up; what it is now, or None where there is none.

        Raises:
            MemcacheClientError: the value is not a whole number, or by is negative.
        """
        counted: int | None = self._one(key, None, "incr", by)
        return counted

    def decr(self, key: str, by: int = 1) -> int | None:
        """Count a whole number down, not below 0; what it is now, or None where there is none.

        Raises:
            MemcacheClientError: the value is not a whole number, or by is negative.
        """
        counted: int | None = self._one(key, None, "decr", by)
        return counted

    def touch(self, key: str, ttl: int = 0) -> bool:
        """Give the item a new time to live; whether there is one."""
        return bool(self._one(key, False, "touch", _expiry(ttl)))

    def close(self) -> None:
        """Close the connections: idle ones now, those in use when their command is done."""
        self._watch = None
        self._membership.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start_afresh(self) -> None:
        """Keep the nodes and forget all connections; called in a process that was forked from another one."""
        self._membership.start_afresh()
        if watch := self._watch:
            watch.start_afresh()

    def _make_node(self, address: Address) -> Node:
        return Node(address, self._dialer, self._on_down)

    def _on_down(self) -> None:
        if watch := self._watch:
            watch.hurry()

    def _one(self, key: str, otherwise: Any, method: str, *arguments: Any) -> Any:
        wire = self._wire(key)
        return self._call(self._ring().node_for(wire), otherwise, method, wire, *arguments)

    def _by_node(self, keys: Iterable[str]) -> dict[Node | Nowhere, dict[bytes, str]]:
        """Each node's keys: as they are sent, and as they were given."""
        ring = self._ring()
        batches: dict[Node | Nowhere, dict[bytes, str]] = {}
        for key in keys:
            wire = self._wire(key)
            batches.setdefault(ring.node_for(wire), {})[wire] = key
        return batches

    def _ring(self) -> Ring:
        if watch := self._watch:
            watch.tick()
        return self._membership.ring

    def _call(self, node: Node | Nowhere, otherwise: Any, method: str, *arguments: Any) -> Any:
        try:
            return node.call(method, *arguments)
        except NodeError:
            if not self._fail_open:
                raise
            return otherwise

    def _wire(self, key: str) -> bytes:
        wire = self._prefix + key.encode()
        if not 1 <= len(wire) <= _LONGEST_KEY or _UNFIT.search(wire):
            # Not the key itself: it may be that of a session.
            raise ValueError(
                refusal(
                    got=f"A key of {len(wire)} bytes",
                    allowed=f"must be 1 to {_LONGEST_KEY} bytes of UTF-8, prefix included, without spaces and control "
                    "characters",
                    fix="Shorten or encode it, for example with a hash",
                )
            )
        return wire


def connect(
    settings: ConnectionSettings | None = None,
    *,
    tls: ssl.SSLContext | None = None,
    poll_seconds: float = POLL_SECONDS,
    key_prefix: str = "",
    fail_open: bool = True,
    connect_seconds: float = _CONNECT_SECONDS,
    answer_seconds: float = _ANSWER_SECONDS,
) -> Memcached:
    """A client for an ElastiCache for Memcached, which finds its nodes and follows when they change.

    It asks the configuration endpoint for the nodes now, every 60 seconds while commands come along, and when a node
    goes down, 5 seconds apart at least; the nodes themselves where the endpoint has no answer. A list takes effect as
    a whole, and only if it is complete and newer than the one in use. Nodes are reached by their host names, which
    their certificates are checked against. A serverless cache has one endpoint and is not asked.

    Memcached on ElastiCache has no logins (no SASL, IAM or AUTH): security groups and TLS keep others out.

    Args:
        settings: which cache. Default: what the environment says.
        tls: the context for all connections, from ``tls_context(ca_bundle)`` for authorities of your own. Default: one
            that trusts the system's; none if the settings say that the cache has no TLS.
        poll_seconds: how often to ask for the nodes, less up to a tenth by chance; 1 at least. Default: 60.
        key_prefix: stands before every key. Default: nothing.
        fail_open: whether what a node does not answer is a miss, and whether to begin without nodes if there is no list
            of them yet. Default: yes; both are logged. If not, they raise.
        connect_seconds: how long a connection may take to open, and how long its TLS handshake. Default: 1.
        answer_seconds: how long a whole answer may take. Default: 1.

    Raises:
        SettingsError: the settings are wrong or name another engine.
        DiscoveryError: with ``fail_open=False``: nobody had a list of nodes.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/AutoDiscovery.html
    """
    settings = settings or ConnectionSettings.from_environment()
    if settings.engine != "memcached":
        raise SettingsError(
            refusal(
                got=f"ELASTICACHE_ENGINE={settings.engine!r}",
                allowed="must be memcached for this function",
                fix="Use elasticache_client.connect()",
            )
        )
    if poll_seconds < 1:
        raise ValueError(
            refusal(got=f"poll_seconds={poll_seconds!r}", allowed="must be at least 1", fix="Leave it out for 60")
        )
    endpoint = Address(settings.host, settings.port)
    return Memcached(
        Dialer(
            tls=(tls or tls_context()) if settings.tls else None,
            connect_seconds=connect_seconds,
            answer_seconds=answer_seconds,
        ),
        endpoint=None if settings.serverless else endpoint,
        nodes=[endpoint] if settings.serverless else [],
        poll_seconds=poll_seconds,
        key_prefix=key_prefix,
        fail_open=fail_open,
    )


def connect_nodes(
    nodes: Sequence[str],
    *,
    tls: ssl.SSLContext | None = None,
    key_prefix: str = "",
    fail_open: bool = True,
    connect_seconds: float = _CONNECT_SECONDS,
    answer_seconds: float = _ANSWER_SECONDS,
) -> Memcached:
    """A client for Memcached servers that you run yourself and that never change.

    The other arguments are those of `connect`.

    Args:
        nodes: ``host:port`` of each, or ``host`` alone for port 11211, in any order but written the same everywhere:
            the text decides which keys are whose.
        tls: the context for all connections, from ``tls_context()``. Default: they are not encrypted.
        key_prefix: stands before every key. Default: nothing.
        fail_open: whether what a node does not answer is a miss. Default: yes. If not, it raises.
        connect_seconds: how long a connection may take to open, and how long its TLS handshake. Default: 1.
        answer_seconds: how long a whole answer may take. Default: 1.

    Raises:
        ValueError: there is no node, or one is not written like that.
    """
    if not nodes:
        raise ValueError(
            refusal(
                got="nodes is empty",
                allowed="must have host:port of each server",
                fix="Name at least one server",
            )
        )
    return Memcached(
        Dialer(tls=tls, connect_seconds=connect_seconds, answer_seconds=answer_seconds),
        nodes=[Address.parse(node) for node in nodes],
        key_prefix=key_prefix,
        fail_open=fail_open,
    )


def _decoded(item: Item, type: Any, otherwise: object) -> Any:
    try:
        return decode(item, type)
    except UnreadableError as error:
        _log.debug("a value cannot be read as it should: %s", error)
    except UntypedError:
        _log_untyped()
    return otherwise


@cache
def _log_untyped() -> None:
    _log.warning("a value that is only itself with its type was read without one, and was missed: read it with type=")


def _expiry(ttl: int) -> int:
    if not isinstance(ttl, int) or isinstance(ttl, bool) or ttl < 0:
        error = ValueError if isinstance(ttl, int) and not isinstance(ttl, bool) else TypeError
        raise error(
            refusal(
                got=f"ttl={ttl!r}",
                allowed="must be a whole number of seconds, at least 0",
                fix="Delete the item instead, or leave ttl out to keep it",
            )
        )
    if ttl <= _LONGEST_TTL:
        return ttl
    # What ends later ends there; where that is past, the longest time that is none of these moments.
    now = int(time.time())
    return min(now + ttl, _LAST_MOMENT) if now < _LAST_MOMENT else _LONGEST_TTL


_MISSING = object()
