"""The only imports of the emulator, which has no type information, and helpers of all modules."""

from __future__ import annotations

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

REFUSED = 400  # the lowest HTTP status of an error

ec2: Any = importlib.import_module("ministack.services.ec2")
lambda_service: Any = importlib.import_module("ministack.services.lambda_svc")
elasticache: Any = importlib.import_module("ministack.services.elasticache")
rds: Any = importlib.import_module("ministack.services.rds")
secretsmanager: Any = importlib.import_module("ministack.services.secretsmanager")
sns: Any = importlib.import_module("ministack.services.sns")
autoscaling: Any = importlib.import_module("ministack.services.autoscaling")
router: Any = importlib.import_module("ministack.core.router")
cloudwatch: Any = importlib.import_module("ministack.services.cloudwatch")
cloudwatch_logs: Any = importlib.import_module("ministack.services.cloudwatch_logs")
cloudformation: Any = importlib.import_module("ministack.services.cloudformation")
changesets: Any = importlib.import_module("ministack.services.cloudformation.changesets")
cloudformation_handlers: Any = importlib.import_module("ministack.services.cloudformation.handlers")
provisioners: Any = importlib.import_module("ministack.services.cloudformation.provisioners")
custom_resource: Any = importlib.import_module("ministack.services.cloudformation.custom_resource")
drift: Any = importlib.import_module("ministack.services.cloudformation.drift")
responses: Any = importlib.import_module("ministack.core.responses")


@dataclass(frozen=True)
class Private:
    """A private name of the emulator.

    Attributes:
        module: Its module, within `ministack`.
        name: The name.
        parameters: The parameters of a function; None for data.
    """

    module: str
    name: str
    parameters: tuple[str, ...] | None = None


HANDLERS = Private("services.cloudformation.provisioners", "_RESOURCE_HANDLERS")


def handlers() -> dict[str, dict[str, Any]]:
    """The handlers of the emulator's CloudFormation by resource type; changing them changes the emulator."""
    table: dict[str, dict[str, Any]] = provisioners._RESOURCE_HANDLERS
    return table


def register(resource_type: str, create: Create, delete: Delete) -> None:
    """Add a resource type to the emulator; every update replaces the resource.

    The old resource is deleted first: most of these types allow only one in the same place, and they hold no data.

    Args:
        resource_type: The CloudFormation type.
        create: Takes logical id, properties and stack name; returns physical id and attributes.
        delete: Takes physical id and properties.
    """

    def update(physical_id: str, old: Properties, new: Properties, stack: str) -> Provisioned:
        delete(physical_id, old)
        return create(physical_id, new, stack)

    handlers()[resource_type] = {"create": create, "delete": delete, "update": update}


def new_id(prefix: str) -> str:
    """A new id in the form of EC2's."""
    return f"{prefix}-{uuid.uuid4().hex[:17]}"


def is_true(value: object) -> bool:
    """A boolean of a template, which can be text."""
    return str(value).lower() == "true"


def param(query: Query, key: str) -> str:
    """One parameter of a request of the query protocol; empty if it is absent."""
    value = query.get(key, "")
    return str(value[0] if isinstance(value, list) else value)


def params(query: Query, key: str, *member_names: str) -> list[str]:
    """A list parameter of a request of the query protocol.

    Args:
        query: The request.
        key: Name of the parameter.
        member_names: Names of its items. CloudFormation calls them `member`, which is always tried.
    """
    for name in (*member_names, "member"):
        values: list[str] = []
        while value := param(query, f"{key}.{name}.{len(values) + 1}"):
            values.append(value)
        if values:
            return values
    return []
