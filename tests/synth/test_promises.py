"""What every template of this repo keeps, read from the templates themselves."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from application_constructs.database.construct import POSTGRESQL_PORT
from elasticache_constructs import MEMCACHED_PORT, REDIS_PORT

if TYPE_CHECKING:
    from tests.conftest import Synthesised

GROUP = "ElastiCache::ReplicationGroup"
# The example whose groups are on their way to TLS and logins, each with its reason.
ADOPTED = "example-adopted/"
# The example of caches that were made elsewhere, without these promises.
IMPORTED = "example-imported/"


def properties(synthesised: Synthesised, kind: str) -> dict[str, dict[str, Any]]:
    """Properties of all resources of a type, by path; there is one at least."""
    found = {
        path: each.get("Properties", {})
        for path, each in synthesised.everywhere(kind).items()
        if not path.startswith(IMPORTED)
    }
    assert found
    return found


def failing(found: dict[str, dict[str, Any]], **expected: object) -> dict[str, Any]:
    """Those whose properties differ from what is expected, and how."""
    return {
        path: {name: each.get(name) for name in expected}
        for path, each in found.items()
        if any(each.get(name) != value for name, value in expected.items())
    }


def of_primaries(groups: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Groups that state what they have; a secondary takes it from its primary, which is among them."""
    return {path: each for path, each in groups.items() if "GlobalReplicationGroupId" not in each}


def test_tls_is_required(synthesised: Synthesised) -> None:
    """Every replication group refuses plaintext."""
    found = of_primaries(properties(synthesised, GROUP)).items()
    groups = {path: each for path, each in found if not path.startswith(ADOPTED)}

    assert {} == failing(groups, TransitEncryptionEnabled=True, TransitEncryptionMode="required")


def test_memcached_has_tls(synthesised: Synthesised) -> None:
    """Every Memcached cluster refuses plaintext."""
    assert {} == failing(properties(synthesised, "ElastiCache::CacheCluster"), TransitEncryptionEnabled=True)


def test_data_at_rest_has_a_customer_key(synthesised: Synthesised) -> None:
    """Every replication group is encrypted with a key of the same template."""
    groups = properties(synthesised, GROUP)

    assert {} == failing(of_primaries(groups), AtRestEncryptionEnabled=True)
    assert [] == [path for path, each in groups.items() if "Fn::GetAtt" not in each["KmsKeyId"]]


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_groups_of_the_stages_fail_over(synthesised: Synthesised, stage: str) -> None:
    """In both stages a replication group survives the loss of an Availability Zone."""
    groups = {name: each["Properties"] for name, each in synthesised.resources(f"{stage}/cache-redis", GROUP).items()}

    assert groups
    assert {} == failing(groups, MultiAZEnabled=True, AutomaticFailoverEnabled=True)


def test_one_way_in_and_never_two(synthesised: Synthesised) -> None:
    """Every group has users or an AuthToken, and never both or neither."""
    both = {
        path: ("AuthToken" in each, "UserGroupIds" in each)
        for path, each in properties(synthesised, GROUP).items()
        if not path.startswith(ADOPTED)
    }

    assert {} == {path: ways for path, ways in both.items() if sum(ways) != 1}


def test_users_are_attached(synthesised: Synthesised) -> None:
    """Every user is in a group, and every group on a cache: users that merely exist guard nothing."""
    groups = properties(synthesised, "ElastiCache::UserGroup")
    users_in_groups = {user["Ref"] for each in groups.values() for user in each["UserIds"]}
    groups_on_caches = {
        group["Ref"] for each in properties(synthesised, GROUP).values() for group in each.get("UserGroupIds", [])
    }

    assert {path.rsplit("/", 1)[1] for path in properties(synthesised, "ElastiCache::User")} == users_in_groups
    assert {path.rsplit("/", 1)[1] for path in groups} == groups_on_caches


def test_no_secret_is_literal(synthesised: Synthesised) -> None:
    """Tokens and passwords are dynamic references to Secrets Manager."""
    tokens = [each["AuthToken"] for each in properties(synthesised, GROUP).values() if "AuthToken" in each]
    passwords = [
        password
        for each in properties(synthesised, "ElastiCache::User").values()
        for password in each["AuthenticationMode"].get("Passwords", [])
    ]
    references = [json.dumps(each) for each in tokens + passwords]

    assert references
    assert [] == [each for each in references if not re.match(r'{"Fn::Join": \["", \["{{resolve:secretsmanager:', each)]


def test_only_security_groups_get_in(synthesised: Synthesised) -> None:
    """No rule anywhere lets an address range in, neither inline nor apart."""
    inline = [
        path for path, each in properties(synthesised, "EC2::SecurityGroup").items() if "SecurityGroupIngress" in each
    ]
    apart = [
        path
        for path, each in properties(synthesised, "EC2::SecurityGroupIngress").items()
        if "SourceSecurityGroupId" not in each or {"CidrIp", "CidrIpv6", "SourcePrefixListId"} & each.keys()
    ]

    assert [] == inline
    assert [] == apart


def test_only_the_caches_ports_and_https_are_open(synthesised: Synthesised) -> None:
    """Each ingress rule opens one port: a cache's, the database's, or 443 on an endpoint; two of serverless caches."""
    rules = properties(synthesised, "EC2::SecurityGroupIngress").values()
    opened = {(each["IpProtocol"], each["FromPort"], each["ToPort"]) for each in rules}

    one = {("tcp", port, port) for port in (443, REDIS_PORT, MEMCACHED_PORT, POSTGRESQL_PORT)}
    assert one | {("tcp", port, port + 1) for port in (REDIS_PORT, MEMCACHED_PORT)} == opened


def test_groups_leave_a_snapshot_behind(synthesised: Synthesised) -> None:
    """Deleting or replacing a group takes a final snapshot."""
    policies = {
        path: (each.get("DeletionPolicy"), each.get("UpdateReplacePolicy"))
        for path, each in synthesised.everywhere(GROUP).items()
    }
    kept = {path for path, each in policies.items() if each == ("Retain", "Retain")}

    assert {path for path in policies if path.startswith(IMPORTED)} == kept
    assert {("Snapshot", "Snapshot")} == {each for path, each in policies.items() if path not in kept}


def test_nothing_stateful_has_a_physical_name(synthesised: Synthesised) -> None:
    """A fixed name would make the next replacement fail; of a secondary, which its primary's stack lists, it may."""
    named = {
        GROUP: "ReplicationGroupId",
        "ElastiCache::CacheCluster": "ClusterName",
        "ElastiCache::SubnetGroup": "CacheSubnetGroupName",
        "EC2::SecurityGroup": "GroupName",
        "SecretsManager::Secret": "Name",
    }
    found = [
        path
        for kind, name in named.items()
        for path, each in properties(synthesised, kind).items()
        if name in each and "GlobalReplicationGroupId" not in each
    ]

    assert [] == found


def test_production_is_protected(synthesised: Synthesised) -> None:
    """The stacks of prod have termination protection, and those of dev can be taken down."""
    protected = {
        construct.node.path: construct.termination_protection
        for construct in synthesised.app.node.find_all()
        if hasattr(construct, "termination_protection") and "/" in construct.node.path
    }

    assert {path: path.startswith("prod/") for path in protected} == protected


def test_dev_fits_any_account_and_prod_names_its_zones(synthesised: Synthesised) -> None:
    """Dev says nothing of a region; prod spreads over three zones that it names."""
    zones = {
        stage: [
            each["Properties"]["AvailabilityZone"]
            for each in synthesised.resources(f"{stage}/cache-network", "EC2::Subnet").values()
        ]
        for stage in ("dev", "prod")
    }

    assert [] == [zone for zone in zones["dev"] if isinstance(zone, str)]
    assert {"eu-west-1a", "eu-west-1b", "eu-west-1c"} == set(zones["prod"])


def test_code_of_functions_has_no_say_in_the_network(synthesised: Synthesised) -> None:
    """Every role that Lambda may make network interfaces with is denied to do so for the function's own code."""
    policies = synthesised.everywhere("IAM::ManagedPolicy")
    seen = 0
    for name, policy in policies.items():
        statements = policy["Properties"]["PolicyDocument"]["Statement"]
        made = {
            action
            for each in statements
            for action in _words(each["Action"])
            if action.startswith("ec2:") and each["Effect"] == "Allow"
        }
        denied = [
            set(_words(each["Action"]))
            for each in statements
            if (each["Effect"], each["Resource"]) == ("Deny", "*")
            and list(each["Condition"]) == ["ArnLike"]
            and ":function" in str(each["Condition"]["ArnLike"]["lambda:SourceFunctionArn"])
        ]
        seen += bool(made)
        assert not made or [True] == [made | {"ec2:DetachNetworkInterface"} <= each for each in denied], name
    in_vpc = [each for each in synthesised.everywhere("Lambda::Function").values() if "VpcConfig" in each["Properties"]]
    assert len(in_vpc) == seen > 0


def _words(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
