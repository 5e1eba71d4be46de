"""Two releases of an application side by side: what one stores the other reads, or has a variant of."""

from __future__ import annotations

import dataclasses
from collections import namedtuple
from typing import TYPE_CHECKING, Any

import msgspec
import pydantic
import pytest

from tests.client.caching.callers import PREFIX, new_key
from tests.client.conftest import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.client.caching.callers import Face
    from tests.client.sessions.caches import Cache as Place

every_kind = pytest.mark.parametrize("kind", KINDS)


def _dataclass(*fields: Any) -> Any:
    return dataclasses.make_dataclass("Product", fields)


def _default() -> Any:
    return dataclasses.field(default=1)


def _struct(*fields: Any, **options: Any) -> Any:
    return msgspec.defstruct("Product", fields, **options)


def _model(**fields: Any) -> Any:
    return pydantic.create_model("Product", **fields)


_NAME = ("name", str)
_OLD, _OLD_STRUCT, _OLD_MODEL = _dataclass(_NAME), _struct(_NAME), _model(name=str)
_NEW = _dataclass(_NAME, ("stock", int, _default()))
_NEW_STRUCT = _struct(_NAME, ("stock", int, 1))
_NEW_MODEL = _model(name=str, stock=(int, 1))

# What the old release loads and how the new one reads it, and the other way round.
SHARED: dict[str, tuple[Any, Any, Any, Any]] = {
    "a field with a default": (_OLD("pear"), _NEW("pear", 1), _NEW("pear", 7), _OLD("pear")),
    "of a Struct": (_OLD_STRUCT("pear"), _NEW_STRUCT("pear", 1), _NEW_STRUCT("pear", 7), _OLD_STRUCT("pear")),
    "of a model": (
        *(_OLD_MODEL(name="pear"), _NEW_MODEL(name="pear"), _NEW_MODEL(name="pear", stock=7), _OLD_MODEL(name="pear")),
    ),
}
_Old = namedtuple("_Old", ["a"])  # noqa: PYI024 - made at run time, as the others
_New = namedtuple("_Old", ["a", "b"], defaults=[""])  # type: ignore[name-match]  # noqa: PYI024
_REQUIRED = _dataclass(_NAME, ("stock", int))
_STRICT = _struct(_NAME, forbid_unknown_fields=True)
APART: dict[str, tuple[Any, Any]] = {
    "a field without a default": (_OLD("pear"), _REQUIRED("pear", 7)),
    "a field of another type": (_struct(("stock", int))(7), _struct(("stock", str))("seven")),
    "a field of another name": (_dataclass(("cents", int, _default()))(7), _dataclass(("price", int, _default()))(8)),
    "a field of another name, inside": (
        {"it": [_dataclass(("cents", int, _default()))(7)]},
        {"it": [_dataclass(("price", int, _default()))(8)]},
    ),
    "fields without names": (
        _struct("a", array_like=True)("a"),
        _struct("a", ("b", str, ""), array_like=True)("a", "b"),
    ),
    "more than it takes": (_NEW_STRUCT("pear", 7), _STRICT("pear")),
    "a tuple with names": (_Old("a"), _New("a", "b")),
    "another class": (_OLD("pear"), dataclasses.make_dataclass("Fruit", [_NAME])("pear")),
    "another kind of value": (7, "seven"),
}


def _type_of(value: Any) -> Any:
    return dict[str, list[type(value["it"][0])]] if isinstance(value, dict) else type(value)  # type: ignore[misc]


class _Releases:
    """Two of them, each with its own client, and the loads of each."""

    def __init__(self, old: Face, new: Face, values: tuple[Any, Any]) -> None:
        self.key = new_key()
        self.faces = (old, new)
        self.values = values
        self.loads = [0, 0]

    def get(self, release: int, **named: Any) -> Any:
        """Look the key up in one release."""

        def load() -> Any:
            self.loads[release] += 1
            return self.values[release]

        return self.faces[release].get(self.key, load, type=_type_of(self.values[release]), **named)

    def get_many(self, release: int) -> Any:
        """The same with others."""

        def load(keys: list[str]) -> Any:
            self.loads[release] += 1
            return dict.fromkeys(keys, self.values[release])

        face = self.faces[release]
        found = face("get_or_load_many", [self.key], face.loader(load), ttl=60, type=_type_of(self.values[release]))
        return found[self.key]


@pytest.fixture(name="open_releases")
def _open_releases(open_face: Callable[..., Face]) -> Callable[..., _Releases]:
    def open_releases(place: Place, kind: str, values: tuple[Any, Any]) -> _Releases:
        return _Releases(open_face(place, kind), open_face(place, kind), values)

    return open_releases


@pytest.mark.parametrize("case", SHARED)
def test_what_fits_is_shared(case: str, valkey: Place, open_releases: Callable[..., _Releases]) -> None:
    """Whichever loads, the other one reads it: a field it lacks has its default, one it does not know is left out."""
    old, read_by_new, new, read_by_old = SHARED[case]
    for first, expected in ((0, [old, read_by_new]), (1, [new, read_by_old])):
        both = open_releases(valkey, "redis-py", (old, new))
        values = [both.get(release) for release in (first, 1 - first) * 3]
        assert (values, sum(both.loads)) == (expected * 3, 1)


@every_kind
@pytest.mark.parametrize("case", APART)
def test_what_does_not_fit_is_kept_apart(
    case: str, kind: str, valkey: Place, open_releases: Callable[..., _Releases]
) -> None:
    """Each release loads once and reads its own value, by one key or by many; neither takes the other's away."""
    both = open_releases(valkey, kind, APART[case])
    values = [(both.get(0), both.get(1), both.get_many(0), both.get_many(1)) for _ in range(3)]
    assert (values, both.loads) == ([APART[case] * 2] * 3, [1, 1])
    assert [each.stats.hits for each in both.faces] == [5, 5]


@pytest.mark.parametrize("where", ["redis", "valkey", "valkey cluster"])
def test_the_second_value_lies_in_the_same_slot(
    where: str, places: Callable[[str], Place], open_releases: Callable[..., _Releases]
) -> None:
    """With an application's permissions, and with its own time to live."""
    both = open_releases(places(where), "redis-py", (7, "seven"))
    assert [both.get_many(1), both.get_many(0), both.get(0), both.get(1)] == ["seven", 7, 7, "seven"]
    assert both.loads == [1, 1]
    assert both.faces[0].stats.bypassed == both.faces[1].stats.bypassed == 0
    names = list(places(where).holding(f"{PREFIX}:{{{both.key}}}").scan_iter(f"{PREFIX}:{{{both.key}}}*"))
    times = [places(where).holding(f"{PREFIX}:{{{both.key}}}").ttl(name) for name in names]
    assert len(times) == 2
    assert all(0 < each <= 60 for each in times)


@pytest.mark.parametrize("change", ["invalidate", "write", "write_through"])
@pytest.mark.parametrize("by", [0, 1])
def test_a_change_counts_for_both(change: str, by: int, valkey: Place, open_releases: Callable[..., _Releases]) -> None:
    """Whichever release writes or invalidates, no caller is served what was there before."""
    both = open_releases(valkey, "redis-py", (7, "seven"))
    assert (both.get(0), both.get(1)) == (7, "seven")
    both.values = (8, "eight")
    arguments = {"invalidate": (), "write": (both.values[by],), "write_through": (both.values[by], lambda _: None)}
    named = {} if change == "invalidate" else {"ttl": 60, "type": type(both.values[by])}
    both.faces[by](change, both.key, *arguments[change], **named)
    assert (both.get(0), both.get(1), both.get(0), both.get(1)) == (8, "eight") * 2


@every_kind
def test_a_load_that_a_change_overtakes_is_served_to_nobody_else(
    kind: str, valkey: Place, open_releases: Callable[..., _Releases]
) -> None:
    """Neither release's, also if its value would have been a variant of the other's."""
    both = open_releases(valkey, kind, (7, "seven"))
    both.get(0)

    def load_slowly() -> Any:
        valkey.nodes[0].admin.delete(f"{PREFIX}:{{{both.key}}}", f"{PREFIX}:{{{both.key}}}:lease")
        return "older"

    assert both.faces[1].get(both.key, load_slowly, type=str) == "older"
    assert (both.get(0), both.get(1), both.get(1)) == (7, "seven", "seven")


def test_callers_of_both_releases_wait_for_their_own(valkey: Place, open_releases: Callable[..., _Releases]) -> None:
    """At the same moment, cold: a load for each release, and no more."""
    both = open_releases(valkey, "redis-py", (7, "seven"))
    loads = {"old": 0, "new": 0}

    def load(name: str, value: Any) -> Callable[[], Any]:
        def count() -> Any:
            loads[name] += 1
            return value

        return both.faces[0].loader(count, 0.1)

    turn = iter(range(20))

    def call() -> Any:
        if next(turn) % 2:
            return both.faces[0].cache.get_or_load(both.key, load("old", 7), ttl=60, type=int)
        return both.faces[1].cache.get_or_load(both.key, load("new", "seven"), ttl=60, type=str)

    answers = [each.value for each in both.faces[0].crowd(20, call)]
    assert (sorted(map(str, answers)), loads) == (["7"] * 10 + ["seven"] * 10, {"old": 1, "new": 1})
