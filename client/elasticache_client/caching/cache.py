"""The cache as an application sees it: for threads, and for asyncio."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from elasticache_client.caching.entries import Policy, policy
from elasticache_client.caching.errors import Unavailable
from elasticache_client.caching.lazy import KeyTemplate, Lazy, LazyClassMethod, LazyMethod, lazy, returned_type
from elasticache_client.caching.lookups import Lookups
from elasticache_client.caching.server import Server
from elasticache_client.caching.settings import Settings
from elasticache_client.caching.writes import Writes
from elasticache_client.messages import refusal
from elasticache_client.steps import Asyncio, Blocking, operation, run, run_async

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping

    from elasticache_client.caching.entries import Answers
    from elasticache_client.caching.stats import Stats
    from elasticache_client.steps import Backend, Steps

P = ParamSpec("P")
T = TypeVar("T")


class _CacheBase:
    """What `Cache` and `AsyncCache` have in common."""

    _backend: Backend
    _look_up: Callable[..., Any]

    def __init__(
        self,
        client: Any,
        *,
        prefix: str,
        lease: float = 3.0,
        jitter: float = 0.1,
        early: float = 1.0,
        bypass_limit: int = 16,
        bypass_wait: float = 5.0,
    ) -> None:
        settings = Settings(
            prefix=prefix,
            lease=lease,
            jitter=jitter,
            early=early,
            bypass_limit=bypass_limit,
            bypass_wait=bypass_wait,
        )
        self._asynchronous = isinstance(self, Asyncio)
        self._server = Server(client, prefix, self._backend, asynchronous=self._asynchronous)
        self._lookups = Lookups(self._server, settings, self._backend)
        self._writes = Writes(self._server, self._lookups.leases, settings, self._backend)
        self._templates: dict[str, str] = {}

    @property
    def stats(self) -> Stats:
        """What this object has done in this process."""
        return self._server.stats

    @property
    def is_down(self) -> bool:
        """Whether look-ups bypass the cache, or a part of it.

        A node did not answer and is bypassed for now; or one refused a command for a reason other than its key, such as
        memory or a permission, and has not run it since.
        """
        return self._server.is_down

    @operation
    def write(
        self,
        key: str,
        value: Any,
        *,
        ttl: float,
        type: Any = Any,  # noqa: A002 - the name that msgspec uses
    ) -> Steps[None]:
        """Replace a value that is stored or being loaded.

        Of two callers the later one prevails, whatever the database has: use `write_through` if several write.

        Args:
            key: The value's name, below the cache's prefix.
            value: The value.
            ttl: Seconds for which it is fresh, less the jitter.
            type: The type that it is read with. Default: readers of any type accept it if its content fits.

        Raises:
            TypeError: If the value is not of the type.
        """
        return self._writes.write(key, value, policy(type, ttl, None, 0))

    @operation
    def invalidate(self, *keys: str) -> Steps[None]:
        """Delete values, now or as soon as the cache answers. A load that is running cannot bring them back.

        Args:
            *keys: The values' names, below the cache's prefix.
        """
        return self._writes.invalidate(keys)

    def _lazy(
        self,
        function: Any,
        key: str,
        run: Callable[[Steps[Any]], Any],
        type_: Any,
        policy_of: Callable[[Any], Policy[Any]],
    ) -> Any:
        """The cached function; a static method stays one, and a class method too."""
        if isinstance(function, staticmethod):
            return staticmethod(self._lazy(function.__func__, key, run, type_, policy_of))
        if isinstance(function, classmethod):
            method = self._lazy(function.__func__, key, run, type_, policy_of)
            return LazyClassMethod(method) if isinstance(method, LazyMethod) else classmethod(method)
        _require_kind(function, asynchronous=self._asynchronous)
        kept = policy_of(returned_type(function) if type_ is None else type_)
        template = KeyTemplate(key, function)
        self._claim(key, template.pattern, function)
        return lazy(
            function, template, lookups=self._lookups, writes=self._writes, policy=kept, run=run, look_up=self._look_up
        )

    def _claim(self, key: str, pattern: str, function: Callable[..., Any]) -> None:
        """Note whose key it is; a module that is reloaded defines the same functions again."""
        name = f"{function.__module__}.{getattr(function, '__qualname__', repr(function))}"
        if "<lambda>" in name:
            name += f" in line {function.__code__.co_firstlineno}"
        if self._templates.setdefault(pattern, name) != name:
            raise ValueError(
                refusal(
                    got=f"key {key!r} of {name}",
                    allowed=f"must differ from the key of {self._templates[pattern]} in this cache, because each would "
                    "return the other's results",
                    fix="Start the key with a different text",
                )
            )


class Cache(_CacheBase, Blocking):
    """Lazy loading and write-through for threads.

    A look-up that hits is one GET. Of all callers in all processes that miss a value, one gets its lease and loads it;
    the others wait for the value, and take over when the lease ends. In one process they share the result and the
    error. If a load fails, no caller asks the database again before the lease ends: the others get `LoadFailed`.

    A write or an invalidation while an older value is being loaded prevails: the older value reaches the callers that
    had asked before, but never the cache, and no caller that asks afterwards. That holds within one primary. A failover
    may lose what a replica has not received, and a process that dies may lose an invalidation that it could not send;
    both end with the ttl.

    If the cache does not answer, look-ups bypass it: after a few failures it is not asked, and a limited number of
    loads runs at a time in this process. Once per second one caller tries the cache again. Values that could not be
    changed meanwhile are deleted before they are read. In cluster mode each node is treated separately: if one is down,
    the keys of the others still come from the cache. If a node refuses a command, that concerns the command or its key;
    it is logged once, and no lease is left behind.

    Cached functions may call each other. A load within a load shares its permit, in the same thread or task and in
    tasks that it starts; a thread that it starts counts separately, unless it runs in ``contextvars.copy_context()``. A
    load that would wait for its own lease runs as without a cache.

    Values are MessagePack, never pickle, and come back equal and of the same type, or are not cached. Two releases of
    an application share a value if the type of one can read what the other has stored: a missing field gets its
    default. If it cannot, each release has its own value, and writing or invalidating the key deletes both. The
    server's clock ends values; this machine's clock only decides when to ask for a refresh.

    Args:
        client: A client from ``connect()``, or any other redis-py or valkey-py client that returns bytes, for one node
            or a cluster. Its timeouts and retries decide how long a caller waits until it knows that the cache is down.
            Read from the primary: a replica may still have what was invalidated.
        prefix: What names of keys begin with. A user needs ``Permissions.read_write("<prefix>:*")``.
        lease: Seconds for which other callers wait for one that loads or writes through. Default: 3. A load may take
            longer and still be stored, but others begin meanwhile.
        jitter: The largest share by which a ttl is shortened at random, so that values stored together do not expire
            together. Default: 0.1, a tenth.
        early: How eagerly one caller refreshes a value shortly before it expires. Default: 1, a few load times before;
            0 for never.
        bypass_limit: The maximum number of loads at a time in this process while the cache does not answer; loads that
            began under a lease do not count, and a load within another shares its permit. Default: 16.
        bypass_wait: Seconds to wait for a permit before `Overloaded` is raised. Default: 5.

    Raises:
        TypeError: If the client is not a blocking client of redis-py or valkey-py.
        ValueError: If an argument is out of range, or the client decodes its answers or caches some itself.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Strategies.html
    """

    def lazy(
        self,
        key: str,
        *,
        ttl: float,
        missing_ttl: float | None = None,
        stale_for: float = 0,
        answers: Answers = (),
        type: Any = None,  # noqa: A002 - the name that msgspec uses
    ) -> Callable[[Callable[P, T]], Lazy[P, T, None]]:
        """Cache a function's results.

        A result that would not come back from the cache equal and of the same type, or that cannot be stored, is
        returned as it is and not cached; that is logged once for each type.

        Args:
            key: A text that names each parameter in braces, as in ``product:{product_id}``. Of a method, it names all
                but ``self`` or ``cls``, of which it may name attributes, as in ``{self.tenant}:{product_id}``: all
                objects share what it does not tell apart. No other function of this cache may have the same key.
            ttl: Seconds for which a result is fresh, less the jitter.
            missing_ttl: The same for None. Default: as for other results.
            stale_for: Seconds beyond the ttl for which the old result may be served while one caller loads the new
                one, or while loading fails. Default: 0.
            answers: Exceptions that are answers and not failures, as in ``answers=(NotFound,)``. They are not cached:
                each is raised to its caller, and the next caller asks the database again. Default: none.
            type: What the function returns. Default: its annotation.

        Raises:
            TypeError: If the type is not known, or cannot be read back; or the function is an ``async def``.
            ValueError: If the key does not name the parameters, or is another function's; or a number of seconds is
                not valid.
        """

        def decorate(function: Callable[P, T]) -> Lazy[P, T, None]:
            decorated: Lazy[P, T, None]
            decorated = self._lazy(
                function, key, run, type, lambda kind: policy(kind, ttl, missing_ttl, stale_for, answers)
            )
            return decorated

        return decorate

    def get_or_load(
        self,
        key: str,
        load: Callable[[], T],
        *,
        ttl: float,
        missing_ttl: float | None = None,
        stale_for: float = 0,
        answers: Answers = (),
        type: Any = Any,  # noqa: A002 - the name that msgspec uses
    ) -> T:
        """Return the cached value, or what ``load`` returns.

        Args:
            key: The value's name, below the cache's prefix.
            load: Called without arguments, by the one caller that loads.
            ttl: Seconds for which a value is fresh, less the jitter.
            missing_ttl: The same for None. Default: as for other values.
            stale_for: Seconds beyond the ttl for which the old value may be served while one caller loads the new one,
                or while loading fails. Default: 0.
            answers: Exceptions that are answers and not failures, as in `lazy`. Default: none.
            type: The value's type, with ``| None`` if it may be missing. Default: lists, dicts and scalars as they are.

        Raises:
            LoadFailed: If another caller has just failed to load it.
            Overloaded: If the cache does not answer, and too many loads run without it.
            TypeError: If what was loaded is not of the type.
            Exception: If ``load`` raises it.
        """
        value: T = self._look_up(key, load, policy(type, ttl, missing_ttl, stale_for, answers))
        return value

    def get_or_load_many(
        self,
        keys: Iterable[str],
        load_many: Callable[[list[str]], Mapping[str, T]],
        *,
        ttl: float,
        missing_ttl: float | None = None,
        stale_for: float = 0,
        answers: Answers = (),
        type: Any = Any,  # noqa: A002 - the name that msgspec uses
    ) -> dict[str, T | None]:
        """Return the values of all keys by key, read in one trip and with one load for all that are missing.

        Args:
            keys: The values' names, below the cache's prefix.
            load_many: Called with the missing keys that no other caller is loading; returns what it finds by key. A key
                that it does not find is cached as None.
            ttl: As for `get_or_load`.
            missing_ttl: As for `get_or_load`.
            stale_for: As for `get_or_load`.
            answers: As for `get_or_load`.
            type: One value's type. Default: lists, dicts and scalars as they are.

        Raises:
            LoadFailed: If another caller has just failed to load one of the keys.
            Overloaded: If the cache does not answer, and too many loads run without it.
            TypeError: If what was loaded is not of the type.
            Exception: If ``load_many`` raises it.
        """
        kept = policy(_optional(type), ttl, missing_ttl, stale_for, answers)
        return run(self._lookups.lookup_many(keys, load_many, kept))

    def write_through(
        self,
        key: str,
        value: T,
        store: Callable[[T], Any],
        *,
        ttl: float,
        type: Any = Any,  # noqa: A002 - the name that msgspec uses
    ) -> Any:
        """Write to the database, then to the cache; return what ``store`` returns.

        Once it has returned, no caller is served a value that is older in the database than this one: if another write
        or an invalidation of the key came in between, the cache has no value, because only the database knows which was
        later. Meanwhile readers get the older value, or wait for one. A process that ends between the two
        leaves the older value for at most the lease, if the write itself took no longer.

        Args:
            key: The value's name, below the cache's prefix.
            value: The value.
            store: Called with the value; writes it to the database and returns once it is committed.
            ttl: Seconds for which the value is fresh, less the jitter.
            type: The type that it is read with. Default: readers of any type accept it if its content fits.

        Raises:
            TypeError: If the value is not of the type; nothing has been stored.
            Exception: If ``store`` raises it; the cached value is deleted, as the database may have the new one.
        """
        return run(self._writes.write_through(key, value, store, policy(type, ttl, None, 0)))

    def _look_up(self, key: str, load: Callable[[], T], policy: Policy[T]) -> T:
        try:
            entry = self._lookups.hit(self._server.get_at_once(key), policy)
        except Unavailable:
            return run(self._lookups.lookup(key, load, policy, is_lost=True))
        return entry.value if entry is not None else run(self._lookups.lookup(key, load, policy))


class AsyncCache(_CacheBase, Asyncio):
    """The same for asyncio, for one event loop; arguments, guarantees and errors are those of `Cache`.

    If a caller is cancelled while it loads, the next caller gets the lease.

    Args:
        client: A client from ``connect_async()``, or any other asyncio client of redis-py or valkey-py that returns
            bytes.
        prefix: As in `Cache`, like all that follow.
    """

    def lazy(
        self,
        key: str,
        *,
        ttl: float,
        missing_ttl: float | None = None,
        stale_for: float = 0,
        answers: Answers = (),
        type: Any = None,  # noqa: A002 - the name that msgspec uses
    ) -> Callable[[Callable[P, Coroutine[Any, Any, T]]], Lazy[P, Coroutine[Any, Any, T], Coroutine[Any, Any, None]]]:
        """Cache an ``async def`` function's results, as `Cache.lazy` does; it stays a coroutine function."""

        def decorate(
            function: Callable[P, Coroutine[Any, Any, T]],
        ) -> Lazy[P, Coroutine[Any, Any, T], Coroutine[Any, Any, None]]:
            decorated: Lazy[P, Coroutine[Any, Any, T], Coroutine[Any, Any, None]]
            decorated = self._lazy(
                function, key, run_async, type, lambda kind: policy(kind, ttl, missing_ttl, stale_for, answers)
            )
            return decorated

        return decorate

    async def get_or_load(
        self,
        key: str,
        load: Callable[[], Awaitable[T]],
        *,
        ttl: float,
        missing_ttl: float | None = None,
        stale_for: float = 0,
        answers: Answers = (),
        type: Any = Any,  # noqa: A002 - the name that msgspec uses
    ) -> T:
        """Return the cached value, or the result of ``load``, as `Cache.get_or_load` does."""
        return await self._look_up(key, load, policy(type, ttl, missing_ttl, stale_for, answers))

    async def get_or_load_many(
        self,
        keys: Iterable[str],
        load_many: Callable[[list[str]], Awaitable[Mapping[str, T]]],
        *,
        ttl: float,
        missing_ttl: float | None = None,
        stale_for: float = 0,
        answers: Answers = (),
        type: Any = Any,  # noqa: A002 - the name that msgspec uses
    ) -> dict[str, T | None]:
        """Return the values of all keys by key, as `Cache.get_or_load_many` does."""
        kept = policy(_optional(type), ttl, missing_ttl, stale_for, answers)
        return await run_async(self._lookups.lookup_many(keys, load_many, kept))

    async def write_through(
        self,
        key: str,
        value: T,
        store: Callable[[T], Awaitable[Any]],
        *,
        ttl: float,
        type: Any = Any,  # noqa: A002 - the name that msgspec uses
    ) -> Any:
        """Write to the database, then to the cache, as `Cache.write_through` does."""
        return await run_async(self._writes.write_through(key, value, store, policy(type, ttl, None, 0)))

    def _look_up(self, key: str, load: Callable[[], Awaitable[T]], policy: Policy[T]) -> Coroutine[Any, Any, T]:
        return run_async(self._lookups.lookup(key, load, policy))


def _optional(type_: Any) -> Any:
    return type_ if type_ is Any else type_ | None


def _require_kind(function: Callable[..., Any], *, asynchronous: bool) -> None:
    if inspect.iscoroutinefunction(function) is not asynchronous:
        name = getattr(function, "__qualname__", repr(function))
        wanted, fix = ("an async def", "Cache") if asynchronous else ("a plain def", "AsyncCache")
        raise TypeError(
            refusal(
                got=f"function {name}",
                allowed=f"must be {wanted} function here",
                fix=f"Change it, or decorate it with {fix}.lazy",
            )
        )
