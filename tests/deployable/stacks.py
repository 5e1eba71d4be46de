"""Real stacks of the real constructs, for a sample of the accepted configurations: one app, synthesised once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns

from elasticache_constructs import MemcachedCluster, ReplicationGroup, ServerlessCache
from elasticache_constructs.memcached_cluster.settings import MemcachedClusterSettings
from elasticache_constructs.posture import add_posture_rules
from elasticache_constructs.serverless_cache.settings import ServerlessCacheSettings
from tests.conftest import FLAGS
from tests.deployable.drawing.nodes import REGIONS
from tests.deployable.drawing.outside import VPC

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.deployable.accepted import Accepted

_ACCOUNT = "123456789012"
_HOME = "eu-west-1"
_REGIONS = sorted({_HOME, *(each for each in REGIONS if not cdk.Token.is_unresolved(each))})
KEYS = {each: f"arn:aws:kms:{each}:{_ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab" for each in _REGIONS}
TOPICS = {each: f"arn:aws:sns:{each}:{_ACCOUNT}:events" for each in _REGIONS}
SUBNETS = ("subnet-1234567a", "subnet-1234567b")
GIVEN = {
    **dict.fromkeys(KEYS.values(), "Key"),
    **dict.fromkeys(TOPICS.values(), "Topic"),
    SUBNETS[0]: "SubnetA",
    SUBNETS[1]: "SubnetB",
}
"""What a template names by its id, as the surroundings of `resources` call it."""


def zones(region: str | None) -> tuple[str, str]:
    """Two Availability Zones of a Region."""
    return f"{region or _HOME}a", f"{region or _HOME}b"


@dataclass(frozen=True)
class Synthesised:
    """What came of the sample, by name."""

    sample: Sequence[Accepted]
    templates: dict[str, dict[str, Any]]
    prefixes: dict[str, str]
    """What generated user ids begin with."""


def synthesise(sample: Sequence[Accepted], directory: Path) -> Synthesised:
    """Build each in a separate stack, and synthesise all.

    Raises:
        RuntimeError: If a rule finds what was not acknowledged.
    """
    app = cdk.App(
        context=FLAGS, analytics_reporting=False, outdir=str(directory), builtin_cloud_formation_validation=False
    )
    add_posture_rules(app, native_engine=True)
    # In a stage each, of an account that is not known: users of one account and region have ids that differ.
    stacks = {each.name: _stack(cdk.Stage(app, each.name), each) for each in sample}
    app.synth()
    return Synthesised(
        sample=sample,
        templates={
            name: json.loads((directory / f"assembly-{name}" / stack.template_file).read_text(encoding="utf-8"))
            for name, stack in stacks.items()
        },
        prefixes={
            name: cdk.Names.unique_resource_name(stack.node.find_child("Cache"), max_length=20, separator="-").lower()
            for name, stack in stacks.items()
        },
    )


def _stack(stage: cdk.Stage, accepted: Accepted) -> cdk.Stack:
    region = accepted.region
    known = None if region is None else cdk.Environment(region=region)
    # Deployed by hand: there is no bootstrap stack that the template could ask for.
    by_hand = cdk.DefaultStackSynthesizer(generate_bootstrap_version_rule=False)
    stack = cdk.Stack(stage, "Stack", env=known, synthesizer=by_hand)
    vpc = ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id=VPC,
        availability_zones=list(zones(region)),
        isolated_subnet_ids=list(SUBNETS),
        isolated_subnet_route_table_ids=["rtb-1234567a", "rtb-1234567b"],
    )
    written = {**accepted.written.made_keywords(), **accepted.written.made_given()}
    arguments = {name: value for name, value in written.items() if name != "region"}
    topic = sns.Topic.from_topic_arn(stack, "Topic", TOPICS[region or _HOME])
    if isinstance(accepted.settings, MemcachedClusterSettings):
        MemcachedCluster(stack, "Cache", vpc=vpc, notification_topic=topic, **arguments)
        return stack
    key = kms.Key.from_key_arn(stack, "Key", KEYS[region or _HOME])
    if isinstance(accepted.settings, ServerlessCacheSettings):
        place = None if accepted.settings.public_endpoint_reason else vpc
        ServerlessCache(stack, "Cache", vpc=place, encryption_key=key, **arguments)
        return stack
    ReplicationGroup(stack, "Cache", vpc=vpc, encryption_key=key, notification_topic=topic, **arguments)
    return stack
