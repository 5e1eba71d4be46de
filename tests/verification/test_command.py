"""The command: its exit codes, its refusals, and its two forms of output."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from elasticache_rules.change_gate import sources
from verification import command
from verification.account import Account, default_region
from verification.assembly import Stack
from verification.posture import Check
from verification.stage import Report, StageError, check_caller, region_of, stacks_of

if TYPE_CHECKING:
    from pathlib import Path

CHECKS = (
    Check("prod-cache", "Redis", "MultiAZEnabled", "true", "false", ok=False, note="pending: true"),
    Check("prod-cache", "Redis", "must: Multi-AZ", "enabled", "disabled", ok=False, follows="Redis: MultiAZEnabled"),
    Check("prod-cache", "Redis", "Engine", "redis", "redis", ok=True),
    Check("prod-cache", "Redis", "must: minor upgrades", "True", "False", ok=True, accepted="The team installs them."),
)


def report(*checks: Check, denied: tuple[str, ...] = ()) -> Report:
    """What was found of a stage."""
    return Report("prod", "111122223333", "eu-west-1", checks, ("a note",), ("a type: not read",), denied)


def stack(path: str, account: str | None = None, region: str | None = None) -> Stack:
    """A stack without resources."""
    return Stack(path.replace("/", "-"), path, account, region, {"Resources": {}})


@pytest.fixture(name="found")
def _found(monkeypatch: pytest.MonkeyPatch) -> list[Report]:
    """The reports that the command gets."""
    reports: list[Report] = []
    monkeypatch.setattr(command, "_verified", lambda _options: reports.pop())
    return reports


@pytest.mark.parametrize(
    ("checks", "denied", "code"),
    [(CHECKS, (), 1), (CHECKS[2:], (), 0), (CHECKS[1:], (), 0), ((), ("events: needs x",), 0)],
)
def test_a_difference_is_an_exit_code(
    found: list[Report], checks: tuple[Check, ...], denied: tuple[str, ...], code: int
) -> None:
    """What follows from another difference, and what may not be read, does not count."""
    found.append(report(*checks, denied=denied))
    assert code == command.main([])


def test_the_table_ends_with_the_differences(found: list[Report], capsys: pytest.CaptureFixture[str]) -> None:
    """Each check is a line; a difference is told again in full, with its note, and what follows from it is not."""
    found.append(report(*CHECKS, denied=("events: needs elasticache:DescribeEvents",)))
    command.main([])
    table, differences = capsys.readouterr().out.split("\nDifferences\n")
    assert (2, 1) == (table.count("NO\n"), table.count("accepted\n"))
    accepted = "prod-cache Redis: minor upgrades, False: The team installs them."
    for line in (accepted, "a note", "a type: not read", "events: needs elasticache:DescribeEvents"):
        assert f"  - {line}\n" in table
    assert differences == (
        "  prod-cache Redis: MultiAZEnabled\n    asked  true\n    read   false\n    note   pending: true\n\n"
        "stage prod in 111122223333 eu-west-1: 4 checks, 1 differences, 1 accepted, 1 to note, 1 not readable\n"
    )


def test_machines_read_json(found: list[Report], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Alone on the standard output, or in a file with the table on the terminal."""
    found.extend([report(*CHECKS), report(*CHECKS)])
    file = tmp_path / "found.json"
    assert (1, 1) == (command.main(["--json"]), command.main(["--json", str(file)]))
    alone, rest = capsys.readouterr().out.split("\n}\n")
    document = json.loads(f"{alone}\n}}")
    assert document == json.loads(file.read_text())
    listed = ("checks", "differences", "accepted")
    assert (False, "prod", 4, 1, 1) == (document["ok"], document["stage"], *(len(document[name]) for name in listed))
    assert "Differences" in rest


def test_the_policy_is_printed_without_an_account(capsys: pytest.CaptureFixture[str]) -> None:
    """As IAM takes it."""
    assert command.main(["--policy"]) == 0
    [statement] = json.loads(capsys.readouterr().out)["Statement"]
    assert ("Allow", "*") == (statement["Effect"], statement["Resource"])
    assert "elasticache:DescribeReplicationGroups" in statement["Action"]


def test_no_assembly_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And AWS is not asked."""
    assert command.main([str(tmp_path)]) == command.BAD_STAGE
    assert capsys.readouterr().err.startswith(f"error: {tmp_path} has no manifest.json")


def test_a_stage_must_be_in_the_assembly() -> None:
    """The others are named; `prod` is not `prod-eu`."""
    stacks = (stack("dev/cache"), stack("prod-eu/cache"))
    assert stacks[:1] == stacks_of("dev", stacks)
    with pytest.raises(StageError, match=r"^stage prod: the cloud assembly has dev, prod-eu\. Name one of them"):
        stacks_of("prod", stacks)


@pytest.mark.parametrize(
    ("regions", "default", "expected"),
    [((None, "eu-west-1"), "us-east-1", "eu-west-1"), ((None,), "us-east-1", "us-east-1")],
)
def test_the_region_is_that_of_the_stage(regions: tuple[str | None, ...], default: str, expected: str) -> None:
    """Or that of the caller, if the stage names none."""
    assert expected == region_of([stack("dev/cache", region=region) for region in regions], default)


@pytest.mark.parametrize(
    ("regions", "refused"),
    [((None,), "no Region: .* Set AWS_REGION"), (("eu-west-1", "us-east-1"), "eu-west-1, us-east-1")],
)
def test_no_region_or_several_are_refused(regions: tuple[str | None, ...], refused: str) -> None:
    """The message says what to set."""
    with pytest.raises(StageError, match=refused):
        region_of([stack("dev/cache", region=region) for region in regions], None)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"AWS_REGION": "eu-west-1"}, "eu-west-1"),
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "us-east-1"}, "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "us-east-1"}, "us-east-1"),
        ({}, None),
    ],
)
def test_the_region_that_the_message_says_to_set(
    environment: dict[str, str], expected: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`AWS_REGION`, as for the CLI that deploys; boto3 does not read it."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"AWS_CONFIG_FILE": str(tmp_path / "none"), **environment}.items():
        monkeypatch.setenv(name, value)
    assert expected == default_region()
    if expected and "AWS_REGION" in environment:
        assert expected == sources._boto3_client(None).meta.region_name


class _Of(Account):
    """An account that answers nothing but who calls."""

    def read_now(self, service: str, operation: str, **arguments: Any) -> dict[str, Any]:
        assert ("sts", "get_caller_identity", {}) == (service, operation, arguments)
        return {"Account": "111122223333"}


def test_another_account_is_refused_before_it_is_read() -> None:
    """The first and only call says who calls."""
    account = _Of("eu-west-1")
    assert check_caller([stack("prod/cache", account="111122223333"), stack("prod/other")], account) == "111122223333"
    with pytest.raises(StageError, match=r"^credentials of the account 111122223333: .* deployed to 444455556666\."):
        check_caller([stack("prod/cache", account="444455556666")], account)
