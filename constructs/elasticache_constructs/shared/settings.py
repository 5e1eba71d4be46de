"""The settings of a cache, each declared once: as a field of a dataclass.

A field's annotation is the type that is checked, and its default is the default. Its metadata, a `Setting`, name the
arguments of the L1 construct, the check and the rule. docs/adding-a-property.md says what follows from a declaration,
and which test names what cannot follow.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from operator import attrgetter
from types import UnionType
from typing import Any, ClassVar, Self, TypedDict, get_origin, get_type_hints

from elasticache_constructs.checks.argument_types import Kind, check_kinds
from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.reasons import checked_reason
from elasticache_constructs.checks.situations import Situation
from elasticache_constructs.checks.tokens import is_known
from elasticache_constructs.values.network_type import NetworkType
from elasticache_constructs.values.parameters import check_named_once, check_parameters, check_unlisted_parameters
from elasticache_constructs.values.windows import checked_maintenance_window
from elasticache_rules import facts

OfSettings = Callable[[Any], object]
"""A function of the settings of a cache."""


class Setting(TypedDict, total=False):
    """The metadata of a setting: ``port: int = field(default=6379, metadata=Setting(l1="port", rule="NET-12"))``."""

    l1: str | Mapping[str, OfSettings]
    """The argument of the L1 construct that takes the value as it is; or, by argument, what gives its value. An
    argument is left out if its value is ``None``."""
    made_by_construct: tuple[str, ...]
    """Further arguments of the L1 construct: those that need resources, which the construct makes."""
    example: str
    """How a valid value is written, for error messages. Without it, `check` judges the type as well."""
    check: OfSettings
    """Raises a `ConfigurationError` if the value is not valid, by itself or together with other settings."""
    rule: str
    """The id of the rule that refuses a value of another type."""
    free: bool
    """Whether it is free text, in which invisible characters are refused."""
    secret: bool
    """Whether a value of another type may be a password, and is not shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSettings:
    """Everything about a cache that is not another resource. A field with a `Setting` is an argument of the construct.

    Raises:
        ConfigurationError: If the service would refuse the settings; with all mistakes, if there are several.
    """

    CONSTRUCT: ClassVar[str]
    """The name of the construct, for error messages."""

    ALWAYS: ClassVar[Mapping[str, object]] = {}
    """The arguments of the L1 construct that no setting changes."""

    @classmethod
    def of(cls, **arguments: Any) -> Self:
        """The settings, from the arguments of a construct.

        Args:
            arguments: The arguments by name. ``None`` stands for the default if the field has a default factory.
        """
        made = {each.name for each in fields(cls) if each.default_factory is not MISSING}
        return cls(**{name: value for name, value in arguments.items() if value is not None or name not in made})

    def __post_init__(self) -> None:
        """Refuse what the service would."""
        check_kinds(self.CONSTRUCT, self, kinds(type(self)))
        self._check_engine()
        with reported_together() as check:
            for each in settings_of(type(self)):
                if "check" in each.metadata:
                    check(each.metadata["check"], self)

    def properties(self) -> dict[str, Any]:
        """The arguments of the L1 construct that follow from the settings alone, without unset ones."""
        arguments = {name: value(self) for name, value in rendered(type(self)).items()}
        return {name: value for name, value in {**self.ALWAYS, **arguments}.items() if value is not None}

    def _check_engine(self) -> None:
        """Refuse an engine of another kind of cache: every other check would misjudge it."""


def _check_unlisted_parameters(cache: Any) -> None:
    with reported_together() as check:
        check(check_unlisted_parameters, cache.unlisted_parameters, engine=cache.engine)
        check(check_named_once, cache.parameters, cache.unlisted_parameters)


def _check_minor_version_upgrades(cache: NodeSettings) -> None:
    if not cache.auto_minor_version_upgrade and cache.manual_upgrades_reason is None:
        raise ConfigurationError(
            got=f"{cache.CONSTRUCT}(auto_minor_version_upgrade=False)",
            allowed="minor versions, which bring security fixes, are installed automatically",
            fix="Leave auto_minor_version_upgrade out, or say why upgrades are manual: manual_upgrades_reason='...'",
            rule="POS-03",
        )


def _check_manual_upgrades_reason(cache: NodeSettings) -> None:
    if cache.manual_upgrades_reason is not None:
        checked_reason(cache.manual_upgrades_reason, what=f"{cache.CONSTRUCT}(manual_upgrades_reason=...)")


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSettings(CacheSettings):
    """The settings that replication groups and Memcached clusters share."""

    maintenance_window: str = field(
        default="sun:04:00-sun:05:00",
        metadata=Setting(
            l1="preferred_maintenance_window",
            example="'sun:04:00-sun:05:00'",
            check=lambda cache: checked_maintenance_window(cache.maintenance_window),
            rule="WIN-01",
        ),
    )
    parameters: Mapping[str, str] = field(
        default_factory=dict,
        hash=False,
        metadata=Setting(
            made_by_construct=("cache_parameter_group_name",),
            example="{'timeout': '300'}",
            check=lambda cache: check_parameters(cache.parameters, engine=cache.engine, node_type=cache.node_type),
            rule="PGR-03",
        ),
    )
    unlisted_parameters: Mapping[str, str] = field(
        default_factory=dict,
        hash=False,
        metadata=Setting(
            made_by_construct=("cache_parameter_group_name",),
            example="{'timeout': '300'}",
            check=_check_unlisted_parameters,
            rule="PGR-03",
        ),
    )
    network_type: NetworkType = field(
        default=NetworkType.IPV4,
        metadata=Setting(
            l1={
                "network_type": lambda cache: cache.network_type.name if cache.network_type.needs_ipv6 else None,
                "ip_discovery": lambda cache: cache.network_type.ip_discovery,
            },
            example="NetworkType.IPV4",
            rule="NET-13",
        ),
    )
    auto_minor_version_upgrade: bool = field(
        default=True,
        metadata=Setting(
            l1="auto_minor_version_upgrade", example="True", check=_check_minor_version_upgrades, rule="POS-03"
        ),
    )
    manual_upgrades_reason: str | None = field(default=None, metadata=Setting(check=_check_manual_upgrades_reason))
    region: str
    """A CDK token if it is not known; then what depends on it is not judged."""

    def relaxed(self) -> dict[Situation, str | None]:
        """What every kind of cache can relax, with the reason; ``None`` where it does not."""
        reason = None if self.auto_minor_version_upgrade else self.manual_upgrades_reason
        return {Situation.CACHE_WITHOUT_MINOR_UPGRADES: reason}

    def parameter(self, name: str, *, family: str) -> str | None:
        """The value of a parameter, as it is set or by default; ``None`` if it is not known."""
        value = self.all_parameters().get(name)
        if value is None:
            known = facts.parameter(family, name)
            value = known.default if known is not None else None
        return value if is_known(value) else None

    def parameter_number(self, name: str, *, family: str) -> int | None:
        """The value of a parameter that is a number; ``None`` if it is not known."""
        value = self.parameter(name, family=family)
        return int(value) if value is not None and value.isdecimal() else None

    def all_parameters(self) -> dict[str, str]:
        """The parameters, including those that are not checked."""
        return {**self.parameters, **self.unlisted_parameters}


def settings_of(cls: type[CacheSettings]) -> tuple[Field[Any], ...]:
    """The fields that are arguments of the construct; those of the class before those that it shares with others."""
    own = inspect.get_annotations(cls)
    return tuple(sorted((each for each in fields(cls) if each.metadata), key=lambda each: each.name not in own))


def kinds(cls: type[CacheSettings]) -> Mapping[str, Kind]:
    """The types of the settings that are checked by type, by name."""
    types = get_type_hints(cls)
    return {
        each.name: Kind(
            of=_checked_type(types[each.name]),
            example=each.metadata["example"],
            rule=each.metadata.get("rule"),
            free=each.metadata.get("free", False),
            secret=each.metadata.get("secret", False),
        )
        for each in settings_of(cls)
        if "example" in each.metadata
    }


def _checked_type(annotation: Any) -> Any:
    """What ``isinstance`` takes: ``Mapping`` for ``Mapping[str, str]``, and a union as it is."""
    return annotation if isinstance(annotation, UnionType) else get_origin(annotation) or annotation


def rendered(cls: type[CacheSettings]) -> Mapping[str, OfSettings]:
    """What gives the value of an argument of the L1 construct, by argument."""
    found: dict[str, OfSettings] = {}
    for each in settings_of(cls):
        l1 = each.metadata.get("l1", {})
        found.update({l1: attrgetter(each.name)} if isinstance(l1, str) else l1)
    return found
