"""PostgreSQL on Amazon RDS."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import jsii
from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_rds as rds
from constructs import Construct

from application_constructs.bundling import PythonBundle
from application_constructs.function import WorkloadFunction
from elasticache_constructs.checks.argument_types import Kind, check_kind
from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.reasons import checked_reason
from elasticache_constructs.checks.situations import Situation, accept
from elasticache_constructs.checks.tokens import is_known, is_unresolved
from elasticache_constructs.checks.whole_numbers import is_whole_number, other_type, shown
from elasticache_constructs.network.security_groups import CacheSecurityGroups, connections_from_consumers
from elasticache_constructs.network.subnets import Spread, choose_subnets
from elasticache_constructs.shared.encryption_key import EncryptionKey, checked_key
from elasticache_constructs.shared.grants import grant
from elasticache_constructs.values.endpoint import Endpoint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_kms as kms

    from application_constructs.database.users import DatabaseUser
    from elasticache_constructs.network.construct import CacheNetwork, ImportedNetwork

POSTGRESQL_PORT = 5432
"""The port of PostgreSQL."""

CERTIFICATES = Path(__file__).parent / "rds-ca-rsa2048-g1.pem"
"""The authorities that signed the databases' certificates, one a region: ship it at the top of a function's bundle."""

_STORAGE = (20, 65536)
_STORAGE_PAGE = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html"
_ISOLATED = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
_TWO_ZONES = Spread("a database, which RDS wants two of", None)
_ADMINISTRATOR = "administrator"
_DATABASE = "application"
_RUNTIME = Path(__file__).parent / "runtime"
_WHERE_FUNCTIONS_ARE = "/var/task"
_PARAMETERS = {
    "rds.force_ssl": "1",
    "log_connections": "1",
    "log_disconnections": "1",
    "log_statement": "ddl",
    "log_min_duration_statement": "1000",
    # Statements are logged without their parameter values.
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}

_USUAL_PORT = (
    "Access is by security group, TLS and IAM login, not by an obscure port; clients, tools and runbooks expect 5432."
)
_ONE_LOG_MORE = (
    "The rule wants the logs postgresql and upgrade and no other. They are exported; so is iam-db-auth-error, which "
    "alone says why a login by IAM failed."
)
_OWN_BACKUPS = (
    "RDS backs the database up by itself: daily and continuously for 35 days, kept when the database is deleted, and "
    "with a final snapshot. AWS Backup would keep the same snapshots in another vault."
)
_MONITORING_POLICY = (
    "The policy that AWS wrote for enhanced monitoring, which lets RDS write to the log group RDSOSMetrics alone "
    "(AmazonRDS/latest/UserGuide/USER_Monitoring.OS.Enabling.html)."
)


@jsii.implements(ec2.IConnectable)
class Database(Construct):
    """A PostgreSQL database that applications log in to by IAM, without a password.

    With only size and users set you get: a standby in another Availability Zone, encryption with a customer managed
    key, required TLS, daily and continuous backups for 35 days, a final snapshot, deletion protection, minor upgrades,
    exported logs, Performance Insights and enhanced monitoring. RDS generates the administrator's password, keeps it in
    a separate secret and rotates it every week; only `create_users` reads it.

    RDS creates the log groups of exported logs itself: set their retention in the account.

    Replaced, without its data (a final snapshot is taken), when one of these changes: its construct path, ``vpc``,
    ``encryption_key``. Changed in place: ``instance_type``, ``storage_gib`` (upwards), ``single_zone_reason``, users.

    Args:
        scope: The parent.
        construct_id: The id in the parent. It decides the logical id: changing it replaces the database.
        vpc: The VPC.
        instance_type: The size, for example ``ec2.InstanceType("t4g.micro")``.
        users: The users that can log in, in addition to the administrator.
        vpc_subnets: The subnets, in at least two zones even without a standby. Default: the isolated ones.
        storage_gib: 20 to 65536. Default: 20 GiB. Storage scales automatically up to five times the value.
        single_zone_reason: Why the loss of a zone may stop the database, which then has no standby. Default: a standby
            in another zone.
        unprotected_reason: Why the database may be deleted with its stack; a final snapshot is still taken. Default:
            deletion protection is on.
        encryption_key: Encrypts data, backups, the administrator's secret, and logs of `create_users`. CloudWatch Logs
            is added to the policy of a key of the app; that of an imported key must allow it, and synth warns.
            Default: a separate `EncryptionKey`, 1 USD a month.

    Raises:
        ConfigurationError: If there are no users, two have one name, a reason is too short, the package has no
            certificate authority of the region, or RDS would refuse the storage, the size or the subnets.

    See https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        instance_type: ec2.InstanceType,
        users: Sequence[DatabaseUser],
        vpc_subnets: ec2.SubnetSelection | None = None,
        storage_gib: int = 20,
        single_zone_reason: str | None = None,
        unprotected_reason: str | None = None,
        encryption_key: kms.IKey | None = None,
    ) -> None:
        with reported_together() as check:
            check(_check_users, users)
            check(_check_region, Stack.of(scope).region)
            for name, reason in (("single_zone", single_zone_reason), ("unprotected", unprotected_reason)):
                if reason is not None:
                    check(checked_reason, reason, what=f"Database({name}_reason=...)")
            check(_check_storage, storage_gib)
            check(_check_instance_type, instance_type)
            check(choose_subnets, vpc=vpc, vpc_subnets=vpc_subnets or _ISOLATED, spread=_TWO_ZONES, of=scope)
            given_key = None if encryption_key is None else check(checked_key, encryption_key, of=scope)

        super().__init__(scope, construct_id)
        key = given_key or EncryptionKey(self, "Key", description=f"Database {construct_id}")
        self._groups = CacheSecurityGroups(
            self, "Network", vpc=vpc, port=POSTGRESQL_PORT, members="Instances", store="database"
        )
        monitoring = iam.Role(
            self,
            "Monitoring",
            assumed_by=iam.ServicePrincipal(
                "monitoring.rds.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            ),
            managed_policies=[
                iam.ManagedPolicy.from_aws_managed_policy_name("service-role/AmazonRDSEnhancedMonitoringRole")
            ],
        )
        engine = rds.DatabaseInstanceEngine.postgres(version=rds.PostgresEngineVersion.VER_18_3)
        self._instance = rds.DatabaseInstance(
            self,
            "Instance",
            engine=engine,
            instance_type=instance_type,
            vpc=vpc,
            vpc_subnets=vpc_subnets or _ISOLATED,
            security_groups=[self._groups.nodes],
            port=POSTGRESQL_PORT,
            publicly_accessible=False,
            multi_az=single_zone_reason is None,
            database_name=_DATABASE,
            credentials=rds.Credentials.from_username(_ADMINISTRATOR, encryption_key=key),
            manage_master_user_password=True,
            iam_authentication=True,
            ca_certificate=rds.CaCertificate.RDS_CA_RSA2048_G1,
            parameter_group=rds.ParameterGroup(
                self, "Parameters", engine=engine, description="Parameters of the database", parameters=_PARAMETERS
            ),
            storage_type=rds.StorageType.GP3,
            allocated_storage=storage_gib,
            max_allocated_storage=_most_storage(storage_gib),
            storage_encryption_key=key,
            backup_retention=Duration.days(35),
            preferred_backup_window="02:00-03:00",
            preferred_maintenance_window="sun:04:00-sun:05:00",
            copy_tags_to_snapshot=True,
            delete_automated_backups=False,
            deletion_protection=unprotected_reason is None,
            removal_policy=RemovalPolicy.SNAPSHOT,
            auto_minor_version_upgrade=True,
            enable_performance_insights=True,
            performance_insight_encryption_key=key,
            monitoring_interval=Duration.minutes(1),
            monitoring_role=monitoring,
            cloudwatch_logs_exports=["postgresql", "upgrade", "iam-db-auth-error"],
        )
        self.endpoint = Endpoint(self._instance.db_instance_endpoint_address, POSTGRESQL_PORT)
        """Where clients connect."""
        self.client_security_group = self._groups.clients
        """For clients to join."""
        self.encryption_key = key
        self._connections = connections_from_consumers(self, [self._groups.nodes], port=POSTGRESQL_PORT)
        self._users = tuple(users)
        self._vpc = vpc
        _acknowledge(self._instance, monitoring, single_zone=single_zone_reason, unprotected=unprotected_reason)

    @property
    def connections(self) -> ec2.Connections:
        """Network access, on PostgreSQL's port by default.

        ``database.connections.allow_default_port_from(function)`` works across stacks: the rules go into the
        function's. Joining ``client_security_group`` needs no rule.
        """
        return self._connections

    def grant_connect(self, grantee: iam.IGrantable, user: DatabaseUser) -> iam.Grant:
        """Allow a role to log in as a user of the database. Network access is separate: see ``connections``.

        Args:
            grantee: A role or function in the database's account.
            user: One of the database's users.

        Raises:
            ConfigurationError: If the database does not have the user, or the app does not write the grantee's
                policy.

        See https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.IAMPolicy.html
        """
        self._check_is_ours(user)
        return self._grant_login(grantee, user.name)

    def connection_settings(self, user: DatabaseUser) -> dict[str, str]:
        """Environment variables for a function that connects as a user of the database. They hold no secret.

        The function's bundle has `CERTIFICATES` among its sources: the certificate authorities of Amazon RDS are not
        in any system's trust store.

        Args:
            user: One of the database's users.

        Raises:
            ConfigurationError: If the database does not have the user.
        """
        self._check_is_ours(user)
        return {**self._where(), "DATABASE_USER": user.name, "DATABASE_TLS": "true", "DATABASE_IAM": "true"}

    def create_users(
        self, network: CacheNetwork | ImportedNetwork, *, no_reserved_concurrency_reason: str | None = None
    ) -> WorkloadFunction:
        """Create the users in the database at deployment, each with a schema that is named after it.

        PostgreSQL creates users by SQL only, so a function runs in the application subnets as the administrator: once
        when the database is new, and again when the users change. Users that are removed here stay in the database,
        with their tables; without `grant_connect` no role can log in as one.

        Args:
            network: The database's network, from which Secrets Manager must be reached.
            no_reserved_concurrency_reason: Why no concurrency is reserved for the function. Default: one execution is.

        Returns:
            The function.

        Raises:
            ConfigurationError: If the network has no route out, is another one, or the reason is too short.
        """
        network.check_way_out("Database.create_users(network)", "Secrets Manager")
        secret_arn = self._instance_resource().attr_master_user_secret_secret_arn
        bundle = PythonBundle(
            sources=(_RUNTIME / "create_users", CERTIFICATES), requirements=_RUNTIME / "requirements.txt"
        )
        groups = [
            self.client_security_group,
            *([network.endpoint_client_security_group] if network.endpoint_client_security_group else []),
        ]
        function = WorkloadFunction(
            self,
            "CreateUsers",
            code=bundle.code(),
            handler="create_users.handler.handle",
            vpc=self._vpc,
            vpc_subnets=network.application_subnets,
            security_groups=groups,
            environment={
                **self._where(),
                "DATABASE_SECRET_ARN": secret_arn,
                "DATABASE_USERS": ",".join(user.name for user in self._users),
            },
            encryption_key=self.encryption_key,
            concurrency=1,
            no_reserved_concurrency_reason=no_reserved_concurrency_reason,
        )
        grant("create_users", function, of=self, actions=["secretsmanager:GetSecretValue"], resource_arns=[secret_arn])
        self._grant_login(function, _ADMINISTRATOR)
        # Not before there is something to log in to, and a way to it.
        function.run_at_deployment().node.add_dependency(self._instance, self._groups)
        return function

    def _where(self) -> dict[str, str]:
        return {
            "DATABASE_HOST": self.endpoint.host,
            "DATABASE_PORT": str(self.endpoint.port),
            "DATABASE_NAME": _DATABASE,
            "DATABASE_CA_FILE": f"{_WHERE_FUNCTIONS_ARE}/{CERTIFICATES.name}",
        }

    def _grant_login(self, grantee: iam.IGrantable, name: str) -> iam.Grant:
        user = Stack.of(self).format_arn(
            service="rds-db",
            resource="dbuser",
            resource_name=f"{self._instance_resource().attr_dbi_resource_id}/{name}",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        return grant("grant_connect", grantee, of=self, actions=["rds-db:connect"], resource_arns=[user])

    def _instance_resource(self) -> rds.CfnDBInstance:
        resource = self._instance.node.default_child
        assert isinstance(resource, rds.CfnDBInstance)  # noqa: S101 - for the type checker: it always is
        return resource

    def _check_is_ours(self, user: DatabaseUser) -> None:
        if user not in self._users:
            raise ConfigurationError(
                got=f"DatabaseUser({user.name!r}) of another database",
                allowed=f"the users of this database are {', '.join(repr(each.name) for each in self._users)}",
                fix="Add the user to Database(users=[...]) first, and pass the same value here",
            )


def _check_users(users: Sequence[DatabaseUser]) -> None:
    names = [user.name for user in users]
    if not names or len(set(names)) != len(names):
        raise ConfigurationError(
            got=f"users={names}",
            allowed="a database has one user at least, and each name once",
            fix="Use users=[DatabaseUser('catalogue')]",
        )


def _check_storage(storage_gib: int) -> None:
    if not is_whole_number(storage_gib, *_STORAGE):
        least, most = _STORAGE
        right = most if isinstance(storage_gib, int) and storage_gib > most else least
        raise ConfigurationError(
            got=f"Database(storage_gib={shown(storage_gib)}){other_type(storage_gib)}",
            allowed=f"PostgreSQL has {least} to {most} GiB of gp3 storage",
            fix=f"Use storage_gib={right}",
            page=_STORAGE_PAGE,
        )


def _most_storage(storage_gib: int) -> int | None:
    """How far storage grows by itself: at least a tenth, which RDS wants; not at all where there is no room for it."""
    most = min(5 * storage_gib, _STORAGE[1])
    return most if 10 * most >= 11 * storage_gib else None


def _check_instance_type(instance_type: ec2.InstanceType) -> None:
    kind = Kind(of=ec2.InstanceType, example="ec2.InstanceType('t4g.micro')", method="to_string")
    check_kind("Database", "instance_type", instance_type, kind)
    name = instance_type.to_string()
    if is_known(name) and not re.fullmatch(r"(?!db\.|cache\.)[a-z][a-z0-9-]*\.[a-z0-9]+", name):
        bare = re.sub(r"^((cache|db)\.)*", "", name.strip().lower())
        well_formed = re.fullmatch(r"[a-z][a-z0-9-]*\.[a-z0-9]+", bare)
        raise ConfigurationError(
            got=f"Database(instance_type=ec2.InstanceType({name!r}))",
            allowed="an instance type is <family>.<size> in lower case, without db. before it",
            fix=f"Use ec2.InstanceType({(bare if well_formed else 't4g.micro')!r})",
            page="https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.html",
        )


def _check_region(region: str) -> None:
    known = re.findall(r"^# ([a-z]+(?:-[a-z]+)+-\d)$", CERTIFICATES.read_text(), flags=re.MULTILINE)
    if not is_unresolved(region) and region not in known:
        raise ConfigurationError(
            got=f"a database in {region}",
            allowed=f"clients trust the authorities in {CERTIFICATES.name}, which has none of that region",
            fix=f"Add the region's root certificate RSA2048 G1 from the page to {CERTIFICATES}",
            page="https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html",
        )


def _acknowledge(
    instance: rds.DatabaseInstance, monitoring: iam.Role, *, single_zone: str | None, unprotected: str | None
) -> None:
    accept(
        instance,
        {
            Situation.DATABASE_ON_DEFAULT_PORT: _USUAL_PORT,
            Situation.DATABASE_WITHOUT_EVERY_LOG: _ONE_LOG_MORE,
            Situation.DATABASE_OUTSIDE_BACKUP_PLAN: _OWN_BACKUPS,
            Situation.DATABASE_IN_ONE_ZONE: single_zone,
            Situation.DATABASE_WITHOUT_DELETION_PROTECTION: unprotected,
        },
    )
    accept(monitoring, {Situation.DATABASE_MONITORED_BY_MANAGED_POLICY: _MONITORING_POLICY})
