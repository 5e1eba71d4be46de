"""A cloud assembly is read in one way: stacks, those of stages, and the templates of nested stacks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from elasticache_rules.templates.assembly import AssemblyError, nested_templates, stacks
from elasticache_rules.templates.references import Reference, sole_reference

if TYPE_CHECKING:
    from pathlib import Path


def _stack(file: str, environment: str = "aws://111122223333/eu-west-1", **properties: Any) -> dict[str, Any]:
    return {
        "type": "aws:cloudformation:stack",
        "environment": environment,
        "displayName": f"prod/{file}",
        "properties": {"templateFile": f"{file}.json", **properties},
    }


def _manifest(directory: Path, **artifacts: dict[str, Any]) -> None:
    directory.mkdir(exist_ok=True)
    (directory / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))


def test_stacks_of_stages_stand_in_the_order_of_the_manifest(tmp_path: Path) -> None:
    """A stage is an assembly within the assembly; each stack has its own name, place, tags and protection."""
    stage = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-prod"}}
    _manifest(tmp_path, prod=stage, tools=_stack("tools", "aws://unknown-account/unknown-region"))
    _manifest(
        tmp_path / "assembly-prod",
        cache=_stack("cache", stackName="prod-cache", tags={"team": "shop"}, terminationProtection=True),
    )
    (tmp_path / "assembly-prod/cache.json").write_text('{"Resources": {}}')

    cache, tools = stacks(tmp_path)

    assert ("prod-cache", "prod/cache", "111122223333", "eu-west-1") == (
        cache.name,
        cache.path,
        cache.account,
        cache.region,
    )
    assert ({"team": "shop"}, True, {"Resources": {}}) == (cache.tags, cache.is_protected, cache.template())
    assert ("tools", None, None, False) == (tools.name, tools.account, tools.region, tools.is_protected)


def test_a_folder_without_a_manifest_is_no_assembly(tmp_path: Path) -> None:
    """Another folder is refused, with what to give instead."""
    with pytest.raises(AssemblyError, match=r"has no manifest\.json.*for example cdk\.out"):
        list(stacks(tmp_path))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"Metadata": {"aws:asset:path": "inner.json"}}, id="in the metadata"),
        pytest.param({"Properties": {"TemplateURL": {"Fn::Sub": "https://s3/bucket/abc123.json"}}}, id="among assets"),
    ],
)
def test_the_template_of_a_nested_stack_is_found(tmp_path: Path, body: dict[str, Any]) -> None:
    """Its file stands in the metadata of the resource; without that, in the manifest of the assets."""
    assets = {"files": {"abc123": {"source": {"path": "inner.json"}}}}
    (tmp_path / "outer.assets.json").write_text(json.dumps(assets))
    outer = {
        "Resources": {
            "Inner": {"Type": "AWS::CloudFormation::Stack", **body},
            "Topic": {"Type": "AWS::SNS::Topic", **body},
        }
    }

    assert [("Inner", tmp_path / "inner.json")] == list(nested_templates(outer, tmp_path))


@pytest.mark.parametrize(
    ("value", "reference"),
    [
        ({"Ref": "Cache"}, Reference("Cache")),
        ({"Fn::GetAtt": ["Cache", "Arn"]}, Reference("Cache", "Arn")),
        ({"Fn::GetAtt": "Inner.Outputs.Arn"}, Reference("Inner", "Outputs.Arn")),
        ({"Fn::GetAtt": ["Cache", {"Ref": "Which"}]}, None),
        ({"Fn::Sub": "${Cache}"}, None),
        ({"Ref": "Cache", "Other": 1}, None),
        ("Cache", None),
    ],
)
def test_a_value_that_is_a_reference(value: object, reference: Reference | None) -> None:
    """A Ref or an attribute is one; a text that contains one is not."""
    assert reference == sole_reference(value)
