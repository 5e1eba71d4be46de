"""Cached functions: their keys, their types, and what is refused with a reason."""

from __future__ import annotations

import asyncio
import copy
import datetime as dt
import enum
import inspect
import pickle
import sys
import uuid
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, NewType, get_type_hints

import asgiref.sync
import msgspec
import pytest
import redis
import redis.asyncio
import valkey
from redis.cache import CacheConfig
from starlette._utils import is_async_callable
from starlette.background import BackgroundTask

from elasticache_client.caching import AsyncCache, Cache
from elasticache_client.caching.entries import policy
from elasticache_client.caching.lazy import KeyTemplate, returned_type
from tests.client.caching.callers import PREFIX, new_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal as OnlyForCheckers

    from tests.client.caching.callers import Face
    from tests.client.sessions.caches import Cache as Place


class Colour(enum.Enum):
    """A parameter of a function."""

    RED = "r:ed"


class Size(enum.StrEnum):
    """A text, and none."""

    SMALL = "1"


def _product(product_id: Any, language: str = "en", *, draft: bool = False) -> None: ...


@pytest.mark.parametrize(
    ("args", "kwargs", "key"),
    [
        ((42,), {}, "en/42/False"),
        ((42, "de"), {"draft": True}, "de/42/True"),
        ((), {"language": "de", "product_id": "pear"}, "de/pear/False"),
        (("a/b{c}%d:",), {}, "en/a%2Fb%7Bc%7D%25d:/False"),
        ((-1,), {}, "en/-1/False"),
        ((None, "None"), {}, "None/%/False"),
        ((7, "7"), {}, "7/7/False"),
        (("50%s", "%"), {}, "%25/50%25s/False"),
    ],
)
def test_arguments_make_the_key(args: Any, kwargs: dict[str, Any], key: str) -> None:
    """By position or by name, with defaults, in the template's order; nothing in one reaches into the next."""
    assert KeyTemplate("{language}/{product_id}/{draft}", _product).key(args, kwargs) == key


class Hidden(str):
    """A text that shows nothing of itself."""

    __slots__ = ()

    def __str__(self) -> str:
        return "***"


_LIKE_ONE = [
    *(Hidden("2"), Hidden("3")),
    *(1, "1", "%i1", True, "True", None, "None", "%", Colour.RED, "r:ed", Size.SMALL, Decimal(1), -1, "-1", "%s1"),
    *(uuid.UUID(int=1), str(uuid.UUID(int=1)), dt.date(2026, 1, 1), "2026-01-01", dt.datetime(2026, 1, 1)),  # noqa: DTZ001
    "2026-01-01 00:00:00",
]


@pytest.mark.parametrize(
    "declared",
    [Any, int, str, "int | str", bool, uuid.UUID, dt.date, dt.datetime, Decimal, Colour, Size, "Size | None", "NoSuch"],
)
def test_values_of_different_types_stay_apart(declared: Any) -> None:
    """A call of 1 and one of "1" are two calls, whatever the parameter is declared to be."""

    def function(value: Any) -> None: ...

    function.__annotations__["value"] = declared
    make = KeyTemplate("{value}", function).key
    assert len({make((value,), {}) for value in _LIKE_ONE}) == len(_LIKE_ONE)


@pytest.mark.parametrize(
    ("declared", "value", "key"),
    [
        (Any, 1, "1"),
        (Any, "pear", "pear"),
        ("int | None", 1, "1"),
        (str, "1", "1"),
        (NewType("Sku", str), "1", "1"),
        (bool, True, "True"),
        (Colour, Colour.RED, "r:ed"),
        (uuid.UUID, uuid.UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (dt.date, dt.date(2026, 11, 22), "2026-11-22"),
        ("Decimal | None", Decimal("1.50"), "1.50"),
    ],
)
def test_a_declared_type_stands_as_it_is(declared: Any, value: Any, key: str) -> None:
    """Keys of what is cached by now stay."""

    def function(value: Any) -> None: ...

    function.__annotations__["value"] = declared
    assert KeyTemplate("{value}", function).key((value,), {}) == key


@pytest.mark.parametrize("sign", [":", "-", "/", "_", ".", "||"])
def test_arguments_that_hold_the_sign_stay_apart(sign: str) -> None:
    """Two different calls never share a key, whatever text they pass and whatever stands between two arguments."""
    make = KeyTemplate(f"{{first}}{sign}{{second}}", lambda first, second: (first, second)).key
    texts = {"", "1", -2, sign, f"1{sign}", f"{sign}1", f"1{sign}1", None, "None", "%", "%25"}
    keys = {make((first, second), {}) for first in texts for second in texts}
    assert len(keys) == len(texts) ** 2


def test_a_key_may_have_a_percent_sign() -> None:
    """The template's own text is taken as it is."""
    assert KeyTemplate("100%:{name}:%s", lambda name: name).key(("x",), {}) == "100%:x:%s"


@pytest.mark.parametrize("value", [[1], {"a": 1}, 1.5, object()])
def test_an_argument_that_does_not_tell_itself_apart_is_refused(value: Any) -> None:
    """An object's text may be its address, a float's is not always the same, and a list can be changed."""
    with pytest.raises(TypeError, match=r"argument of type \w+ in a key: must be str, int, .*get_or_load"):
        KeyTemplate("{name}", lambda name: name).key((value,), {})


@pytest.mark.parametrize(
    ("template", "function"),
    [
        ("product", lambda product_id: product_id),
        ("product:{id}", lambda product_id: product_id),
        ("product:{product_id}", lambda product_id, language: (product_id, language)),
        ("product:{product_id}:{}", lambda product_id: product_id),
        ("product:{product_id:>3}", lambda product_id: product_id),
        ("product:{product_id!r}", lambda product_id: product_id),
        ("product:{product_id.name}", lambda product_id: product_id),
        ("{product_id}{language}", lambda product_id, language: (product_id, language)),
        ("{{{product_id}}}", lambda product_id: product_id),
        ("{product_id}%{language}", lambda product_id, language: (product_id, language)),
        ("{product_id}x{language}", lambda product_id, language: (product_id, language)),
        ("product:{args}", lambda *args: args),
        ("product:{kwargs}", lambda **kwargs: kwargs),
        ("product:{self}", lambda self: self),
        ("product:{self}:{number}", lambda self, number: (self, number)),
        ("product:{self.}:{number}", lambda self, number: (self, number)),
        ("product:{self.a[0]}:{number}", lambda self, number: (self, number)),
        ("product:{cls.tenant}:{number}", lambda self, number: (self, number)),
    ],
)
def test_a_key_names_every_parameter(template: str, function: Callable[..., Any]) -> None:
    """Otherwise different calls would share a result."""
    with pytest.raises(ValueError, match=r"^key '.*' of .*: must name each parameter .*\. Correct the key"):
        KeyTemplate(template, function)


def test_a_cached_function_is_still_that_function(valkey: Place, open_face: Callable[..., Face]) -> None:
    """Its name, its documentation and its signature stay."""
    cache: Cache = open_face(valkey).cache

    @cache.lazy("{number}", ttl=60)
    def double(number: int) -> int:
        """Twice."""
        return 2 * number

    described: Any = double
    assert (described.__name__, double.__doc__, str(inspect.signature(double))) == (
        *("double", "Twice."),
        "(number: 'int') -> 'int'",
    )


def test_parameters_may_be_known_to_checkers_only(valkey: Place, open_face: Callable[..., Face]) -> None:
    """Of the annotations only what is returned has to be there when the program runs."""
    key = new_key()
    cache: Cache = open_face(valkey).cache

    @cache.lazy("{name}", ttl=60)
    def identity(name: OnlyForCheckers) -> str:
        return f"{name}"

    assert identity(key) == key  # type: ignore[arg-type]


LOADED: list[Any] = []
"""Arguments of loads."""


class Products:
    """Cached methods of every kind."""

    def __init__(self, tenant: str) -> None:
        self.tenant = tenant


def _with_methods(cache: Any, key: str, *, above: bool) -> type[Products]:
    lazy: Any = partial(cache.lazy, ttl=60)

    def still(number: int) -> int:
        LOADED.append(number)
        return number

    def whole(cls: type, number: int) -> str:
        LOADED.append((cls, number))
        return f"{cls} {number}"

    lazy_still, lazy_whole = lazy(key + ":still:{number}"), lazy(key + ":whole:{number}")

    class Shop(Products):
        @lazy(key + ":one:{number}")  # type: ignore[untyped-decorator]
        def one(self, number: int) -> int:
            LOADED.append((self.tenant, number))
            return number

        @lazy(key + ":{self.tenant}:{number}")  # type: ignore[untyped-decorator]
        def each(self, number: int) -> str:
            LOADED.append((self.tenant, number))
            return f"{self.tenant} {number}"

    kinds: Any = Shop
    kinds.still = lazy_still(staticmethod(still)) if above else staticmethod(lazy_still(still))
    kinds.whole = lazy_whole(classmethod(whole)) if above else classmethod(lazy_whole(whole))
    return Shop


@pytest.mark.parametrize("above", [True, pytest.param(False, id="below")])
def test_methods(valkey: Place, open_face: Callable[..., Face], *, above: bool) -> None:
    """Objects share what the key does not tell apart; each's own invalidate and so on leave it out, too."""
    shop: Any = _with_methods(open_face(valkey).cache, new_key(), above=above)
    pears, plums = shop("pears"), shop("plums")
    LOADED.clear()
    assert [pears.one(1), plums.one(1), shop.one(plums, 1), pears.each(1), plums.each(1)] == [
        *(1, 1, 1, "pears 1", "plums 1"),
    ]
    assert [("pears", 1), ("pears", 1), ("plums", 1)] == LOADED
    pears.each.invalidate(1)
    pears.each.write(2, "written")
    pears.each.write_through(number=3, store=len, *["stored"])  # noqa: B026
    assert [pears.each(1), pears.each(2), pears.each(3), plums.each.refresh(2)] == [
        *("pears 1", "written", "stored", "plums 2"),
    ]
    assert [("pears", 1), ("plums", 2)] == LOADED[3:]
    LOADED.clear()
    assert [shop.still(1), pears.still(1), shop.whole(1), pears.whole(1)] == [1, 1, *[f"{shop} 1"] * 2]
    shop.still.invalidate(1)
    shop.whole.invalidate(1)
    assert (shop.whole(1), LOADED.count((shop, 1))) == (f"{shop} 1", 2)
    if above or sys.version_info < (3, 13):
        assert shop.whole.refresh(1) == f"{shop} 1"
    else:  # which cannot know the class
        with pytest.raises(TypeError, match=r"called without its class: must .*Put lazy\(\) above @classmethod"):
            shop.whole.refresh(1)


_offline: Any = AsyncCache(redis.asyncio.Redis(), prefix=PREFIX)
_offline_threads = Cache(redis.Redis(), prefix=PREFIX)


@_offline.lazy("in-module:{number}", ttl=60)  # type: ignore[untyped-decorator]
async def in_module(number: int) -> int:
    """For pickle, which finds functions by their names."""
    return number


@_offline_threads.lazy("in-module:{number}", ttl=60)
def in_module_threads(number: int) -> int:
    """The same for threads."""
    return number


class InModule:
    """Likewise."""

    @_offline.lazy("in-class:{number}", ttl=60)  # type: ignore[untyped-decorator]
    async def method(self, number: int) -> int:
        """The number."""
        return number

    @_offline.lazy("of-class:{number}", ttl=60)  # type: ignore[untyped-decorator]
    @classmethod
    async def of_class(cls, number: int) -> int:
        """The number."""
        return number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, InModule)

    def __hash__(self) -> int:
        return 0


_ASYNCHRONOUS: list[Any] = [in_module, InModule.method, InModule().method, InModule.of_class]


@pytest.mark.parametrize("function", [*_ASYNCHRONOUS, in_module_threads])
def test_a_cached_function_is_a_function(function: Any) -> None:
    """Frameworks ask of which kind it is; before, FastAPI answered 500 and Starlette's background tasks never ran."""
    is_asynchronous = function is not in_module_threads
    assert inspect.isroutine(function)
    asks: list[Any] = [inspect.iscoroutinefunction, asgiref.sync.iscoroutinefunction, is_async_callable]
    if sys.version_info < (3, 14):  # where it is deprecated
        asks.append(asyncio.iscoroutinefunction)
    assert {ask(function) for ask in asks} == {is_asynchronous}
    assert list(inspect.signature(function).parameters)[-1:] == ["number"]
    assert get_type_hints(function) == {"number": int, "return": int}
    assert all(callable(getattr(function, each)) for each in ("invalidate", "refresh", "write", "write_through"))
    assert inspect.unwrap(function).__name__ == function.__name__
    twins: list[Any] = [pickle.loads(pickle.dumps(function)), copy.copy(function), copy.deepcopy(function)]  # noqa: S301
    for twin in twins:
        assert (twin.__qualname__, twin.invalidate is not None) == (function.__qualname__, True)


def test_starlette_runs_it_in_the_background(valkey: Place, open_face: Callable[..., Face]) -> None:
    """It is awaited, and not left lying as a coroutine."""
    face = open_face(valkey, "redis-py asyncio")
    ran: list[int] = []

    @face.cache.lazy("{number}", ttl=60)  # type: ignore[untyped-decorator]
    async def load(number: int) -> int:
        ran.append(number)
        return number

    face.caller.wait(BackgroundTask(load, 99)())
    assert ran == [99]


def test_a_key_is_one_functions(valkey: Place, open_face: Callable[..., Face]) -> None:
    """Two functions with one key would be served each other's results; a module may be reloaded, though."""
    cache: Cache = open_face(valkey).cache
    lazy = cache.lazy("price:{number}", ttl=60)
    lazy(_synchronous)
    lazy(_synchronous)
    with pytest.raises(
        ValueError, match=r"key 'price:\{other\}' of .*other_function: must differ from the key of .*_synchronous in"
    ):

        @cache.lazy("price:{other}", ttl=60)
        def other_function(other: int) -> int:
            return other


@pytest.mark.skipif(sys.version_info < (3, 14), reason="annotations are worked out at once, or never")
def test_annotations_may_be_worked_out_late() -> None:
    """On Python 3.14 a module may do without the import from the future that made annotations texts."""
    module: dict[str, Any] = {}
    source = "def late(number: OnlyForCheckers) -> int: return 1"
    exec(compile(source, "late", "exec", dont_inherit=True), module)  # noqa: S102 - a module without that import
    assert int is returned_type(module["late"])
    assert "late:7" == KeyTemplate("late:{number}", module["late"]).key((7,), {})


def test_a_function_changes_its_own_result(valkey: Place, open_face: Callable[..., Face]) -> None:
    """Writing, writing through, invalidating and refreshing take the same arguments as a call."""
    calls: list[str] = []
    stored: list[int] = []
    cache: Cache = open_face(valkey).cache

    @cache.lazy("length:{text}", ttl=60)
    def length(text: str) -> int:
        calls.append(text)
        return len(text)

    key = new_key()
    seen = [length(key), length(text=key)]
    length.write(key, 1)
    seen.append(length(key))
    length.write_through(key, 2, store=stored.append)
    seen.append(length(key))
    length.invalidate(key)
    seen += [length(key), length.refresh(key), length(key)]
    assert (seen, len(calls), stored) == ([32, 32, 1, 2, 32, 32, 32], 3, [2])


def _no_annotation(number):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    return number


def _unknown(number: int) -> OnlyForCheckers:
    raise NotImplementedError(number)


async def _asynchronous(number: int) -> int:
    return number


def _synchronous(number: int) -> int:
    return number


@pytest.mark.parametrize(
    ("kind", "function", "message"),
    [
        ("redis-py", _no_annotation, "annotated to return 'nothing': must be .* Annotate it"),
        ("redis-py", _unknown, "annotated to return 'OnlyForCheckers': must be .* TYPE_CHECKING"),
        ("redis-py", _asynchronous, "must be a plain def function here. Change it, or decorate it with AsyncCache"),
        ("redis-py asyncio", _synchronous, "must be an async def function here. Change it, or decorate it with Cache"),
    ],
)
def test_a_function_that_cannot_be_cached_is_refused(
    kind: str, function: Callable[..., Any], message: str, valkey: Place, open_face: Callable[..., Face]
) -> None:
    """When it is decorated, and not when it is called."""
    with pytest.raises(TypeError, match=message):
        open_face(valkey, kind).cache.lazy("{number}", ttl=60)(function)


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"ttl": 0}, r"ttl=0: must be more than 0 and at most 3155760000 seconds \(100 years\)\. Correct ttl"),
        ({"ttl": float("nan")}, "ttl=nan"),
        ({"ttl": float("inf")}, "ttl=inf"),
        ({"ttl": 1, "missing_ttl": 0}, r"missing_ttl=0: must be more than 0"),
        ({"ttl": 1, "stale_for": -1}, r"stale_for=-1: must be at least 0 and at most"),
    ],
)
def test_seconds_make_sense(named: dict[str, Any], message: str, valkey: Place, open_face: Callable[..., Face]) -> None:
    """A number that would cache nothing, or indefinitely, is refused."""
    with pytest.raises(ValueError, match=message):
        open_face(valkey).get("a", lambda: 1, **named)


@pytest.mark.parametrize("key", ["", "}", "}a"])
def test_a_key_is_not_empty_for_the_slot(key: str, valkey: Place, open_face: Callable[..., Face]) -> None:
    """Nothing in the braces would put a value and its lease into different slots."""
    face = open_face(valkey)
    for method, arguments in {"get_or_load": (key, list), "write": (key, 1), "write_through": (key, 1, print)}.items():
        with pytest.raises(ValueError, match=r"key=.*: must be a non-empty string that does not start with }"):
            face(method, *arguments, ttl=60)
    assert face.get(new_key(), lambda: 1) == 1


@pytest.mark.parametrize("key", ["a", "a}b", "{", "{a", "a{b}c", " ", "é:\n"])
def test_a_value_and_its_lease_share_a_slot(
    key: str, places: Callable[[str], Place], open_face: Callable[..., Face]
) -> None:
    """Whatever the key, the scripts find both on one node."""
    face = open_face(places("valkey cluster"))
    name = f"{key}{new_key()}"
    assert [face.get(name, lambda: 1), face.get(name, lambda: 2)] == [1, 1]
    assert face.stats.bypassed == 0


@pytest.mark.parametrize(
    ("named", "message"),
    [
        (
            {"prefix": ""},
            r"prefix='': must be at least one character: letters, digits, or _ \. : -\. Correct the cache's prefix",
        ),
        ({"prefix": "a{b"}, "prefix='a{b'"),
        ({"lease": 0}, r"lease=0: must be more than 0 and at most 3600 seconds"),
        ({"lease": 3601}, "lease=3601"),
        ({"jitter": 1}, r"jitter=1: must be at least 0 and less than 1"),
        ({"early": -1}, r"early=-1: must be 0 for never"),
        ({"bypass_limit": 0}, r"bypass_limit=0: must be at least 1 load"),
        ({"bypass_wait": -1}, r"bypass_wait=-1: must be at least 0 seconds"),
    ],
)
def test_settings_make_sense(named: dict[str, Any], message: str) -> None:
    """What is out of range is refused, with what is allowed."""
    with pytest.raises(ValueError, match=message):
        Cache(redis.Redis(), **{"prefix": PREFIX, **named})


@pytest.mark.parametrize(
    ("face", "client", "error", "message"),
    [
        (Cache, redis.asyncio.Redis(), TypeError, r"redis\.asyncio\.client\.Redis: must be a blocking.*AsyncCache"),
        (AsyncCache, valkey.Valkey(), TypeError, r"valkey\.client\.Valkey: must be an asyncio.*use Cache"),
        (Cache, {}, TypeError, r"builtins\.dict: must be a blocking client of redis-py or valkey-py"),
        (Cache, redis.Redis(decode_responses=True), ValueError, "decode_responses=True: must return bytes"),
        (
            Cache,
            redis.Redis(protocol=3, cache_config=CacheConfig()),
            ValueError,
            "with client-side caching: must read from the server",
        ),
        (Cache, valkey.Valkey(cache_enabled=True), ValueError, "with client-side caching: must read from the server"),
    ],
)
def test_a_client_that_cannot_be_used_is_refused(face: Any, client: Any, error: type[Exception], message: str) -> None:
    """At once, with what to pass instead."""
    with pytest.raises(error, match=message):
        face(client, prefix=PREFIX)


def test_a_subclass_of_a_client_is_one(places: Callable[[str], Place]) -> None:
    """An application may have made the library's class its own."""

    class OurRedis(redis.Redis):
        pass

    client = OurRedis(port=places("valkey").nodes[0].port)
    assert Cache(client, prefix=PREFIX).get_or_load(new_key(), lambda: 1, ttl=60) == 1
    client.close()


def test_a_ttl_that_is_another_one_each_time_makes_no_type_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is dear to make depends on the type alone, so that a ttl that is drawn by lot costs a hit nothing."""
    made: list[Any] = []
    decoder = msgspec.msgpack.Decoder
    monkeypatch.setattr(msgspec.msgpack, "Decoder", lambda kind, **named: made.append(kind) or decoder(kind, **named))  # type: ignore[func-returns-value]

    class OfItsOwn(msgspec.Struct):
        number: int

    policies = [policy(OfItsOwn, 60 + number / 7, None, 0) for number in range(50)]
    assert (len(made), len(set(policies)), len({each.shape for each in policies})) == (1, 50, 1)
