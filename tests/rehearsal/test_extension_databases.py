"""Database instances: the administrator's secret has their lifetime, and a protected instance stays."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import WaiterError  # type: ignore[import-untyped]

from rehearsal.extension import seam
from rehearsal.inventory import leftovers, take, to_be_kept
from rehearsal.rehearse import _unprotect
from verification.account import Account
from verification.assembly import Stack

INSTANCE = "AWS::RDS::DBInstance"
PROPERTIES = {
    "Engine": "postgres",
    "DBInstanceClass": "db.t4g.micro",
    "AllocatedStorage": "20",
    "MasterUsername": "administrator",
    "ManageMasterUserPassword": True,
}


def secrets() -> list[str]:
    """Names of the secrets that exist."""
    return [str(name) for name in seam.secretsmanager._secrets]


def test_the_secret_has_the_lifetime_of_the_instance(cloudformation: Any) -> None:
    """The secret can be read by its ARN, and is deleted with the instance."""
    name, attributes = cloudformation.create(INSTANCE, **PROPERTIES)
    made = secrets()
    cloudformation.delete(INSTANCE, name, **PROPERTIES)
    assert [f"rds!db-{name}"] == made
    assert made[0] in attributes["MasterUserSecret.SecretArn"]
    assert [] == secrets()


def test_without_a_managed_password_there_is_no_secret(cloudformation: Any) -> None:
    """An instance with a given password has no managed secret."""
    _, attributes = cloudformation.create(INSTANCE, **{**PROPERTIES, "ManageMasterUserPassword": False})
    assert ([], False) == (secrets(), "MasterUserSecret.SecretArn" in attributes)


@pytest.mark.parametrize("step", ["snapshot", "delete"])
def test_a_protected_instance_is_not_deleted(cloudformation: Any, step: str) -> None:
    """RDS refuses the call that takes the final snapshot and deletes: neither happens, and the secret stays."""
    name, _ = cloudformation.create(INSTANCE, **PROPERTIES, DeletionProtection=True)
    with pytest.raises(ValueError, match="Cannot delete protected DB Instance, please disable deletion protection"):
        seam.handlers()[INSTANCE][step](name, PROPERTIES)
    assert ([name], [], 1) == (list(seam.rds._instances), list(seam.rds._snapshots), len(secrets()))


def test_the_last_snapshot_of_an_instance(cloudformation: Any) -> None:
    """The final snapshot of an unprotected instance stays, if the deletion policy says so."""
    name, _ = cloudformation.create(INSTANCE, **PROPERTIES, DeletionProtection=False)
    seam.handlers()[INSTANCE]["snapshot"](name, PROPERTIES)
    cloudformation.delete(INSTANCE, name, **PROPERTIES)
    assert ([], [f"{name}-final-snapshot"]) == (list(seam.rds._instances), list(seam.rds._snapshots))


def deleted(account: Account, stack: str) -> str:
    """The status of a stack after its deletion."""
    client = account.client("cloudformation")
    stack_id = account.stack_id(stack)
    client.delete_stack(StackName=stack)
    waiter = client.get_waiter("stack_delete_complete")
    try:
        waiter.wait(StackName=stack_id, WaiterConfig={"Delay": 0.05, "MaxAttempts": 200})
    except WaiterError as fault:
        return str(fault.last_response["Stacks"][0]["StackStatus"])
    return "DELETE_COMPLETE"


@pytest.mark.usefixtures("fresh_small_stage")
def test_a_protected_database_can_be_deleted_after_its_protection() -> None:
    """Its stack cannot be deleted before; afterwards only its final snapshot exists, as the template asks."""
    instance = {
        "Type": INSTANCE,
        "DeletionPolicy": "Snapshot",
        "Properties": {**PROPERTIES, "DeletionProtection": True},
    }
    stack = Stack("data", "data", None, None, {"Resources": {"Database": instance}})
    account = Account("eu-west-1")
    client = account.client("cloudformation")
    before = take(account)
    client.create_stack(StackName=stack.name, TemplateBody=json.dumps(stack.template))
    client.get_waiter("stack_create_complete").wait(StackName=stack.name, WaiterConfig={"Delay": 0.05})
    kept = to_be_kept([stack], account)

    protected = deleted(account, stack.name)
    between = take(Account("eu-west-1"))
    _unprotect((stack,), account)
    unprotected = deleted(Account("eu-west-1"), stack.name)

    assert ("DELETE_FAILED", "DELETE_COMPLETE") == (protected, unprotected)
    assert {"AWS::CloudFormation::Stack", INSTANCE, "AWS::SecretsManager::Secret"} == {
        thing.type for thing in between - before
    }
    left = leftovers(before, take(Account("eu-west-1")), kept)
    assert (1, (), ()) == (len(left.retained), left.unexpected, left.vanished)
