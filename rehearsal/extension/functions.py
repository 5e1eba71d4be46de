"""Settings of functions that the emulator's CloudFormation drops: network, key, dead letters, reserved concurrency."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import HANDLERS, Private, Properties, Provisioned, handlers, lambda_service

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TOUCHES = (
    HANDLERS,
    Private("services.lambda_svc", "_functions"),
    Private("services.lambda_svc", "_reserved_concurrency", ("func", "config")),
    Private("services.lambda_svc", "_vpc_config_with_id", ("request_config",)),
)

FUNCTION = "AWS::Lambda::Function"
RESERVED = "ReservedConcurrentExecutions"


def _keep(name: str, props: Properties) -> None:
    record = lambda_service._functions[name]
    config = record["config"]
    config["VpcConfig"] = lambda_service._vpc_config_with_id(props.get("VpcConfig"))
    config["KMSKeyArn"] = props.get("KmsKeyArn", "")
    config.pop("DeadLetterConfig", None)
    if target := (props.get("DeadLetterConfig") or {}).get("TargetArn"):
        config["DeadLetterConfig"] = {"TargetArn": target}
    record["concurrency"] = int(props[RESERVED]) if props.get(RESERVED) is not None else None


def _creating(stock: Callable[..., Provisioned]) -> Callable[..., Provisioned]:
    def create(logical_id: str, props: Properties, stack: str) -> Provisioned:
        name, attributes = stock(logical_id, props, stack)
        _keep(name, props)
        return name, attributes

    return create


def _updating(stock: Callable[..., Provisioned]) -> Callable[..., Provisioned]:
    def update(physical_id: str, old: Properties, new: Properties, *rest: Any) -> Provisioned:
        name, attributes = stock(physical_id, old, new, *rest)
        _keep(name, new)
        return name, attributes

    return update


def _reserved(_record: Mapping[str, Any] | None, config: Mapping[str, Any]) -> int | None:
    """The reserved concurrency of a function, which all its versions share; None if none is reserved."""
    function = lambda_service._functions.get(config.get("FunctionName"))
    reserved = function and function.get("concurrency")
    return None if reserved is None else int(reserved)


def install() -> None:
    """Keep the settings on create and on update."""
    function = handlers()[FUNCTION]
    function["create"], function["update"] = _creating(function["create"]), _updating(function["update"])
    lambda_service._reserved_concurrency = _reserved
