"""Facts about ElastiCache as package data: engines, node types, parameters, quotas, events. Read when first used.

    >>> facts.engine_version("redis", "7.1").family
    'redis7'
    >>> facts.supports("iam", "redis", "6.2")
    False
    >>> facts.node_type("cache.r8g.large").minimum_version("redis") is None
    True

It refuses nothing. It returns None for what is not known, such as a version, node type or region that is newer than the
data. `python -m elasticache_rules.facts` compares it with the
installed botocore and cfn-lint.
"""

from elasticache_rules.facts.command_sets import (
    categories,
    command_floors,
    command_versions,
    commands,
    newest_of,
    restricted_commands,
)
from elasticache_rules.facts.engines import (
    EngineVersion,
    Feature,
    ParameterFamily,
    engine_version,
    engine_versions,
    features,
    floors,
    floors_in_words,
    parameter_families,
    parameter_family,
    parameter_family_of,
    serverless_majors,
    support_ends,
    supports,
    title,
    version_form,
    versions_in_words,
)
from elasticache_rules.facts.events import Event, Meaning, events
from elasticache_rules.facts.global_datastores import global_datastore_prefix, global_datastore_regions
from elasticache_rules.facts.nodes import (
    NodeFamily,
    NodeTypeFacts,
    node_families,
    node_family,
    node_type,
    node_types,
    regions,
)
from elasticache_rules.facts.parameter_groups import Parameter, fully_listed, parameter, parameters
from elasticache_rules.facts.quotas import Limit, limit, limits
from elasticache_rules.facts.records import Source
from elasticache_rules.facts.suggestions import closest
from elasticache_rules.facts.versions import version_key

__all__ = [
    "EngineVersion",
    "Event",
    "Feature",
    "Limit",
    "Meaning",
    "NodeFamily",
    "NodeTypeFacts",
    "Parameter",
    "ParameterFamily",
    "Source",
    "categories",
    "closest",
    "command_floors",
    "command_versions",
    "commands",
    "engine_version",
    "engine_versions",
    "events",
    "features",
    "floors",
    "floors_in_words",
    "fully_listed",
    "global_datastore_prefix",
    "global_datastore_regions",
    "limit",
    "limits",
    "newest_of",
    "node_families",
    "node_family",
    "node_type",
    "node_types",
    "parameter",
    "parameter_families",
    "parameter_family",
    "parameter_family_of",
    "parameters",
    "regions",
    "restricted_commands",
    "serverless_majors",
    "support_ends",
    "supports",
    "title",
    "version_form",
    "version_key",
    "versions_in_words",
]
