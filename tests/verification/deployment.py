"""A stage that the emulated AWS deploys within a second: from its snapshots, without a synth and the CDK CLI."""

from __future__ import annotations

import io
import json
import re
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.conftest import ROOT
from verification.account import Account
from verification.assembly import Stack

if TYPE_CHECKING:
    from collections.abc import Sequence


REGION = "eu-west-1"
SNAPSHOTS = ROOT / "tests" / "synth" / "__snapshots__" / "test_snapshots"
_HASH = re.compile(r"[0-9A-F]{8}$")
_AT_ONCE = {"Delay": 0.05, "MaxAttempts": 400}


def stacks_of_snapshots(stage: str) -> list[Stack]:
    """The stacks of a stage, those that others import from first.

    Args:
        stage: Name of the stage.
    """
    waiting = {
        name: json.loads(file.read_text())
        for file in sorted(SNAPSHOTS.glob("*.json"))
        if (name := file.name.partition("[")[2].partition("]")[0]).startswith(f"{stage}-")
    }
    found: list[Stack] = []
    there: set[str] = set()
    while waiting:
        name = next(name for name, template in waiting.items() if _needed(template) <= there)
        template = waiting.pop(name)
        there |= {name} | {
            output["Export"]["Name"] for output in template.get("Outputs", {}).values() if "Export" in output
        }
        found.append(Stack(name, name.replace("-", "/", 1), None, None, template))
    return found


def _needed(template: Any) -> set[str]:
    """The exports and the stacks that a template refers to."""
    return set(re.findall(r'"(?:Fn::ImportValue|StackName)": "([^"]+)"', json.dumps(template)))


@dataclass(frozen=True)
class Deployed:
    """A deployed stage and its account, as the one who changes it sees them."""

    stacks: tuple[Stack, ...]
    account: Account

    def client(self, service: str) -> Any:
        """A client that may change anything."""
        return self.account.client(service)

    def __getitem__(self, name: str) -> str:
        """The physical id of the resource whose logical id begins so."""
        found = next(
            self.account.resources(stack.name)[resource.logical_id]["PhysicalResourceId"]
            for stack in self.stacks
            for resource in stack.resources
            if readable(resource.logical_id) == name
        )
        physical_id: str = found
        return physical_id


def readable(logical_id: str) -> str:
    """A logical id without the hash that the CDK appends."""
    return _HASH.sub("", logical_id)


def deploy(stacks: Sequence[Stack], account: str) -> Deployed:
    """Create the stacks in an empty account of the environment's emulator, in their order.

    Args:
        stacks: The stacks.
        account: Id of the account, which the credentials of the environment name.
    """
    found = Account(REGION)
    bucket = f"cdk-hnb659fds-assets-{account}-{REGION}"
    found.client("ssm").put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Value="30", Type="String")
    storage = found.client("s3")
    storage.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", "")
    for stack in stacks:
        for resource in stack.resources:
            if key := resource.properties.get("Code", {}).get("S3Key"):
                storage.put_object(Bucket=bucket, Key=key, Body=code.getvalue())
        put_stack(found, bucket, stack)
    return Deployed(tuple(stacks), found)


def put_stack(account: Account, bucket: str, stack: Stack, *, existing: bool = False) -> None:
    """Create or update a stack and wait until it is complete."""
    client = account.client("cloudformation")
    account.client("s3").put_object(Bucket=bucket, Key=stack.name, Body=json.dumps(stack.template))
    arguments: dict[str, Any] = {
        "StackName": stack.name,
        "TemplateURL": f"https://s3.amazonaws.com/{bucket}/{stack.name}",
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "Tags": [{"Key": key, "Value": value} for key, value in stack.tags.items()],
    }
    if existing:
        client.update_stack(**arguments)
    else:
        client.create_stack(**arguments, EnableTerminationProtection=stack.is_protected)
    waiter = client.get_waiter("stack_update_complete" if existing else "stack_create_complete")
    waiter.wait(StackName=stack.name, WaiterConfig=_AT_ONCE)
