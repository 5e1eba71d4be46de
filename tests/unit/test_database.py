"""The database: what it has without a word, who may log in, and how its users come to be."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from cryptography import x509

from application_constructs.database import CERTIFICATES, Database, DatabaseUser
from elasticache_constructs import CacheNetwork, ConfigurationError
from tests.conftest import Bench, new_bench
from tests.unit.builders import client_of, other_stack

if TYPE_CHECKING:
    from elasticache_constructs.network.construct import ImportedNetwork

KIND = "RDS::DBInstance"
SHOP = DatabaseUser("shop")
REASON = "A stage whose data are made up again every night"
# Of the default authority in us-east-1, as several public copies of Amazon's bundle have it.
US_EAST_1 = "6obq8kxTFy1IHACjHc51nrGII5Bt76/MpTWhnJIJrCnq1/Uc3Qs8IVeb+s"


def database(bench: Bench, **changes: Any) -> Database:
    """A database with one user, and with changes."""
    arguments: dict[str, Any] = {
        "vpc": bench.vpc,
        "instance_type": ec2.InstanceType("t4g.micro"),
        "users": [SHOP],
        **changes,
    }
    return Database(bench.stack, "Database", **arguments)


def network(bench: Bench) -> ImportedNetwork:
    """The bench's VPC as a network, with endpoints."""
    return CacheNetwork.from_attributes(
        bench.stack,
        "Network",
        vpc_id="vpc-12345",
        availability_zones=["eu-west-1a", "eu-west-1b"],
        cache_subnet_ids=["subnet-a", "subnet-b"],
        endpoint_client_security_group=ec2.SecurityGroup.from_security_group_id(
            bench.stack, "EndpointClients", "sg-endpoints"
        ),
    )


@pytest.fixture(scope="module", name="plain")
def _plain() -> Bench:
    """A database about which nothing is said but size and users, and its users made: only to be looked at."""
    bench = new_bench()
    database(bench).create_users(network(bench))
    return bench


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("StorageEncrypted", True, id="data are encrypted"),
        pytest.param("PubliclyAccessible", False, id="there is no public address"),
        pytest.param("MultiAZ", True, id="a standby waits in another Availability Zone"),
        pytest.param("DeletionProtection", True, id="it is not deleted by mistake"),
        pytest.param("BackupRetentionPeriod", 35, id="backups are kept 35 days"),
        pytest.param("DeleteAutomatedBackups", False, id="and when it is deleted"),
        pytest.param("CopyTagsToSnapshot", True, id="snapshots carry its tags"),
        pytest.param("EnableIAMDatabaseAuthentication", True, id="applications log in by IAM"),
        pytest.param("ManageMasterUserPassword", True, id="RDS keeps and rotates the administrator's password"),
        pytest.param("AutoMinorVersionUpgrade", True, id="minor versions come by themselves"),
        pytest.param("EnablePerformanceInsights", True, id="slow statements can be looked up"),
        pytest.param("MonitoringInterval", 60, id="the machine is watched every minute"),
        pytest.param("EnableCloudwatchLogsExports", ["postgresql", "upgrade", "iam-db-auth-error"], id="logs are kept"),
        pytest.param("Port", "5432", id="the port is the usual one"),
        pytest.param("CACertificateIdentifier", "rds-ca-rsa2048-g1", id="the authority is the one that clients have"),
        pytest.param("Engine", "postgres", id="it is PostgreSQL"),
        pytest.param("StorageType", "gp3", id="on current disks"),
        pytest.param("AllocatedStorage", "20", id="of 20 GiB"),
        pytest.param("MaxAllocatedStorage", 100, id="which grow up to 100"),
        pytest.param("DBInstanceClass", "db.t4g.micro", id="the size is the one chosen"),
    ],
)
def test_default(plain: Bench, name: str, value: object) -> None:
    """Each default of the class's description is written into the template."""
    assert value == plain.only(KIND)["Properties"][name]


@pytest.mark.parametrize("name", ["MasterUserPassword", "DBInstanceIdentifier"])
def test_default_leaves_out(plain: Bench, name: str) -> None:
    """No password passes through the template, and no name stands in the way of a replacement."""
    assert name not in plain.only(KIND)["Properties"]


def test_no_secret_is_made_here(plain: Bench) -> None:
    """The administrator's is made by RDS; applications have none."""
    assert {} == plain.resources("SecretsManager::Secret")


@pytest.mark.parametrize("policy", ["DeletionPolicy", "UpdateReplacePolicy"])
def test_last_snapshot_is_taken(plain: Bench, policy: str) -> None:
    """A snapshot is taken when the database is deleted, and when it is replaced."""
    assert "Snapshot" == plain.only(KIND)[policy]


def test_one_customer_key_encrypts_everything(plain: Bench) -> None:
    """Data, insights and the administrator's secret have the key that is made with the database."""
    ((key, _),) = plain.resources("KMS::Key").items()
    properties = plain.only(KIND)["Properties"]

    used = [
        properties["KmsKeyId"],
        properties["PerformanceInsightsKMSKeyId"],
        properties["MasterUserSecret"]["KmsKeyId"],
    ]

    assert [{"Fn::GetAtt": [key, "Arn"]}] * 3 == used


@pytest.mark.parametrize(
    ("name", "value"),
    [("rds.force_ssl", "1"), ("log_statement", "ddl"), ("log_parameter_max_length", "0"), ("log_connections", "1")],
)
def test_parameters(plain: Bench, name: str, value: str) -> None:
    """TLS is required; connections and changes of tables are logged, without values."""
    assert value == plain.only("RDS::DBParameterGroup")["Properties"]["Parameters"][name]


def test_only_clients_get_in(plain: Bench) -> None:
    """The instance admits members of the client group on 5432, and no other client on any port."""
    groups = plain.resources("EC2::SecurityGroup")
    (inside,) = (each["Fn::GetAtt"][0] for each in plain.only(KIND)["Properties"]["VPCSecurityGroups"])
    rule = plain.only("EC2::SecurityGroupIngress")["Properties"]

    assert (inside, 5432, 5432) == (rule["GroupId"]["Fn::GetAtt"][0], rule["FromPort"], rule["ToPort"])
    assert {rule["SourceSecurityGroupId"]["Fn::GetAtt"][0]} == groups.keys() - {inside}
    assert [] == [name for name, each in groups.items() if "SecurityGroupIngress" in each["Properties"]]


@pytest.mark.parametrize(
    ("relaxation", "name"), [("single_zone_reason", "MultiAZ"), ("unprotected_reason", "DeletionProtection")]
)
def test_relaxation_is_one_line_with_a_reason(bench: Bench, relaxation: str, name: str) -> None:
    """A stage may do without a standby or without protection, each by saying why."""
    database(bench, **{relaxation: REASON})

    properties = bench.only(KIND)["Properties"]
    others = {"MultiAZ", "DeletionProtection"} - {name}
    assert (False, {True}) == (properties[name], {properties[other] for other in others})


@pytest.mark.parametrize("relaxation", ["single_zone_reason", "unprotected_reason"])
def test_relaxation_without_a_reason_is_refused(bench: Bench, relaxation: str) -> None:
    """A reason that says nothing is not accepted."""
    with pytest.raises(ConfigurationError, match=rf"Database\({relaxation}=\.\.\.\) with the reason 'dev'"):
        database(bench, **{relaxation: "dev"})


@pytest.mark.parametrize("users", [[], [SHOP, DatabaseUser("shop")]])
def test_users_are_named_once(bench: Bench, users: list[DatabaseUser]) -> None:
    """A database that no user may log in to is a mistake, and so is one name for two."""
    with pytest.raises(ConfigurationError, match="one user at least, and each name once"):
        database(bench, users=users)


@pytest.mark.parametrize("name", ["Shop", "9shop", "sh-op", "", 'x"; DROP', "a" * 64])
def test_names_that_need_quotes_are_refused(name: str) -> None:
    """A name is one that SQL, IAM and the environment write alike."""
    with pytest.raises(ConfigurationError, match="begins with a letter"):
        DatabaseUser(name)


@pytest.mark.parametrize("name", ["administrator", "postgres", "rdsadmin", "rds_iam", "pg_monitor", "public"])
def test_names_that_are_taken_are_refused(name: str) -> None:
    """No user becomes the administrator, or a role of the service, by name."""
    with pytest.raises(ConfigurationError, match="have that name"):
        DatabaseUser(name)


def test_grant_is_for_one_user_of_one_database(bench: Bench) -> None:
    """IAM admits the role to this database under this name, without a wildcard."""
    role = iam.Role(bench.stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    database(bench).grant_connect(role, SHOP)

    (statement,) = bench.only("IAM::Policy")["Properties"]["PolicyDocument"]["Statement"]
    ((instance, _),) = bench.resources(KIND).items()
    name = {"Fn::GetAtt": [instance, "DbiResourceId"]}
    assert "rds-db:connect" == statement["Action"]
    assert [":dbuser:", name, "/shop"] == statement["Resource"]["Fn::Join"][1][-3:]


@pytest.mark.parametrize("use", ["grant_connect", "connection_settings"])
def test_user_of_another_database_is_refused(bench: Bench, use: str) -> None:
    """A user that this database does not have would fail at every login."""
    made = database(bench)
    role = iam.Role(bench.stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    arguments = [role] if use == "grant_connect" else []

    with pytest.raises(ConfigurationError, match=r"the users of this database are 'shop'"):
        getattr(made, use)(*arguments, DatabaseUser("other"))


def test_settings_hold_no_secret(bench: Bench) -> None:
    """An application is told where, as whom, over TLS, by IAM, and which authorities to trust."""
    settings = database(bench).connection_settings(SHOP)

    host = settings.pop("DATABASE_HOST")
    assert cdk.Token.is_unresolved(host)
    assert {
        "DATABASE_PORT": "5432",
        "DATABASE_NAME": "application",
        "DATABASE_USER": "shop",
        "DATABASE_TLS": "true",
        "DATABASE_IAM": "true",
        "DATABASE_CA_FILE": "/var/task/rds-ca-rsa2048-g1.pem",
    } == settings


def test_connections_work_across_stacks(bench: Bench) -> None:
    """Rules for a client in another stack are written there, so that the two make no cycle."""
    stack = other_stack(bench)
    database(bench).connections.allow_default_port_from(client_of(stack, bench.vpc))

    assert 1 == len(bench.resources("EC2::SecurityGroupIngress"))
    assert [5432] == [
        each["Properties"]["FromPort"] for each in bench.resources("EC2::SecurityGroupIngress", stack).values()
    ]


# Users


def statements(bench: Bench) -> dict[str, Any]:
    """What the function that creates users may do: resource by action."""
    document = bench.only("IAM::ManagedPolicy")["Properties"]["PolicyDocument"]
    return {
        action: each["Resource"]
        for each in document["Statement"]
        for action in (each["Action"] if isinstance(each["Action"], list) else [each["Action"]])
    }


def test_users_are_created_as_the_administrator(plain: Bench) -> None:
    """The function reads the one secret, or logs in as the administrator by IAM, and nothing else of either."""
    allowed = statements(plain)
    ((instance, _),) = plain.resources(KIND).items()

    assert {"Fn::GetAtt": [instance, "MasterUserSecret.SecretArn"]} == allowed["secretsmanager:GetSecretValue"]
    assert "/administrator" == allowed["rds-db:connect"]["Fn::Join"][1][-1]
    assert {"secretsmanager", "rds-db", "kms", "logs", "ec2", "xray"} == {action.split(":")[0] for action in allowed}


def test_users_are_created_once_there_is_a_way_in(plain: Bench) -> None:
    """The function runs when the instance and both rules are there, at every change of users or code."""
    trigger = plain.template()["Resources"]
    (call,) = (each for each in trigger.values() if each["Type"] == "Custom::Trigger")
    needed = {*plain.resources(KIND), *plain.resources("EC2::SecurityGroupIngress")}
    needed |= {*plain.resources("EC2::SecurityGroupEgress")}

    assert set() == needed - set(call["DependsOn"])
    assert plain.resources("Lambda::Version").keys() == {call["Properties"]["HandlerArn"]["Ref"]}


def test_creating_users_reaches_secrets_manager(plain: Bench) -> None:
    """The function is in the database's client group and in that of the endpoints."""
    (function,) = (
        each
        for each in plain.resources("Lambda::Function").values()
        if each["Properties"]["Handler"] == "create_users.handler.handle"
    )
    groups = function["Properties"]["VpcConfig"]["SecurityGroupIds"]

    assert "sg-endpoints" in groups
    assert 2 == len(groups)


# Authorities


def authorities() -> dict[str, x509.Certificate]:
    """Certificate by the region that is named before it."""
    pattern = re.compile(r"^# (\S+)\n(-----BEGIN.+?-----END CERTIFICATE-----)$", re.MULTILINE | re.DOTALL)
    found = pattern.findall(CERTIFICATES.read_text())
    return {region: x509.load_pem_x509_certificate(pem.encode()) for region, pem in found}


def test_authorities_are_amazons_roots() -> None:
    """Each is the self-signed root of the databases' authority in the region before it, for a year at least."""
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(days=365)
    wrong = [
        region
        for region, root in authorities().items()
        if f"CN=Amazon RDS {region} Root CA RSA2048 G1" not in root.subject.rfc4514_string()
        or root.not_valid_after_utc < soon
        or root.verify_directly_issued_by(root)  # type: ignore[func-returns-value]
    ]

    assert [] == wrong
    assert len(authorities()) == CERTIFICATES.read_text().count("BEGIN CERTIFICATE")


def test_authorities_are_those_that_others_have() -> None:
    """One of them is held against a copy that did not come the same way."""
    assert US_EAST_1 in CERTIFICATES.read_text()


def test_region_without_an_authority_is_refused() -> None:
    """A region whose root the package does not have would fail every connection; synth says so first."""
    stack = cdk.Stack(cdk.App(analytics_reporting=False), "Test", env=cdk.Environment(region="xx-north-9"))
    vpc = ec2.Vpc.from_vpc_attributes(stack, "Vpc", vpc_id="vpc-1", availability_zones=["xx-north-9a"])

    with pytest.raises(ConfigurationError, match=r"a database in xx-north-9: .*has none of that region"):
        database(Bench(stack, vpc))


# What RDS would refuse


@pytest.mark.parametrize("storage", [0, 10, 19, 65537, 80000, 20.0, True, None])
def test_storage_out_of_its_limits_is_refused(bench: Bench, storage: Any) -> None:
    """gp3 storage of PostgreSQL has 20 GiB to 65536; the fix builds."""
    with pytest.raises(ConfigurationError, match="20 to 65536 GiB") as refusal:
        database(bench, storage_gib=storage)
    right = refusal.value.fix.removeprefix("Use storage_gib=")
    database(bench, storage_gib=int(right))


@pytest.mark.parametrize(
    ("storage", "most"), [(20, 100), (13107, 65535), (16000, 65536), (59578, 65536), (59579, None), (65536, None)]
)
def test_storage_grows_no_further_than_rds_has_it(bench: Bench, storage: int, most: int | None) -> None:
    """Five times as much, 65536 GiB at most; and by a tenth at least, or not by itself."""
    database(bench, storage_gib=storage)
    instance = bench.only("RDS::DBInstance")["Properties"]
    assert (str(storage), most) == (instance["AllocatedStorage"], instance.get("MaxAllocatedStorage"))


def test_subnets_of_one_zone_are_refused(bench: Bench) -> None:
    """RDS wants two zones in a subnet group, though the database be in one."""
    subnets = ec2.SubnetSelection(subnets=bench.vpc.isolated_subnets[:1])
    with pytest.raises(ConfigurationError, match=r"^subnets in one Availability Zone \(eu-west-1a\) for a database"):
        database(bench, vpc_subnets=subnets, single_zone_reason="The data are made up again.")


@pytest.mark.parametrize(
    ("written", "right"),
    [
        ("db.t4g.micro", "t4g.micro"),
        ("cache.t4g.micro", "t4g.micro"),
        ("db.db.t4g.micro", "t4g.micro"),
        ("T4G.micro", "t4g.micro"),
        ("t4g", "t4g.micro"),
        ("", "t4g.micro"),
    ],
)
def test_instance_type_of_another_form_is_refused(bench: Bench, written: str, right: str) -> None:
    """In one line with the type that was meant, and not by all that there are."""
    with pytest.raises(ConfigurationError) as refusal:
        database(bench, instance_type=ec2.InstanceType(written))
    assert f"Use ec2.InstanceType({right!r})" == refusal.value.fix
    assert len(str(refusal.value)) < 300
