"""Findings that are accepted, each with its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2

from elasticache_constructs import ConfigurationError, Log, LogDelivery, acknowledge
from elasticache_constructs.posture import add_posture_rules
from tests.conftest import FLAGS, Bench
from tests.deployable.drawing.outside import VPC
from tests.deployable.stacks import SUBNETS
from tests.unit.builders import memcached_cluster, replication_group

if TYPE_CHECKING:
    from pathlib import Path


def test_finding_needs_a_reason(bench: Bench) -> None:
    """A finding is accepted with a reason that says something; the message names the rule."""
    with pytest.raises(ConfigurationError) as refusal:
        acknowledge(bench.stack, {"AwsSolutions::AwsSolutions-AEC5": "usual port"})

    expected = (
        "acknowledging AwsSolutions::AwsSolutions-AEC5 with the reason 'usual port': a reason has 20 characters at "
        "least. Write why this is right here, so that it can be reviewed."
    )
    assert expected == str(refusal.value)


def test_reasons_answer_the_posture_rules(tmp_path: Path) -> None:
    """Minor versions that are installed by hand, and a log that is off, are findings, which given reasons accept."""
    app = cdk.App(
        context=FLAGS, analytics_reporting=False, outdir=str(tmp_path), builtin_cloud_formation_validation=False
    )
    stack = cdk.Stack(app, "Stack")
    zones, subnets = ["eu-west-1a", "eu-west-1b"], list(SUBNETS)
    vpc = ec2.Vpc.from_vpc_attributes(stack, "Vpc", vpc_id=VPC, availability_zones=zones, isolated_subnet_ids=subnets)
    bench = Bench(stack, vpc)
    off = LogDelivery(slow_log=Log.disabled(reason="Slow commands are exported by the team."))
    made: tuple[tuple[Any, dict[str, Any]], ...] = (
        (replication_group, {"log_delivery": off}),
        (memcached_cluster, {}),
    )
    for make, more in made:
        make(bench, **more, auto_minor_version_upgrade=False, manual_upgrades_reason=f"Tested first: {make.__name__}.")
    add_posture_rules(app, native_engine=True)
    app.synth()

    report = (tmp_path / "validation-report.json").read_text(encoding="utf-8")
    reasons = ("Tested first: replication_group.", "Tested first: memcached_cluster.", "Slow commands are exported")
    assert [] == [reason for reason in reasons if reason not in report]
