"""Independent policy packs over everything that this repo deploys."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import Validations
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from elasticache_constructs.posture import rule_names
from elasticache_rules.reasons import SHORTEST_REASON
from stages import STAGES
from tests.conftest import Synthesised, new_app, synthesise
from tests.control_tower import control_tower_rules, parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs import IConstruct

# CDK's constructs acknowledge rules of CDK's own engine, needed or not. The posture rules run in that engine too.
CDK_OWN = re.compile(r"CloudFormation-Validate::(?!elasticache_)|Annotation::")


def findings(report: list[dict[str, Any]], kind: str = "violations") -> Iterator[tuple[str, dict[str, Any], str]]:
    """Plugin, finding and construct path of every finding."""
    for plugin in report:
        for finding in plugin.get(kind, []):
            for construct in finding["violatingConstructs"]:
                yield plugin["pluginName"], finding, construct.get("constructPath", "")


def test_no_pack_finds_anything(synthesised: Synthesised) -> None:
    """Six cdk-nag packs, Control Tower, CDK's own rules and the posture rules find nothing in any stage or example.

    The subscribers of a stage are chosen by those who deploy it, so the warning about a stage without any is left.
    """
    found = [(plugin, each["ruleName"], path) for plugin, each, path in findings(synthesised.report)]
    warning = "Annotation::elasticache-constructs:stage-without-subscribers"

    assert {("Construct Annotations", warning, f"{stage}/cache-notifications") for stage in STAGES} == set(found)


def test_control_tower_is_shown_every_resource(synthesised: Synthesised) -> None:
    """Every rule sees every resource of a type that it names, though only parts of the templates."""
    shown = {
        (rule, path, name)
        for rules, templates in parts(synthesised.templates)
        for rule in rules
        for path, template in templates.items()
        for name in template["Resources"]
    }
    due = {
        (rule, path, name)
        for rule, named in control_tower_rules().items()
        for path, template in synthesised.templates.items()
        for name, resource in template["Resources"].items()
        if resource["Type"] in named
    }

    assert len(due) > 1000
    assert set() == due - shown


def declared(app: cdk.App) -> set[tuple[str, str]]:
    """Rule and construct path of every acknowledgement in a synthesised app, but those that CDK's own constructs make.

    Those in stacks are read where the synth wrote them: to ask each construct takes ten seconds.
    """
    key = Validations.ACKNOWLEDGED_RULES_METADATA_KEY
    entries = [
        (path.removeprefix("/"), entry["type"], entry["data"])
        for file in Path(app.outdir).rglob("*.metadata.json")
        for path, listed in json.loads(file.read_text()).items()
        for entry in listed
    ]
    entries += [
        (construct.node.path, entry.type, entry.data)
        for construct in _outside_of_stacks(app)
        for entry in construct.node.metadata
    ]
    return {(rule, path) for path, kind, data in entries if kind == key for rule in data if not CDK_OWN.match(rule)}


def _outside_of_stacks(construct: IConstruct) -> Iterator[IConstruct]:
    if not isinstance(construct, cdk.Stack):
        yield construct
        for child in construct.node.children:
            yield from _outside_of_stacks(child)


def test_every_acknowledgement_is_used(synthesised: Synthesised) -> None:
    """No acknowledgement outlives its finding."""
    used = {
        (each["acknowledgedId"], each["acknowledgedAt"])
        for _, each, _ in findings(synthesised.report, "suppressedViolations")
    }

    assert set() == declared(synthesised.app) - used


def test_every_acknowledgement_has_a_reason(synthesised: Synthesised) -> None:
    """Each suppressed finding says why it is right as it is."""
    silent = [
        (each["ruleName"], path)
        for _, each, path in findings(synthesised.report, "suppressedViolations")
        if not CDK_OWN.match(each["acknowledgedId"]) and len(each.get("reason", "")) < SHORTEST_REASON
    ]

    assert [] == silent


@pytest.fixture(scope="module", name="bad")
def _bad(tmp_path_factory: pytest.TempPathFactory) -> Synthesised:
    """A stack with everything wrong, checked like the real ones."""
    app = new_app(tmp_path_factory.mktemp("bad") / "out")
    stack = cdk.Stack(app, "Bad")
    elasticache.CfnReplicationGroup(
        stack,
        "Group",
        replication_group_description="bad",
        engine="redis",
        cache_node_type="cache.t4g.micro",
        num_cache_clusters=1,
    )
    elasticache.CfnCacheCluster(stack, "Cluster", engine="redis", cache_node_type="cache.t4g.micro", num_cache_nodes=1)
    lambda_.Function(
        stack, "Function", runtime=lambda_.Runtime.PYTHON_3_12, handler="i.h", code=lambda_.Code.from_inline("x=1")
    )
    iam.User(stack, "User").add_to_policy(iam.PolicyStatement(actions=["*"], resources=["*"]))
    unused = cdk.CfnResource(stack, "Unused", type="AWS::CloudFormation::WaitConditionHandle")
    Validations.of(unused).acknowledge(cdk.Acknowledgment(id="AwsSolutions::AwsSolutions-AEC5", reason="because"))
    return synthesise(app)


CANARIES = [
    *(("AwsSolutions", f"AwsSolutions-AEC{number}") for number in (1, 3, 4, 5, 6)),
    ("HIPAA.Security", "HIPAA.Security-ElastiCacheRedisClusterAutomaticBackup"),
    ("NIST.800.53.R4", "NIST.800.53.R4-ElastiCacheRedisClusterAutomaticBackup"),
    ("NIST.800.53.R5", "NIST.800.53.R5-ElastiCacheRedisClusterAutomaticBackup"),
    ("PCI.DSS.321", "PCI.DSS.321-IAMNoInlinePolicy"),
    ("Serverless", "Serverless-LambdaLatestVersion"),
    ("cdk-validator-cfnguard", "elasticache_repl_grp_encrypted_in_transit_check"),
    ("cdk-validator-cfnguard", "elasticache_repl_grp_rbac_auth_enabled_check"),
]


@pytest.mark.parametrize(("plugin", "rule"), CANARIES)
def test_each_pack_is_alive(bad: Synthesised, plugin: str, rule: str) -> None:
    """A pack without findings leaves no line in the report, so each is shown to find something where there is."""
    found = {(plugin, each["ruleName"]) for plugin, each, _ in findings(bad.report)}

    assert (plugin, rule) in found


def test_the_posture_rules_are_alive(bad: Synthesised) -> None:
    """The project's own rules run in the same synth."""
    found = {each["ruleName"] for _, each, _ in findings(bad.report)}

    assert found & set(rule_names())


def test_an_unused_acknowledgement_is_noticed(bad: Synthesised) -> None:
    """The audit above can fail."""
    used = {
        (each["acknowledgedId"], each["acknowledgedAt"]) for _, each, _ in findings(bad.report, "suppressedViolations")
    }

    assert {("AwsSolutions::AwsSolutions-AEC5", "Bad/Unused")} == declared(bad.app) - used
