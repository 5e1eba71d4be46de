"""Corrections of the emulator: what it lacks or does unlike AWS for the templates of this project.

The corrections are made in memory; the installed emulator does not change. Each module has one topic, installs itself
into the running process, and lists in `TOUCHES` the private names it uses, which a contract test checks.
"""

from __future__ import annotations

from rehearsal.extension import (
    chat_channels,
    cloudwatch_alarms,
    composite_alarms,
    databases,
    default_security_group,
    elasticache_clusters,
    elasticache_groups,
    elasticache_imports,
    elasticache_user_groups,
    elasticache_users,
    flow_logs,
    functions,
    ipv6,
    mute_rules,
    nat_gateways,
    network_acls,
    prefix_lists,
    query_definitions,
    response_urls,
    scalable_targets,
    secrets,
    security_group_rules,
    serverless_caches,
    settled_stacks,
    topics,
    triggers,
    vpc_attributes,
    vpc_endpoints,
)

MODULES = (
    vpc_attributes,
    ipv6,
    default_security_group,
    security_group_rules,
    nat_gateways,
    network_acls,
    prefix_lists,
    flow_logs,
    vpc_endpoints,
    topics,
    cloudwatch_alarms,
    composite_alarms,
    mute_rules,
    query_definitions,
    chat_channels,
    scalable_targets,
    secrets,
    databases,
    functions,
    triggers,
    response_urls,
    elasticache_users,
    elasticache_user_groups,
    elasticache_groups,
    elasticache_clusters,
    serverless_caches,
    elasticache_imports,
    settled_stacks,
)


def install() -> None:
    """Correct the emulator in this process; call it once."""
    for module in MODULES:
        module.install()
