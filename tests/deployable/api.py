"""The same cache by the API: the calls that CloudFormation makes for its resources, held against botocore's model.

Properties and parameters have the same names and values, but for those of `_RENAMED` and the values of a parameter
group, which take a separate call. What CloudFormation generates is in `_GENERATED`; what a Create call has no
equal of is in `_LATER`.
"""

from __future__ import annotations

import functools
import importlib
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.deployable.resources import Resource, Resources

# Neither has type information.
botocore_session: Any = importlib.import_module("botocore.session")
botocore_validate: Any = importlib.import_module("botocore.validate")

_RENAMED = {"ClusterName": "CacheClusterId", "VpcSecurityGroupIds": "SecurityGroupIds"}
_GENERATED = {
    "ReplicationGroup": {"ReplicationGroupId": "generated"},
    "CacheCluster": {"CacheClusterId": "generated"},
}
_LATER = {"FinalSnapshotName"}
"""Given to the call that deletes the cache."""
_PARAMETER_GROUP = {"CacheParameterGroupName": "generated"}


def complaints(resources: Resources) -> list[str]:
    """What botocore has to say of the calls that make these resources."""
    return [
        f"{operation}: {complaint}"
        for resource in resources.values()
        for operation, parameters in _calls(resource)
        for complaint in _complaints(operation, parameters)
    ]


def _calls(resource: Resource) -> Iterator[tuple[str, dict[str, Any]]]:
    kind = resource["Type"].removeprefix("AWS::ElastiCache::")
    given = {name: value for name, value in resource["Properties"].items() if name not in _LATER}
    properties = {_RENAMED.get(name, name): _known(value) for name, value in given.items()}
    if kind != "ParameterGroup":
        yield f"Create{kind}", {**_GENERATED.get(kind, {}), **properties}
        return
    values = properties.pop("Properties", {})
    yield "CreateCacheParameterGroup", {**_PARAMETER_GROUP, **properties}
    pairs = [{"ParameterName": name, "ParameterValue": value} for name, value in values.items()]
    yield "ModifyCacheParameterGroup", {**_PARAMETER_GROUP, "ParameterNameValues": pairs}


def _known(value: Any) -> Any:
    """A value as it is at deployment: for what refers to something else, a text."""
    match value:
        case {"Ref": _} | {"Fn::Join": _} | {"Fn::GetAtt": _}:
            return "known-at-deployment"
        case dict():
            return {name: _known(each) for name, each in value.items()}
        case list():
            return [_known(each) for each in value]
        case _:
            return value


def _complaints(operation: str, parameters: dict[str, Any]) -> list[str]:
    shape = _model().operation_model(operation).input_shape
    report = botocore_validate.ParamValidator().validate(parameters, shape)
    return [report.generate_report()] if report.has_errors() else list(_misfits(parameters, shape))


def _misfits(value: Any, shape: Any) -> Iterator[str]:
    """What the model says beyond what botocore checks before it sends: the values of an enumeration, and patterns."""
    if shape.type_name == "structure":
        for name, each in value.items():
            yield from _misfits(each, shape.members[name])
    elif shape.type_name == "list":
        for each in value:
            yield from _misfits(each, shape.member)
    elif shape.type_name == "string":
        enumeration, pattern = shape.metadata.get("enum"), shape.metadata.get("pattern")
        if enumeration and value not in enumeration:
            yield f"{shape.name} {value!r} is not in {enumeration}"
        if pattern and not re.fullmatch(pattern, value):
            yield f"{shape.name} {value!r} is not like {pattern}"


@functools.cache
def _model() -> Any:
    return botocore_session.Session().get_service_model("elasticache")
