"""What was accepted deploys: the synthesised sample, stack after stack, on the emulated account of the rehearsal.

The emulator places nodes in Availability Zones, joins users to groups, and refuses what the service is known to
refuse of tokens, passwords and shapes. It knows no versions, node types, parameters or windows: those are judged by
the other tests. Nor does it know serverless caches: they are left out.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from elasticache_constructs.memcached_cluster.settings import MemcachedClusterSettings
from elasticache_constructs.serverless_cache.settings import ServerlessCacheSettings
from rehearsal import emulator, workspace
from tests.deployable.drawing.access import EXISTING_GROUP, EXISTING_USER, EXISTING_VALKEY_GROUP
from tests.deployable.drawing.outside import VPC
from tests.deployable.stacks import SUBNETS, zones
from verification.account import Account

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.deployable.accepted import Accepted
    from tests.deployable.stacks import Synthesised

_AWS_ACCOUNT = "200000000000"
_REGION = "eu-west-1"
_LONGEST_BODY = 50_000
"""Characters: a longer template, one of a hundred users, needs a bucket, which the CDK CLI would fill."""
_AT_ONCE = {"Delay": 0.05, "MaxAttempts": 200}


@pytest.fixture(scope="module", name="account")
def _account() -> Iterator[Account]:
    place = workspace.prepare()
    with (
        emulator.running(place) as server,
        workspace.only(server.client_environment({}, _AWS_ACCOUNT, _REGION)),
    ):
        yield Account(_REGION)
    workspace.remove(place)


@pytest.fixture(scope="module", name="network")
def _network(account: Account) -> Mapping[str, str]:
    """The ids of a VPC and its subnets, by those that the templates name."""
    ec2 = account.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    made = {VPC: vpc}
    for number, (subnet, zone) in enumerate(zip(SUBNETS, zones(_REGION), strict=True)):
        block = f"10.0.{number}.0/24"
        answer = ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=zone)
        made[subnet] = answer["Subnet"]["SubnetId"]
    return made


@pytest.fixture(scope="module", name="existing_users")
def _existing_users(account: Account) -> None:
    """The users and user groups that exist outside the app."""
    elasticache = account.client("elasticache")
    user = {"UserId": EXISTING_USER, "UserName": EXISTING_USER, "AccessString": "on ~* -@all +get"}
    elasticache.create_user(**user, Engine="redis", AuthenticationMode={"Type": "iam"})
    default = {"UserId": "shop-default", "UserName": "default", "AccessString": "off -@all"}
    elasticache.create_user(**default, Engine="redis", AuthenticationMode={"Type": "no-password-required"})
    elasticache.create_user_group(UserGroupId=EXISTING_GROUP, Engine="redis", UserIds=["shop-default", EXISTING_USER])
    elasticache.create_user_group(UserGroupId=EXISTING_VALKEY_GROUP, Engine="valkey", UserIds=[EXISTING_USER])


@pytest.mark.usefixtures("existing_users")
def test_the_sample_deploys(synthesised: Synthesised, account: Account, network: Mapping[str, str]) -> None:
    """CloudFormation makes every stack with as many nodes as were asked for, and takes it down again."""
    cloudformation = account.client("cloudformation")
    asked_for = {each.name: nodes(each) for each in synthesised.sample if is_deployed(each, synthesised)}
    made = {}
    for name in asked_for:
        template = json.dumps(synthesised.templates[name])
        for named, real in network.items():
            template = template.replace(named, real)
        cloudformation.create_stack(StackName=name, TemplateBody=template)
        cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig=_AT_ONCE)
        made[name] = nodes_made(account, name)
        # IAM users of the next stack may have the same names, and an account has each name once.
        cloudformation.delete_stack(StackName=name)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=_AT_ONCE)
    assert asked_for == made


def is_deployed(accepted: Accepted, synthesised: Synthesised) -> bool:
    """Whether it is one that the emulator can be given."""
    is_serverless = isinstance(accepted.settings, ServerlessCacheSettings)
    return not is_serverless and len(json.dumps(synthesised.templates[accepted.name])) < _LONGEST_BODY


def nodes(accepted: Accepted) -> int:
    """How many nodes the settings ask for."""
    settings = accepted.settings
    asked_for: int = settings.nodes if isinstance(settings, MemcachedClusterSettings) else settings.topology.nodes
    return asked_for


def nodes_made(account: Account, stack: str) -> int:
    """How many nodes the stack's cache has."""
    ids = {each["ResourceType"]: each["PhysicalResourceId"] for each in account.resources(stack).values()}
    if group := ids.get("AWS::ElastiCache::ReplicationGroup"):
        return len(account.replication_group(group)["MemberClusters"])
    return len(account.cluster(ids["AWS::ElastiCache::CacheCluster"])["CacheNodes"])
