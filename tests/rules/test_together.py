"""Several mistakes in one configuration are reported together, one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import aws_ec2 as ec2

from elasticache_constructs import (
    Access,
    Backups,
    ConfigurationError,
    DefaultUser,
    Engine,
    IamUser,
    LogDelivery,
    MemcachedCluster,
    NodeType,
    Permissions,
    ReplicationGroup,
    Snapshot,
    Topology,
)
from elasticache_constructs.values.parameters import check_parameters
from tests.conftest import new_bench

if TYPE_CHECKING:
    from collections.abc import Callable

_NOBODY = Permissions("off ~app:* +@read")
_PARAMETERS = {"maxmemory-polic": "noeviction", "timeout": "19", "maxclients": "1", "cluster-enabled": "yes"}


def _replication_group() -> object:
    bench = new_bench()
    return ReplicationGroup(
        bench.stack,
        "Redis",
        vpc=bench.vpc,
        vpc_subnets=ec2.SubnetSelection(subnets=bench.vpc.isolated_subnets[:1]),
        engine=Engine.REDIS_6_2,
        node_type=NodeType("cache.r8g.large"),
        access=Access.users(default=DefaultUser.with_token(), users=[IamUser("app", Permissions.read_only("app:*"))]),
        port=0,
        maintenance_window="sun:01:30-sun:02:30",
        parameters={"timeout": "19"},
    )


def _memcached_cluster() -> object:
    bench = new_bench()
    return MemcachedCluster(
        bench.stack,
        "Memcached",
        vpc=bench.vpc,
        vpc_subnets=ec2.SubnetSelection(subnets=bench.vpc.isolated_subnets[:1]),
        engine=Engine("memcached", "1.6.6"),
        node_type=NodeType("cache.r6gd.xlarge"),
        nodes=61,
        port=70000,
        maintenance_window="sunday",
        parameters={"maxmemory": "1"},
    )


@pytest.mark.parametrize(
    ("configuration", "rules"),
    [
        pytest.param(
            lambda: Topology(shards=0, replicas_per_shard=6, node_quota=1),
            ["TOP-19", "TOP-03", "TOP-19"],
            id="topology",
        ),
        pytest.param(
            lambda: Access.users(
                default=DefaultUser.disabled(),
                users=[
                    IamUser("app", _NOBODY),
                    *(IamUser(f"user-{n}", _NOBODY) for n in range(98)),
                    IamUser("app", _NOBODY),
                ],
            ),
            ["RBC-05", "RBC-22", "RBC-11"],
            id="access",
        ),
        pytest.param(
            lambda: Permissions("app:* nopass +@reads +config"),
            ["RBC-10", "RBC-12", "RBC-10", "RBC-14", "RBC-11"],
            id="permissions",
        ),
        pytest.param(
            lambda: check_parameters(_PARAMETERS, engine=Engine.REDIS_7_1, node_type=NodeType("cache.r7g.large")),
            ["PGR-04", "PGR-06", "PGR-05", "PGR-07"],
            id="parameters",
        ),
        pytest.param(lambda: Backups(retention_days=36, window="2-3"), ["SNP-02", "SNP-01"], id="backups"),
        pytest.param(
            lambda: LogDelivery(log_format=_any("yaml"), firehose_stream="a b"), ["LOG-01", "LOG-07"], id="logs"
        ),
        pytest.param(lambda: Snapshot.rdb_files(["a", "b"]), ["SNP-10", "SNP-10"], id="snapshot"),
        pytest.param(
            _replication_group, ["NOD-04", "IAM-01", "NET-12", "SNP-03", "PGR-06", "TOP-10"], id="replication group"
        ),
        pytest.param(
            _memcached_cluster,
            ["NOD-03", "TLS-04", "MEM-01", "NET-12", "WIN-01", "PGR-04", "TOP-10"],
            id="Memcached cluster",
        ),
    ],
)
def test_every_mistake_is_reported(configuration: Callable[[], object], rules: list[str]) -> None:
    """A configuration with several mistakes is refused with all of them, each on its own line."""
    with pytest.raises(ConfigurationError) as refusal:
        configuration()

    lines = str(refusal.value).splitlines()
    assert rules == [error.rule for error in refusal.value.errors]
    assert rules == [line.rpartition("(")[2].rstrip(")") for line in lines]


def _any(value: object) -> Any:
    return value
