"""A stage that the emulated AWS deploys from a cloud assembly within a second: without the CDK CLI and its assets."""

from __future__ import annotations

import io
import json
import re
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from verification.account import Account

if TYPE_CHECKING:
    from collections.abc import Sequence

    from verification.assembly import Stack

REGION = "eu-west-1"
_HASH = re.compile(r"[0-9A-F]{8}$")
_AT_ONCE = {"Delay": 0.05, "MaxAttempts": 400}


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
