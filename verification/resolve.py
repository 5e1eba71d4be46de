"""Resolve the values of a template in the account: references, attributes and imports, but no secrets."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from elasticache_rules.templates.references import SUBSTITUTED, attribute
from verification.account import Account, dns_suffix

if TYPE_CHECKING:
    from verification.assembly import Resource, Stack

DYNAMIC = re.compile(r"\{\{resolve:[^}]+\}\}")


class UnresolvedError(Exception):
    """A value that cannot be resolved; the message is the value."""


class UnknownFunctionError(UnresolvedError):
    """A function or an attribute that is not followed here, although CloudFormation has it."""


@dataclass(frozen=True)
class Deployment:
    """A deployed stack.

    Attributes:
        stack: The stack with its template.
        account: The account it is deployed to.
        physical_ids: Physical ids by logical id.
        statuses: Statuses by logical id.
        stack_id: The unique id of the stack.
        exports: Exported values of all stacks, by name.
    """

    stack: Stack
    account: Account
    physical_ids: Mapping[str, str]
    statuses: Mapping[str, str]
    stack_id: str
    exports: Mapping[str, str]

    @property
    def resources(self) -> tuple[Resource, ...]:
        """The resources that the template declares."""
        return self.stack.resources

    def physical_id(self, resource: Resource) -> str:
        """The physical id of a resource."""
        return self.physical_ids[resource.logical_id]

    def status(self, resource: Resource) -> str:
        """The status of a resource in CloudFormation, or `absent`."""
        return self.statuses.get(resource.logical_id, "absent")

    def resolve(self, value: Any) -> Any:
        """The value with all references and functions resolved.

        Raises:
            UnresolvedError: If a part cannot be resolved.
        """
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not None]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            [(name, argument)] = value.items()
            if name in FUNCTIONS:
                return FUNCTIONS[name](self, argument)
            if name.startswith("Fn::"):
                raise UnknownFunctionError(f"{name} {argument}")
        resolved = {name: self.resolve(item) for name, item in value.items()}
        return {name: item for name, item in resolved.items() if item is not None}


def _ref(deployment: Deployment, name: str) -> Any:
    _arn, partition, _service, _region, account, *_rest = deployment.stack_id.split(":")
    pseudo = {
        "AWS::Region": deployment.account.region,
        "AWS::AccountId": account,
        "AWS::Partition": partition,
        "AWS::URLSuffix": dns_suffix(partition),
        "AWS::StackName": deployment.stack.name,
        "AWS::StackId": deployment.stack_id,
        "AWS::NoValue": None,
    }
    if name in pseudo:
        return pseudo[name]
    if name in deployment.physical_ids:
        return deployment.physical_ids[name]
    parameter = deployment.stack.template.get("Parameters", {}).get(name, {})
    if parameter.get("Type", "").startswith("AWS::SSM::"):
        return _stored(deployment, name)
    if "Default" in parameter:
        return parameter["Default"]
    raise UnresolvedError(f"Ref {name}")


def _stored(deployment: Deployment, name: str) -> Any:
    """The value that a parameter of Systems Manager had when the stack was deployed."""
    given = deployment.account.stack(deployment.stack.name).get("Parameters", [])
    value = next((each.get("ResolvedValue") for each in given if each["ParameterKey"] == name), None)
    if value is None:
        raise UnknownFunctionError(f"the parameter {name} of Systems Manager")
    return value


def _attribute(deployment: Deployment, argument: Sequence[str] | str) -> Any:
    named = attribute(argument)
    resource = next(item for item in deployment.resources if item.logical_id == named.name)
    read = ATTRIBUTES.get((resource.type, named.attribute or ""))
    if read is None:
        raise UnknownFunctionError(f"{named.name}.{named.attribute} of {resource.type}")
    return read(deployment.account, deployment.physical_id(resource))


def _key_arn(account: Account, key: str) -> Any:
    return account.read("kms", "describe_key", KeyId=key)["KeyMetadata"]["Arn"]


def _log_group_arn(account: Account, name: str) -> Any:
    group = account.log_group(name)
    return group and group["arn"]


def _role_arn(account: Account, name: str) -> Any:
    return account.read("iam", "get_role", RoleName=name)["Role"]["Arn"]


def _function_arn(account: Account, name: str) -> Any:
    return account.read("lambda", "get_function_configuration", FunctionName=name)["FunctionArn"]


def _alarm_arn(account: Account, name: str) -> Any:
    return account.alarm(name)["AlarmArn"]


def _user_arn(account: Account, name: str) -> Any:
    return account.user(name)["ARN"]


Attribute = Callable[[Account, str], Any]
ATTRIBUTES: Mapping[tuple[str, str], Attribute] = {
    ("AWS::CloudWatch::Alarm", "Arn"): _alarm_arn,
    ("AWS::CloudWatch::CompositeAlarm", "Arn"): _alarm_arn,
    ("AWS::KMS::Key", "Arn"): _key_arn,
    ("AWS::KMS::Key", "KeyId"): lambda _account, key: key,
    ("AWS::Logs::LogGroup", "Arn"): _log_group_arn,
    ("AWS::IAM::Role", "Arn"): _role_arn,
    ("AWS::Lambda::Function", "Arn"): _function_arn,
    ("AWS::SNS::Topic", "TopicArn"): lambda _account, arn: arn,
    ("AWS::SecretsManager::Secret", "Id"): lambda _account, arn: arn,
    ("AWS::EC2::SecurityGroup", "GroupId"): lambda _account, group: group,
    ("AWS::EC2::SecurityGroup", "VpcId"): lambda account, group: account.security_group(group)["VpcId"],
    ("AWS::EC2::VPC", "VpcId"): lambda _account, vpc: vpc,
    ("AWS::EC2::VPC", "CidrBlock"): lambda account, vpc: account.vpc(vpc)["CidrBlock"],
    ("AWS::EC2::VPC", "DefaultSecurityGroup"): lambda account, vpc: account.default_security_group(vpc)["GroupId"],
    ("AWS::EC2::Subnet", "AvailabilityZone"): lambda account, subnet: account.subnet(subnet)["AvailabilityZone"],
    ("AWS::ElastiCache::User", "Arn"): _user_arn,
}


def _import(deployment: Deployment, argument: Any) -> Any:
    name = deployment.resolve(argument)
    if name not in deployment.exports:
        raise UnresolvedError(f"the export {name}")
    return deployment.exports[name]


def _output(deployment: Deployment, argument: Mapping[str, Any]) -> Any:
    """An output of another stack, which need not be exported."""
    asked = deployment.resolve(dict(argument))
    region = asked.get("Region", deployment.account.region)
    if region != deployment.account.region:
        raise UnresolvedError(f"an output of a stack in {region}")
    stack = deployment.account.stack(asked["StackName"])
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    if asked["OutputName"] not in outputs:
        raise UnresolvedError(f"the output {asked['OutputName']} of {asked['StackName']}")
    return outputs[asked["OutputName"]]


def _join(deployment: Deployment, argument: Sequence[Any]) -> str:
    separator, items = argument
    return str(separator).join(str(item) for item in deployment.resolve(items))


def _select(deployment: Deployment, argument: Sequence[Any]) -> Any:
    index, items = argument
    return deployment.resolve(items)[int(index)]


def _split(deployment: Deployment, argument: Sequence[Any]) -> list[str]:
    separator, text = argument
    return str(deployment.resolve(text)).split(separator)


def _zones(deployment: Deployment, argument: Any) -> list[str]:
    region = deployment.resolve(argument) or deployment.account.region
    if region != deployment.account.region:
        raise UnresolvedError(f"the Availability Zones of {region}")
    listed = deployment.account.read("ec2", "describe_availability_zones")["AvailabilityZones"]
    return sorted(zone["ZoneName"] for zone in listed)


def _sub(deployment: Deployment, argument: Any) -> str:
    text, given = (argument, {}) if isinstance(argument, str) else argument

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name in given:
            return str(deployment.resolve(given[name]))
        return str(_attribute(deployment, name) if "." in name else _ref(deployment, name))

    return SUBSTITUTED.sub(value, text)


FUNCTIONS: Mapping[str, Callable[[Deployment, Any], Any]] = {
    "Ref": _ref,
    "Fn::GetAtt": _attribute,
    "Fn::ImportValue": _import,
    "Fn::GetStackOutput": _output,
    "Fn::Join": _join,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::GetAZs": _zones,
    "Fn::Sub": _sub,
}
