"""The parts that need no emulator: output of the CLI, templates, leftovers and reports."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from rehearsal import cdk, command, inventory, report, workspace
from rehearsal.inventory import ExistingResource
from rehearsal.kept import Kept
from rehearsal.rehearse import StageError, Target
from stages import STAGES
from verification import posture, resolve
from verification.account import Account
from verification.assembly import Stack
from verification.equality import canonical

if TYPE_CHECKING:
    from tests.conftest import Synthesised

# What ends with the resource that it belongs to.
PARTS = {
    "AWS::ApiGatewayV2::Integration": "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Route": "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Stage": "AWS::ApiGatewayV2::Api",
    "AWS::EC2::SecurityGroupEgress": "AWS::EC2::SecurityGroup",
    "AWS::EC2::SecurityGroupIngress": "AWS::EC2::SecurityGroup",
    "AWS::EC2::SubnetRouteTableAssociation": "AWS::EC2::RouteTable",
    "AWS::Lambda::Permission": "AWS::Lambda::Function",
    "AWS::Lambda::Version": "AWS::Lambda::Function",
    "AWS::SNS::TopicPolicy": "AWS::SNS::Topic",
    "AWS::SecretsManager::RotationSchedule": "AWS::SecretsManager::Secret",
    "Custom::Trigger": "AWS::Lambda::Function",
    "Custom::VpcRestrictDefaultSG": "AWS::EC2::VPC",
}
CREATED = "dev-cache | 1/22 | 12:30:49 PM | CREATE_COMPLETE | AWS::KMS::Key | dev/cache/Key (Key1)"
STACK_ID = "arn:aws:cloudformation:eu-west-1:111122223333:stack/small/1"
FAILED = "dev-cache | 2/22 | 12:30:49 PM | CREATE_FAILED   | AWS::EC2::VPC | dev/cache/Vpc (Vpc1) no more VPCs"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (" ✅  dev/cache (dev-cache)\n", "✅  dev/cache (dev-cache)"),
        (" ❌  dev-cache failed to deploy\n", "❌  dev-cache failed to deploy"),
        (FAILED + "\n", FAILED),
        (CREATED + "\n", None),
        ("dev-cache: start: Building\n", None),
    ],
)
def test_only_milestones_are_told(line: str, told: str | None) -> None:
    """Of the CLI's output, complete stacks and failed resources are shown."""
    assert told == cdk.milestone(line)


def test_a_failed_command_is_told_from_its_failure_on() -> None:
    """The message has the failed resource and the CLI's last lines, and not the hundred lines before."""
    output = f"{CREATED}\n{FAILED}\nOutputs:\n\n❌  dev-cache failed\n  because\n"
    assert f"{FAILED}\n❌  dev-cache failed\n  because" == cdk.failure(output)


def test_a_failed_app_is_told_in_its_own_words() -> None:
    """What the CLI adds to the message of the app is omitted."""
    assert (
        cdk.failure("error: no such stage\npython3 app.py: Subprocess exited with error 1\n") == "error: no such stage"
    )


def _stack(template: dict[str, Any] | None = None, **changes: Any) -> Stack:
    return replace(Stack("small", "dev/small", None, None, template or {"Resources": {}}), **changes)


def test_stacks_without_a_place_go_to_the_usual_one() -> None:
    """Account and Region are those of the stacks, or the rehearsal's own if the stacks name none."""
    assert Target(workspace.ACCOUNT, workspace.REGION) == Target.of((_stack(),))
    assert Target("111122223333", "eu-central-1") == Target.of((_stack(account="111122223333", region="eu-central-1"),))


def test_stacks_in_two_regions_are_refused() -> None:
    """A stage with several Regions cannot be rehearsed, and the message names them."""
    with pytest.raises(StageError, match=r"\['eu-central-1', 'eu-west-1'\]"):
        Target.of((_stack(), _stack(region="eu-central-1")))


def test_leftovers_are_judged_by_what_was_to_be_kept() -> None:
    """Resources from before do not count; retained, unexpected and vanished resources are told apart."""
    before, key, group, log = (ExistingResource("t", name) for name in ("before", "key", "group", "log"))
    judged = inventory.leftovers(frozenset({before}), frozenset({before, key, group}), frozenset({key, log}))
    assert inventory.Leftovers(retained=(key,), unexpected=(group,), vanished=(log,)) == judged
    assert not judged.ok


def test_what_a_stage_deploys_is_listed(synthesised: Synthesised) -> None:
    """Every deployed type is listed before and after a destroy, or belongs to a listed one."""
    deployed = {
        resource["Type"]
        for stage in STAGES
        for path, template in synthesised.templates.items()
        if path.startswith(f"{stage}/")
        for resource in template["Resources"].values()
    } - {"AWS::CDK::Metadata"}
    listed = {listing.type for listing in inventory.LISTINGS} | {"AWS::KMS::Key"}
    assert set() == {PARTS.get(each, each) for each in deployed} - listed
    assert set() == PARTS.keys() - deployed


def _deployment(**changes: Any) -> resolve.Deployment:
    template = {"Resources": {}, "Parameters": {"Size": {"Type": "String", "Default": "small"}}}
    known = resolve.Deployment(_stack(template), Account("eu-west-1"), {"Vpc": "vpc-1"}, {}, STACK_ID, {"net": "sg-1"})
    return replace(known, **changes)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "Vpc"}, "vpc-1"),
        ({"Ref": "Size"}, "small"),
        ({"Ref": "AWS::Region"}, "eu-west-1"),
        ({"Ref": "AWS::StackId"}, STACK_ID),
        ({"Ref": "AWS::AccountId"}, "111122223333"),
        ({"Fn::ImportValue": "net"}, "sg-1"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Vpc"}]]}, "a-vpc-1"),
        ({"Fn::Select": ["1", ["a", "b"]]}, "b"),
        ({"Fn::Split": ["/", "a/b"]}, ["a", "b"]),
        ({"Fn::Sub": "${Vpc} in ${AWS::Region}, not ${!Vpc}"}, "vpc-1 in eu-west-1, not ${!Vpc}"),
        ({"Fn::Sub": ["${Name}", {"Name": {"Ref": "Vpc"}}]}, "vpc-1"),
        ({"a": [{"Ref": "AWS::NoValue"}, 1], "b": {"Ref": "AWS::NoValue"}}, {"a": [1]}),
    ],
)
def test_values_are_worked_out(value: Any, expected: Any) -> None:
    """References, imports and functions of a template resolve to the account's values."""
    assert expected == _deployment().resolve(value)


def _described(**stack: Any) -> resolve.Deployment:
    """A deployment in an account whose stacks are described so."""
    stored = {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/shop/host"}
    account = cast("Any", SimpleNamespace(region="eu-west-1", stack=lambda _name: stack))
    return _deployment(stack=_stack({"Resources": {}, "Parameters": {"Host": stored}}), account=account)


def test_what_other_stacks_and_parameters_have_is_read() -> None:
    """An output of a stack that exports nothing; and what a stored parameter had when it was deployed, not its name."""
    found = _described(
        Outputs=[{"OutputKey": "Log", "OutputValue": "slow"}],
        Parameters=[{"ParameterKey": "Host", "ParameterValue": "/shop/host", "ResolvedValue": "cache.internal"}],
    )
    output = {"Fn::GetStackOutput": {"StackName": "shop", "OutputName": "Log", "Region": {"Ref": "AWS::Region"}}}
    assert found.resolve([output, {"Ref": "Host"}]) == ["slow", "cache.internal"]
    elsewhere = {"Fn::GetStackOutput": {"StackName": "shop", "OutputName": "Log", "Region": "us-east-1"}}
    for unknown in (elsewhere, {"Fn::GetStackOutput": {"StackName": "shop", "OutputName": "Other"}}):
        with pytest.raises(resolve.UnresolvedError):
            found.resolve(unknown)
    with pytest.raises(resolve.UnknownFunctionError):
        _described(Parameters=[{"ParameterKey": "Host", "ParameterValue": "/shop/host"}]).resolve({"Ref": "Host"})


@pytest.mark.parametrize(
    "value", [{"Ref": "Nothing"}, {"Fn::ImportValue": "nothing"}, {"Fn::If": ["a", 1, 2]}, {"Fn::GetAZs": "us-east-1"}]
)
def test_what_cannot_be_worked_out_is_an_error(value: Any) -> None:
    """A value that is not in the account is not guessed."""
    with pytest.raises(resolve.UnresolvedError):
        _deployment().resolve(value)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (True, "true", True),
        (6379, "6379", True),
        (["b", "a"], ["a", "b"], True),
        ({"a": [1]}, {"a": ["1"]}, True),
        (False, True, False),
        (["a"], ["a", "a"], False),
        ([], "", False),
    ],
)
def test_only_differences_that_mean_something_count(one: Any, other: Any, same: bool) -> None:  # noqa: FBT001
    """Only text or number and the order of a list make no difference."""
    assert same == (canonical(one) == canonical(other))


def test_long_cells_keep_both_ends() -> None:
    """A long name is shortened in the middle, since names differ at their end."""
    assert report.fitted("short", 8) == "short   "
    assert report.fitted("arn:aws:kms:eu-west-1:key/1234", 12) == "arn:…ey/1234"


def test_a_rehearsals_environment_has_nothing_of_the_callers(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials, profiles, endpoints and proxies are not passed on."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "HTTPS_PROXY", "AWS_ENDPOINT_URL", "CDK_DEFAULT_ACCOUNT"):
        monkeypatch.setenv(name, "of the caller")
    assert "of the caller" not in workspace.Workspace(tmp_path, tmp_path).environment().values()


@pytest.fixture
def cli(tmp_path: Path) -> cdk.Cli:
    """A script in place of the CLI, which fails if an argument says so."""
    script = tmp_path / "cdk"
    script.write_text(f'#!/bin/sh\necho "{CREATED}"\necho " ❌  $1"\necho "  because"\nexit "$2"\n')
    script.chmod(0o755)
    return cdk.Cli({"PATH": f"{tmp_path}:/usr/bin:/bin"}, tmp_path, tmp_path)


def test_a_command_shows_its_progress_and_logs_the_rest(cli: cdk.Cli, tmp_path: Path) -> None:
    """While a command runs, its progress is shown; all its output is in its log."""
    told: list[str] = []
    cli.run("deploy", "deploy", "0", show=told.append)
    assert ["❌  deploy"] == told
    assert CREATED in (tmp_path / "cdk-deploy.log").read_text()


def test_a_failed_command_raises_what_it_said(cli: cdk.Cli) -> None:
    """A command in the foreground and one in the background raise an error with the CLI's output."""
    with pytest.raises(cdk.CdkError, match="because") as waited:
        cli.run("deploy", "deploy", "1", show=lambda _line: None)
    with pytest.raises(cdk.CdkError, match="because") as awaited, cli.started("synth", "synth", "1") as process:
        cli.finish("synth", process)
    assert ("deploy", "synth") == (waited.value.name, awaited.value.name)


def _results(*, ok: bool, left: inventory.Leftovers | None) -> report.Results:
    check = posture.Check("stack", "Redis", "MultiAZEnabled", "true", "true" if ok else "false", ok)
    verdict = posture.Verdict((check,), ("a type: not read back",))
    return report.Results("dev", "eu-west-1", (report.Phase("deploy", 1.0),), 2.0, 100.0, verdict, left)


def test_a_failed_check_is_shown_and_fails_the_rehearsal(capsys: pytest.CaptureFixture[str]) -> None:
    """The table has NO, the failure is repeated in full at the end, and the results are not ok."""
    results = _results(ok=False, left=inventory.Leftovers((), (), ()))
    report.show(results)
    told = capsys.readouterr().out
    assert not results.ok
    assert "NO\n" in told
    assert "stack Redis: MultiAZEnabled\n    asked  true\n    read   false" in told
    assert "a type: not read back" in told


@pytest.mark.parametrize("place", ["unexpected", "vanished"])
def test_wrong_leftovers_fail_the_rehearsal(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An unexpected or vanished resource fails the rehearsal and is named."""
    things = {"retained": (), "unexpected": (), "vanished": (), place: (ExistingResource("AWS::KMS::Key", "key-1"),)}
    results = _results(ok=True, left=inventory.Leftovers(**things))
    report.show(results)
    assert not results.ok
    assert "key-1" in capsys.readouterr().out


def test_a_kept_rehearsal_says_how_to_use_and_stop_it(capsys: pytest.CaptureFixture[str]) -> None:
    """The shown commands are complete, and none of them has the secret of the run."""
    report.show(_results(ok=True, left=None))
    assert capsys.readouterr().out.endswith("still running\n")
    examples = ("python -m rehearsal run -- aws sts get-caller-identity", "http://catalogue.localhost:1/")
    told = Kept("dev", 42, 0.0, Path(), None, {"AWS_SECRET_ACCESS_KEY": "secret"}, examples).instructions()
    assert "python -m rehearsal run -- aws sts get-caller-identity\n  http://catalogue.localhost:1/\n" in told
    assert told.endswith("python -m rehearsal stop")
    assert "secret" not in told


@pytest.mark.parametrize(
    ("platform", "asked", "told"),
    [("linux", "1", 0), ("linux", "0", 0), ("darwin", "0", 0), ("darwin", "1", 1)],
)
def test_a_live_rehearsal_needs_linux(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    platform: str,
    asked: str,
    told: int,
) -> None:
    """Elsewhere it is the quick one, and one line says so."""
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv("LIVE", asked)
    assert command.is_live() is (platform == "linux" and asked == "1")
    assert capsys.readouterr().out.count("needs Linux") == told
