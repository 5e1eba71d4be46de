"""The parts that need no emulator: what the CLI says, what templates mean, what is left over, what is printed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rehearsal import cdk, inventory, posture, report, resolve, surroundings
from rehearsal.account import Account
from rehearsal.assembly import Stack
from rehearsal.inventory import Thing
from rehearsal.rehearse import Kept, StageError, Target
from stages import STAGES
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
    """Of the CLI's stream, a reader sees stacks that are done and resources that fail."""
    assert told == cdk.milestone(line)


def test_a_failed_command_is_told_from_its_failure_on() -> None:
    """The complaint has the resource that failed and the CLI's last words, not the hundred lines before."""
    output = f"{CREATED}\n{FAILED}\nOutputs:\n\n❌  dev-cache failed\n  because\n"
    assert f"{FAILED}\n❌  dev-cache failed\n  because" == cdk.complaint(output)


def test_a_failed_app_is_told_in_its_own_words() -> None:
    """What the CLI wraps around the message of the app is left out."""
    assert (
        cdk.complaint("error: no such stage\npython3 app.py: Subprocess exited with error 1\n")
        == "error: no such stage"
    )


def _stack(template: dict[str, Any] | None = None, **changes: Any) -> Stack:
    return replace(Stack("small", "dev/small", None, None, template or {"Resources": {}}), **changes)


def test_stacks_without_a_place_go_to_the_usual_one() -> None:
    """Account and region come from the stacks, and from the rehearsal where the stacks leave them open."""
    assert Target(surroundings.ACCOUNT, surroundings.REGION) == Target.of((_stack(),))
    assert Target("111122223333", "eu-central-1") == Target.of((_stack(account="111122223333", region="eu-central-1"),))


def test_stacks_in_two_regions_are_refused() -> None:
    """A stage that spans regions cannot be rehearsed, and the message names them."""
    with pytest.raises(StageError, match=r"\['eu-central-1', 'eu-west-1'\]"):
        Target.of((_stack(), _stack(region="eu-central-1")))


def test_leftovers_are_judged_by_what_was_to_be_kept() -> None:
    """What was there before does not count; what is kept on purpose, what is not, and what should be are told apart."""
    before, key, group, log = (Thing("t", name) for name in ("before", "key", "group", "log"))
    judged = inventory.leftovers(frozenset({before}), frozenset({before, key, group}), frozenset({key, log}))
    assert inventory.Leftovers(retained=(key,), unexpected=(group,), vanished=(log,)) == judged
    assert not judged.ok


def test_what_a_stage_deploys_is_listed(synthesised: Synthesised) -> None:
    """A destroy is known to leave nothing only of what is listed before and after it: every type, or what it is of."""
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
    """References, imports and functions of a template come to what they are in the account."""
    assert expected == _deployment().resolve(value)


@pytest.mark.parametrize(
    "value", [{"Ref": "Nothing"}, {"Fn::ImportValue": "nothing"}, {"Fn::If": ["a", 1, 2]}, {"Fn::GetAZs": "us-east-1"}]
)
def test_what_cannot_be_worked_out_is_an_error(value: Any) -> None:
    """A value from outside is never guessed."""
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
    """Text or number and the order of a list do not matter; everything else does."""
    assert same == (posture.canonical(one) == posture.canonical(other))


def test_long_cells_keep_both_ends() -> None:
    """A long name is shortened in the middle, since names differ at their end."""
    assert report.fitted("short", 8) == "short   "
    assert report.fitted("arn:aws:kms:eu-west-1:key/1234", 12) == "arn:…ey/1234"


def test_a_rehearsals_environment_has_nothing_of_the_callers(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials, profiles, endpoints and proxies stay outside."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "HTTPS_PROXY", "AWS_ENDPOINT_URL", "CDK_DEFAULT_ACCOUNT"):
        monkeypatch.setenv(name, "of the caller")
    assert "of the caller" not in surroundings.Surroundings(tmp_path, tmp_path).environment().values()


@pytest.fixture
def cli(tmp_path: Path) -> cdk.Cli:
    """The CLI's place taken by a script that fails when told to."""
    script = tmp_path / "cdk"
    script.write_text(f'#!/bin/sh\necho "{CREATED}"\necho " ❌  $1"\necho "  because"\nexit "$2"\n')
    script.chmod(0o755)
    return cdk.Cli({"PATH": f"{tmp_path}:/usr/bin:/bin"}, tmp_path, tmp_path)


def test_a_command_tells_its_milestones_and_keeps_the_rest(cli: cdk.Cli, tmp_path: Path) -> None:
    """While a command runs its milestones are passed on; all it said is in its log."""
    told: list[str] = []
    cli.run("deploy", "deploy", "0", say=told.append)
    assert ["❌  deploy"] == told
    assert CREATED in (tmp_path / "cdk-deploy.log").read_text()


def test_a_failed_command_raises_what_it_said(cli: cdk.Cli) -> None:
    """Both a command that is waited for and one in the background end in an error with the CLI's words."""
    with pytest.raises(cdk.CdkError, match="because") as waited:
        cli.run("deploy", "deploy", "1", say=lambda _line: None)
    with pytest.raises(cdk.CdkError, match="because") as awaited, cli.started("synth", "synth", "1") as process:
        cli.finish("synth", process)
    assert ("deploy", "synth") == (waited.value.name, awaited.value.name)


def _results(*, ok: bool, left: inventory.Leftovers | None) -> report.Results:
    check = posture.Check("stack", "Redis", "MultiAZEnabled", "true", "true" if ok else "false", ok)
    verdict = posture.Verdict((check,), ("a type: not read back",))
    return report.Results("dev", "eu-west-1", (report.Phase("deploy", 1.0),), 2.0, 100.0, verdict, left)


def test_a_failed_check_is_shown_and_fails_the_rehearsal(capsys: pytest.CaptureFixture[str]) -> None:
    """The table says NO, the failure is repeated in full at the end, and the results are not ok."""
    results = _results(ok=False, left=inventory.Leftovers((), (), ()))
    report.show(results)
    told = capsys.readouterr().out
    assert not results.ok
    assert "NO\n" in told
    assert "stack Redis: MultiAZEnabled\n    asked  true\n    read   false" in told
    assert "a type: not read back" in told


@pytest.mark.parametrize("place", ["unexpected", "vanished"])
def test_wrong_leftovers_fail_the_rehearsal(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A resource left behind, or gone against its policy, fails the rehearsal and is named."""
    things = {"retained": (), "unexpected": (), "vanished": (), place: (Thing("AWS::KMS::Key", "key-1"),)}
    results = _results(ok=True, left=inventory.Leftovers(**things))
    report.show(results)
    assert not results.ok
    assert "key-1" in capsys.readouterr().out


def test_a_kept_rehearsal_says_how_to_use_and_stop_it(capsys: pytest.CaptureFixture[str]) -> None:
    """The lines to type are complete: every setting exported, and the group to kill."""
    report.show(_results(ok=True, left=None))
    assert capsys.readouterr().out.endswith("still running\n")
    told = Kept(42, {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_REGION": "eu-west-1"}).instructions()
    assert "  export AWS_ENDPOINT_URL=http://127.0.0.1:1\n  export AWS_REGION=eu-west-1\n" in told
    assert told.endswith("kill -KILL -- -42")
