"""The VPC of caches and of the applications that use them."""

from __future__ import annotations

from enum import Enum
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

from aws_cdk import Fn, Tags
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from elasticache_constructs.checks.argument_types import Kind, check_kind
from elasticache_constructs.checks.errors import ConfigurationError
from elasticache_constructs.checks.locations import check_zones, place_of, stack_of
from elasticache_constructs.checks.reasons import checked_reason
from elasticache_constructs.checks.situations import Situation, accept
from elasticache_constructs.checks.tokens import is_token, is_unresolved
from elasticache_constructs.checks.whole_numbers import is_whole_number, other_type, shown
from elasticache_constructs.network.subnets import select
from elasticache_constructs.shared.encryption_key import EncryptionKey, checked_key
from elasticache_constructs.shared.logs import log_group

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_kms as kms

_FEWEST_ZONES, _MOST_ZONES = 2, 3
_PREFIX_LENGTH = 16
_CACHE = "cache"
_IPV6_CACHE = "cache-ipv6"
_APPLICATION = "application"
_PUBLIC = "public"
_RANGE_PAGE = "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html"
# 100.64.0.0/10 and public ranges are taken, though not advised.
_NOT_TAKEN = {
    "0.0.0.0/8": "this network itself",
    "127.0.0.0/8": "loopback",
    "169.254.0.0/16": "link-local, with AWS's own services in it",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved",
}
# Fn::Cidr cuts at most 256 ranges, as many /64 as the VPC's /56 has. CDK takes the first ones.
_IPV6_RANGES = 256
_IPV6_BITS = "64"
_ZONES_PAGE = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/AutoFailover.html"

_CDK_OWN_FUNCTION = (
    "The CDK's own custom resource, which empties the VPC's default security group: it runs at deployment only, calls "
    "the EC2 API and holds no data, so it has no place in the VPC, no dead letters and no concurrency to reserve."
)
_NAT_SUBNETS = (
    "Public subnets hold the NAT gateways that egress=Egress.NAT asked for, and nothing else: caches are in isolated "
    "subnets, applications in private ones."
)
_ADDRESSES = (
    "EC2 gives each interface in a subnet without IPv4 an IPv6 address: there it cannot be turned off. No route leads "
    "from these subnets to the internet, and caches alone are in them."
)
_NO_ROUTE_TABLES = "The subnets are only named in a subnet group; nothing here reads or adds their routes."


_PROTOCOL = Kind(of=ec2.IpProtocol, example="ec2.IpProtocol.DUAL_STACK")


class Egress(Enum):
    """How applications reach AWS services and the internet. Cache subnets have no route out.

    Fixed charges in us-east-1 for 730 hours a month, from https://aws.amazon.com/vpc/pricing/ and
    https://aws.amazon.com/privatelink/pricing/ as of 2026-06. Traffic is charged in addition:

    ==============  =========  =========
    USD a month     2 zones    3 zones
    ==============  =========  =========
    ``NONE``        0          0
    ``ENDPOINTS``   29.20      43.80
    ``NAT``         73.00      109.50
    ==============  =========  =========

    ``ENDPOINTS`` counts two interface endpoints at 0.01 USD an hour and zone, ``NAT`` one gateway a zone at 0.045 USD
    an hour with its public address at 0.005.
    """

    NONE = "none"
    """No route. Functions in the VPC cannot read a secret or call the ElastiCache API."""

    ENDPOINTS = "endpoints"
    """Interface endpoints to Secrets Manager and the ElastiCache API of the same account; no other route."""

    NAT = "nat"
    """The internet, through a NAT gateway in each Availability Zone."""


class CacheNetwork(Construct):
    """A VPC with isolated subnets for caches and private subnets for applications.

    Flow logs are on, in an encrypted log group with a retention of one year. The default security group has no rules.
    Address ranges are reserved for three Availability Zones and for public subnets, used or not: a zone or NAT gateway
    that is added later renumbers no subnet. A renumbered subnet would be replaced, and the caches in it as well.

    A zone that is added comes last. Replication groups need no change. A cache that names its zones and cannot move
    keeps them by an argument: ``MemcachedCluster(availability_zones=[...])`` with three or more nodes,
    ``ServerlessCache(max_azs=2)``.

    With ``ip_protocol=ec2.IpProtocol.DUAL_STACK`` the subnets have IPv4 and IPv6 addresses, for caches with
    ``NetworkType.dual_stack()`` and ``NetworkType.IPV4``, and ``ipv6_cache_subnets`` have IPv6 addresses alone, for
    ``NetworkType.IPV6``. Security groups name each other and no addresses, so that the same rules hold for both. With
    NAT, applications reach the internet over IPv6 through an egress-only internet gateway; otherwise there is none.
    Interface endpoints are reached over IPv4, which all applications have. IPv6 costs nothing. The CDK's custom
    resource empties the default security group of its rules for IPv4 alone: one that allows traffic out over IPv6 stays
    (https://github.com/aws/aws-cdk/issues/29709). Nothing is in that group.

    Changing ``cidr`` or removing a zone replaces subnets and the caches in them. Changing ``egress`` changes routes in
    place. Changing ``ip_protocol`` of a network that exists may replace
    subnets: CloudFormation decides it when it deploys, and a subnet with a cache in it cannot be deleted. ``make gate``
    names the subnets, and the change set says more. Choose it when the network is made.

    Use an existing VPC with `from_lookup` or `from_attributes`, or pass it to a cache directly: every construct of this
    package takes ``vpc`` and ``vpc_subnets``.

    The key costs 1 USD a month, in addition to the charges of `Egress`.

    Args:
        scope: The parent.
        construct_id: The id in the parent.
        availability_zones: Names of two or three zones, for stacks with an explicit region. Default: the first
            ``max_azs`` zones of the stack's region.
        max_azs: The number of zones, 2 or 3, if ``availability_zones`` is not given. Default: 2.
        cidr: The VPC's range, a /16. Default: ``10.40.0.0/16``.
        egress: The applications' route out. Default: interface endpoints.
        ip_protocol: Whether the VPC has IPv6 addresses as well, a range of Amazon's. Default: IPv4 alone.
        encryption_key: Encrypts the flow logs. CloudWatch Logs is added to the policy of a key of the app; that of an
            imported key must allow it already, and synth warns. Default: a separate `EncryptionKey`.
        open_endpoints_reason: Why the endpoints allow requests by identities of other accounts, or for resources of
            other accounts, for example because the VPC is shared. Default: they allow requests by identities of this
            account and by AWS services, for resources of this account, so that data cannot leave with foreign
            credentials. Changed in place.

    Raises:
        ConfigurationError: If the number of zones is not 2 or 3, or is 3 in a stack without account and region; if
            both a number and names are given; if the range is not a /16; or if the reason for open endpoints is too
            short, or there are no endpoints.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/VPCs.EC.html and, for the endpoints' policy,
    https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        availability_zones: Sequence[str] | None = None,
        max_azs: int | None = None,
        cidr: str = "10.40.0.0/16",
        egress: Egress = Egress.ENDPOINTS,
        ip_protocol: ec2.IpProtocol = ec2.IpProtocol.IPV4_ONLY,
        encryption_key: kms.IKey | None = None,
        open_endpoints_reason: str | None = None,
    ) -> None:
        _check_range(cidr)
        check_kind("CacheNetwork", "ip_protocol", ip_protocol, _PROTOCOL)
        has_ipv6 = ip_protocol is ec2.IpProtocol.DUAL_STACK
        _check_reason(open_endpoints_reason, egress)
        count = _checked_zones(scope, availability_zones, max_azs)
        given_key = None if encryption_key is None else checked_key(encryption_key, of=scope)
        super().__init__(scope, construct_id)
        key = given_key or EncryptionKey(self, "Key", description="Flow logs of the cache network")
        flow_logs = log_group(self, "FlowLogs", key=key)
        self._egress = egress
        self.vpc: ec2.IVpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(cidr),
            restrict_default_security_group=True,
            reserved_azs=_MOST_ZONES - count,
            nat_gateways=count if egress is Egress.NAT else 0,
            subnet_configuration=_subnets(egress, has_ipv6=has_ipv6),
            flow_logs={"All": _flow_log(self, flow_logs)},
            ip_protocol=ip_protocol if has_ipv6 else None,
            **({"max_azs": count} if availability_zones is None else {"availability_zones": list(availability_zones)}),
        )
        """The VPC."""
        self.cache_subnets = ec2.SubnetSelection(subnet_group_name=_CACHE)
        """The subnets for caches."""
        self.application_subnets = ec2.SubnetSelection(subnet_group_name=_APPLICATION)
        """The subnets for functions and containers."""
        self.ipv6_cache_subnets: ec2.SubnetSelection | None = None
        """The subnets for caches with ``NetworkType.IPV6``. ``None`` without IPv6."""
        if has_ipv6:
            self.ipv6_cache_subnets = ec2.SubnetSelection(subnets=_ipv6_subnets(self, self.vpc))
            if egress is not Egress.NAT:
                # CDK makes one for any VPC with IPv6, unless a flag is set; no route leads to it.
                self.vpc.node.try_remove_child("EIGW6")
        self.endpoint_client_security_group: ec2.ISecurityGroup | None = None
        """The security group that the interface endpoints admit. ``None`` without endpoints."""
        if egress is Egress.ENDPOINTS:
            self.endpoint_client_security_group = _add_endpoints(
                self, self.vpc, self.application_subnets, closed=open_endpoints_reason is None
            )
        _acknowledge_default_group_function(self)
        if egress is Egress.NAT:
            _acknowledge_public_subnets(self.vpc)

    def check_way_out(self, what: str, services: str) -> None:
        """Refuse a function that calls AWS from a network without a route: it would hang until it times out.

        Args:
            what: The call that makes the function, for the message.
            services: The services that it calls.

        Raises:
            ConfigurationError: If there is neither NAT nor an interface endpoint.
        """
        own = any(isinstance(each, ec2.InterfaceVpcEndpoint) for each in self.vpc.node.children)
        if self._egress is Egress.NONE and not own:
            raise ConfigurationError(
                got=f"{what} with CacheNetwork(egress=Egress.NONE)",
                allowed=f"its function calls {services}, which it reaches through endpoints or NAT",
                fix="Use CacheNetwork(egress=Egress.ENDPOINTS), or Egress.NAT",
                page="https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc-internet.html",
            )

    @staticmethod
    def from_lookup(
        scope: Construct,
        construct_id: str,
        *,
        vpc_id: str,
        cache_subnet_group: str | None = None,
        endpoint_client_security_group: ec2.ISecurityGroup | None = None,
    ) -> ImportedNetwork:
        """An existing VPC, looked up at the first synth and cached in ``cdk.context.json``.

        Needs a stack with an explicit account and region, and credentials for the first synth.

        Args:
            scope: The parent.
            construct_id: The id in the parent.
            vpc_id: The VPC's id.
            cache_subnet_group: The value of the ``aws-cdk:subnet-name`` tag on the subnets for caches. Default: the
                isolated subnets, or the private ones if there are no isolated ones.
            endpoint_client_security_group: The group that interface endpoints admit. Default: no group.

        Raises:
            ConfigurationError: If the VPC has no such subnets, or only public ones.
        """
        vpc = ec2.Vpc.from_lookup(scope, construct_id, vpc_id=vpc_id)
        isolated = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
        private = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS)
        usual = isolated if vpc.isolated_subnets else private
        network = ImportedNetwork(
            vpc,
            cache_subnets=ec2.SubnetSelection(subnet_group_name=cache_subnet_group) if cache_subnet_group else usual,
            application_subnets=private if vpc.private_subnets else isolated,
            endpoint_client_security_group=endpoint_client_security_group,
        )
        select(vpc, network.cache_subnets)
        return network

    @staticmethod
    def from_attributes(
        scope: Construct,
        construct_id: str,
        *,
        vpc_id: str,
        availability_zones: Sequence[str],
        cache_subnet_ids: Sequence[str],
        application_subnet_ids: Sequence[str] | None = None,
        endpoint_client_security_group: ec2.ISecurityGroup | None = None,
    ) -> ImportedNetwork:
        """An existing VPC, described by its attributes; nothing is looked up.

        Args:
            scope: The parent.
            construct_id: The id in the parent.
            vpc_id: The VPC's id.
            availability_zones: The zones of the subnets, in their order.
            cache_subnet_ids: One subnet for each zone, without a route to the internet.
            application_subnet_ids: One subnet for each zone, with a route out. Default: those for caches.
            endpoint_client_security_group: The group that interface endpoints admit. Default: no group.

        Raises:
            ConfigurationError: If a zone has no subnet of one kind, or is of another region.
        """
        check_zones(availability_zones, region=place_of(scope).region, argument="availability_zones")
        for kind, ids in (("cache", cache_subnet_ids), ("application", application_subnet_ids)):
            if ids is not None and len(availability_zones) != len(ids):
                raise ConfigurationError(
                    got=f"{len(ids)} {kind} subnets for {len(availability_zones)} zones",
                    allowed="one subnet is named for each zone, in the same order",
                    fix="Name as many of the one as of the other",
                )
        vpc = ec2.Vpc.from_vpc_attributes(
            scope,
            construct_id,
            vpc_id=vpc_id,
            availability_zones=list(availability_zones),
            isolated_subnet_ids=list(cache_subnet_ids),
            private_subnet_ids=None if application_subnet_ids is None else list(application_subnet_ids),
        )
        for subnet in (*vpc.isolated_subnets, *vpc.private_subnets):
            accept(subnet, {Situation.SUBNET_WITHOUT_ROUTE_TABLE_ID: _NO_ROUTE_TABLES})
        isolated = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
        return ImportedNetwork(
            vpc,
            cache_subnets=isolated,
            application_subnets=isolated
            if application_subnet_ids is None
            else ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
            endpoint_client_security_group=endpoint_client_security_group,
        )


class ImportedNetwork:
    """An existing VPC with the same attributes that a `CacheNetwork` has."""

    def __init__(
        self,
        vpc: ec2.IVpc,
        *,
        cache_subnets: ec2.SubnetSelection,
        application_subnets: ec2.SubnetSelection,
        endpoint_client_security_group: ec2.ISecurityGroup | None,
    ) -> None:
        self.vpc = vpc
        self.cache_subnets = cache_subnets
        self.ipv6_cache_subnets: ec2.SubnetSelection | None = None
        self.application_subnets = application_subnets
        self.endpoint_client_security_group = endpoint_client_security_group

    def check_way_out(self, what: str, services: str) -> None:
        """Accept: the routes of an existing VPC are not known."""


def _checked_zones(scope: Construct, availability_zones: Sequence[str] | None, max_azs: int | None) -> int:
    if availability_zones is not None and max_azs is not None:
        raise ConfigurationError(
            got=f"availability_zones={list(availability_zones)} and max_azs={max_azs}",
            allowed="zones are either named or counted",
            fix="Leave max_azs out",
        )
    names = None if availability_zones is None else list(availability_zones)
    count = len(names) if names is not None else _FEWEST_ZONES if max_azs is None else max_azs
    fits = is_whole_number(count, _FEWEST_ZONES, _MOST_ZONES)
    if not fits or (names is not None and len(set(names)) != count):
        raise ConfigurationError(
            got=f"max_azs={shown(max_azs)}{other_type(max_azs)}" if names is None else f"availability_zones={names}",
            allowed=f"a cache network spans {_FEWEST_ZONES} or {_MOST_ZONES} different zones, "
            "so that a cache survives the loss of one",
            fix="Name two zones of the region, or three for production",
            page=_ZONES_PAGE,
        )
    stack = stack_of(scope)
    check_zones(names or (), region=stack.region, argument="availability_zones", strict=True)
    if max_azs == _MOST_ZONES and (is_unresolved(stack.region) or is_unresolved(stack.account)):
        raise ConfigurationError(
            got=f"max_azs={max_azs} in a stack without an account and region",
            allowed="the CDK knows of two zones where it does not know both",
            fix="Name the zones, availability_zones=['eu-west-1a', ...], or use max_azs=2",
            page="https://docs.aws.amazon.com/cdk/v2/guide/environments.html",
        )
    return count


def _check_range(cidr: str) -> None:
    if is_token(cidr):
        raise ConfigurationError(
            got=f"cidr={shown(cidr)}",
            allowed="the subnets are cut from the range at synth",
            fix="Write it out: cidr='10.40.0.0/16'",
            page=_RANGE_PAGE,
        )
    try:
        network = IPv4Network(cidr)
    except ValueError:
        network = None
    if network is None or network.prefixlen != _PREFIX_LENGTH or not cidr.endswith(f"/{_PREFIX_LENGTH}"):
        raise ConfigurationError(
            got=f"cidr={cidr!r}",
            allowed=f"the network's range is a /{_PREFIX_LENGTH} that begins where its mask says",
            fix="Use '10.40.0.0/16', or another range that no connected network uses",
            page=_RANGE_PAGE,
        )
    reserved = next((each for each in _NOT_TAKEN if network.subnet_of(IPv4Network(each))), None)
    if reserved is not None:
        raise ConfigurationError(
            got=f"cidr={cidr!r}",
            allowed=f"EC2 takes no range within {reserved}, which is {_NOT_TAKEN[reserved]}",
            fix="Use '10.40.0.0/16', or another one of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16",
            page=_RANGE_PAGE,
        )


def _subnets(egress: Egress, *, has_ipv6: bool) -> list[ec2.SubnetConfiguration]:
    isolated, nat = ec2.SubnetType.PRIVATE_ISOLATED, egress is Egress.NAT
    # Caches and functions ask for theirs; nothing else is given one that leads to the internet.
    assigned = False if has_ipv6 else None
    return [
        ec2.SubnetConfiguration(
            name=_CACHE, subnet_type=isolated, cidr_mask=24, ipv6_assign_address_on_creation=assigned
        ),
        ec2.SubnetConfiguration(
            name=_APPLICATION,
            subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS if nat else isolated,
            cidr_mask=20,
            ipv6_assign_address_on_creation=assigned,
        ),
        # Last, so that adding them leaves the ranges of the others alone.
        ec2.SubnetConfiguration(
            name=_PUBLIC,
            subnet_type=ec2.SubnetType.PUBLIC,
            cidr_mask=28,
            map_public_ip_on_launch=False,
            reserved=not nat,
            ipv6_assign_address_on_creation=assigned,
        ),
    ]


def _ipv6_subnets(scope: Construct, vpc: ec2.IVpc) -> list[ec2.ISubnet]:
    """A subnet with IPv6 addresses alone in each zone, which CDK's VPC has none of; the last ranges of the VPC's."""
    ranges = Fn.cidr(Fn.select(0, vpc.vpc_ipv6_cidr_blocks), _IPV6_RANGES, _IPV6_BITS)  # type: ignore[attr-defined]
    association = vpc.node.find_child("ipv6cidr")
    made: list[ec2.ISubnet] = []
    # Those of the VPC have a made-up one for each that is reserved.
    zones = [each.availability_zone for each in vpc.select_subnets(subnet_group_name=_CACHE).subnets]
    for number, zone in enumerate(zones, start=1):
        subnet = ec2.PrivateSubnet(
            scope,
            f"Ipv6CacheSubnet{number}",
            vpc_id=vpc.vpc_id,
            availability_zone=zone,
            cidr_block="192.0.2.0/24",  # CDK wants one, which is taken away below
        )
        resource = subnet.node.default_child
        assert isinstance(resource, ec2.CfnSubnet)  # noqa: S101 - for the type checker: it always is
        resource.cidr_block = None
        resource.map_public_ip_on_launch = None
        resource.ipv6_native = True
        resource.assign_ipv6_address_on_creation = True
        resource.ipv6_cidr_block = Fn.select(_IPV6_RANGES - number, ranges)
        resource.node.add_dependency(association)
        for key, value in (("aws-cdk:subnet-name", _IPV6_CACHE), ("aws-cdk:subnet-type", "Isolated")):
            Tags.of(subnet).add(key, value, include_resource_types=[resource.cfn_resource_type])
        accept(subnet, {Situation.SUBNET_WITH_IPV6_ALONE: _ADDRESSES})
        made.append(subnet)
    return made


def _flow_log(scope: Construct, group: logs.LogGroup) -> ec2.FlowLogOptions:
    account = {"aws:SourceAccount": place_of(scope).account}
    role = iam.Role(
        scope,
        "FlowLogRole",
        assumed_by=iam.ServicePrincipal("vpc-flow-logs.amazonaws.com", conditions={"StringEquals": account}),
    )
    iam.ManagedPolicy(
        scope,
        "FlowLogPolicy",
        roles=[role],
        statements=[
            iam.PolicyStatement(
                actions=["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                resources=[group.log_group_arn],
            )
        ],
    )
    # A separate policy: the CDK would write an inline one, which the packs forbid.
    return ec2.FlowLogOptions(
        destination=ec2.FlowLogDestination.to_cloud_watch_logs(
            # By its ARN: a flow log that names its group in other words would be another flow log.
            logs.LogGroup.from_log_group_arn(scope, "FlowLogGroup", group.log_group_arn),
            role.without_policy_updates(),
        )
    )


def _check_reason(open_endpoints_reason: str | None, egress: Egress) -> None:
    if open_endpoints_reason is None:
        return
    checked_reason(open_endpoints_reason, what="CacheNetwork(open_endpoints_reason=...)")
    if egress is not Egress.ENDPOINTS:
        raise ConfigurationError(
            got=f"open_endpoints_reason with egress=Egress.{egress.name}",
            allowed="endpoints are there with Egress.ENDPOINTS alone",
            fix="Leave open_endpoints_reason out",
        )


def _endpoint_policy(scope: Construct, service: str) -> list[iam.PolicyStatement]:
    """Allow one service's actions by this account's identities on its resources, and by AWS services.

    For calls without a resource, such as GetRandomPassword, AWS may not know an account.
    """
    account = place_of(scope).account
    own = {
        "StringEquals": {"aws:PrincipalAccount": account},
        "StringEqualsIfExists": {"aws:ResourceAccount": account},
    }
    services = {"Bool": {"aws:PrincipalIsAWSService": "true"}}
    return [
        iam.PolicyStatement(
            sid=sid, principals=[iam.AnyPrincipal()], actions=[f"{service}:*"], resources=["*"], conditions=conditions
        )
        for sid, conditions in (("OwnAccount", own), ("AwsServices", services))
    ]


def _add_endpoints(
    scope: Construct, vpc: ec2.IVpc, subnets: ec2.SubnetSelection, *, closed: bool
) -> ec2.ISecurityGroup:
    clients = ec2.SecurityGroup(
        scope, "EndpointClients", vpc=vpc, allow_all_outbound=False, description="Clients of the interface endpoints"
    )
    endpoints = ec2.SecurityGroup(
        scope, "Endpoints", vpc=vpc, allow_all_outbound=False, description="Interface endpoints"
    )
    https: dict[str, Any] = {"ip_protocol": "tcp", "from_port": 443, "to_port": 443}
    ec2.CfnSecurityGroupIngress(
        scope,
        "EndpointsFromClients",
        group_id=endpoints.security_group_id,
        source_security_group_id=clients.security_group_id,
        description="HTTPS from their clients",
        **https,
    )
    ec2.CfnSecurityGroupEgress(
        scope,
        "ClientsToEndpoints",
        group_id=clients.security_group_id,
        destination_security_group_id=endpoints.security_group_id,
        description="HTTPS to the interface endpoints",
        **https,
    )
    services = {
        "SecretsManagerEndpoint": ("secretsmanager", ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER),
        "ElastiCacheEndpoint": ("elasticache", ec2.InterfaceVpcEndpointAwsService.ELASTICACHE),
    }
    for name, (prefix, service) in services.items():
        endpoint = vpc.add_interface_endpoint(
            name, service=service, subnets=subnets, security_groups=[endpoints], open=False, private_dns_enabled=True
        )
        for statement in _endpoint_policy(scope, prefix) if closed else ():
            endpoint.add_to_policy(statement)
    return clients


def _acknowledge_default_group_function(scope: Construct) -> None:
    provider = stack_of(scope).node.find_child("Custom::VpcRestrictDefaultSGCustomResourceProvider")
    handler = provider.node.find_child("Handler")
    accept(provider, {Situation.LAMBDA_OF_THE_CDK: _CDK_OWN_FUNCTION}, resource=handler)


def _acknowledge_public_subnets(vpc: ec2.IVpc) -> None:
    for subnet in vpc.public_subnets:
        accept(subnet, {Situation.SUBNET_WITH_ROUTE_TO_INTERNET: _NAT_SUBNETS})
