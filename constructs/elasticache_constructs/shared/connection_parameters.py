"""The connection settings of a cache as parameters of Systems Manager, for what is outside of its stack or app."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, Protocol

from aws_cdk import ArnFormat
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from elasticache_constructs.checks.argument_types import Kind, check_kind
from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.locations import stack_of
from elasticache_constructs.shared.claims import claim
from elasticache_constructs.shared.connection_settings import PREFIX, VARIABLES
from elasticache_constructs.shared.grants import grant

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_iam as iam

_PAGE = "https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html"
_CLIENT_SECURITY_GROUP = "client_security_group"
_NAMES = (*(name.removeprefix(PREFIX).lower() for name in VARIABLES), _CLIENT_SECURITY_GROUP)
_MOST_LEVELS = 14  # Systems Manager has 15, of which the name of each parameter is one
_LONGEST_PATH = 900  # with the name and the rest of the ARN, at most 1,011 characters
_PATH = re.compile(r"(/[A-Za-z0-9_.-]+)+")
_RESERVED = re.compile(r"/(aws|ssm)", re.IGNORECASE)
_ALWAYS = ("contract", "engine", "host", "port", "tls", "mode", "auth", "serverless")
_LOGINS: Mapping[str, Sequence[str]] = {
    "iam": ("user", "cache_name"),
    "secret": ("user", "secret_arn"),
    "none": (),
}

Auth = Literal["iam", "secret", "none"]
"""How clients log in, in the words of the parameter ``auth``."""


class Cache(Protocol):
    """A cache of any kind, made here or imported."""

    @property
    def client_security_group(self) -> ec2.ISecurityGroup | None:
        """The group that its clients join."""

    @property
    def connection_settings(self) -> Any:
        """The method that gives the environment variables of a client."""


class ConnectionParametersBase(Construct):
    """What can be done with the parameters of a cache, whether they are made here or by another stack."""

    path: str
    """What the names of all parameters begin with, for example ``/orders/cache``."""

    client_security_group: ec2.ISecurityGroup | None
    """The group that clients join to reach the cache. ``None`` for an imported cache that was given none."""

    _names: Sequence[str]

    @property
    def variables(self) -> Mapping[str, ssm.IStringParameter]:
        """Each parameter by the environment variable that clients read its value from.

        For a container of ECS: ``secrets={name: ecs.Secret.from_ssm_parameter(each) for name, each in
        parameters.variables.items()}``. ECS reads the values when a task starts, and the CDK lets its execution role do
        so.
        """
        return {PREFIX + name.upper(): self.parameter(name) for name in self._names if name != _CLIENT_SECURITY_GROUP}

    def environment(self) -> dict[str, str]:
        """The environment variable with the path, for ``ConnectionSettings.from_parameters`` of the client."""
        return {f"{PREFIX}PARAMETERS": self.path}

    def parameter(self, name: str) -> ssm.IStringParameter:
        """One of the parameters.

        Args:
            name: The last part of its name, for example ``host`` or ``secret_arn``.

        Raises:
            ConfigurationError: If there is no such parameter.
        """
        if name not in self._names:
            raise ConfigurationError(
                got=f"parameter({name!r}) of {self.node.path}",
                allowed=f"its parameters are {', '.join(self._names)}",
                fix="Use one of them",
            )
        return self._parameter(name)

    def grant_read(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a role read the parameters, one by one or all below the path.

        The values hold no secret. A user with a password logs in with its secret, which is granted separately:
        ``cache.secret(user).grant_read(role)``.

        Args:
            grantee: A role, or a function or other resource with a role, of the account of the parameters.

        Raises:
            ConfigurationError: If no policy of the app could hold the permission.

        See https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-access.html
        """
        names = [self.path, *(f"{self.path}/{name}" for name in _NAMES)]
        stack = stack_of(self)
        return grant(
            "grant_read",
            grantee,
            of=self,
            actions=["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"],
            resource_arns=[
                stack.format_arn(
                    service="ssm",
                    resource="parameter",
                    resource_name=name.removeprefix("/"),
                    arn_format=ArnFormat.SLASH_RESOURCE_NAME,
                )
                for name in names
            ],
        )

    def _parameter(self, name: str) -> ssm.IStringParameter:
        raise NotImplementedError


class ConnectionParameters(ConnectionParametersBase):
    """The connection settings of a cache as parameters of Systems Manager: host, port, TLS, user, secret's ARN.

    They are for what is not in the cache's app, or not in its stack: other stacks read them with `from_path` and need
    no export, clients with ``ConnectionSettings.from_parameters`` of ``elasticache_client``, containers of ECS through
    `variables`. One parameter has the id of the client security group. No parameter has a secret: a user with a
    password is named with the ARN of its secret.

    The names are those of ``ConnectionSettings``: ``<path>/host``, ``<path>/secret_arn`` and so on. The parameters are
    standard ones, which cost nothing. Values are changed in place, and nothing about the cache changes; another path
    replaces the parameters. Clients that run have read the previous values.

    A function in a VPC reaches Systems Manager by NAT or by an interface endpoint, for example
    ``network.vpc.add_interface_endpoint("Ssm", service=ec2.InterfaceVpcEndpointAwsService.SSM)``.

    Args:
        scope: The parent, for example the stack of the cache.
        construct_id: The id in the parent.
        cache: The cache, of any kind, made here or imported.
        path: What the names begin with, for example ``/orders/cache``. It is unique in an account and Region. Each
            user of the cache that others connect as has a separate path.
        user: Who logs in, one of the cache's users. Default: the user with the AUTH token; no user if the cache has no
            authentication, as for Memcached.

    Raises:
        ConfigurationError: If Systems Manager would refuse the path, another construct has it, or the cache has no such
            user.

    See https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-parameter-store.html
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, cache: Cache, path: str, user: object | None = None
    ) -> None:
        with reported_together() as check:
            check(_check_path, path)
            settings = check(_settings, cache, user)
        super().__init__(scope, construct_id)
        claim(
            self,
            "names of parameters",
            [path],
            thing="parameters",
            what="ConnectionParameters(path={})",
            fix="Give each its own path",
            page=_PAGE,
        )
        self.path = path
        self.client_security_group = cache.client_security_group
        values = {name.removeprefix(PREFIX).lower(): value for name, value in settings.items()}
        if cache.client_security_group is not None:
            values[_CLIENT_SECURITY_GROUP] = cache.client_security_group.security_group_id
        self._names = tuple(values)
        self._made = {
            name: ssm.StringParameter(
                self,
                "".join(part.title() for part in name.split("_")),
                parameter_name=f"{path}/{name}",
                string_value=value,
                description=f"How to connect to a cache: {name.replace('_', ' ')}",
            )
            for name, value in values.items()
        }

    @staticmethod
    def from_path(
        scope: Construct, construct_id: str, *, path: str, auth: Auth = "iam", has_reader: bool = False
    ) -> ConnectionParametersBase:
        """The parameters that another stack has made, read when this one is deployed.

        CloudFormation resolves them at each deployment of this stack, and fails it if one is missing. Both stacks are
        deployed and removed independently, the one with the parameters first.

        Args:
            scope: The parent.
            construct_id: The id in the parent.
            path: Their path, in the account and Region of this stack.
            auth: How the user logs in, which decides what parameters there are. Default: by IAM authentication.
            has_reader: Whether the cache has a reader endpoint that is used. Default: False.

        Raises:
            ConfigurationError: If the path or the kind of login is not valid.
        """
        with reported_together() as check:
            check(_check_path, path)
            check(_check_auth, auth)
        return _ImportedParameters(scope, construct_id, path=path, auth=auth, has_reader=has_reader)

    def _parameter(self, name: str) -> ssm.IStringParameter:
        return self._made[name]


class _ImportedParameters(ConnectionParametersBase):
    def __init__(self, scope: Construct, construct_id: str, *, path: str, auth: Auth, has_reader: bool) -> None:
        super().__init__(scope, construct_id)
        self.path = path
        reader = ("reader_host",) if has_reader else ()
        self._names = (*_ALWAYS, *reader, *_LOGINS[auth], _CLIENT_SECURITY_GROUP)
        self._read: dict[str, ssm.IStringParameter] = {}
        self._clients: ec2.ISecurityGroup | None = None

    @property
    def client_security_group(self) -> ec2.ISecurityGroup | None:  # type: ignore[override]
        """The group that clients join to reach the cache, as it is when this stack is deployed."""
        if self._clients is None:
            group_id = self.parameter(_CLIENT_SECURITY_GROUP).string_value
            # Immutable: its rules are those of the cache's stack.
            self._clients = ec2.SecurityGroup.from_security_group_id(self, "Clients", group_id, mutable=False)
        return self._clients

    def _parameter(self, name: str) -> ssm.IStringParameter:
        if name not in self._read:
            construct_id = "".join(part.title() for part in name.split("_"))
            self._read[name] = ssm.StringParameter.from_string_parameter_attributes(
                self, construct_id, parameter_name=f"{self.path}/{name}", force_dynamic_reference=False
            )
        return self._read[name]


def _check_path(path: str) -> None:
    check_kind("ConnectionParameters", "path", path, Kind(of=str, example="'/orders/cache'", literal=True))
    allowed = (
        f"a path begins with a slash and has at most {_MOST_LEVELS} levels and {_LONGEST_PATH} characters: letters, "
        "digits, '_', '.' and '-'; the first level does not begin with aws or ssm"
    )
    if (
        _PATH.fullmatch(path) is None
        or _RESERVED.match(path) is not None
        or path.count("/") > _MOST_LEVELS
        or len(path) > _LONGEST_PATH
    ):
        raise ConfigurationError(
            got=f"ConnectionParameters(path={path!r})",
            allowed=allowed,
            fix="Use one such as '/orders/cache'",
            page=_PAGE,
        )


def _check_auth(auth: str) -> None:
    if auth not in _LOGINS:
        raise ConfigurationError(
            got=f"ConnectionParameters.from_path(auth={auth!r})",
            allowed=f"a login is by {', '.join(map(repr, _LOGINS))}",
            fix="Use the value of the parameter auth below the path",
        )


def _settings(cache: Cache, user: object | None) -> dict[str, str]:
    kind = Kind(of=Cache, method="connection_settings", example="ReplicationGroup(...), or another cache")
    check_kind("ConnectionParameters", "cache", cache, kind)
    if user is None:
        return dict(cache.connection_settings())
    if not hasattr(cache, "grant_connect"):
        raise ConfigurationError(
            got="ConnectionParameters(user=...) of a Memcached cluster",
            allowed="Memcached has no logins: any client with network access can use it",
            fix="Leave the user out, and let clients join client_security_group",
            page="https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/in-transit-encryption-mc.html",
        )
    return dict(cache.connection_settings(user))
