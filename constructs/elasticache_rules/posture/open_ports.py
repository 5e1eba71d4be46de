"""The ports that an app opens, on which resources and to which clients, from its templates.

``python -m elasticache_rules.posture.open_ports cdk.out`` prints it as Markdown.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elasticache_rules.templates.app import Resource, Templates
from elasticache_rules.templates.assembly import stacks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# What security groups are put on, and the property that names them.
_HOLDERS = {
    "AWS::EC2::VPCEndpoint": ("SecurityGroupIds",),
    "AWS::ElastiCache::CacheCluster": ("VpcSecurityGroupIds",),
    "AWS::ElastiCache::ReplicationGroup": ("SecurityGroupIds",),
    "AWS::ElastiCache::ServerlessCache": ("SecurityGroupIds",),
    "AWS::Lambda::Function": ("VpcConfig", "SecurityGroupIds"),
    "AWS::RDS::DBInstance": ("VPCSecurityGroups",),
}
_TITLE = """# Ports

Every port that a stack opens, and who may reach it. Whatever is not listed is closed. Written from the templates by
`python -m elasticache_rules.posture.open_ports`; a test fails when it is out of date.

"""
_COLUMNS = ("Port", "Open on", "Stack", "To", "Who that is", "Stages")


@dataclass(frozen=True, slots=True)
class OpenPort:
    """An open port: its resource and its clients."""

    port: str
    target: str
    stack: str
    admits: str
    members: str


def open_ports(templates: Mapping[str, Mapping[str, Any]]) -> Iterator[OpenPort]:
    """Every ingress rule of every security group, and every HTTP API, of the templates of an app.

    Args:
        templates: All templates of an app, by the path of their stack.
    """
    app = Templates(templates)
    for group in app.of_kind("AWS::EC2::SecurityGroup"):
        for origin, rule in _ingress(app, group):
            source = app.follow(rule.get("SourceSecurityGroupId"), origin)
            yield OpenPort(
                port=_ports(rule),
                target=_holders(app, group) or _name(group),
                stack=group.template,
                admits=_source(rule) if source is None else str(source.get("GroupDescription")),
                members="" if source is None else _holders(app, source) or "no member yet",
            )
    for route in app.of_kind("AWS::ApiGatewayV2::Route"):
        api = app.follow(route.get("ApiId"), route.template)
        signed = route.get("AuthorizationType") == "AWS_IAM"
        yield OpenPort(
            port="443/tcp",
            target="HTTP API" if api is None else _name(api),
            stack=route.template,
            admits="Internet",
            members="roles that are granted execute-api:Invoke, with signed requests" if signed else "anybody",
        )


def markdown(templates: Mapping[str, Mapping[str, Any]]) -> str:
    """The table as a document; what several stages have alike is one line.

    Args:
        templates: All templates of an app, by the path of their stack: ``prod/cache-redis``.
    """
    stages: dict[tuple[str, ...], list[str]] = {}
    for each in open_ports(templates):
        stage, _, stack = each.stack.rpartition("/")
        line = (each.port, each.target, stack, each.admits, each.members)
        stages.setdefault(line, []).append(stage)
    rows = [(*line, ", ".join(sorted(set(found)))) for line, found in sorted(stages.items(), key=_by_number)]
    lines = [_COLUMNS, ("---",) * len(_COLUMNS), *rows]
    return _TITLE + "".join(f"| {' | '.join(line)} |\n" for line in lines)


def read_assembly(directory: Path) -> dict[str, dict[str, Any]]:
    """The templates of a cloud assembly, for example ``cdk.out``, by the path of their stack."""
    return {stack.path: stack.template() for stack in stacks(directory)}


def _by_number(item: tuple[tuple[str, ...], list[str]]) -> tuple[int, tuple[str, ...]]:
    line, _ = item
    number = re.match(r"\d+", line[0])
    return (int(number.group()) if number else 0, line)


def _ingress(app: Templates, group: Resource) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for rule in group.list_of("SecurityGroupIngress"):
        yield group.template, rule
    for apart in app.of_kind("AWS::EC2::SecurityGroupIngress"):
        if app.follow(apart.get("GroupId"), apart.template) == group:
            yield apart.template, apart.body["Properties"]


def _ports(rule: Mapping[str, Any]) -> str:
    if str(rule.get("IpProtocol")) == "-1":
        return "all"
    first, last = rule.get("FromPort"), rule.get("ToPort")
    return f"{first if first == last else f'{first} to {last}'}/{rule.get('IpProtocol')}"


def _source(rule: Mapping[str, Any]) -> str:
    known = [rule[name] for name in ("CidrIp", "CidrIpv6", "SourcePrefixListId") if name in rule]
    return str(known[0]) if known else "another group"


def _holders(app: Templates, group: Resource) -> str:
    names = [
        _name(resource)
        for resource in app.of_kind(*_HOLDERS)
        if group in app.follow_all(resource.list_of(*_HOLDERS[resource.kind]), resource.template)
    ]
    return ", ".join(sorted(names))


def _name(resource: Resource) -> str:
    """The logical id without the digits that the CDK hangs behind it."""
    return re.sub(r"[0-9A-F]{8}$", "", resource.logical_id)


if __name__ == "__main__":
    sys.stdout.write(markdown(read_assembly(Path(sys.argv[1]))))
