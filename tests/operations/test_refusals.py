"""What a drill and the application of an update refuse to begin, and that nothing has happened then."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from local_servers.waiting import wait_until
from rehearsal.workspace import REGION
from tests.operations.stage import STACK, write_assembly

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.operations.conftest import Operator

GROUP = "small-orders"
FAILOVER = "Test Failover API called"


@contextmanager
def protected(operator: Operator) -> Iterator[None]:
    """The stack has termination protection."""
    client = operator.account.client("cloudformation")
    client.update_termination_protection(StackName=STACK, EnableTerminationProtection=True)
    yield
    client.update_termination_protection(StackName=STACK, EnableTerminationProtection=False)


@contextmanager
def in_alarm(operator: Operator) -> Iterator[None]:
    """An alarm of the stage is in ALARM."""
    client = operator.account.client("cloudwatch")
    [alarm] = client.describe_alarms(AlarmNames=["small-health"])["MetricAlarms"]
    # Not SetAlarmState, which lasts until the next metric arrives, that of a function for example.
    broken = alarm["Threshold"] + 1
    _publish(client, broken)
    wait_until(lambda: _health(client) == "ALARM", "the alarm is in ALARM")
    yield
    kept = ("AlarmName", "Namespace", "MetricName", "Statistic", "Period", "EvaluationPeriods", "ComparisonOperator")
    client.put_metric_alarm(**{name: alarm[name] for name in kept}, Threshold=broken + 1)
    _publish(client, 0)
    wait_until(lambda: _health(client) == "OK", "the alarm is OK")


def _publish(client: Any, value: float) -> None:
    client.put_metric_data(Namespace="Small", MetricData=[{"MetricName": "Broken", "Value": value}])


def _health(client: Any) -> str:
    state: str = client.describe_alarms(AlarmNames=["small-health"])["MetricAlarms"][0]["StateValue"]
    return state


@contextmanager
def foreign_alarm(operator: Operator) -> Iterator[None]:
    """An alarm of another stage is in ALARM, which does not matter."""
    client = operator.account.client("cloudwatch")
    client.put_metric_alarm(
        AlarmName="another",
        Namespace="Small",
        MetricName="Other",
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
    )
    client.set_alarm_state(AlarmName="another", StateValue="ALARM", StateReason="x")
    yield
    assert client.describe_alarms(AlarmNames=["another"])["MetricAlarms"][0]["StateValue"] == "ALARM"
    client.delete_alarms(AlarmNames=["another"])


@contextmanager
def another_drill(operator: Operator) -> Iterator[None]:
    """A drill has made a snapshot and was killed."""
    client = operator.account.client("elasticache")
    client.create_snapshot(ReplicationGroupId=GROUP, SnapshotName="drill-0123ab")
    yield
    client.delete_snapshot(SnapshotName="drill-0123ab")


@contextmanager
def pending_rotation(operator: Operator) -> Iterator[None]:
    """A rotation has begun, and not ended."""
    client = operator.account.client("secretsmanager")
    [secret] = [item for item in client.list_secrets()["SecretList"] if "Password" in item["Name"]]
    pending = client.put_secret_value(
        SecretId=secret["ARN"], SecretString='{"password": "pending"}', VersionStages=["AWSPENDING"]
    )
    yield
    client.update_secret_version_stage(
        SecretId=secret["ARN"], VersionStage="AWSPENDING", RemoveFromVersionId=pending["VersionId"]
    )


@contextmanager
def running_update(operator: Operator) -> Iterator[None]:
    """A service update is being applied."""
    operator.control("release-service-update", name="in-the-way")
    operator.control("hold-service-update", name="in-the-way", status="in-progress")
    yield
    operator.control("hold-service-update", name="in-the-way", status="complete")


@contextmanager
def modifying(operator: Operator) -> Iterator[None]:
    """The group is being modified."""
    operator.control("hold-cache", cache=GROUP, status="modifying")
    yield
    operator.control("hold-cache", cache=GROUP, status="available")


@contextmanager
def broken(operator: Operator) -> Iterator[None]:
    """The group is in a state that does not pass."""
    operator.control("hold-cache", cache=GROUP, status="create-failed")
    yield
    operator.control("hold-cache", cache=GROUP, status="available")


CASES = {
    "protected": (
        protected,
        "failover",
        f"termination protection of {STACK}: the stage small must be named twice. Add PROTECTED=small if you mean it.",
    ),
    "in alarm": (
        in_alarm,
        "failover",
        (
            "alarm small-health is in ALARM: the stage must be healthy before. Follow the runbook in its "
            "description, and try again when it is OK."
        ),
    ),
    "another drill": (
        another_drill,
        "failover",
        (
            "drill-0123ab: another drill has made it, and runs or was killed. Wait for its end, or run `aws "
            "elasticache delete-snapshot --snapshot-name drill-0123ab`."
        ),
    ),
    "a pending rotation": (
        pending_rotation,
        "rotate",
        (
            "has a version AWSPENDING: a rotation of it is in progress, or has failed. Wait for its end, or see the "
            "log group /aws/lambda/"
        ),
    ),
    "a service update": (
        running_update,
        "failover",
        (
            f"service update in-the-way of {GROUP} is in-progress: another operation is in progress. Wait until it has "
            "ended, then try again."
        ),
    ),
    "modifying": (
        modifying,
        "restore",
        (
            f"replication group {GROUP} is modifying: another operation is in progress. Wait until it has ended, then "
            "try again."
        ),
    ),
    "broken": (
        broken,
        "restore",
        (
            f"replication group {GROUP} is create-failed: the stage must be healthy before. See its events "
            "with `aws elasticache describe-events`."
        ),
    ),
}


def failovers(operator: Operator) -> int:
    """How many failovers were asked for."""
    events = operator.account.client("elasticache").describe_events(SourceIdentifier=GROUP)["Events"]
    return sum(FAILOVER in event["Message"] for event in events)


@pytest.mark.parametrize("case", CASES)
def test_a_stage_that_must_be_left_alone_is_refused(case: str, operator: Operator) -> None:
    """The message says why and what to do, the exit code is 2, and nothing was done, also with --yes."""
    state, name, message = CASES[case]
    before = failovers(operator)
    with state(operator):
        made = operator.made_by_drills()
        ended = operator.drill(name, "--yes")
        assert operator.made_by_drills() == made
    assert ended.code == 2, ended.output
    assert message in ended.output
    assert "What happens" not in ended.output
    assert operator.records == []
    assert failovers(operator) == before


@pytest.mark.parametrize(("state", "arguments"), [(protected, ["--protected", "small"]), (foreign_alarm, [])])
def test_a_stage_that_may_be_touched_is_not_refused(state: type, arguments: list[str], operator: Operator) -> None:
    """One that is protected and named, and one whose account has an alarm of another stage: it gets to the question."""
    with state(operator):
        ended = operator.drill("failover", *arguments, typed="no\n")
    assert "What happens" in ended.output
    assert ended.code == 2


@pytest.mark.parametrize("typed", ["", "\n", "yes\n", "smal\n", "prod\n"])
def test_only_the_name_of_the_stage_goes_on(typed: str, operator: Operator) -> None:
    """Anything else, and the end of the input, is a refusal; what is shown before says where and what."""
    before = failovers(operator)
    ended = operator.drill("failover", typed=typed)
    assert ended.code == 2
    assert "was typed: only 'small' goes on, and nothing was done." in ended.output
    for shown in ("Account       000000000000 (arn:aws:iam::000000000000:root)", f"Region        {REGION}", "How long"):
        assert shown in ended.output
    assert failovers(operator) == before


def test_another_account_is_refused(operator: Operator) -> None:
    """Credentials for an account that is not the stage's end it before anything is read of it."""
    write_assembly(operator.assembly, f"aws://111122223333/{REGION}")
    ended = operator.drill("failover", "--yes")
    assert ended.code == 2
    assert (
        "Refused. credentials for the account 000000000000: the stage small belongs to 111122223333. Use credentials "
        "for that account: set AWS_PROFILE, for example." in ended.output
    )


def test_a_stage_that_is_not_deployed_is_refused(operator: Operator) -> None:
    """In another Region, for example."""
    write_assembly(operator.assembly, "aws://unknown-account/eu-north-1")
    ended = operator.drill("failover", "--yes")
    assert ended.code == 2
    assert f"no stack {STACK} in the account 000000000000 and eu-north-1" in ended.output


def test_an_unknown_stage_is_refused(operator: Operator) -> None:
    """The message names those that there are."""
    ended = operator.run("drill", "--stage", "prod", "--name", "failover")
    assert ended.code == 2
    assert f"STAGE=prod: the stages in {operator.assembly} are small." in ended.output


def test_without_a_region_nothing_is_guessed(operator: Operator) -> None:
    """A stage that can be deployed to any Region takes that of the credentials; without one, it is refused."""
    ended = operator.drill("failover", AWS_REGION="", AWS_DEFAULT_REGION="")
    assert ended.code == 2
    assert "no Region for the stage small" in ended.output


def test_an_unknown_drill_is_refused(operator: Operator) -> None:
    """By the parser, which names those that there are."""
    ended = operator.drill("earthquake")
    assert ended.code == 2
    assert "invalid choice: 'earthquake'" in ended.output
