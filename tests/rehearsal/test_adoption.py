"""Caches that boto3 made are adopted: read by the command, imported by the CDK CLI, and changed in place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest

from elasticache_tools.adopt import account, command
from elasticache_tools.adopt.module import STACK
from elasticache_tools.adopt.selection import select
from elasticache_tools.adopt.synthesis import mapping
from rehearsal import cdk as cdk_cli
from rehearsal import workspace
from tests.conftest import new_app
from tests.rehearsal.conftest import accounts
from tests.tools.test_adopt import load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rehearsal.emulator import Emulator

REGION = "eu-west-1"


@pytest.fixture(name="place")
def _place() -> Iterator[workspace.Workspace]:
    place = workspace.prepare()
    yield place
    workspace.remove(place)


def _made_by_hand(clients: Any) -> None:
    """Caches as accounts have them."""
    ec2, elasticache = clients("ec2"), clients("elasticache")
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.1.{number}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"][
            "SubnetId"
        ]
        for number, zone in enumerate("ab")
    ]
    group = ec2.create_security_group(GroupName="old-redis", Description="By hand", VpcId=vpc)["GroupId"]
    elasticache.create_cache_subnet_group(
        CacheSubnetGroupName="old-subnets", CacheSubnetGroupDescription="By hand", SubnetIds=subnets
    )
    elasticache.create_cache_parameter_group(
        CacheParameterGroupName="old-parameters", CacheParameterGroupFamily="redis7", Description="By hand"
    )
    elasticache.create_replication_group(
        ReplicationGroupId="orders-2019",
        ReplicationGroupDescription="orders",
        Engine="redis",
        EngineVersion="7.0",
        CacheNodeType="cache.m6g.large",
        NumCacheClusters=1,
        AutomaticFailoverEnabled=False,
        Port=6380,
        CacheSubnetGroupName="old-subnets",
        CacheParameterGroupName="old-parameters",
        SecurityGroupIds=[group],
        SnapshotRetentionLimit=1,
        SnapshotWindow="01:00-02:00",
        PreferredMaintenanceWindow="mon:03:00-mon:04:00",
        AutoMinorVersionUpgrade=False,
        Tags=[{"Key": "team", "Value": "orders"}],
    )
    elasticache.create_cache_cluster(
        CacheClusterId="pages-2018",
        Engine="memcached",
        EngineVersion="1.6.22",
        CacheNodeType="cache.t3.small",
        NumCacheNodes=2,
        Port=11211,
        CacheSubnetGroupName="old-subnets",
        SecurityGroupIds=[group],
        PreferredMaintenanceWindow="sun:05:00-sun:06:00",
    )
    elasticache.create_serverless_cache(
        ServerlessCacheName="carts",
        Engine="valkey",
        MajorEngineVersion="8",
        SubnetIds=subnets,
        SecurityGroupIds=[group],
    )


def _ages(clients: Any) -> dict[str, object]:
    """When each node was made: another time would be another node."""
    clusters = clients("elasticache").describe_cache_clusters(ShowCacheNodeInfo=True)["CacheClusters"]
    serverless = clients("elasticache").describe_serverless_caches()["ServerlessCaches"]
    return {
        **{each["CacheClusterId"]: each["CacheClusterCreateTime"] for each in clusters},
        **{each["ServerlessCacheName"]: each["CreateTime"] for each in serverless},
    }


def _assembly(file: Path, output: Path) -> dict[str, Any]:
    """Synthesise the code; without bootstrap, which a rehearsal does and this test need not."""
    module = load(file)
    app = new_app(output)
    module.AdoptedCaches(
        app, STACK, env=module_environment(), synthesizer=cdk.LegacyStackSynthesizer(), analytics_reporting=False
    )
    app.synth()
    template: dict[str, Any] = json.loads((output / f"{STACK}.template.json").read_text())
    return template


def module_environment() -> cdk.Environment:
    """That of the stack, whose account the CLI does not ask for."""
    return cdk.Environment(region=REGION)


def test_made_by_hand_adopted_imported_and_updated(
    running: Emulator, place: workspace.Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No node is made again, and what the code says afterwards is what is there."""
    environment = running.client_environment(place.environment(), str(next(accounts)), REGION)
    monkeypatch.setattr(command, "synthesised", _assembly)
    with workspace.only(environment):
        clients = account.boto3_clients(REGION)
        _made_by_hand(clients)
        ages = _ages(clients)

        written = command.write(account.read(REGION), tmp_path / "adopted")
        assert [] == written.refusals
        template = _assembly(tmp_path / "adopted" / "adopted.py", tmp_path / "first")
        assert mapping(template) == json.loads((tmp_path / "adopted" / "mapping.json").read_text())

        cli = cdk_cli.Cli(environment=environment, directory=tmp_path, logs=tmp_path)
        imported = ("import", STACK, "--app", "first", "--resource-mapping", "adopted/mapping.json")
        cli.run("import", *imported, show=lambda _line: None)
        stack = clients("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
        assert "IMPORT_COMPLETE" == stack["StackStatus"]

        deployed = ("deploy", STACK, "--require-approval", "never", "--app")
        cli.run("deploy", *deployed, "first", show=lambda _line: None)
        assert ages == _ages(clients)

        changed = (tmp_path / "adopted" / "adopted.py").read_text().replace("retention_days=1,", "retention_days=7,")
        (tmp_path / "changed.py").write_text(changed)
        _assembly(tmp_path / "changed.py", tmp_path / "second")
        cli.run("update", *deployed, "second", show=lambda _line: None)
        assert ages == _ages(clients)
        (group,) = clients("elasticache").describe_replication_groups()["ReplicationGroups"]
        assert 7 == group["SnapshotRetentionLimit"]

        again = select(account.read(REGION))
        assert ([], ["carts", "orders-2019", "pages-2018"]) == (again[0], [each.name for each in again[1]])
        assert {f"it is in the stack {STACK}"} == {each.because.partition(".")[0] for each in again[1]}
