"""The libraries that are compared, each called the same way: get a key, or load it; and forget it.

All keep a value for as long as they are told, and have room for a connection for each caller. Values are MessagePack in
all of them, so that none is slower for its serialiser. What is not set here is as the library has it by default.
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
class Face:
    """A library in use.

    Attributes:
        get: the value of a key, else what a function without arguments gives; awaited where the library is for asyncio,
            like the function.
        invalidate: forget a key; awaited likewise.
    """

    get: Callable[[str, Callable[[], Any]], Any]
    invalidate: Callable[[str], Any]


@dataclass(frozen=True)
class Library:
    """A library, and a way to use it.

    Attributes:
        open: connects to the servers, to keep values for so many seconds.
        asynchronous: whether it is for asyncio.
    """

    open: Callable[[Servers, float], Face]
    asynchronous: bool = False


def bare_client(servers: Servers) -> redis.Redis:
    """redis-py as it comes."""
    return redis.Redis(host=servers.cache.host, port=servers.cache.port, max_connections=CONNECTIONS)


def bare_client_async(servers: Servers) -> redis.asyncio.Redis:
    """The same for asyncio."""
    return redis.asyncio.Redis(host=servers.cache.host, port=servers.cache.port, max_connections=CONNECTIONS)


def ours_on(client: Any, fresh: float, stale_for: float = 0) -> Face:
    """Our cache on any client that blocks."""
    cache = Cache(client, prefix="ours", lease=LEASE_SECONDS)

    def get(key: str, load: Callable[[], Row]) -> Row:
        return cache.get_or_load(key, load, ttl=fresh, stale_for=stale_for, type=Row)

    return Face(get, cache.invalidate)


def ours_async_on(client: Any, fresh: float) -> Face:
    """Our cache on any asyncio client."""
    cache = AsyncCache(client, prefix="ours", lease=LEASE_SECONDS)

    def get(key: str, load: Callable[[], Awaitable[Row]]) -> Awaitable[Row]:
        return cache.get_or_load(key, load, ttl=fresh, type=Row)

    return Face(get, cache.invalidate)


def _ours(servers: Servers, fresh: float) -> Face:
    return ours_on(connect(servers.cache, max_connections=CONNECTIONS), fresh)


def _ours_stale(servers: Servers, fresh: float) -> Face:
    return ours_on(connect(servers.cache, max_connections=CONNECTIONS), fresh, STALE_SECONDS)


def _ours_async(servers: Servers, fresh: float) -> Face:
    return ours_async_on(connect_async(servers.cache, max_connections=CONNECTIONS), fresh)


def _naive(servers: Servers, fresh: float) -> Face:
    client = bare_client(servers)

    def get(key: str, load: Callable[[], Row]) -> Row:
        content = client.get(key)
        if content is not None:
            return _decode(content)
        row = load()
        client.set(key, _encode(row), px=round(fresh * 1000))
        return row

    return Face(get, client.delete)


def _dogpile(servers: Servers, fresh: float, *, distributed: bool = False) -> Face:
    arguments = {
        "connection_pool": bare_client(servers).connection_pool,
        "redis_expiration_time": round(fresh + STALE_SECONDS),
        "thread_local_lock": False,
        # Without a timeout, which is the default, the lock of a process that is gone is never released.
        **({"distributed_lock": True, "lock_timeout": LEASE_SECONDS} if distributed else {}),
    }
    region = make_region(serializer=_encode, deserializer=_decode)
    region.configure("dogpile.cache.redis", expiration_time=fresh, arguments=arguments)
    return Face(region.get_or_create, region.delete)


def _dogpile_distributed(servers: Servers, fresh: float) -> Face:
    return _dogpile(servers, fresh, distributed=True)


def _django_redis(servers: Servers, fresh: float) -> Face:
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

    return Face(get, caches["default"].delete)


def _cashews(servers: Servers, fresh: float, *, lock: bool = False, early: bool = False) -> Face:
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

    return Face(decorate(get), lambda key: cache.delete(f"early:v2:{key}" if early else key))


def _cashews_lock(servers: Servers, fresh: float) -> Face:
    return _cashews(servers, fresh, lock=True)


def _cashews_early(servers: Servers, fresh: float) -> Face:
    return _cashews(servers, fresh, early=True)


def _aiocache(servers: Servers, fresh: float, decorator: Any = cached, **options: Any) -> Face:
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

    return Face(decorate(get), decorate.cache.delete)


def _aiocache_stampede(servers: Servers, fresh: float) -> Face:
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
    """What django-redis wants of a serialiser."""

    def __init__(self, options: dict[str, Any]) -> None:
        del options

    def dumps(self, value: Row) -> bytes:
        """To bytes."""
        return _encode(value)

    def loads(self, content: bytes) -> Row:
        """From bytes."""
        return _decode(content)


class AiocacheMessagePack(BaseSerializer):  # type: ignore[misc]  # it has no types
    """What aiocache wants of a serialiser."""

    DEFAULT_ENCODING = None

    def dumps(self, value: Row) -> bytes:
        """To bytes."""
        return _encode(value)

    def loads(self, content: bytes | None) -> Row | None:
        """From bytes, or from nothing."""
        return None if content is None else _decode(content)


class CashewsMessagePack:
    """What cashews wants of a pickler."""

    UnpicklingError = msgspec.DecodeError

    @staticmethod
    def dumps(value: Any) -> bytes:
        """To bytes; of ``early``, with the time at which it is due."""
        return _encode(value)

    @staticmethod
    def loads(content: bytes) -> Any:
        """From bytes."""
        return _decode_any(content)


def _cashews_backend(serializer: Any, address: str, **options: Any) -> CashewsRedis:
    serializer.set_pickler(CashewsMessagePack)
    return CashewsRedis(address.replace("messagepack", "redis", 1), serializer=serializer, **options)


register_backend("messagepack", _cashews_backend, pass_uri=True)

_encode = msgspec.msgpack.encode
_decode: Callable[[Any], Row] = msgspec.msgpack.Decoder(Row).decode
_decode_any: Callable[[Any], Any] = msgspec.msgpack.Decoder().decode
