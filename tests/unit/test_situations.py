"""Situations that policy packs object to are accepted in one call, in every pack's own words."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Template

from elasticache_constructs.checks.situations import Situation, accept, open_resource
from tests.conftest import ROOT

if TYPE_CHECKING:
    from tests.conftest import Bench

_REASON = "The topic carries no personal data, only names of nodes."
# A rule of a pack, as it stands in a report or in the metadata of a resource.
_ID = re.compile(
    r"\bCKV_[A-Z]+_\d+|(AwsSolutions|HIPAA\.Security|NIST\.800|PCI\.DSS|cdk-validator-cfnguard|CloudFormation-Validate)::"
)
_ONE_PLACE = ("checks/situations.py", "checks/acknowledgements.py")


def test_a_situation_is_accepted_by_every_pack_and_by_checkov(bench: Bench) -> None:
    """One call writes an acknowledgement for each pack, and the skip that checkov reads in the template."""
    topic = sns.Topic(bench.stack, "Topic")
    accept(topic, {Situation.TOPIC_WITHOUT_ENCRYPTION: _REASON, Situation.EVENT_RULE_WITHOUT_DEAD_LETTERS: None})

    assert {
        f"{pack}::{pack}-SNSEncryptedKMS": _REASON
        for pack in ("HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5", "PCI.DSS.321")
    } == {
        rule: reason
        for entry in topic.node.metadata
        if entry.type == "aws:cdk:acknowledged-rules"
        for rule, reason in entry.data.items()
    }
    Template.from_stack(bench.stack).has_resource(
        "AWS::SNS::Topic", {"Metadata": {"checkov": {"skip": [{"id": "CKV_AWS_26", "comment": _REASON}]}}}
    )


def test_no_situation_is_the_same_as_another() -> None:
    """Two names for one list of ids would be one member, and the second reason would take the place of the first."""
    assert len(Situation.__members__) == len(list(Situation))


def test_a_wildcard_is_named_with_its_resource() -> None:
    """The finding about a wildcard has the resource in its id."""
    assert "AwsSolutions::AwsSolutions-IAM5[Resource::*]" == open_resource("*")


@pytest.mark.parametrize("package", ["elasticache_constructs", "application_constructs"])
def test_ids_of_packs_stand_in_one_place(package: str) -> None:
    """No other module writes the id of a pack's rule."""
    folder = ROOT / "constructs" / package
    found = [
        f"{path.relative_to(folder)}:{node.lineno}"
        for path in sorted(folder.rglob("*.py"))
        if str(path.relative_to(folder)) not in _ONE_PLACE and path.parent.name != "posture"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _ID.search(node.value)
    ]

    assert [] == found
