"""Each setting of a cache is declared once; whatever else has to name it is compared with its declaration here.

A failing test names the settings that were forgotten, and where: docs/adding-a-property.md.
"""

from __future__ import annotations

import dataclasses
import inspect
from typing import TYPE_CHECKING, Any

import pytest

from elasticache_constructs.shared.settings import rendered
from elasticache_rules.change_gate.schemas import schema
from tests.cache_arguments import CACHES, MEMBERS, Cache
from tests.conftest import ROOT, new_bench
from tests.deployable.resources import spelled

if TYPE_CHECKING:
    from collections.abc import Mapping

_REQUIRED = inspect.Parameter.empty
_CONTEXT = {"description"}
"""Settings whose defaults a construct takes from its place in the tree: required here, and None in the signature."""

_AROUND = frozenset().union(*(cache.around for cache in CACHES))

_OF_THE_FIRST_VERSION = {
    *("access", "availability_zones", "backups", "description", "encryption_key", "engine", "limits", "log_delivery"),
    *("maintenance_window", "network_type", "node_type", "nodes", "notification_topic", "parameters", "port"),
    *("restore_from", "topology", "transit_encryption", "unlisted_parameters", "upgraded_from", "vpc", "vpc_subnets"),
}


_REASONS_THAT_DEPLOY = {"public_endpoint_reason"}
"""Reasons without another argument: to give one is to ask for what it is a reason for."""


def _is_in_template(name: str) -> bool:
    """Whether an argument says what to deploy; not how to, or why."""
    return name in _REASONS_THAT_DEPLOY or (name not in {"upgraded_from", *_AROUND} and not name.endswith("_reason"))


_NEXT_TO_THE_CACHE = {"node_scaling"}
"""Settings that make other resources and change nothing of the cache's own."""


each_cache = pytest.mark.parametrize("cache", CACHES, ids=lambda cache: cache.construct.__name__)
each_construct = pytest.mark.parametrize("cache", [*CACHES, *MEMBERS], ids=lambda cache: cache.construct.__name__)


class _HandedOver(Exception):  # noqa: N818 - it is no error
    pass


def _handed_over(cache: Cache, monkeypatch: pytest.MonkeyPatch, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What the construct makes its settings of."""

    class _Recorder:
        @staticmethod
        def of(**found: Any) -> None:
            raise _HandedOver(found)

    monkeypatch.setattr(inspect.getmodule(cache.construct), cache.settings.__name__, _Recorder)
    with pytest.raises(_HandedOver) as handed_over:
        cache.construct(new_bench().stack, "Cache", **arguments)
    found: dict[str, Any] = handed_over.value.args[0]
    return found


@each_cache
def test_signature_has_every_setting_and_nothing_undeclared(cache: Cache) -> None:
    """An argument of a construct is a declared setting, another resource, or around the cache."""
    assert {*cache.declared, *cache.resources, *cache.around} == {*cache.signature}


@each_cache
def test_signature_has_the_declared_types_and_defaults(cache: Cache) -> None:
    """The default is the declared one; None where the declaration makes a new value for each cache."""
    wanted: dict[str, tuple[object, object]] = {}
    for name, each in cache.declared.items():
        made = each.default_factory is not dataclasses.MISSING or name in _CONTEXT
        default = None if made else _REQUIRED if each.default is dataclasses.MISSING else each.default
        wanted[name] = (f"{each.type} | None" if made else each.type, default)

    assert wanted == {name: (cache.signature[name].annotation, cache.signature[name].default) for name in wanted}


@each_construct
def test_every_argument_is_documented_with_its_default(cache: Cache) -> None:
    """Args has an entry for each argument, which tells the default; a number or a text as it is written."""
    assert list(cache.signature) == list(cache.documented), "Args and the signature have the same order"
    untold = []
    for name, each in cache.signature.items():
        _, told, default = cache.documented[name].partition("Default: ")
        written = str(each.default) if isinstance(each.default, str | int) else ""
        if bool(told) != (each.default is not _REQUIRED) or written not in default:
            untold.append(name)
    assert [] == untold


@each_cache
def test_construct_hands_every_setting_over(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the construct is given becomes the setting of that name, untouched."""
    given = {name: object() for name in cache.signature}

    found = _handed_over(cache, monkeypatch, given)
    assert {name: given[name] for name in cache.declared} == {
        name: found[name] for name in found if name in cache.declared
    }


@each_cache
def test_construct_has_no_defaults_of_its_own(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it is not given is None or what is declared: both come to the declared default."""
    given = {name: object() for name, each in cache.signature.items() if each.default is _REQUIRED}

    found = _handed_over(cache, monkeypatch, given)
    optional = {name: each for name, each in cache.declared.items() if name not in {*given, *_CONTEXT}}
    wanted = {
        name: each.default if each.default_factory is dataclasses.MISSING else each.default_factory()
        for name, each in optional.items()
    }
    assert wanted == {name: wanted[name] if found[name] is None else found[name] for name in optional}


@each_cache
def test_l1_arguments_exist(cache: Cache) -> None:
    """The L1 construct, and CloudFormation, know every argument that a setting becomes; each comes from one setting."""
    names = [argument for name in cache.declared for argument in cache.arguments_of(name)]
    written = [each.metadata.get("l1", {}) for each in cache.declared.values()]
    by_settings = [name for l1 in written for name in ([l1] if isinstance(l1, str) else l1)]
    rendered_twice = {name for name in rendered(cache.settings) if by_settings.count(name) > 1}
    document = schema(cache.l1.CFN_RESOURCE_TYPE_NAME)

    assert document is not None
    assert set() == {*names} - {*inspect.signature(cache.l1.__init__).parameters}
    assert set() == {name for name in names if not document.has((spelled(name),))}
    assert set() == rendered_twice | ({*cache.settings.ALWAYS} & {*names})
    assert {*filter(_is_in_template, cache.declared)} - _NEXT_TO_THE_CACHE == {
        *filter(cache.arguments_of, cache.declared)
    }


@each_construct
def test_docstring_tells_what_a_change_does(cache: Cache) -> None:
    """An argument replaces the cache, or changes in place, as CloudFormation's schema has it and the change gate says.

    One that does either, as ``node_type`` with its data tiering, stands in one of the sentences or in both. One that
    the schema has in place, and the service never changes, is stopped by the gate, and has another sentence.
    """
    document = schema(cache.l1.CFN_RESOURCE_TYPE_NAME)
    replaced, in_place = cache.sentences("Replaced"), cache.sentences("Changed in place")
    stopped = cache.sentences("Neither changed nor replaced")
    assert cache.around == cache.sentences("Around")

    assert document is not None
    assert set() == stopped & (replaced | in_place)
    only = {path[0] for path in document.create_only if len(path) == 1}
    perhaps = {path[0] for path in document.conditional}
    wrong = {}
    for name in filter(_is_in_template, cache.signature.keys() - stopped):
        properties = {spelled(each) for each in cache.arguments_of(name)}
        if properties and properties <= only and name not in replaced:
            wrong[name] = "replaces the cache"
        elif not properties & (only | perhaps) and (name in replaced or name not in in_place):
            wrong[name] = "changes in place"
        elif name not in replaced | in_place:
            wrong[name] = "replaces the cache, or changes in place"
        if properties and not all(map(document.has, ((each,) for each in properties))):
            wrong[name] = "is no property of this type"
    assert {} == wrong
    assert set() == (replaced | in_place | stopped) - {*cache.signature}


@each_cache
def test_changelog_names_what_came_after_the_first_version(cache: Cache) -> None:
    """An argument that the first version did not have stands in CHANGELOG.md, with what it does to a running cache."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    assert [] == [name for name in {*cache.signature} - _OF_THE_FIRST_VERSION if f"`{name}" not in changelog]
