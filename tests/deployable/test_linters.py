"""What was accepted passes cfn-lint, and of CDK's own rules and this project's it fails those that were relaxed."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from elasticache_constructs.memcached_cluster.settings import MemcachedClusterSettings
from elasticache_constructs.replication_group.settings import ReplicationGroupSettings
from elasticache_constructs.serverless_cache.settings import ServerlessCacheSettings
from elasticache_rules import facts
from tests.deployable.resources import template
from tests.security.engines import Validation, posture_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.deployable.accepted import Accepted

SAME_ID = "E3019"
"""Two users of one id. Here many caches share a template that would each be in a separate stack; the service's rule
about it, RBC-05, is looked at for each."""

_MOST_RESOURCES = 400
"""So many in a template: it may have 500, and the engines take longest for very small and for very large ones."""


LEFT_OUT = (
    "elasticache_cache_states_security_groups",
    "elasticache_cache_states_subnet_group",
    "elasticache_cache_uses_customer_key",
    "elasticache_log_delivery_is_shown",
    "elasticache_notification_topic_demands_tls",
    "elasticache_subnets_are_stated",
)
"""Rules of what is next to a cache, which the templates of these tests leave out or name without making it."""


def batches(things: Sequence[Any], resources: Callable[[Any], int] = lambda _: 1) -> list[list[Any]]:
    """All of them, as many at a time as go into a template."""
    found: list[list[Any]] = [[]]
    room = _MOST_RESOURCES
    for each in things:
        room -= resources(each)
        if room < 0:
            found.append([])
            room = _MOST_RESOURCES - resources(each)
        found[-1].append(each)
    return found


def test_the_sample_is_large(accepted: Sequence[Accepted], *, exhaustive: bool) -> None:
    """There are hundreds of different configurations, exhaustively a thousand, and many of each kind of cache."""
    kinds = Counter(type(each.settings) for each in accepted)
    # Hypothesis draws constants of the modules that are loaded, too, so the sample differs with the tests before it.
    minimum = 1000 if exhaustive else 200
    assert (True, 3, True) == (len(accepted) >= minimum, len(kinds), min(kinds.values()) >= minimum / 20)


def is_newer_than_the_tables(settings: Any) -> bool:
    """Whether it says that no table has its engine or its node type yet."""
    node_type = getattr(settings, "node_type", None)
    return bool(settings.engine.unlisted or (node_type and node_type.unlisted))


def different(accepted: Sequence[Accepted]) -> list[str]:
    """Each resource as JSON and once, however many caches have one like it."""
    found = {
        re.sub(rf"\b{each.name}(?!\d)", "Cache", json.dumps(resource), flags=re.IGNORECASE)
        for each in accepted
        for resource in each.resources.values()
    }
    return sorted(found)


def test_cfn_lint_finds_no_error(accepted: Sequence[Accepted]) -> None:
    """No cache has an error for cfn-lint, as far as its tables reach."""
    # Here, because it takes a second, which every worker would spend.
    from cfnlint.config import ConfigMixIn  # type: ignore[import-untyped] # noqa: PLC0415
    from cfnlint.decode.decode import decode_str  # type: ignore[import-untyped] # noqa: PLC0415
    from cfnlint.runner import Runner  # type: ignore[import-untyped] # noqa: PLC0415

    runner = Runner(ConfigMixIn(regions=["us-east-1"], ignore_checks=["I", "W", SAME_ID]))
    resources = different([each for each in accepted if not is_newer_than_the_tables(each.settings)])
    # What they refer to is in other templates, or was dropped as a double.
    parameters = {name: {"Type": "String"} for name in re.findall(r'"Ref": "(\w+)"', " ".join(resources))}
    found = []
    for batch in batches(resources):
        named = ", ".join(f'"R{number}": {resource}' for number, resource in enumerate(batch))
        template, mistakes = decode_str(f'{{"Parameters": {json.dumps(parameters)}, "Resources": {{{named}}}}}')
        assert [] == mistakes
        found += [
            (match.rule.id, match.message, batch[int(match.path[1][1:])])
            for match in runner.validate_template(template)
        ]
    assert [] == found


PUBLIC = ("elasticache_serverless_cache_is_not_public", "F3002")


def relaxed(settings: Any) -> set[str]:
    """The rules that are acknowledged not to hold."""
    match settings:
        case MemcachedClusterSettings(engine=engine, node_type=node_type):
            # What is on offer may be said to be unlisted, and no linter minds.
            rules = {
                "elasticache_cache_takes_minor_upgrades": not settings.auto_minor_version_upgrade,
                "E3647": node_type.unlisted and facts.node_type(node_type.name) is None,
                "E9006": engine.unlisted and engine.version not in facts.engine_versions(engine.name),
            }
        case ServerlessCacheSettings(access=access):
            rules = {
                "elasticache_serverless_cache_has_user_group": access is not None and not access.has_users,
                **dict.fromkeys(PUBLIC, settings.public_endpoint_reason is not None),
            }
        case ReplicationGroupSettings(engine=engine, transit_encryption=transit, topology=topology, access=access):
            waits_for_failover = topology.no_failover_reason is not None and topology.replicas_per_shard > 0
            rules = {
                "elasticache_cache_takes_minor_upgrades": not settings.auto_minor_version_upgrade,
                "elasticache_replication_group_encrypts_in_transit": transit.mode is None,
                "elasticache_replication_group_requires_encryption_in_transit": not transit.is_required
                and (engine.name == "valkey" or engine.is_at_least("7.0")),
                "elasticache_replication_group_has_access_control": access.without_login_reason is not None,
                "E3026": waits_for_failover and engine.name == "redis",
                "elasticache_replication_group_delivers_slow_log": engine.supports_slow_log
                and settings.log_delivery.log("slow-log").disabled_reason is not None,
                "elasticache_replication_group_delivers_engine_log": engine.supports_engine_log
                and settings.log_delivery.log("engine-log").disabled_reason is not None,
            }
    leaving = getattr(settings, "access", None) and settings.access.removing
    return {
        rule
        for rule, is_relaxed in {**rules, "elasticache_user_belongs_to_a_user_group": bool(leaving)}.items()
        if is_relaxed
    }


def test_rules_fail_where_they_were_relaxed_and_nowhere_else(
    accepted: Sequence[Accepted], tmp_path: Path, *, exhaustive: bool
) -> None:
    """CDK's engine, with the posture rules, finds in each cache what its author relaxed in writing and nothing more."""
    # It takes a tenth of a second for each.
    accepted = accepted if exhaustive else accepted[::4]
    files = {}
    for number, batch in enumerate(batches(accepted, resources=lambda each: len(each.resources))):
        path = files[f"Template{number}"] = tmp_path / f"{number}.json"
        path.write_text(json.dumps(template(*(each.resources for each in batch))), encoding="utf-8")
    report = posture_engine().validate(Validation(files))
    found: dict[str, set[str]] = defaultdict(set)
    for violation in report.violations:
        if violation.severity != "warning" and violation.rule_name not in {SAME_ID, *LEFT_OUT}:
            for place in violation.violating_resources:
                found[re.sub(r"(C\d+).*", r"\1", str(place.resource_logical_id))].add(violation.rule_name)
    expected = {each.name: rules for each in accepted if (rules := relaxed(each.settings))}
    written = {each.name: each.written for each in accepted}
    assert {} == {
        name: (written.get(name), found.get(name), expected.get(name))
        for name in {*found, *expected}
        if found.get(name) != expected.get(name)
    }
