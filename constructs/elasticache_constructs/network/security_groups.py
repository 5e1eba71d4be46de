"""The security groups of a cache: one on its nodes, one for its clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from elasticache_constructs.checks.argument_types import Kind, checked_list
from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.situations import Situation, accept
from elasticache_constructs.checks.tokens import is_token
from elasticache_constructs.network.subnets import are_different
from elasticache_constructs.values.ports import PORT_LATER

if TYPE_CHECKING:
    from collections.abc import Sequence


_GROUP = Kind(
    of=ec2.ISecurityGroup,
    method="add_ingress_rule",
    example="[ec2.SecurityGroup.from_security_group_id(...)]",
    rule="NET-10",
)


class CacheSecurityGroups(Construct):
    """The security group of a cache's nodes, or of a database's instances, and the group that its clients join.

    Only members of the client group can connect, and only to the port; the nodes themselves can reach nothing. All
    rules are in the stack of the cache, so a client in another stack that joins the client group makes no cycle.

    Rules are changed in place. A changed description of a group replaces it.

    Args:
        scope: The parent.
        construct_id: The id in the parent.
        vpc: The VPC of the groups.
        port: The port that the cache listens on.
        last_port: The last port of a range. Default: ``port`` alone.
        members: What the first group is on, as its construct id. Default: ``Nodes``.
        store: What clients connect to, for the descriptions. Default: ``cache``.
        existing: The ids of the groups that are on it already, instead of the first group. The first of them gets the
            rule that admits clients. Default: the first group is made.
        additional: Further groups that are on it, to which no rule is added. Default: none.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        port: int,
        last_port: int | None = None,
        members: str = "Nodes",
        store: str = "cache",
        existing: Sequence[str] | None = None,
        additional: Sequence[ec2.ISecurityGroup] = (),
    ) -> None:
        super().__init__(scope, construct_id)
        self.nodes: ec2.ISecurityGroup = (
            ec2.SecurityGroup.from_security_group_id(self, members, existing[0])
            if existing
            else ec2.SecurityGroup(
                self, members, vpc=vpc, allow_all_outbound=False, description=f"{members} of the {store}"
            )
        )
        """On the nodes or instances."""
        self.node_group_ids: list[str] = [
            *(existing or [self.nodes.security_group_id]),
            *(group.security_group_id for group in additional),
        ]
        """All groups on the nodes or instances."""
        self.clients: ec2.ISecurityGroup = ec2.SecurityGroup(
            self, "Clients", vpc=vpc, allow_all_outbound=False, description=f"Clients of the {store}"
        )
        """For clients to join."""
        nodes_id, clients_id = self.nodes.security_group_id, self.clients.security_group_id
        ingress = ec2.CfnSecurityGroupIngress(
            self,
            "FromClients",
            group_id=nodes_id,
            source_security_group_id=clients_id,
            ip_protocol="tcp",
            from_port=port,
            to_port=last_port or port,
            description=f"From clients of the {store}",
        )
        if is_token(port):
            accept(ingress, {Situation.SECURITY_GROUP_PORT_UNKNOWN: PORT_LATER})
        # The rule is an L1: SecurityGroup.add_egress_rule would take out the group's inline "disallow all" rule, and a
        # group without any inline egress rule is what scanners, and the service's default, read as open.
        ec2.CfnSecurityGroupEgress(
            self,
            f"To{members}",
            group_id=clients_id,
            destination_security_group_id=nodes_id,
            ip_protocol="tcp",
            from_port=port,
            to_port=last_port or port,
            description=f"To the {members.lower()} of the {store}",
        )


def connections_from_consumers(
    cache: ec2.IConnectable, security_groups: Sequence[ec2.ISecurityGroup], *, port: int, last_port: int | None = None
) -> ec2.Connections:
    """Connections whose rules are written into the stack of the client.

    The CDK writes the rules of ``cache.connections.allow_from(function)`` into the cache's stack. That stack then needs
    the function's, and the function's needs the cache's for its endpoint: a cycle
    (https://github.com/aws/aws-cdk/issues/1654). Asked from the other side, with ``function.connections.allow_to``, it
    writes them into the function's. So the two methods that begin at the cache ask from the other side here.
    """
    ports = ec2.Port.tcp(port) if last_port is None else ec2.Port.tcp_range(port, last_port)
    connections = ec2.Connections(security_groups=list(security_groups), default_port=ports)

    def allow_from(other: ec2.IConnectable, port_range: ec2.Port, description: str | None = None) -> None:
        other.connections.allow_to(cache, port_range, description)

    def allow_default_port_from(other: ec2.IConnectable, description: str | None = None) -> None:
        other.connections.allow_to_default_port(cache, description)

    # On the instance, not in a subclass: jsii would make a subclass's methods answer the CDK's own calls as well, and
    # allow_to makes such a call to this object.
    connections.allow_from = allow_from  # type: ignore[method-assign]
    connections.allow_default_port_from = allow_default_port_from  # type: ignore[method-assign]
    return connections


def checked_additional_groups(
    call: str, groups: Sequence[ec2.ISecurityGroup] | None, *, vpc: ec2.IVpc
) -> tuple[ec2.ISecurityGroup, ...]:
    """The security groups that a cache has besides its own.

    Raises:
        ConfigurationError: If one is no security group, of another VPC, or there twice.
    """
    if groups is None:
        return ()
    listed: tuple[ec2.ISecurityGroup, ...] = checked_list(call, "security_groups", groups, _GROUP)
    with reported_together() as check:
        check(check_groups, f"{call}(security_groups=...)", listed, vpc=vpc, of="cache", rule="NET-10")
        check(_check_named_once, call, listed)
    return listed


def _check_named_once(call: str, groups: Sequence[ec2.ISecurityGroup]) -> None:
    ids = [group.security_group_id for group in groups]
    twice = next((group for number, group in enumerate(groups) if ids[number] in ids[:number]), None)
    if twice is not None:
        raise ConfigurationError(
            got=f"{call}(security_groups=...) with {twice.node.path} twice",
            allowed="each security group is named once",
            fix="Leave the second one out",
            rule="NET-10",
        )


def check_groups(
    what: str, groups: Sequence[ec2.ISecurityGroup], *, vpc: ec2.IVpc, of: str = "function", rule: str | None = None
) -> None:
    """Refuse security groups of another VPC than ``vpc``. Imported groups are not judged.

    Args:
        what: Where they were given, for the message.
        groups: The security groups.
        vpc: The VPC.
        of: What has them, for the message.
        rule: The rule's id. Default: none, for what is no cache.

    Raises:
        ConfigurationError: If there is one.
    """
    for group in groups:
        resource = group.node.default_child
        if (
            isinstance(resource, ec2.CfnSecurityGroup)
            and resource.vpc_id
            and are_different(resource.vpc_id, vpc.vpc_id)
        ):
            raise ConfigurationError(
                got=f"{what} with {group.node.path}, a security group of another VPC than {vpc.node.path}",
                allowed=f"the security groups of a {of} are of the VPC that it runs in",
                fix=f"Use a security group of {vpc.node.path}, or leave it out",
                page="https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html",
                rule=rule,
            )


def checked_connections(connections: ec2.Connections) -> ec2.Connections:
    """The connections, if their security groups take rules; without, the CDK would silently add no rule.

    Raises:
        ConfigurationError: If there is no group, or one was imported as immutable.
    """
    groups = connections.security_groups
    if not groups:
        raise ConfigurationError(
            got="a rule for a cache that was imported without security groups",
            allowed="rules are added to the groups on its nodes",
            fix="Import it with security_groups=[...]",
        )
    if not all(map(_takes_rules, groups)):
        raise ConfigurationError(
            got="a rule for a cache that was imported with an immutable security group",
            allowed="rules are added to the groups on its nodes, and an immutable one drops them",
            fix="Import the group without mutable=False, or let clients join the group that it admits",
        )
    return connections


def _takes_rules(group: ec2.ISecurityGroup) -> bool:
    if isinstance(group, ec2.SecurityGroup):
        return True
    # An immutable import has no mark but that it drops rules: so it is given one, which is taken away again.
    before = {each.node.id for each in group.node.children}
    group.add_ingress_rule(ec2.Peer.ipv4("192.0.2.1/32"), ec2.Port.tcp(1))
    made = {each.node.id for each in group.node.children} - before
    for each in made:
        group.node.try_remove_child(each)
    return bool(made)
