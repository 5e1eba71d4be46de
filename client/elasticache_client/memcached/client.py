"""The Memcached client, and the functions that create it."""

# ruff: noqa: A002 - type is the name in msgspec and in the caching patterns

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

    from elasticache_client.memcached.ring import NoNode, Ring
    from elasticache_client.memcached.values import Item

_log = logging.getLogger(__name__.rpartition(".")[0])

T = TypeVar("T")
D = TypeVar("D")

POLL_SECONDS = 60.0
"""The interval between requests for the list of nodes, as in AWS's own clients. Up to a tenth is subtracted."""

_CONNECT_SECONDS = 1.0
_ANSWER_SECONDS = 1.0
_MAX_KEY_BYTES = 250
_UNFIT = re.compile(rb"[\x00-\x20\x7f]")
# Memcached reads a longer time as an absolute time in seconds since 1970, which is in the past.
_MAX_TTL = 30 * 24 * 3600
# 2038-01-19, the latest absolute time. Memcached reads a later one as a time in the past.
_MAX_TIME = 2**31 - 1


class Memcached:
    """A thread-safe client for all nodes of a Memcached cluster.

    Each command goes to the node of its key. If a node is down, slow, or sends an invalid reply, the command is a miss:
    reads find nothing, and writes and deletes return False. A node that fails twice in a row is down. It is then tried
    by one command now and then, and all other commands miss at once. Its keys do not move to other nodes.

    Values are bytes, strings, whole numbers, and everything that msgspec encodes as MessagePack: lists, dictionaries,
    dataclasses, ``msgspec.Struct``, dates and so on. A read with ``type=`` returns that type. A value that does not fit
    the type is a miss, for example one from an older release of the application. A read without ``type=`` returns an
    object with fields as a dictionary. Other types that would change, such as dates and tuples, are a miss without
    ``type=``, and the first such miss is logged. A value that would change even with its type raises TypeError when it
    is written. Nothing is ever unpickled.

    Keys are strings of 1 to 250 bytes of UTF-8 including the prefix, without spaces and control characters. A time to
    live is a whole number of seconds. With 0, the item stays until the node needs the space.

    After a failed write or delete, the old value may still be there when the node is up again. Choose the time to live
    accordingly.

    Use `connect` or `connect_nodes` to create a client. Close it when it is no longer needed, or use it in a ``with``
    statement. After that, every command is a miss. A forked process opens its own connections.
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
        # Any thread may set it to None with close(), so each method reads it only once.
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
        """The current nodes as ``host:port``."""
        return tuple(str(node.address) for node in self._membership.ring.nodes)

    @property
    def nodes_down(self) -> tuple[str, ...]:
        """The nodes that failed twice in a row and have not replied since."""
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
        """Return the value of a key, or the default if there is none."""
        item = self._one(key, None, "get")
        return default if item is None else _decoded(item, type, default)

    def get_many(self, keys: Iterable[str], *, type: Any = Any) -> dict[str, Any]:
        """Return the values of the keys that have one. Makes one round trip to each node, one after another."""
        found = {}
        for node, names in self._by_node(keys).items():
            for wire, item in self._call(node, {}, "get_many", list(names)).items():
                found[names[wire]] = _decoded(item, type, _MISSING)
        return {key: value for key, value in found.items() if value is not _MISSING}

    def gets(self, key: str, *, type: Any = Any) -> tuple[Any, bytes | None]:
        """Return the value and a token for `cas`, or None and None."""
        item, token = self._one(key, (None, None), "gets")
        value = _MISSING if item is None else _decoded(item, type, _MISSING)
        return (None, None) if value is _MISSING else (value, token)

    def set(self, key: str, value: object, ttl: int = 0) -> bool:
        """Store a value. Returns whether it is stored; if not, the old value may or may not still be there."""
        return bool(self._one(key, False, "set", encode(value), _expiry(ttl)))

    def set_many(self, values: Mapping[str, object], ttl: int = 0) -> list[str]:
        """Store several values. Returns the keys that may not be stored. Makes one round trip to each node involved."""
        expiry = _expiry(ttl)
        failed = []
        for node, names in self._by_node(values).items():
            items = {wire: encode(values[key]) for wire, key in names.items()}
            failed += [names[wire] for wire in self._call(node, list(names), "set_many", items, expiry)]
        return failed

    def add(self, key: str, value: object, ttl: int = 0) -> bool:
        """Store a value only if the key has none. Returns whether it is stored."""
        return bool(self._one(key, False, "add", encode(value), _expiry(ttl)))

    def replace(self, key: str, value: object, ttl: int = 0) -> bool:
        """Store a value only if the key has one. Returns whether it is stored."""
        return bool(self._one(key, False, "replace", encode(value), _expiry(ttl)))

    def cas(self, key: str, value: object, token: bytes, ttl: int = 0) -> bool:
        """Store a value unless it was changed after `gets` returned the token. Returns whether it is stored."""
        return bool(self._one(key, False, "cas", encode(value), token, _expiry(ttl)))

    def delete(self, key: str) -> bool:
        """Delete an item. Returns whether it existed and is deleted; on a node that is down it may still be there."""
        return bool(self._one(key, False, "delete"))

    def delete_many(self, keys: Iterable[str]) -> list[str]:
        """Delete several items. Returns the keys that may still be there. Makes one round trip to each node."""
        kept: list[str] = []
        for node, names in self._by_node(keys).items():
            if not self._call(node, False, "delete_many", list(names)):
                kept += names.values()
        return kept

    def incr(self, key: str, by: int = 1) -> int | None:
        """Add to a whole number. Returns the new number, or None if the key has no value.

        Raises:
            MemcacheClientError: If the value is not a whole number, or ``by`` is negative.
        """
        counted: int | None = self._one(key, None, "incr", by)
        return counted

    def decr(self, key: str, by: int = 1) -> int | None:
        """Subtract from a whole number, not below 0. Returns the new number, or None if the key has no value.

        Raises:
            MemcacheClientError: If the value is not a whole number, or ``by`` is negative.
        """
        counted: int | None = self._one(key, None, "decr", by)
        return counted

    def touch(self, key: str, ttl: int = 0) -> bool:
        """Give an item a new time to live. Returns whether the item exists."""
        return bool(self._one(key, False, "touch", _expiry(ttl)))

    def close(self) -> None:
        """Close the connections: idle ones now, those in use after their command."""
        self._watch = None
        self._membership.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start_afresh(self) -> None:
        """Drop all connections but keep the nodes. Called in a forked process."""
        self._membership.start_afresh()

    def _make_node(self, address: Address) -> Node:
        return Node(address, self._dialer, self._on_down)

    def _on_down(self) -> None:
        if watch := self._watch:
            watch.hurry()

    def _one(self, key: str, otherwise: Any, method: str, *arguments: Any) -> Any:
        wire = self._wire(key)
        return self._call(self._ring().node_for(wire), otherwise, method, wire, *arguments)

    def _by_node(self, keys: Iterable[str]) -> dict[Node | NoNode, dict[bytes, str]]:
        """The keys of each node, as encoded and as given."""
        ring = self._ring()
        batches: dict[Node | NoNode, dict[bytes, str]] = {}
        for key in keys:
            wire = self._wire(key)
            batches.setdefault(ring.node_for(wire), {})[wire] = key
        return batches

    def _ring(self) -> Ring:
        if watch := self._watch:
            watch.tick()
        return self._membership.ring

    def _call(self, node: Node | NoNode, otherwise: Any, method: str, *arguments: Any) -> Any:
        try:
            return node.call(method, *arguments)
        except NodeError:
            if not self._fail_open:
                raise
            return otherwise

    def _wire(self, key: str) -> bytes:
        wire = self._prefix + key.encode()
        if not 1 <= len(wire) <= _MAX_KEY_BYTES or _UNFIT.search(wire):
            # Not the key itself, which may be a session's id.
            raise ValueError(
                refusal(
                    got=f"A key of {len(wire)} bytes",
                    allowed=f"must be 1 to {_MAX_KEY_BYTES} bytes of UTF-8, prefix included, without spaces and "
                    "control characters",
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
    """Return a client for an ElastiCache for Memcached cluster that finds its nodes by auto discovery.

    The client asks the configuration endpoint for the list of nodes when it is created. While commands are sent, it
    asks again every 60 seconds, and when a node goes down, at most once in 5 seconds. If the endpoint does not answer,
    it asks the nodes. A list is used only if it is complete and newer than the current list. Nodes are addressed by
    host name, because their certificates are verified against it. A serverless cache has one endpoint and no auto
    discovery.

    ElastiCache for Memcached has no authentication (no SASL, IAM or AUTH). Security groups and TLS protect it.

    Args:
        settings: The cache to connect to. Default: read from the environment.
        tls: The SSL context of all connections, for example ``tls_context(ca_bundle)``. Default: one that trusts the
            system's certificate authorities, or none if the settings say that the cache has no TLS.
        poll_seconds: How often to ask for the nodes, minus a random part of up to a tenth. Minimum: 1. Default: 60.
        key_prefix: A prefix for every key. Default: none.
        fail_open: Whether failures of nodes are misses, and whether to start without nodes if no list is available.
            Both are logged. If False, both raise. Default: True.
        connect_seconds: The time limit for opening a connection, and again for its TLS handshake. Default: 1.
        answer_seconds: The time limit for a complete reply. Default: 1.

    Raises:
        SettingsError: If the settings are wrong or name another engine.
        ValueError: If ``poll_seconds`` is less than 1.
        DiscoveryError: If no list of nodes is available and ``fail_open`` is False.

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
    """Return a client for self-managed Memcached servers that never change.

    Args:
        nodes: ``host:port`` of each server, or ``host`` for port 11211. The order does not matter, but the spelling
            must be the same in all processes, because it decides which node a key is on.
        tls: The SSL context of all connections, for example ``tls_context()``. Default: connections are not encrypted.
        key_prefix: A prefix for every key. Default: none.
        fail_open: Whether failures of nodes are misses. If False, they raise. Default: True.
        connect_seconds: The time limit for opening a connection, and again for its TLS handshake. Default: 1.
        answer_seconds: The time limit for a complete reply. Default: 1.

    Raises:
        ValueError: If there is no node, or a node is not written as above.
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
        _log.debug("a value cannot be read: %s", error)
    except UntypedError:
        _log_untyped()
    return otherwise


@cache
def _log_untyped() -> None:
    _log.warning("a value that changes without its type was read without type=, which is a miss: read it with type=")


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
    if ttl <= _MAX_TTL:
        return ttl
    # Later times are cut to the latest absolute time. If that has passed, the longest relative time is used.
    now = int(time.time())
    return min(now + ttl, _MAX_TIME) if now < _MAX_TIME else _MAX_TTL


_MISSING = object()
