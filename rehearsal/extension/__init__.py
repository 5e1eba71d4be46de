"""What the emulator lacks or gets wrong about the templates of this project, mended in memory.

The installed emulator stays untouched. Each module is about one concern, installs itself into the running process, and
lists in `TOUCHES` every private name it relies on, so that a contract test can hold the emulator to it.
"""

from rehearsal.extension import (
    databases,
    default_security_group,
    elasticache_clusters,
    elasticache_groups,
    elasticache_user_groups,
    elasticache_users,
    flow_logs,
    nat_gateways,
    response_urls,
    secrets,
    security_group_rules,
    settled_stacks,
    topics,
    triggers,
    vpc_attributes,
    vpc_endpoints,
)

MODULES = (
    vpc_attributes,
    default_security_group,
    security_group_rules,
    nat_gateways,
    flow_logs,
    vpc_endpoints,
    topics,
    secrets,
    databases,
    triggers,
    response_urls,
    elasticache_users,
    elasticache_user_groups,
    elasticache_groups,
    elasticache_clusters,
    settled_stacks,
)


def install() -> None:
    """Mend the emulator in this process, once."""
    for module in MODULES:
        module.install()
