"""The one place that imports the emulator, which has no type information, and the helpers every module shares."""

import importlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Properties = Mapping[str, Any]
Provisioned = tuple[str, dict[str, Any]]
Create = Callable[[str, Properties, str], Provisioned]
Delete = Callable[[str, Properties], None]
Update = Callable[..., Provisioned]
Query = Mapping[str, Any]
Response = tuple[int, dict[str, str], bytes]
Action = Callable[[Query], Response]

REFUSED = 400  # HTTP status from which an answer is an error

ec2: Any = importlib.import_module("ministack.services.ec2")
elasticache: Any = importlib.import_module("ministack.services.elasticache")
rds: Any = importlib.import_module("ministack.services.rds")
secretsmanager: Any = importlib.import_module("ministack.services.secretsmanager")
sns: Any = importlib.import_module("ministack.services.sns")
cloudformation: Any = importlib.import_module("ministack.services.cloudformation")
provisioners: Any = importlib.import_module("ministack.services.cloudformation.provisioners")
custom_resource: Any = importlib.import_module("ministack.services.cloudformation.custom_resource")
drift: Any = importlib.import_module("ministack.services.cloudformation.drift")
responses: Any = importlib.import_module("ministack.core.responses")


@dataclass(frozen=True)
class Private:
    """A private name of the emulator: a function with these parameters, or a store when there are none to name."""

    module: str
    name: str
    parameters: tuple[str, ...] | None = None


HANDLERS = Private("services.cloudformation.provisioners", "_RESOURCE_HANDLERS")


def handlers() -> dict[str, dict[str, Any]]:
    """What CloudFormation in the emulator does for each resource type."""
    table: dict[str, dict[str, Any]] = provisioners._RESOURCE_HANDLERS
    return table


def register(resource_type: str, create: Create, delete: Delete) -> None:
    """Teach the emulator a resource type whose every change is a replacement.

    The old resource goes first: most of these types allow one of their kind in its place, and none carries data.
    """

    def update(physical_id: str, old: Properties, new: Properties, stack: str) -> Provisioned:
        delete(physical_id, old)
        return create(physical_id, new, stack)

    handlers()[resource_type] = {"create": create, "delete": delete, "update": update}


def new_id(prefix: str) -> str:
    """A fresh id in the form EC2 gives its resources."""
    return f"{prefix}-{uuid.uuid4().hex[:17]}"


def is_true(value: object) -> bool:
    """A template's boolean, which may arrive as text."""
    return str(value).lower() == "true"


def param(query: Query, key: str) -> str:
    """One parameter of a query request, empty when it is absent."""
    value = query.get(key, "")
    return str(value[0] if isinstance(value, list) else value)


def params(query: Query, key: str, *member_names: str) -> list[str]:
    """A list parameter of a query request: from CloudFormation its items are called `member`."""
    for name in (*member_names, "member"):
        values: list[str] = []
        while value := param(query, f"{key}.{name}.{len(values) + 1}"):
            values.append(value)
        if values:
            return values
    return []
