"""The gate as a command: where templates come from, what is allowed, and how it ends."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import boto3  # type: ignore[import-untyped]
import pytest
from botocore.stub import Stubber  # type: ignore[import-untyped]

from elasticache_rules.change_gate import Changes, Effect, GateError, compare_stacks, sources
from elasticache_rules.change_gate.command import main
from elasticache_rules.rules import page_of
from tests.change_gate.builders import beside, group, resource, template

if TYPE_CHECKING:
    from pathlib import Path

REASON = "restored into a new group on 2026-11-30"


def _write(file: Path, document: Any) -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(document))
    return str(file)


def _assembly(directory: Path, **stacks: dict[str, Any]) -> str:
    """A cloud assembly with one stage, named like the CDK names it."""
    artifacts = {}
    for name, document in stacks.items():
        stack = name.replace("_", "-")
        _write(directory / "assembly-prod" / f"{name}.template.json", document)
        artifacts[name] = {
            "type": "aws:cloudformation:stack",
            "environment": "aws://unknown-account/eu-west-1",
            "properties": {"templateFile": f"{name}.template.json", "stackName": stack},
        }
    _write(directory / "assembly-prod" / "manifest.json", {"version": "55.0.0", "artifacts": artifacts})
    stage = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-prod"}}
    _write(directory / "manifest.json", {"version": "55.0.0", "artifacts": {"assembly-prod": stage}})
    return str(directory)


def _allowed(directory: Path, text: str) -> str:
    file = directory / "allowed-changes.toml"
    file.write_text(text)
    return str(file)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("change", "more", "code", "said"),
    [
        ({}, [], 0, "not stopped: 0 changes"),
        ({"SnapshotRetentionLimit": 9}, [], 0, "not stopped: 1 changes"),
        ({"Port": 6380}, [], 1, "stopped: 1 of 1 changes"),
        ({"Port": 6380}, ["--allow", "Cache"], 0, "not stopped: 1 changes"),
        ({"Port": 6380}, ["--allow", "Cache", "--allow", "Other"], 2, "not stopped: 1 changes"),
    ],
)
def test_two_templates(  # noqa: PLR0917
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, Any], more: list[str], code: int, said: str
) -> None:
    """Two files: 0 when nothing stops the update or it is allowed, 1 when something does, 2 for an idle allowance."""
    old = _write(tmp_path / "old.json", group(Port=6379))
    new = _write(tmp_path / "new.json", group(**{"Port": 6379, **change}))

    assert code == main([old, new, *more])
    assert said in capsys.readouterr().out


def test_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The table names resource, property, both values, effect, reason with its rules, and the AWS page."""
    old, new = _write(tmp_path / "old.json", group(Port=6379)), _write(tmp_path / "new.json", group(Port=6380))
    main([old, new])
    _, _, _, row, why, instead, page, *_ = capsys.readouterr().out.splitlines()

    assert ["Cache", "Port", "6379", "6380", "replacement"] == [cell.strip() for cell in row.split("|")]
    assert "can be set at creation only [UPD-01, NET-12]" == why.strip()
    assert (
        "leave it as it is, or restore a snapshot into a new one: docs/runbooks/snapshot-and-restore.md"
        == instead.strip()
    )
    assert page_of("UPD-01") == page.strip()


def test_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All that the table has and nothing else, with the verdict and the allowances; the exit code is the same."""
    old = _write(tmp_path / "old.json", group(Port=6379, SnapshotRetentionLimit=8))
    new = _write(tmp_path / "new.json", group(Port=6380, SnapshotRetentionLimit=9))
    allowed = _allowed(tmp_path, f'[template]\nCache = "{REASON}"\n')

    assert 1 == main([old, new, "--json", "--allowed", "no-such-file.toml"])
    found = json.loads(capsys.readouterr().out)
    shown = [(change["property"], change["effect"], change["stops"]) for change in found["changes"]]
    assert [("Port", "replacement", True), ("SnapshotRetentionLimit", "in place", False)] == shown
    assert (True, [], page_of("UPD-01")) == (found["stopped"], found["allowed"], found["changes"][0]["page"])

    assert 0 == main([old, new, "--json", "--allowed", allowed])
    found = json.loads(capsys.readouterr().out)
    assert (False, [f"allowed: template.Cache: {REASON}"]) == (found["stopped"], found["allowed"])


def test_what_stops_stands_at_the_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By resource, below the verdict; an alarm that measures otherwise is one row, and one changed value is shown."""

    def alarm(**properties: Any) -> dict[str, Any]:
        return resource("AWS::CloudWatch::Alarm", {"EvaluationPeriods": 3, "ComparisonOperator": "a", **properties})

    alarms = [
        {"Many": alarm(Metrics=[{"Id": "a"}]), "One": alarm(Threshold=71)},
        {"Many": alarm(MetricName="b", Namespace="AWS/ElastiCache", Period=60), "One": alarm(Threshold=72)},
    ]
    sides = group(Port=6379, SnapshotRetentionLimit=7), group(Port=6380, SnapshotRetentionLimit=9)
    files = [_write(tmp_path / f"{number}.json", beside(side, **alarms[number])) for number, side in enumerate(sides)]

    assert 1 == main(files)

    lines = capsys.readouterr().out.splitlines()
    assert ["stopped: 1 of 7 changes", "    template Cache: Port (replacement)"] == lines[-2:]
    rows = [[cell.strip() for cell in line.split("|")] for line in lines]
    assert [["Many", "MetricName, Metrics,", "...", "...", "in place"]] == [row for row in rows if row[0] == "Many"]
    assert [["One", "Threshold", "71", "72", "in place"]] == [row for row in rows if row[0] == "One"]
    assert ["Cache", "SnapshotRetentionLimit", "7", "9", "in place"] in rows


def test_table_is_as_wide_as_a_terminal(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """No line is longer than 120 characters but for an address, which is never broken."""
    for side, letter in (("old", "a"), ("new", "b")):
        (cache,) = group(KmsKeyId=letter * 80)["Resources"].values()
        _write(tmp_path / f"{side}.json", {"Resources": {"A" * 80: cache}})
    main([str(tmp_path / "old.json"), str(tmp_path / "new.json")])
    lines = capsys.readouterr().out.splitlines()

    assert [f"    {page_of('UPD-01')}"] == [line for line in lines if len(line) > 120]


def test_yaml(tmp_path: Path) -> None:
    """A template by hand may be YAML, short forms included."""
    text = "Resources:\n  Cache:\n    Type: AWS::ElastiCache::ReplicationGroup\n    Properties:\n      Port: {}\n"
    for name, port in (("old", "!Ref Port"), ("new", "6380")):
        (tmp_path / f"{name}.yaml").write_text(text.format(port))

    assert 1 == main([str(tmp_path / "old.yaml"), str(tmp_path / "new.yaml")])
    assert 0 == main([str(tmp_path / "old.yaml"), str(tmp_path / "old.yaml")])


def test_assemblies_with_stages_and_nested_stacks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All stacks of all stages are compared, and what is inside of nested stacks too."""
    nested = resource("AWS::CloudFormation::Stack", {"TemplateURL": "a"}, Metadata={"aws:asset:path": "inner.json"})
    for side, port in (("old", 6379), ("new", 6380)):
        _assembly(tmp_path / side, prod_cache=template(Inner=nested), prod_other=group())
        _write(tmp_path / side / "assembly-prod" / "inner.json", group(Port=port))

    assert 1 == main([str(tmp_path / "old"), str(tmp_path / "new")])
    assert "prod-cache/Inner\n" in capsys.readouterr().out
    allowed = _allowed(tmp_path, f'[prod-cache]\nCache = "{REASON}"')
    assert 0 == main([str(tmp_path / "old"), str(tmp_path / "new"), "--allowed", allowed])
    assert f"allowed: prod-cache.Cache: {REASON}" in capsys.readouterr().out


def test_stacks_by_pattern(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A pattern picks stacks, and allowances of the others are left alone."""
    old = _assembly(tmp_path / "old", prod_cache=group(Port=6379), prod_other=group())
    new = _assembly(tmp_path / "new", prod_cache=group(Port=6380), prod_other=group())
    allowed = ["--allowed", _allowed(tmp_path, f'[prod-cache]\nCache = "{REASON}"')]

    assert 0 == main([old, new, "--stacks", "prod-other", *allowed])
    assert 0 == main([old, new, "--stacks", "prod-*", *allowed])
    assert 2 == main([old, new, "--stacks", "dev-*"])
    assert "no stack is named dev-*" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[prod-cache", "is not TOML"),
        ('Cache = "a reason that is long enough"', "Cache is no table"),
        ('[prod-cache]\nCache = "because"', "a reason has 20 characters at least"),
        ("[prod-cache]\nCache = 1", "a reason has 20 characters at least"),
        (f'[prod-cache]\nSubnets = "{REASON}"', "nothing is stopped at prod-cache.Subnets"),
    ],
)
def test_allowances_are_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str) -> None:
    """An allowance has a stack, a reason and a change that it allows."""
    old = _assembly(tmp_path / "old", prod_cache=group(Port=6379))

    assert 2 == main([old, old, "--allowed", _allowed(tmp_path, text)])
    assert message in capsys.readouterr().err


@pytest.fixture(name="repository")
def _repository(tmp_path: Path) -> Path:
    """A repository with the snapshot of one stack, as syrupy names it."""
    if shutil.which("git") is None:
        pytest.fail("git is not installed, so --base is not tested. Install git")
    snapshot = tmp_path / "snapshots" / "test_template[prod-cache].json"
    _write(snapshot, masked(group(Port=6379)))
    for command in (
        ["init", "--quiet"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@b.invalid", "commit", "--quiet", "-m", "a"],
    ):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return tmp_path


def masked(document: dict[str, Any]) -> dict[str, Any]:
    """As a snapshot test stores a template: without parameters, and with no hash of an asset."""
    function = resource("AWS::Lambda::Function", {"Code": {"S3Key": "<asset-hash>.zip"}})
    return beside(document, Function=function)


def full(document: dict[str, Any]) -> dict[str, Any]:
    """The same template as it is synthesised."""
    function = resource("AWS::Lambda::Function", {"Code": {"S3Key": f"{'0a' * 32}.zip"}})
    return {**beside(document, Function=function), "Parameters": {"BootstrapVersion": {"Type": "String"}}, "Rules": {}}


def test_base(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A revision's snapshots are what is compared with, leaving out of the new side what they leave out."""
    same = _assembly(repository / "same", prod_cache=full(group(Port=6379)))
    other = _assembly(repository / "other", prod_cache=full(group(Port=6380)))
    options = ["--base", "HEAD", "--snapshots", "snapshots"]

    assert 0 == main([*options, same])
    assert "not stopped: 0 changes" in capsys.readouterr().out
    # The working tree does not count, only what is committed.
    (repository / "snapshots" / "test_template[prod-cache].json").unlink()
    assert 1 == main([*options, other])
    assert "stopped: 1 of 1 changes" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--base", "nowhere"], "Name a revision that git knows"),
        (["--base", "HEAD", "--snapshots", "elsewhere"], "HEAD has no snapshots in elsewhere"),
    ],
)
def test_base_that_is_not_there(
    repository: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    """Nothing to compare with is an error, never a pass."""
    assert 2 == main([*options, _assembly(repository / "same", prod_cache=group())])
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["a.json"], ["a.json", "b.json", "c.json"], ["a.json", "b.json", "--deployed"]])
def test_arguments(arguments: list[str]) -> None:
    """Too many or too few places to take templates from are refused."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert 2 == ended.value.code


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "No such file"),
        ("{", "is not readable"),
        ("a: [", "is not readable"),
        ("{}", "has no Resources"),
        ("[]", "has no Resources"),
    ],
)
def test_unreadable_file(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None, message: str) -> None:
    """What is no template is an error of one line."""
    file = tmp_path / "old.template"
    if text is not None:
        file.write_text(text)

    assert 2 == main([str(file), _write(tmp_path / "new.json", group())])
    error = capsys.readouterr().err
    assert message in error
    assert 1 == len(error.splitlines())


def test_directory_without_an_assembly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A directory must be what cdk synth wrote."""
    assert 2 == main([str(tmp_path), str(tmp_path)])
    assert "has no manifest.json" in capsys.readouterr().err


def _client() -> tuple[Any, Stubber]:
    client = boto3.client("cloudformation", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
    stubber = Stubber(client)
    stubber.activate()
    return client, stubber


def test_deployed_templates() -> None:
    """The deployed templates are fetched as they were written; a stack that does not exist yet has none."""
    client, stubber = _client()
    by_hand = "Resources:\n  Topic:\n    Type: AWS::SNS::Topic\n"
    detail = {
        "LogicalResourceId": "Inner",
        "PhysicalResourceId": "arn:inner",
        "ResourceType": "AWS::CloudFormation::Stack",
        "LastUpdatedTimestamp": dt.datetime(2026, 11, 22, tzinfo=dt.UTC),
        "ResourceStatus": "CREATE_COMPLETE",
    }
    for name, body in (("cache", json.dumps(group())), ("by-hand", by_hand)):
        stubber.add_response("get_template", {"TemplateBody": body}, {"StackName": name, "TemplateStage": "Original"})
    stubber.add_client_error("get_template", "ValidationError", "Stack with id new does not exist")
    asked = {"StackName": "cache", "LogicalResourceId": "Inner"}
    stubber.add_response("describe_stack_resource", {"StackResourceDetail": detail}, asked)
    inner = {"StackName": "arn:inner", "TemplateStage": "Original"}
    stubber.add_response("get_template", {"TemplateBody": json.dumps(template())}, inner)
    regions: list[str | None] = []

    def in_region(region: str | None) -> Any:
        regions.append(region)
        return client

    stack = sources.Stack(group(), "eu-west-1")
    stacks = {"cache": stack, "by-hand": sources.Stack(group(), None), "new": stack, "cache/Inner": stack}
    deployed = sources.read_deployed(stacks, in_region)

    assert deployed == {
        "cache": group(),
        "by-hand": {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}},
        "cache/Inner": template(),
    }
    assert ["eu-west-1", None, "eu-west-1", "eu-west-1"] == regions
    stubber.assert_no_pending_responses()


def test_deployed_without_permission() -> None:
    """A refusal by AWS is an error, never a pass."""
    client, stubber = _client()
    stubber.add_client_error("get_template", "AccessDenied", "not authorised")

    with pytest.raises(GateError, match=r"the deployed template of cache is not readable: .*AccessDenied"):
        sources.read_deployed({"cache": sources.Stack(group(), None)}, lambda _: client)


def test_stacks_that_come_and_go() -> None:
    """A new stack is named; one that is gone stops the deployment when it holds something."""
    role = template(Role=resource("AWS::IAM::Role", {}))
    changes = compare_stacks({"cache": group(), "roles": role}, {"new": group()})

    assert [(each.resource, each.effect, each.blocks) for each in changes] == [
        ("cache", Effect.NOT_JUDGED, True),
        ("roles", Effect.NOT_JUDGED, False),
        ("new", Effect.CREATION, False),
    ]


def _nested(**given: Any) -> dict[str, Any]:
    return resource("AWS::CloudFormation::Stack", {"TemplateURL": "a", "Parameters": given})


def _inside(compared: Changes) -> list[tuple[str, str, Effect, bool]]:
    return [(each.stack, each.property, each.effect, each.blocks) for each in compared if each.resource == "Cache"]


_PORT = group(Port={"Ref": "Port"})
_UNKNOWN_PORT = ("a/Inner", "Port", Effect.NOT_JUDGED, True)


@pytest.mark.parametrize(
    ("old", "new", "defaults", "expected"),
    [
        ({"Port": "6379"}, {"Port": "6380"}, ("1", "1"), [_UNKNOWN_PORT]),
        ({"Port": "6379"}, {"Port": {"Ref": "Own"}}, ("1", "1"), [_UNKNOWN_PORT]),
        ({}, {"Port": "6380"}, ("6379", "6379"), [_UNKNOWN_PORT]),
        ({}, {"Port": "6379"}, ("6379", "6379"), []),
        ({}, {"Port": "6379"}, (6379, 6379), []),
        ({}, {}, ("6379", "6380"), [_UNKNOWN_PORT]),
        ({"Port": "6379"}, {"Port": 6379}, ("1", "2"), []),
    ],
)
def test_parameters_of_a_nested_stack(
    old: dict[str, Any], new: dict[str, Any], defaults: tuple[Any, Any], expected: list[Any]
) -> None:
    """What a parent gives to a nested stack, or else the default, is followed to create-only properties inside."""
    before, after = (
        {
            "a": template(Inner=_nested(**given)),
            "a/Inner": {**_PORT, "Parameters": {"Port": {"Type": "String", "Default": default}}},
        }
        for given, default in zip((old, new), defaults, strict=True)
    )

    assert expected == _inside(compare_stacks(before, after))


@pytest.mark.parametrize("value", [{"Ref": "Security"}, {"Fn::GetAtt": ["Security", "GroupId"]}, {"Ref": "Given"}])
def test_what_nested_stacks_are_given_is_followed(value: Any) -> None:
    """By way of a stack between them, a value reaches a nested stack that is the same word for word everywhere."""

    def stacks(said: str) -> dict[str, Any]:
        security = resource("AWS::EC2::SecurityGroup", {"GroupDescription": said})
        given = {"Port": {"Type": "String"}}
        return {
            "a": {
                **template(Security=security, Inner=_nested(Port=value)),
                "Parameters": {"Given": {"Type": "String", "Default": said}},
            },
            "a/Inner": {**template(Deep=_nested(Port={"Ref": "Port"})), "Parameters": given},
            "a/Inner/Deep": {**_PORT, "Parameters": given},
        }

    assert [("a/Inner/Deep", "Port", Effect.NOT_JUDGED, True)] == _inside(compare_stacks(stacks("1"), stacks("2")))
    assert [] == list(compare_stacks(stacks("1"), stacks("1")))


def test_names_of_the_parent_are_not_those_inside() -> None:
    """A parameter that is given what the parent calls by a name does not follow what has that name inside."""

    def stacks(default: str) -> dict[str, Any]:
        inside = {"Port": {"Type": "String"}, "Own": {"Type": "String", "Default": default}}
        outside = {"Own": {"Type": "String", "Default": "6379"}}
        outer = template(Inner=_nested(Port={"Ref": "Own"}))
        return {"a": {**outer, "Parameters": outside}, "a/Inner": {**_PORT, "Parameters": inside}}

    assert [] == list(compare_stacks(stacks("1"), stacks("2")))


def test_stack_with_a_path_is_no_nested_stack() -> None:
    """A stack may be named after its stage, which is no template; when it goes, it is reported as any other."""
    old = {f"prod/{name}": {**group(Port=6379)} for name in ("one", "two")}
    new = {"prod/one": {**group(Port=6380)}}

    assert [("one", Effect.REPLACEMENT, True), ("two", Effect.NOT_JUDGED, True)] == [
        (each.stack.removeprefix("prod/"), each.effect, each.blocks) for each in compare_stacks(old, new)
    ]


def test_nested_stack_that_goes() -> None:
    """A nested stack is deleted with its resource in the parent, which says so; nothing is left as it is."""
    changes = compare_stacks({"a": template(Inner=_nested()), "a/Inner": group()}, {"a": template()})

    assert [("a", "Inner", Effect.DATA_LOSS, True)] == [
        (each.stack, each.resource, each.effect, each.blocks) for each in changes
    ]


def test_nested_stack_whose_new_template_is_not_given() -> None:
    """Without the new template nothing is known about what was in the old one, and that stops the deployment."""
    outer = template(Inner=_nested())
    (line,) = compare_stacks({"a": outer, "a/Inner": group()}, {"a": outer})

    assert ("a/Inner", Effect.NOT_JUDGED, True) == (line.stack, line.effect, line.blocks)
    assert line.reason == ("its new template was not given, and the gate does not know what happens to Cache")


@pytest.mark.parametrize(("name", "expected"), [("one", []), ("two", [("Export", Effect.SEVERAL_DEPLOYMENTS, True)])])
def test_export_in_use(name: str, expected: list[Any]) -> None:
    """An export whose resource is replaced cannot be updated while another stack imports it."""

    def network(description: str) -> dict[str, Any]:
        security = resource("AWS::EC2::SecurityGroup", {"GroupDescription": description})
        outputs = {"Export": {"Value": {"Fn::GetAtt": ["Group", "GroupId"]}, "Export": {"Name": "group"}}}
        return {**template(Group=security), "Outputs": outputs}

    cache = group(SecurityGroupIds=[{"Fn::ImportValue": "group"}])
    changes = compare_stacks({"a": network("one"), "b": cache}, {"a": network(name), "b": cache})

    assert expected == [(each.resource, each.effect, each.blocks) for each in changes if each.property == "(export)"]
    assert [] == [each for each in compare_stacks({"a": network("one")}, {"a": network(name)}) if each.blocks]


def test_deployed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The command compares an assembly with what is deployed under the same names."""
    client, stubber = _client()
    stubber.add_response("get_template", {"TemplateBody": json.dumps(group(Port=6379))})
    monkeypatch.setattr(boto3, "client", lambda _service, region_name: {"eu-west-1": client}[region_name])

    new = _assembly(tmp_path / "new", prod_cache=group(Port=6380), dev_cache=group())
    assert 1 == main(["--deployed", new, "--stacks", "prod-*"])
    assert "stopped: 1 of 1 changes" in capsys.readouterr().out


def test_deployed_without_boto3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is missing is named, and how to get it."""
    monkeypatch.setitem(sys.modules, "boto3", None)

    assert 2 == main(["--deployed", _assembly(tmp_path / "new", prod_cache=group())])
    assert "pip install boto3" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("region", "message"),
    [("eu-west-1", "Unable to locate credentials"), ("unknown-region", "You must specify a region")],
)
def test_deployed_without_an_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], region: str, message: str
) -> None:
    """Without credentials, or a region, there is one line that says so."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    new = _assembly(tmp_path / "new", prod_cache=group())
    manifest = tmp_path / "new" / "assembly-prod" / "manifest.json"
    manifest.write_text(manifest.read_text().replace("eu-west-1", region))

    assert 2 == main(["--deployed", new])
    error = capsys.readouterr().err
    assert message in error
    assert 1 == len(error.splitlines())


def test_base_before_a_stack(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A stack that the revision does not have is a new one, and nothing is lost."""
    stacks = _assembly(repository / "more", prod_cache=full(group(Port=6379)), prod_other=group())

    assert 0 == main(["--base", "HEAD", "--snapshots", "snapshots", stacks])
    assert "not stopped: 1 changes" in capsys.readouterr().out
