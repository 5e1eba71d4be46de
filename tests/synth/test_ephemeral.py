"""A stage that leaves nothing behind: its templates, what the gate lets pass there, and an account afterwards."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3

from elasticache_constructs import ConfigurationError, Subscribers, make_ephemeral
from elasticache_rules.change_gate.changes import Effect
from elasticache_rules.change_gate.stacks import compare_stacks
from elasticache_rules.ephemeral import MARK
from rehearsal import emulator, inventory, workspace
from stacks import CacheStage
from stages import STAGES
from tests.change_gate import builders
from tests.conftest import FLAGS, Synthesised, new_app, synthesise
from tests.verification.deployment import REGION, deploy
from verification import assembly
from verification.account import Account

if TYPE_CHECKING:
    from collections.abc import Mapping

REASON = "The preview of a pull request has made-up data"
TEAM = Subscribers(emails=["cache-team@example.com"], placeholder_reason="A test has no address of people")
ACCOUNT = "400000000000"


@pytest.fixture(scope="module", name="stage")
def _stage(tmp_path_factory: pytest.TempPathFactory) -> Synthesised:
    """The stage dev as a preview, protected in nothing but its database, and without applications."""
    app = new_app(tmp_path_factory.mktemp("cdk") / "out")
    dev = STAGES["dev"]
    assert dev.database is not None
    database = replace(dev.database, unprotected_reason=None)
    settings = replace(dev, database=database, workload=None, subscribers=TEAM, ephemeral_reason=REASON)
    CacheStage(app, "preview", settings=settings)
    return synthesise(app)


def test_nothing_is_retained(stage: Synthesised) -> None:
    """No resource is kept or leaves a snapshot, and each template says why."""
    everything = {name: each for path in stage.templates for name, each in stage.templates[path]["Resources"].items()}
    kept = {
        name: each
        for name, each in everything.items()
        if {each.get("DeletionPolicy", "Delete"), each.get("UpdateReplacePolicy", "Delete")} != {"Delete"}
    }
    assert {} == kept
    (database,) = stage.everywhere("RDS::DBInstance").values()
    assert (False, True) == tuple(
        database["Properties"][name] for name in ("DeletionProtection", "DeleteAutomatedBackups")
    )
    assert {7} == {each["Properties"]["PendingWindowInDays"] for each in stage.everywhere("KMS::Key").values()}
    assert {REASON} == {template["Metadata"][MARK] for template in stage.templates.values()}


def test_no_finding_is_left(stage: Synthesised) -> None:
    """What the packs find about it is acknowledged with the reason."""
    assert [] == [violation for plugin in stage.report for violation in plugin.get("violations", [])]


def test_an_account_is_empty_afterwards(stage: Synthesised) -> None:
    """Deployed to an emulated account and deleted again, it leaves no key, log, secret, snapshot or anything else."""
    place = workspace.prepare()
    stacks = [each for each in assembly.stacks(Path(stage.app.outdir)) if each.path in stage.templates]
    with (
        emulator.running(place) as server,
        workspace.only(server.client_environment({}, ACCOUNT, REGION)),
    ):
        account = Account(REGION)
        before = inventory.take(account)
        deploy(stacks, ACCOUNT)
        made = inventory.take(Account(REGION)) - before
        cloudformation = account.client("cloudformation")
        for stack in reversed(stacks):
            cloudformation.delete_stack(StackName=stack.name)
            waiter = cloudformation.get_waiter("stack_delete_complete")
            waiter.wait(StackName=stack.name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 400})
        left = inventory.take(Account(REGION)) - before
    workspace.remove(place)
    assert {"AWS::KMS::Key", "AWS::Logs::LogGroup", "AWS::SecretsManager::Secret"} <= {each.type for each in made}
    assert ["/cdk-bootstrap/hnb659fds/version"] == [each.name for each in left]


# What is refused


def test_a_protected_stage_is_refused() -> None:
    """What is protected keeps its data."""
    with pytest.raises(ConfigurationError) as refused:
        replace(STAGES["prod"], ephemeral_reason=REASON)
    assert (
        "StageSettings(termination_protection=True, ephemeral_reason=...): what is protected keeps its data, and what "
        "is ephemeral loses them. Use termination_protection=False, or leave ephemeral_reason out."
    ) == str(refused.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(
            lambda app: make_ephemeral(cdk.Stack(app, "Kept", termination_protection=True), reason=REASON),
            "make_ephemeral of Kept, which has termination protection: what is protected keeps its data",
            id="a protected stack",
        ),
        pytest.param(
            lambda app: make_ephemeral(cdk.Stack(app, "Short"), reason="a preview"),
            "make_ephemeral(reason=...) with the reason 'a preview': a reason has 20 characters at least",
            id="a short reason",
        ),
        pytest.param(
            lambda app: make_ephemeral(app, reason=REASON),
            "make_ephemeral of a whole app: an app may have stages whose data are kept",
            id="a whole app",
        ),
    ],
)
def test_what_cannot_be_ephemeral_is_refused(make: Any, message: str) -> None:
    """A reason is asked for, and an app has other stages too."""
    with pytest.raises(ConfigurationError) as refused:
        make(cdk.App())
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("add", "message"),
    [
        pytest.param(
            lambda stage: cdk.Stack(stage, "Kept", termination_protection=True),
            "preview/Kept is ephemeral and has termination protection",
            id="a protected stack of the stage",
        ),
        pytest.param(
            lambda stage: s3.CfnBucket(cdk.Stack(stage, "Storage"), "Bucket"),
            "CloudFormation deletes no bucket that has objects",
            id="a bucket",
        ),
    ],
)
def test_what_is_added_later_fails_synth(add: Any, message: str) -> None:
    """What could not be deleted with the stage is an error, also if it is made after the stage is ephemeral."""
    app = cdk.App(context=FLAGS, analytics_reporting=False, builtin_cloud_formation_validation=False)
    stage = cdk.Stage(app, "preview")
    make_ephemeral(stage, reason=REASON)
    add(stage)
    with pytest.raises(RuntimeError, match=message):
        app.synth()


# The gate

KEPT = builders.template(
    Cache=builders.resource(
        "ReplicationGroup", builders.GROUP, DeletionPolicy="Snapshot", UpdateReplacePolicy="Snapshot"
    )
)
PREVIEW = {**builders.group(), "Metadata": {MARK: REASON}}
MOVED = {**builders.group(Port=7000), "Metadata": {MARK: REASON}}


@pytest.mark.parametrize(
    ("old", "new", "blocked"),
    [
        pytest.param(PREVIEW, MOVED, [], id="a replacement in a preview"),
        pytest.param(PREVIEW, {"Resources": {}, "Metadata": {MARK: REASON}}, [], id="a removal in a preview"),
        pytest.param(PREVIEW, None, [], id="a preview that goes"),
        pytest.param(builders.group(), builders.group(Port=7000), ["Cache"], id="a replacement elsewhere"),
        pytest.param(KEPT, MOVED, ["Cache", "stack"], id="a preview of what has data, and a replacement"),
        pytest.param(KEPT, PREVIEW, ["stack"], id="a preview of what has data"),
        pytest.param({"Resources": {}}, PREVIEW, [], id="a preview of what has none"),
        pytest.param(PREVIEW, builders.group(Port=7000), ["Cache"], id="a preview that is one no longer"),
        pytest.param(
            {**PREVIEW, "Metadata": {MARK: "short"}}, {**MOVED, "Metadata": {MARK: "short"}}, ["Cache"], id="no reason"
        ),
    ],
)
def test_the_gate_lets_previews_lose_data(
    old: Mapping[str, Any], new: Mapping[str, Any] | None, blocked: list[str]
) -> None:
    """What is deployed and what follows must both be marked. To mark a stack with data is stopped."""
    changes = compare_stacks({"stack": old}, {} if new is None else {"stack": new})
    assert blocked == sorted({each.resource for each in changes.blocking()})


def test_the_gate_says_why() -> None:
    """A line that does not block any more has the reason of the preview."""
    (line,) = [each for each in compare_stacks({"stack": PREVIEW}, {"stack": MOVED}) if each.property == "Port"]
    assert line.reason.endswith(f"; the stack is ephemeral: {REASON}")


def test_what_the_service_refuses_stops_a_preview_too() -> None:
    """A deployment that would fail is stopped everywhere."""
    old, new = (
        builders.clustered(ClusterMode="Enabled", SnapshotRetentionLimit=days) | {"Metadata": {MARK: REASON}}
        for days in (7, 9)
    )
    changes = compare_stacks({"stack": old}, {"stack": new})
    assert [Effect.REJECTED] == [each.effect for each in changes.blocking()]
