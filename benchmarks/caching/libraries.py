"""The compared libraries behind one interface: get or load a key, and delete it.

All have the same time to live, a connection for each caller, and MessagePack as serialiser, so that no difference comes
from these. Other settings are the defaults of each library.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import django  # type: ignore[import-untyped]
import msgspec
import redis
import redis.asyncio
from aiocache import Cache as AiocacheKind
from aiocache import cached, cached_stampede
from aiocache.serializers import BaseSerializer
from cashews import Cache as Cashews
from cashews import register_backend
from cashews.backends.redis import Redis as CashewsRedis
from django.conf import settings as django_settings  # type: ignore[import-untyped]
from django.core.cache import caches  # type: ignore[import-untyped]
from dogpile.cache import make_region

from elasticache_client import connect, connect_async
from elasticache_client.caching import AsyncCache, Cache

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from benchmarks.caching.servers import Servers

LEASE_SECONDS = 3
CONNECTIONS = 250
STALE_SECONDS = 60

Row = dict[str, Any]


@dataclass(frozen=True)
class OpenLibrary:
    """A library that is connected to the servers.

    Attributes:
        get: Returns the value of a key, or loads it with a function. Both are awaited if the library is for asyncio.
        invalidate: Deletes a key; awaited if the library is for asyncio.
    """

    get: Callable[[str, Callable[[], Any]], Any]
    invalidate: Callable[[str], Any]


@dataclass(frozen=True)
class Library:
    """A library that can be connected.

    Attributes:
        open: Connects it to the servers; values are kept for the given seconds.
        asynchronous: Whether it is for asyncio.
    """

    open: Callable[[Servers, float], OpenLibrary]
    asynchronous: bool = False


def bare_client(servers: Servers) -> redis.Redis:
    """A client of redis-py with its defaults."""
    return redis.Redis(host=servers.cache.host, port=servers.cache.port, max_connections=CONNECTIONS)


def bare_client_async(servers: Servers) -> redis.asyncio.Redis:
    """The same, for asyncio."""
    return redis.asyncio.Redis(host=servers.cache.host, port=servers.cache.port, max_connections=CONNECTIONS)


def ours_on(client: Any, fresh: float, stale_for: float = 0) -> OpenLibrary:
    """Our cache on any synchronous client."""
    cache = Cache(client, prefix="ours", lease=LEASE_SECONDS)

    def get(key: str, load: Callable[[], Row]) -> Row:
        return cache.get_or_load(key, load, ttl=fresh, stale_for=stale_for, type=Row)

    return OpenLibrary(get, cache.invalidate)


def ours_async_on(client: Any, fresh: float) -> OpenLibrary:
    """Our cache on any asyncio client."""
    cache = AsyncCache(client, prefix="ours", lease=LEASE_SECONDS)

    def get(key: str, load: Callable[[], Awaitable[Row]]) -> Awaitable[Row]:
        return cache.get_or_load(key, load, ttl=fresh, type=Row)

    return OpenLibrary(get, cache.invalidate)


def _ours(servers: Servers, fresh: float) -> OpenLibrary:
    return ours_on(connect(servers.cache, max_connections=CONNECTIONS), fresh)


def _ours_stale(servers: Servers, fresh: float) -> OpenLibrary:
    return ours_on(connect(servers.cache, max_connections=CONNECTIONS), fresh, STALE_SECONDS)


def _ours_async(servers: Servers, fresh: float) -> OpenLibrary:
    return ours_async_on(connect_async(servers.cache, max_connections=CONNECTIONS), fresh)


def _naive(servers: Servers, fresh: float) -> OpenLibrary:
    client = bare_client(servers)

    def get(key: str, load: Callable[[], Row]) -> Row:
        content = client.get(key)
        if content is not None:
            return _decode(content)
        row = load()
        client.set(key, _encode(row), px=round(fresh * 1000))
        return row

    return OpenLibrary(get, client.delete)


def _dogpile(servers: Servers, fresh: float, *, distributed: bool = False) -> OpenLibrary:
    arguments = {
        "connection_pool": bare_client(servers).connection_pool,
        "redis_expiration_time": round(fresh + STALE_SECONDS),
        "thread_local_lock": False,
        # By default there is no timeout, and the lock of a process that was killed is never released.
        **({"distributed_lock": True, "lock_timeout": LEASE_SECONDS} if distributed else {}),
    }
    region = make_region(serializer=_encode, deserializer=_decode)
    region.configure("dogpile.cache.redis", expiration_time=fresh, arguments=arguments)
    return OpenLibrary(region.get_or_create, region.delete)


def _dogpile_distributed(servers: Servers, fresh: float) -> OpenLibrary:
    return _dogpile(servers, fresh, distributed=True)


def _django_redis(servers: Servers, fresh: float) -> OpenLibrary:
    if not django_settings.configured:
        options = {
            "SERIALIZER": f"{__name__}.DjangoMessagePack",
            "CONNECTION_POOL_KWARGS": {"max_connections": CONNECTIONS},
        }
        location = f"redis://{servers.cache.host}:{servers.cache.port}/0"
        backend = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": location, "OPTIONS": options}
        django_settings.configure(CACHES={"default": backend})
        django.setup()

    def get(key: str, load: Callable[[], Row]) -> Any:
        return caches["default"].get_or_set(key, load, round(fresh))

    return OpenLibrary(get, caches["default"].delete)


def _cashews(servers: Servers, fresh: float, *, lock: bool = False, early: bool = False) -> OpenLibrary:
    cache = Cashews()
    cache.setup(f"messagepack://{servers.cache.host}:{servers.cache.port}?max_connections={CONNECTIONS}")
    decorate = (
        cache.early(ttl=fresh + STALE_SECONDS, early_ttl=fresh, key="{key}")
        if early
        else cache(ttl=fresh, key="{key}", lock=lock)
    )

    async def get(key: str, load: Callable[[], Awaitable[Row]]) -> Row:
        del key
        return await load()

    return OpenLibrary(decorate(get), lambda key: cache.delete(f"early:v2:{key}" if early else key))


def _cashews_lock(servers: Servers, fresh: float) -> OpenLibrary:
    return _cashews(servers, fresh, lock=True)


def _cashews_early(servers: Servers, fresh: float) -> OpenLibrary:
    return _cashews(servers, fresh, early=True)


def _aiocache(servers: Servers, fresh: float, decorator: Any = cached, **options: Any) -> OpenLibrary:
    decorate = decorator(
        ttl=float(fresh),
        key_builder=lambda _function, key, _load: key,
        cache=AiocacheKind.REDIS,
        endpoint=servers.cache.host,
        port=servers.cache.port,
        pool_max_size=CONNECTIONS,
        serializer=AiocacheMessagePack(),
        **options,
    )

    async def get(key: str, load: Callable[[], Awaitable[Row]]) -> Row:
        del key
        return await load()

    return OpenLibrary(decorate(get), decorate.cache.delete)


def _aiocache_stampede(servers: Servers, fresh: float) -> OpenLibrary:
    return _aiocache(servers, fresh, cached_stampede, lease=LEASE_SECONDS)


OURS, OURS_STALE, OURS_ASYNC = "ours", "ours, stale_for", "ours, asyncio"

LIBRARIES = {
    OURS: Library(_ours),
    OURS_STALE: Library(_ours_stale),
    "naive": Library(_naive),
    "dogpile.cache": Library(_dogpile),
    "dogpile.cache, distributed_lock": Library(_dogpile_distributed),
    "django-redis": Library(_django_redis),
    OURS_ASYNC: Library(_ours_async, asynchronous=True),
    "cashews": Library(_cashews, asynchronous=True),
    "cashews, lock": Library(_cashews_lock, asynchronous=True),
    "cashews, early": Library(_cashews_early, asynchronous=True),
    "aiocache": Library(_aiocache, asynchronous=True),
    "aiocache, cached_stampede": Library(_aiocache_stampede, asynchronous=True),
}


class DjangoMessagePack:
    """A serialiser for django-redis."""

    def __init__(self, options: dict[str, Any]) -> None:
        del options

    def dumps(self, value: Row) -> bytes:
        """Encode."""
        return _encode(value)

    def loads(self, content: bytes) -> Row:
        """Decode."""
        return _decode(content)


class AiocacheMessagePack(BaseSerializer):  # type: ignore[misc]  # it has no types
    """A serialiser for aiocache."""

    DEFAULT_ENCODING = None

    def dumps(self, value: Row) -> bytes:
        """Encode."""
        return _encode(value)

    def loads(self, content: bytes | None) -> Row | None:
        """Decode bytes; None stays None."""
        return None if content is None else _decode(content)


class CashewsMessagePack:
    """A pickler for cashews."""

    UnpicklingError = msgspec.DecodeError

    @staticmethod
    def dumps(value: Any) -> bytes:
        """Encode; ``early`` adds the time of the next refresh."""
        return _encode(value)

    @staticmethod
    def loads(content: bytes) -> Any:
        """Decode."""
        return _decode_any(content)


def _cashews_backend(serializer: Any, address: str, **options: Any) -> CashewsRedis:
    serializer.set_pickler(CashewsMessagePack)
    return CashewsRedis(address.replace("messagepack", "redis", 1), serializer=serializer, **options)


register_backend("messagepack", _cashews_backend, pass_uri=True)

_encode = msgspec.msgpack.encode
_decode: Callable[[Any], Row] = msgspec.msgpack.Decoder(Row).decode
_decode_any: Callable[[Any], Any] = msgspec.msgpack.Decoder().decode
