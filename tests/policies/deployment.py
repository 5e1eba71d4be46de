"""Templates as they would be once deployed: references resolved to names and ARNs, and policies by who holds them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tests.policies.evaluator import Caller, Statement, Target, without

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ACCOUNT = "111122223333"
REGION = "eu-west-1"
_GONE = object()
_PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::NoValue": _GONE,
}
# What Ref and GetAtt of Arn give, where it is no plain name. {name} is the resource's.
_HERE = f"{REGION}:{ACCOUNT}"
_REFERENCES = {
    "AWS::SNS::Topic": f"arn:aws:sns:{_HERE}:{{name}}",
    "AWS::SecretsManager::Secret": f"arn:aws:secretsmanager:{_HERE}:secret:{{name}}-AbCdEf",
    "AWS::IAM::ManagedPolicy": f"arn:aws:iam::{ACCOUNT}:policy/{{name}}",
    "AWS::Lambda::Version": f"arn:aws:lambda:{_HERE}:function:{{name}}:1",
}
_ARNS = {
    "AWS::S3::Bucket": "arn:aws:s3:::{name}",
    "AWS::KMS::Key": f"arn:aws:kms:{_HERE}:key/{{name}}",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{_HERE}:log-group:{{name}}:*",
    "AWS::IAM::Role": f"arn:aws:iam::{ACCOUNT}:role/{{name}}",
    "AWS::Lambda::Function": f"arn:aws:lambda:{_HERE}:function:{{name}}",
    "AWS::Events::Rule": f"arn:aws:events:{_HERE}:rule/{{name}}",
}
# Properties that name a resource, where they are given.
_NAMES = {
    "AWS::S3::Bucket": "BucketName",
    "AWS::ElastiCache::User": "UserId",
    "AWS::ElastiCache::UserGroup": "UserGroupId",
    "AWS::ElastiCache::ServerlessCache": "ServerlessCacheName",
    "AWS::Logs::LogGroup": "LogGroupName",
}


@dataclass(frozen=True)
class Resource:
    """A resource with its references resolved."""

    path: str
    """Of the stack."""
    logical_id: str
    kind: str
    """Without ``AWS::``."""
    properties: dict[str, Any]
    reference: str
    """What Ref gives."""
    arn: str
    """What GetAtt of Arn gives, or for what has no ARN, Ref."""


@dataclass(frozen=True)
class Policies:
    """All statements by who holds them, and which holders each role has."""

    held: Mapping[str, tuple[Statement, ...]]
    """By holder: the ARN of a key, topic, secret, function, role (its trust) or VPC endpoint, or a policy's path."""
    attached: Mapping[str, tuple[str, ...]]
    """Holders by the ARN of the role."""

    def caller(self, role: str) -> Caller:
        """A role with all of its statements."""
        statements = tuple(each for holder in self.attached.get(role, ()) for each in self.held[holder])
        return Caller(account=ACCOUNT, arn=role, statements=statements)

    def target(self, arn: str) -> Target:
        """What an ARN names, with its own policy."""
        is_key = arn.startswith(("arn:aws:kms:", "arn:aws:iam:"))
        # All stacks are taken to be in one Region; a key that a stack elsewhere makes has its policy.
        here = re.sub(r"^(arn:aws:kms:)[a-z0-9-]+", rf"\g<1>{REGION}", arn)
        return Target(account=ACCOUNT, statements=self.held.get(here), is_key=is_key)

    def without(self, holder: str, number: int) -> Policies:
        """The same without one statement."""
        return replace(self, held={**self.held, holder: without(self.held[holder], number)})

    def without_action(self, holder: str, number: int, action: str) -> Policies:
        """The same without one action of a statement."""
        statement = self.held[holder][number]
        rest = {**statement, "Action": [each for each in _listed(statement["Action"]) if each != action]}
        statements = (*self.held[holder][:number], rest, *self.held[holder][number + 1 :])
        return replace(self, held={**self.held, holder: statements})


@dataclass(frozen=True)
class _Held:
    """A document, who holds it, and the roles that it is attached to."""

    holder: str
    document: dict[str, Any]
    roles: Sequence[str] = ()


def _of_resources(resource: Resource) -> Iterator[_Held]:
    """Documents of what is called."""
    properties = resource.properties
    match resource.kind:
        case "KMS::Key":
            yield _Held(resource.arn, properties["KeyPolicy"])
        case "SNS::TopicPolicy":
            for topic in properties["Topics"]:
                yield _Held(topic, properties["PolicyDocument"])
        case "SecretsManager::ResourcePolicy":
            yield _Held(properties["SecretId"], properties["ResourcePolicy"])
        case "Lambda::Permission":
            yield _Held(properties["FunctionName"], {"Statement": _permission(properties)})
        case "EC2::VPCEndpoint" if "PolicyDocument" in properties:
            yield _Held(resource.reference, properties["PolicyDocument"])


class Deployment:
    """Stacks that are deployed together.

    Args:
        templates: By the path of the stack, for example ``prod/cache-redis``.
    """

    def __init__(self, templates: Mapping[str, dict[str, Any]]) -> None:
        self._templates = templates
        self._outputs: dict[Any, tuple[str, Any]] = {
            (path.replace("/", "-"), name): (path, output["Value"])
            for path, template in templates.items()
            for name, output in template.get("Outputs", {}).items()
        }
        self._exports: dict[Any, tuple[str, Any]] = {
            name: (path, output["Value"])
            for path, template in templates.items()
            for output in template.get("Outputs", {}).values()
            if isinstance(name := output.get("Export", {}).get("Name"), str)
        }

    @cached_property
    def resources(self) -> list[Resource]:
        """All resources."""
        return [
            self._resource(path, name) for path, template in self._templates.items() for name in template["Resources"]
        ]

    def of(self, *kinds: str) -> Iterator[Resource]:
        """Resources of some kinds, for example ``KMS::Key``."""
        return (each for each in self.resources if each.kind in kinds)

    def named(self, value: str, *kinds: str) -> Resource:
        """The one resource of some kinds with this ARN, reference or attribute."""
        (found,) = (each for each in self.of(*kinds) if value in (each.arn, each.reference))
        return found

    @cached_property
    def policies(self) -> Policies:
        """All policies."""
        held: dict[str, tuple[Statement, ...]] = {}
        attached: dict[str, tuple[str, ...]] = {}
        for resource in self.resources:
            for each in (*self._of_identities(resource), *_of_resources(resource)):
                held[each.holder] = (*held.get(each.holder, ()), *_listed(each.document["Statement"]))
                for role in each.roles:
                    attached[role] = (*attached.get(role, ()), each.holder)
        for made in self.of("IAM::Role"):
            for arn in made.properties.get("ManagedPolicyArns", []):
                # What is in AWS's own policies, the template does not say.
                if not arn.startswith("arn:aws:iam::aws:"):
                    policy = self.named(arn, "IAM::ManagedPolicy")
                    attached[made.arn] = (*attached.get(made.arn, ()), f"{policy.path}/{policy.logical_id}")
        return Policies(held, attached)

    def _of_identities(self, resource: Resource) -> Iterator[_Held]:
        holder, properties = f"{resource.path}/{resource.logical_id}", resource.properties
        if resource.kind in ("IAM::Policy", "IAM::ManagedPolicy"):
            roles = [self.named(role, "IAM::Role").arn for role in properties.get("Roles", [])]
            yield _Held(holder, properties["PolicyDocument"], roles)
        elif resource.kind == "IAM::Role":
            assert not properties.get("PermissionsBoundary"), "a boundary is not evaluated"
            yield _Held(resource.arn, properties["AssumeRolePolicyDocument"])
            for number, inline in enumerate(properties.get("Policies", [])):
                yield _Held(f"{holder}/{number}", inline["PolicyDocument"], [resource.arn])

    def _resource(self, path: str, name: str) -> Resource:
        resource = self._templates[path]["Resources"][name]
        properties = self._resolved(resource.get("Properties", {}), path)
        reference = self._reference(path, name)
        arn = self._attribute(path, name, "Arn") if resource["Type"] in _ARNS else reference
        return Resource(path, name, resource["Type"].removeprefix("AWS::"), properties, reference, arn)

    def _name(self, path: str, name: str) -> str:
        resource = self._templates[path]["Resources"][name]
        given = resource.get("Properties", {}).get(_NAMES.get(resource["Type"], ""))
        return str(self._resolved(given, path)) if given else f"{path.replace('/', '-')}-{name}".lower()

    def _reference(self, path: str, name: str) -> str:
        kind = self._templates[path]["Resources"][name]["Type"]
        return _REFERENCES.get(kind, "{name}").format(name=self._name(path, name))

    def _attribute(self, path: str, name: str, attribute: str) -> str:
        kind, own = self._templates[path]["Resources"][name]["Type"], self._name(path, name)
        if attribute == "Arn" and kind in _ARNS:
            return _ARNS[kind].format(name=own)
        if attribute == "MasterUserSecret.SecretArn":
            return f"arn:aws:secretsmanager:{_HERE}:secret:rds!{own}-AbCdEf"
        return f"{own}.{attribute}"

    def _resolved(self, value: Any, path: str) -> Any:
        if isinstance(value, list):
            return [each for item in value if (each := self._resolved(item, path)) is not _GONE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((function, argument),) = value.items()
            if function == "Ref":
                return self._referred(argument, path)
            if function == "Fn::GetAtt":
                return self._attribute(path, *argument)
            if function.startswith("Fn::"):
                return self._function(function, argument, path)
        resolved = {name: self._resolved(each, path) for name, each in value.items()}
        return {name: each for name, each in resolved.items() if each is not _GONE}

    def _referred(self, name: str, path: str) -> Any:
        if name == "AWS::StackId":
            return f"arn:aws:cloudformation:{_HERE}:stack/{path.replace('/', '-')}/0a1b2c3d-0000"
        if name in _PSEUDO:
            return _PSEUDO[name]
        if name in self._templates[path].get("Parameters", {}):
            parameter = self._templates[path]["Parameters"][name]
            if parameter["Type"] == "AWS::SSM::Parameter::Value<String>" and name != "BootstrapVersion":
                return self._stored(parameter["Default"])
            return parameter["Default"]
        return self._reference(path, name)

    def _stored(self, name: str) -> Any:
        """The value of a parameter of Systems Manager that a stack makes."""
        ((path, value),) = (
            (path, body["Properties"]["Value"])
            for path, template in self._templates.items()
            for body in template["Resources"].values()
            if body["Type"] == "AWS::SSM::Parameter" and body["Properties"]["Name"] == name
        )
        return self._resolved(value, path)

    def _function(self, function: str, argument: Any, path: str) -> Any:
        match function:
            case "Fn::Join":
                separator, parts = argument
                return separator.join(map(str, self._resolved(parts, path)))
            case "Fn::Sub":
                text, values = (argument, {}) if isinstance(argument, str) else argument
                filled = {name: self._resolved(each, path) for name, each in values.items()}
                return re.sub(r"\$\{([\w:.]+)\}", lambda found: str(self._substitute(found[1], filled, path)), text)
            case "Fn::Select":
                number, items = argument
                return self._resolved(items, path)[int(number)]
            case "Fn::Split":
                separator, text = argument
                return self._resolved(text, path).split(separator)
            case "Fn::ImportValue" | "Fn::GetStackOutput":
                weak = function == "Fn::GetStackOutput"
                exports = self._outputs if weak else self._exports
                name = (argument["StackName"], argument["OutputName"]) if weak else self._resolved(argument, path)
                exporter, exported = exports[name]
                return self._resolved(exported, exporter)
            case "Fn::Cidr" | "Fn::GetAZs":
                ranges = [f"range {number}" for number in range(256)]
                return ranges if function == "Fn::Cidr" else [f"{REGION}{letter}" for letter in "abc"]
        raise NotImplementedError(function)

    def _substitute(self, name: str, values: dict[str, Any], path: str) -> Any:
        if name in values:
            return values[name]
        logical_id, _, attribute = name.partition(".")
        return self._attribute(path, logical_id, attribute) if attribute else self._referred(name, path)


def _permission(properties: dict[str, Any]) -> Statement:
    """The statement that Lambda makes of a permission."""
    condition: dict[str, Any] = {}
    if "SourceAccount" in properties:
        condition["StringEquals"] = {"AWS:SourceAccount": properties["SourceAccount"]}
    if "SourceArn" in properties:
        condition["ArnLike"] = {"AWS:SourceArn": properties["SourceArn"]}
    unknown = properties.keys() - {"Action", "FunctionName", "Principal", "SourceAccount", "SourceArn"}
    assert not unknown, f"{unknown} of a permission are not evaluated"
    return {
        "Effect": "Allow",
        "Principal": {"Service": properties["Principal"]},
        "Action": properties["Action"],
        "Resource": properties["FunctionName"],
        "Condition": condition,
    }


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
