"""What a parameter decides passes the whole synth, as the constructs promise, and is still what the rules ask for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest

from elasticache_constructs import (
    Access,
    Backups,
    DefaultUser,
    IamUser,
    Permissions,
    ServerlessCache,
    ServerlessEngine,
    ServerlessLimits,
)
from elasticache_constructs.posture import add_posture_rules, rule_names
from tests.conftest import Bench, new_app, new_bench
from tests.unit.builders import replication_group

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("parameter", "bounds"),
    [
        ({}, {"MinValue": 1, "MaxValue": 35}),
        ({"default": 7}, {"Default": 7, "MinValue": 1, "MaxValue": 35}),
        ({"min_value": 15}, {"MinValue": 15, "MaxValue": 35}),
        ({"allowed_values": ["7", "35"]}, {"AllowedValues": ["7", "35"]}),
    ],
)
def test_retention_by_parameter(parameter: dict[str, Any], bounds: dict[str, Any], tmp_path: Path) -> None:
    """A parameter that keeps snapshots for a day or more passes; one that states no bounds gets the service's."""
    app = new_app(tmp_path)
    bench = Bench(cdk.Stack(app, "Test"), new_bench().vpc)
    days: Any = cdk.CfnParameter(bench.stack, "Days", type="Number", **parameter)
    window = cdk.CfnParameter(bench.stack, "Window").value_as_string
    backups = Backups(retention_days=days.value_as_number, window=window)
    replication_group(bench, backups=backups)
    ServerlessCache(
        bench.stack,
        "Serverless",
        vpc=bench.vpc,
        limits=ServerlessLimits(maximum_storage_gb=10, maximum_ecpu_per_second=20_000),
        engine=ServerlessEngine.VALKEY_8,
        backups=backups,
        access=Access.users(
            default=DefaultUser.disabled(), users=[IamUser("reports", Permissions.read_only("orders:*"))]
        ),
    )
    add_posture_rules(app, native_engine=True)
    assembly = app.synth()

    plugins = json.loads((tmp_path / "validation-report.json").read_text(encoding="utf-8"))["pluginReports"]
    found = {each["ruleName"] for plugin in plugins for each in plugin.get("violations", ())} & {*rule_names()}
    template = assembly.get_stack_by_name("Test").template

    assert {"Type": "Number", **bounds} == template["Parameters"]["Days"]
    assert set() == found
