"""Values that may be CDK tokens, as the documents promise, pass the whole synth: packs, posture rules, CDK's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest

from elasticache_constructs import (
    Access,
    Backups,
    CacheNetwork,
    DefaultUser,
    Engine,
    IamUser,
    LogDelivery,
    MemcachedCluster,
    NodeType,
    Permissions,
    ReplicationGroup,
    Rotation,
    ServerlessCache,
    ServerlessLimits,
    Snapshot,
)
from stacks.policy import add_policy_checks
from tests.conftest import FLAGS

if TYPE_CHECKING:
    from pathlib import Path

USER = IamUser("orders-app", Permissions.read_only("orders:*"))


class _Given:
    """Parameters of a template, each asked for once."""

    def __init__(self, stack: cdk.Stack) -> None:
        self._stack = stack
        self._asked = 0

    def text(self, kind: str = "String") -> cdk.CfnParameter:
        self._asked += 1
        return cdk.CfnParameter(self._stack, f"Given{self._asked}", type=kind)

    @property
    def string(self) -> str:
        return self.text().value_as_string

    @property
    def number(self) -> Any:
        return self.text("Number").value_as_number


@pytest.mark.parametrize("kind", ["group", "cluster", "serverless"])
def test_tokens_pass_every_check(kind: str, tmp_path: Path) -> None:
    """Nothing fails the synth where a retention, a port, a window, a node type, a name or a value is a parameter."""
    app = cdk.App(
        context=FLAGS, analytics_reporting=False, outdir=str(tmp_path), builtin_cloud_formation_validation=False
    )
    stack = cdk.Stack(app, "Tokens")
    given, network = _Given(stack), CacheNetwork(stack, "Network")
    where: dict[str, Any] = {"vpc": network.vpc, "vpc_subnets": network.cache_subnets}
    backups = {"retention_days": given.number, "window": given.string}
    if kind == "group":
        group = ReplicationGroup(
            stack,
            "Cache",
            **where,
            engine=Engine.REDIS_7_1,
            node_type=NodeType(given.string),
            access=Access.users(default=DefaultUser.with_token()),
            backups=Backups(**backups),
            port=given.number,
            maintenance_window=given.string,
            description=given.string,
            parameters={"timeout": given.string},
            unlisted_parameters={"newer": given.string},
            log_delivery=LogDelivery(firehose_stream=given.string),
            restore_from=Snapshot.named(given.string),
        )
        group.rotate_secrets(Rotation.in_network(network))
    elif kind == "cluster":
        MemcachedCluster(
            stack,
            "Cache",
            **where,
            node_type=NodeType(given.string),
            port=given.number,
            maintenance_window=given.string,
            parameters={"idle_timeout": given.string},
        )
    else:
        ServerlessCache(
            stack,
            "Cache",
            **where,
            limits=ServerlessLimits(maximum_storage_gb=1, maximum_ecpu_per_second=1000),
            access=Access.users(default=DefaultUser.disabled(), users=[USER]),
            backups=Backups(**backups),
            description=given.string,
        )
    add_policy_checks(app)

    app.synth()
