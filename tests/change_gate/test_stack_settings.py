"""What the gate knows of stacks as such: tags, places, protection, and exports that others may import."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3  # type: ignore[import-untyped]
import pytest
from botocore.stub import Stubber  # type: ignore[import-untyped]

from elasticache_rules.change_gate import Effect, compare, compare_stacks
from elasticache_rules.change_gate.command import main
from elasticache_rules.change_gate.settings import StackSettings
from tests.change_gate.builders import beside, group, resource, template, user_group

if TYPE_CHECKING:
    from pathlib import Path

    from elasticache_rules.change_gate import Changes
    from tests.change_gate.builders import Template

WITH_USERS = beside(group(), Users=user_group("redis"))
NOT_JUDGED = "not judged: whether another stack imports it; while one does, it cannot be changed or removed"


def _assembly(directory: Path, document: Template, **properties: Any) -> str:
    """A cloud assembly of one stack, ``cache``."""
    directory.mkdir()
    environment = properties.pop("environment", "aws://unknown-account/eu-west-1")
    artifact = {
        "type": "aws:cloudformation:stack",
        "environment": environment,
        "properties": {"templateFile": "cache.template.json", "stackName": "cache", **properties},
    }
    (directory / "cache.template.json").write_text(json.dumps(document))
    (directory / "manifest.json").write_text(json.dumps({"version": "55.0.0", "artifacts": {"cache": artifact}}))
    return str(directory)


def _said(changes: Changes) -> list[tuple[str, str, Effect, bool]]:
    return [(each.resource, each.property, each.effect, each.blocks) for each in changes]


@pytest.mark.parametrize(
    ("before", "after", "document", "expected"),
    [
        ({}, {}, WITH_USERS, []),
        (
            {"tags": {"stage": "dev"}},
            {"tags": {"stage": "prod"}},
            WITH_USERS,
            [
                ("Users", "(stack tags)", Effect.REJECTED, True),
                ("cache", "(stack tags)", Effect.IN_PLACE, False),
            ],
        ),
        ({"tags": {"stage": "dev"}}, {}, group(), [("cache", "(stack tags)", Effect.IN_PLACE, False)]),
        (
            {"is_protected": True},
            {"is_protected": False},
            group(),
            [("cache", "(termination protection)", Effect.IN_PLACE, False)],
        ),
        ({"is_protected": False}, {"is_protected": True}, group(), []),
        (
            {"region": "eu-west-1"},
            {"region": "eu-central-1"},
            group(),
            [("cache", "(region)", Effect.NOT_JUDGED, True)],
        ),
        ({"region": None}, {"region": "eu-central-1"}, group(), []),
        (
            {"account": "111122223333"},
            {"account": "444455556666"},
            template(Role=resource("AWS::IAM::Role", {})),
            [("cache", "(account)", Effect.NOT_JUDGED, False)],
        ),
    ],
)
def test_settings(
    before: dict[str, Any], after: dict[str, Any], document: Template, expected: list[tuple[str, str, Effect, bool]]
) -> None:
    """Tags of the stack reach its user groups, whose tags cannot be changed; a stack does not move."""
    settings = {"cache": StackSettings(**before)}, {"cache": StackSettings(**after)}

    assert expected == _said(compare_stacks({"cache": document}, {"cache": document}, settings=settings))


def test_tags_of_nested_stacks() -> None:
    """A nested stack gets the tags of its parent; a group that comes with them has them from the start."""
    outer = template(Inner=resource("AWS::CloudFormation::Stack", {"TemplateURL": "a"}))
    before, after = StackSettings(tags={"stage": "dev"}), StackSettings(tags={"stage": "prod"})
    names = ("cache", "cache/Inner")
    settings = dict.fromkeys(names, before), dict.fromkeys(names, after)
    old = {"cache": outer, "cache/Inner": WITH_USERS}
    new = {"cache": outer, "cache/Inner": beside(WITH_USERS, More=user_group("redis"))}
    changes = compare_stacks(old, new, settings=settings)

    assert [("cache/Inner", "Users", ("TAG-03",))] == [
        (each.stack, each.resource, each.rules) for each in changes.blocking()
    ]


def test_tags_in_assemblies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command reads what stands in the manifests, and shows the tags that differ."""
    old = _assembly(tmp_path / "old", WITH_USERS, tags={"stage": "dev", "team": "shop"}, terminationProtection=True)
    new = _assembly(tmp_path / "new", WITH_USERS, tags={"stage": "prod", "team": "shop"})

    assert 1 == main([old, new])
    said = capsys.readouterr().out
    assert "stopped: 1 of 3 changes" in said
    assert "[TAG-03]" in said
    assert "shop" not in said


def test_another_region_in_assemblies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A stack that would be made elsewhere leaves its data behind."""
    old = _assembly(tmp_path / "old", group())
    new = _assembly(tmp_path / "new", group(), environment="aws://111122223333/eu-central-1")

    assert 1 == main([old, new])
    assert "stopped: 1 of 1 changes" in capsys.readouterr().out


def test_deployed_tags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The tags of a deployed stack are asked for."""
    client = boto3.client("cloudformation", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
    described = {
        "StackName": "cache",
        "CreationTime": "2026-11-01T00:00:00Z",
        "StackStatus": "CREATE_COMPLETE",
        "Tags": [{"Key": "stage", "Value": "dev"}],
        "EnableTerminationProtection": False,
    }
    monkeypatch.setattr(boto3, "client", lambda _service, region_name: {"eu-west-1": client}[region_name])
    new = _assembly(tmp_path / "new", WITH_USERS, tags={"stage": "prod"})
    with Stubber(client) as stubber:
        stubber.add_response("get_template", {"TemplateBody": json.dumps(WITH_USERS)})
        stubber.add_response("describe_stacks", {"Stacks": [described]}, {"StackName": "cache"})

        assert 1 == main(["--deployed", new])
    assert "stopped: 1 of 2 changes" in capsys.readouterr().out


def _exporting(name: object = "endpoint", value: object = "one", **more: object) -> Template:
    output = {"Value": value, "Export": {"Name": name}, **more}
    return {**template(Role=resource("AWS::IAM::Role", {})), "Outputs": {"Endpoint": output}}


SOMETIMES = {"Conditions": {"Sometimes": {"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-west-1"]}}}
WITHOUT_EXPORT = template(Role=resource("AWS::IAM::Role", {}))


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(WITHOUT_EXPORT, id="removed"),
        pytest.param(_exporting(name="address"), id="renamed"),
        pytest.param(_exporting(value="two"), id="another value"),
        pytest.param(_exporting(Condition="Sometimes") | SOMETIMES, id="there sometimes"),
    ],
)
def test_export_whose_importer_is_not_compared(after: Template) -> None:
    """Whether a stack imports it is not known, and that is said: by each way to compare."""
    before = _exporting()
    expected = [("Endpoint", "(export)", NOT_JUDGED, False)]

    for changes in (
        compare(before, after),
        compare_stacks({"a": before}, {"a": after}),
        compare_stacks({"a": before, "b": group()}, {"a": after, "b": group()}),
    ):
        assert expected == [(each.resource, each.property, each.reason, each.blocks) for each in changes]


def test_export_that_stays() -> None:
    """What is exported as before is no change."""
    assert [] == list(compare(_exporting(), _exporting(Description="of the cache")))


def test_export_of_a_nested_stack_that_goes() -> None:
    """A nested stack takes its exports with it."""
    outer = template(Inner=resource("AWS::CloudFormation::Stack", {"TemplateURL": "a"}))
    changes = compare_stacks({"a": outer, "a/Inner": _exporting()}, {"a": template()})

    assert [("a/Inner", "Endpoint")] == [(each.stack, each.resource) for each in changes if each.property == "(export)"]


def test_importers_that_are_not_chosen_are_looked_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The choice of stacks leaves out what is deployed, not who imports from it."""
    files = {}
    for side, exporting in (("old", _exporting()), ("new", WITHOUT_EXPORT)):
        directory = tmp_path / side
        files[side] = _assembly(directory, exporting)
        manifest = json.loads((directory / "manifest.json").read_text())
        importing = {"templateFile": "shop.template.json", "stackName": "shop"}
        manifest["artifacts"]["shop"] = {**manifest["artifacts"]["cache"], "properties": importing}
        (directory / "manifest.json").write_text(json.dumps(manifest))
        body = group(ReplicationGroupDescription={"Fn::ImportValue": "endpoint"})
        (directory / "shop.template.json").write_text(json.dumps(body))

    assert 1 == main([files["old"], files["new"], "--stacks", "cache"])
    assert "while another stack imports it" in " ".join(capsys.readouterr().out.split())
