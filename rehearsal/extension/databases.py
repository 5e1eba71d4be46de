"""RDS instances: the emulator has these features for database clusters only.

If RDS manages the administrator's password, a template can refer to the ARN of its secret. An instance with deletion
protection is not deleted. The logs that it exports are not shown. No server listens on the port of a database.
"""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import HANDLERS, Private, Properties, Provisioned, handlers, is_true, rds, secretsmanager

if TYPE_CHECKING:
    from collections.abc import Callable

TOUCHES = (
    HANDLERS,
    Private("services.rds", "_instances"),
    Private("services.rds", "_instance_xml", ("i",)),
    Private("services.secretsmanager", "_secrets"),
    Private("services.secretsmanager", "_resolve", ("secret_id", "use_arn_scope")),
)

ATTRIBUTE = "MasterUserSecret.SecretArn"
LOGS = "EnabledCloudwatchLogsExports"


def _creating(stock: Callable[..., Provisioned]) -> Callable[..., Provisioned]:
    def create(logical_id: str, props: Properties, stack: str) -> Provisioned:
        name, attributes = stock(logical_id, props, stack)
        rds._instances[name][LOGS] = list(props.get("EnableCloudwatchLogsExports") or [])
        if not is_true(props.get("ManageMasterUserPassword", False)):
            return name, attributes
        value = json.dumps({"username": props.get("MasterUsername"), "password": secrets.token_urlsafe(21)})
        arn = secretsmanager.create_secret_in_process(f"rds!db-{name}", value, description=f"Managed by RDS for {name}")
        key = props.get("MasterUserSecret", {}).get("KmsKeyId", "")
        rds._instances[name]["MasterUserSecret"] = {"SecretArn": arn, "SecretStatus": "active", "KmsKeyId": key}
        return name, {**attributes, ATTRIBUTE: arn}

    return create


def _updating(stock: Callable[..., Provisioned]) -> Callable[..., Provisioned]:
    def update(physical_id: str, old: Properties, new: Properties, *rest: Any, **named: Any) -> Provisioned:
        name, attributes = stock(physical_id, old, new, *rest, **named)
        rds._instances[name][LOGS] = list(new.get("EnableCloudwatchLogsExports") or [])
        secret = rds._instances[name].get("MasterUserSecret") or {}
        return name, {**attributes, **({ATTRIBUTE: secret["SecretArn"]} if secret else {})}

    return update


def _unless_protected(stock: Callable[..., None]) -> Callable[..., None]:
    """On AWS, the final snapshot and the deletion are one call, so deletion protection refuses both."""

    def step(physical_id: str, props: Properties) -> None:
        if (rds._instances.get(physical_id) or {}).get("DeletionProtection"):
            raise ValueError(
                "Cannot delete protected DB Instance, please disable deletion protection and try again. "
                f"(InvalidParameterCombination, {physical_id})"
            )
        stock(physical_id, props)

    return step


def _deleting(stock: Callable[..., None]) -> Callable[..., None]:
    def delete(physical_id: str, props: Properties) -> None:
        secret = (rds._instances.get(physical_id) or {}).get("MasterUserSecret")
        stock(physical_id, props)
        if secret:
            name, _found = secretsmanager._resolve(secret["SecretArn"], use_arn_scope=True)
            secretsmanager._secrets.pop(name, None)

    return delete


def _with_logs(stock: Callable[[dict[str, Any]], str]) -> Callable[[dict[str, Any]], str]:
    def instance_xml(instance: dict[str, Any]) -> str:
        logs = "".join(f"<member>{log}</member>" for log in instance.get(LOGS) or [])
        return stock(instance).replace(f"<{LOGS}/>", f"<{LOGS}>{logs}</{LOGS}>")

    return instance_xml


def install() -> None:
    """Create and delete the secret with the instance, and keep both if the instance has deletion protection."""
    rds._instance_xml = _with_logs(rds._instance_xml)
    instance = handlers()["AWS::RDS::DBInstance"]
    instance["create"] = _creating(instance["create"])
    instance["update"] = _updating(instance["update"])
    instance["delete"] = _unless_protected(_deleting(instance["delete"]))
    instance["snapshot"] = _unless_protected(instance["snapshot"])
