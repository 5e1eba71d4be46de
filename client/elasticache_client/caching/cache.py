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
        """What this object did so far."""
        return self._server.stats

    @property
    def is_down(self) -> bool:
        """Whether look-ups go past the cache, or past a part of it.

        A node of it did not answer and is left alone for now; or one refused a command whatever its key, as for want of
        memory or of a permission, and has not carried it out since.
        """
        return self._server.is_down

    @operation
    def write(
        self,
        key: str,
        value: Any,
        *,
        ttl: float,
        type: Any = Any,  # noqa: A002  # what it is, and what msgspec calls it
    ) -> Steps[None]:
        """Put a value in the place of what is there or being loaded.

        Of two callers the later one prevails, whatever the database says: use `write_through` where several write.

        Args:
            key: the value's name, below the cache's prefix.
            value: the value.
            ttl: seconds for which it is fresh, less the jitter.
            type: the type with which it is read. Default: readers of any type take it if its content fits.

        Raises:
            TypeError: the value is not of the type.
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
        """The cached function; a static method is one of its class again, and a class method of it."""
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
        """Note whose key it is; a module that is loaded anew defines the same functions once more."""
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

    A look-up that hits is one GET. Of all callers in all processes that miss a value, one gets its lease and loads; the
    others wait for what he stores, and take over when his lease ends. In one process they share the result and the
    error. When a load fails, nobody asks the database again before the lease ends: the others get `LoadFailed`.

    What is written or invalidated while an older value is being loaded stays: the older one reaches the callers that
    had asked before, never the cache, and nobody who asks afterwards. That holds within one primary; what a failover
    loses of a replica's lag, and an invalidation that this process could not send before it died, ends with the ttl.

    When the cache does not answer, look-ups go past it, after a few failures without asking it; a bounded number of
    loads runs then at a time in this process. Each second one caller tries the cache again. Values that could not be
    changed meanwhile are taken away before they are read. In cluster mode all that holds for each node: when one is
    away, the keys of the others come from the cache as before. What a node refuses with an error concerns that command
    or key, is logged once, and leaves no lease behind.

    Cached functions may call each other. What runs within a load shares its place, in its own thread or task and in
    tasks that it starts; a thread that it starts is a caller of its own, unless it runs in
    ``contextvars.copy_context()``. What would wait for its own lease runs as without a cache.

    Values are MessagePack, never pickle, and come back equal and of the same type, or are not cached. Two releases of
    an application share a value where the one's type can read what the other's has stored: what it lacks gets the
    default of its field. Where it does not fit, each release has a value of its own, and writing or invalidating the
    key takes both away. The server's clock ends values; this machine's clock only says when to ask for a refresh.

    Args:
        client: from ``connect()``, or any other redis-py or valkey-py client that answers bytes, standalone or cluster.
            Its timeouts and retries are how long a caller waits to find out that the cache is down. Read from the
            primary: a replica may still have what was invalidated.
        prefix: what names of keys begin with. A user needs ``Permissions.read_write("<prefix>:*")``.
        lease: seconds that the others leave to one who loads or writes through. Default: 3. A load may take longer and
            be stored, but others begin meanwhile.
        jitter: the largest share by which a ttl is shortened by chance, so that values stored together do not end
            together. Default: a tenth.
        early: how eagerly one caller refreshes a value shortly before it ends. Default: 1, a few load times before;
            0 for never.
        bypass_limit: how many loads may run at a time in this process while the cache does not shield the database;
            those that began under a lease go on beside them, and those within another have its place. Default: 16.
        bypass_wait: seconds to wait for a place among them before `Overloaded` is raised. Default: 5.

    Raises:
        TypeError: the client is no blocking client of the two libraries.
        ValueError: an argument is out of range, or the client decodes its answers or keeps some itself.

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
        type: Any = None,  # noqa: A002  # what it is, and what msgspec calls it
    ) -> Callable[[Callable[P, T]], Lazy[P, T, None]]:
        """Cache a function's results.

        Args:
            key: a text that names each parameter in braces, as in ``product:{product_id}``; of a method, all but
                ``self`` or ``cls``, whose attributes may be named, as in ``{self.tenant}:{product_id}``: what it does
                not name, all objects share. No other function of this cache may have it.
            ttl: seconds for which a result is fresh, less the jitter.
            missing_ttl: the same for None. Default: as for other results.
            stale_for: seconds beyond the ttl for which the old result may be served while one caller loads the new
                one, or while loading fails. Default: none.
            answers: exceptions that are answers and no failures, as in ``answers=(NotFound,)``. They are not cached:
                each reaches its caller as itself, and the next caller asks the database again. Default: none.
            type: what the function returns. Default: what it is annotated with.

        What would not come back from the cache equal and of the same type, and what cannot be stored, is returned as it
        is and not cached; that is logged once for each type.

        Raises:
            TypeError: the type is not known, or cannot be read back; or the function is an ``async def``.
            ValueError: the key does not name the parameters, or is another function's; or a number of seconds makes no
                sense.
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
        type: Any = Any,  # noqa: A002  # what it is, and what msgspec calls it
    ) -> T:
        """The cached value, else what ``load`` returns.

        Args:
            key: the value's name, below the cache's prefix.
            load: called without arguments by the one who loads.
            ttl: seconds for which a value is fresh, less the jitter.
            missing_ttl: the same for None. Default: as for other values.
            stale_for: seconds beyond the ttl for which the old value may be served while one caller loads the new one,
                or while loading fails. Default: none.
            answers: exceptions that are answers and no failures, as in `lazy`. Default: none.
            type: the value's type, with ``| None`` if it may be missing. Default: lists, dicts and scalars as they are.

        Raises:
            LoadFailed: somebody else has just tried in vain.
            Overloaded: the cache does not answer, and too many loads run without it.
            TypeError: what was loaded is not of the type.
            Exception: what ``load`` raised.
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
        type: Any = Any,  # noqa: A002  # what it is, and what msgspec calls it
    ) -> dict[str, T | None]:
        """The values of all keys by key, read in one trip and with one load for all that are missing.

        Args:
            keys: the values' names, below the cache's prefix.
            load_many: called with the keys that nobody else is loading; returns what it finds by key. What it does not
                find is cached as None.
            ttl: as for one.
            missing_ttl: as for one.
            stale_for: as for one.
            answers: as for one.
            type: one value's type. Default: lists, dicts and scalars as they are.

        Raises:
            LoadFailed: somebody else has just tried in vain for one of the keys.
            Overloaded: the cache does not answer, and too many loads run without it.
            TypeError: what was loaded is not of the type.
            Exception: what ``load_many`` raised.
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
        type: Any = Any,  # noqa: A002  # what it is, and what msgspec calls it
    ) -> Any:
        """Write to the database, then to the cache; gives what ``store`` returns.

        Once it has returned, nobody is served a value that is older in the database than this one: where another write
        or an invalidation of the key came in between, nothing is left in the cache, because only the database knows
        which was later. Meanwhile readers get the older value, and who finds none waits. Whoever dies between the two
        leaves the older value for the lease at most, provided that the write itself took no longer.

        Args:
            key: the value's name, below the cache's prefix.
            value: the value.
            store: called with the value; writes it to the database and returns once it is committed.
            ttl: seconds for which the value is fresh, less the jitter.
            type: the type with which it is read. Default: readers of any type take it if its content fits.

        Raises:
            TypeError: the value is not of the type; nothing has been stored.
            Exception: what ``store`` raised; the cached value is gone, as the database may have the new one.
        """
        return run(self._writes.write_through(key, value, store, policy(type, ttl, None, 0)))

    def _look_up(self, key: str, load: Callable[[], T], policy: Policy[T]) -> T:
        try:
            entry = self._lookups.hit(self._server.get_at_once(key), policy)
        except Unavailable:
            return run(self._lookups.lookup(key, load, policy, is_lost=True))
        return entry.value if entry is not None else run(self._lookups.lookup(key, load, policy))


class AsyncCache(_CacheBase, Asyncio):
    """The same for asyncio, for one event loop; arguments, promises and errors are those of `Cache`.

    A caller that is cancelled while it loads hands the lease on to the next one.

    Args:
        client: from ``connect_async()``, or any other asyncio client of redis-py or valkey-py that answers bytes.
        prefix: as in `Cache`, like everything that follows.
    """

    def lazy(
        self,
        key: str,
        *,
        ttl: float,
        missing_ttl: float | None = None,
        stale_for: float = 0,
        answers: Answers = (),
        type: Any = None,  # noqa: A002  # what it is, and what msgspec calls it
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
        type: Any = Any,  # noqa: A002  # what it is, and what msgspec calls it
    ) -> T:
        """The cached value, else what ``load`` comes to, as in `Cache.get_or_load`."""
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
        type: Any = Any,  # noqa: A002  # what it is, and what msgspec calls it
    ) -> dict[str, T | None]:
        """The values of all keys by key, as in `Cache.get_or_load_many`."""
        kept = policy(_optional(type), ttl, missing_ttl, stale_for, answers)
        return await run_async(self._lookups.lookup_many(keys, load_many, kept))

    async def write_through(
        self,
        key: str,
        value: T,
        store: Callable[[T], Awaitable[Any]],
        *,
        ttl: float,
        type: Any = Any,  # noqa: A002  # what it is, and what msgspec calls it
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
