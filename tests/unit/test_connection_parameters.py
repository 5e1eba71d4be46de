"""The settings of a cache as parameters of Systems Manager, and what other stacks make of them."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam

from elasticache_client import ConnectionSettings
from elasticache_constructs import ConfigurationError, ConnectionParameters, ReplicationGroup
from elasticache_constructs.shared.connection_settings import PREFIX, VARIABLES
from tests.unit.builders import APP, LEGACY, memcached_cluster, other_stack, replication_group

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Bench

PATH = "/orders/cache"
BOOTSTRAP = "/cdk-bootstrap/hnb659fds/version"
PAGE = "https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html"


def _values(bench: Bench) -> dict[str, Any]:
    made = [each["Properties"] for each in bench.resources("SSM::Parameter").values()]
    assert {"String"} == {each["Type"] for each in made}
    return {each["Name"].removeprefix(f"{PATH}/"): each["Value"] for each in made}


def imported(bench: Bench) -> Any:
    """A group of another app."""
    return ReplicationGroup.from_replication_group_attributes(
        bench.stack, "Shop", replication_group_id="shop", endpoint_address="shop.example", security_groups=[]
    )


@pytest.mark.parametrize(
    ("make", "user"),
    [
        pytest.param(replication_group, APP, id="IAM"),
        pytest.param(replication_group, LEGACY, id="a password"),
        pytest.param(replication_group, None, id="the AUTH token"),
        pytest.param(memcached_cluster, None, id="Memcached"),
        pytest.param(imported, APP, id="an imported group"),
    ],
)
def test_parameters_are_the_settings(bench: Bench, make: Callable[[Bench], Any], user: Any) -> None:
    """Each setting is a parameter, and the client security group is another; no value is a secret's."""
    cache = make(bench)
    ConnectionParameters(bench.stack, "Parameters", cache=cache, path=PATH, user=user)
    settings = cache.connection_settings(user) if user else cache.connection_settings()
    expected = {name.removeprefix(PREFIX).lower(): value for name, value in settings.items()}
    if cache.client_security_group is not None:
        expected["client_security_group"] = cache.client_security_group.security_group_id

    values = _values(bench)
    assert bench.stack.resolve(expected) == values
    assert "{{resolve" not in str(values)


def test_names_are_those_of_the_client() -> None:
    """The variables that there may be are the client's, so that no name is left out of a grant."""
    assert {*VARIABLES} == {
        f"{PREFIX}CONTRACT",
        *(f"{PREFIX}{each.name.upper()}" for each in fields(ConnectionSettings)),
    }


def test_readers_may_read_these_alone(bench: Bench) -> None:
    """A role may read the path and each parameter below it, without a wildcard."""
    made = ConnectionParameters(bench.stack, "Parameters", cache=imported(bench), path=PATH, user=APP)
    role = iam.Role(bench.stack, "Role", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
    made.grant_read(iam.ManagedPolicy(bench.stack, "Policy", roles=[role]))

    (statement,) = [
        each
        for policy in bench.resources("IAM::ManagedPolicy").values()
        for each in policy["Properties"]["PolicyDocument"]["Statement"]
        if "ssm:GetParametersByPath" in each["Action"]
    ]
    assert ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"] == statement["Action"]
    names = {each["Fn::Join"][1][-1].partition(":parameter")[2] for each in statement["Resource"]}
    assert {PATH, *(f"{PATH}/{name}" for name in _values(bench))} <= names
    assert "*" not in "".join(names)


def test_containers_get_the_variables(bench: Bench) -> None:
    """ECS gives a container the client's environment variables, from the parameters."""
    made = ConnectionParameters(bench.stack, "Parameters", cache=imported(bench), path=PATH, user=APP)
    task = ecs.FargateTaskDefinition(bench.stack, "Task")
    secrets = {name: ecs.Secret.from_ssm_parameter(each) for name, each in made.variables.items()}
    task.add_container("App", image=ecs.ContainerImage.from_registry("app"), secrets=secrets)

    (container,) = bench.only("ECS::TaskDefinition")["Properties"]["ContainerDefinitions"]
    parameters = {
        name: each["Properties"]["Name"].rpartition("/")[2].upper()
        for name, each in bench.resources("SSM::Parameter").items()
    }
    found = {each["Name"]: parameters[each["ValueFrom"]["Fn::Join"][1][-1]["Ref"]] for each in container["Secrets"]}
    assert {name: name.removeprefix(PREFIX) for name in made.variables} == found
    assert f"{PREFIX}HOST" in found
    assert f"{PREFIX}CLIENT_SECURITY_GROUP" not in found


@pytest.mark.parametrize(
    ("auth", "of_login"),
    [("iam", {"user", "cache_name"}), ("secret", {"user", "secret_arn"}), ("none", set())],
)
def test_other_stacks_read_them_without_an_export(bench: Bench, auth: Any, of_login: set[str]) -> None:
    """A stack reads host and security group by name when it deploys, and asks for no parameter that is not there."""
    ConnectionParameters(bench.stack, "Parameters", cache=imported(bench), path=PATH, user=APP)
    consumer = other_stack(bench, "Consumer")
    found = ConnectionParameters.from_path(consumer, "Cache", path=PATH, auth=auth, has_reader=True)
    assert found.client_security_group is not None
    group = found.client_security_group.security_group_id
    assert found.client_security_group is found.client_security_group
    settings = {name: each.string_value for name, each in found.variables.items()}

    template = bench.template(consumer)
    read = {each["Default"] for each in template["Parameters"].values() if "SSM::Parameter" in each["Type"]}
    always = {"contract", "engine", "host", "port", "tls", "mode", "auth", "serverless", "reader_host"}
    assert {f"{PATH}/{name}" for name in always | of_login | {"client_security_group"}} == read - {BOOTSTRAP}
    assert consumer.resolve([group, settings[f"{PREFIX}HOST"]]) == [
        {"Ref": name}
        for wanted in ("client_security_group", "host")
        for name, each in template["Parameters"].items()
        if each.get("Default") == f"{PATH}/{wanted}"
    ]
    assert "Fn::ImportValue" not in str(template)
    assert "Outputs" not in bench.template()
    assert {"ELASTICACHE_PARAMETERS": PATH} == found.environment()


@pytest.mark.parametrize(
    "path",
    ["orders", "orders/cache", "/orders/", "//orders", "/", "", "/or ders", "/aws/cache", "/SSM-x/cache", "/a" * 15],
)
def test_paths_that_the_service_refuses_are_refused(bench: Bench, path: str) -> None:
    """A path is judged at synth, here and where it is read."""
    with pytest.raises(ConfigurationError) as refused:
        ConnectionParameters(bench.stack, "Parameters", cache=imported(bench), path=path, user=APP)
    with pytest.raises(ConfigurationError) as refused_too:
        ConnectionParameters.from_path(bench.stack, "Other", path=path)
    expected = (
        f"ConnectionParameters(path={path!r}): a path begins with a slash and has at most 14 levels and 900 "
        "characters: letters, digits, '_', '.' and '-'; the first level does not begin with aws or ssm. Use one such "
        f"as '/orders/cache'. See {PAGE}"
    )
    assert expected == str(refused.value) == str(refused_too.value)


def test_nearest_paths_are_taken(bench: Bench) -> None:
    """What only looks like a reserved name or as too deep is taken."""
    for path in ("/my-aws/cache", "/o", "/a" * 14):
        assert path == ConnectionParameters.from_path(bench.stack, f"Read{len(path)}", path=path).path


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(
            lambda bench: ConnectionParameters(bench.stack, "P", cache=memcached_cluster(bench), path=PATH, user=APP),
            "ConnectionParameters(user=...) of a Memcached cluster: Memcached has no logins: any client with network "
            "access can use it. Leave the user out, and let clients join client_security_group. "
            "See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/in-transit-encryption-mc.html",
            id="a user of Memcached",
        ),
        pytest.param(
            lambda bench: ConnectionParameters(bench.stack, "P", cache=bench.vpc, path=PATH),
            "of type InterfaceDynamicProxy: cache is of type Cache. Use cache=ReplicationGroup(...), or another cache.",
            id="no cache",
        ),
        pytest.param(
            lambda bench: ConnectionParameters.from_path(bench.stack, "P", path=PATH, auth="token"),  # type: ignore[arg-type]
            "ConnectionParameters.from_path(auth='token'): a login is by 'iam', 'secret', 'none'. Use the value of the "
            "parameter auth below the path.",
            id="an unknown login",
        ),
        pytest.param(
            lambda bench: ConnectionParameters.from_path(bench.stack, "P", path=PATH).parameter("secret_arn"),
            "parameter('secret_arn') of Test/P: its parameters are contract, engine, host, port, tls, mode, auth, "
            "serverless, user, cache_name, client_security_group. Use one of them.",
            id="a parameter that is not there",
        ),
    ],
)
def test_what_cannot_be_is_refused(bench: Bench, make: Callable[[Bench], object], message: str) -> None:
    """Each refusal says what is allowed."""
    with pytest.raises(ConfigurationError) as refused:
        make(bench)
    assert message in str(refused.value)


def test_a_path_is_taken_once(bench: Bench) -> None:
    """Two constructs of an account and Region with one path would fail the deployment."""
    cache = imported(bench)
    ConnectionParameters(bench.stack, "First", cache=cache, path=PATH, user=APP)
    with pytest.raises(ConfigurationError, match=r"Test/First has parameters of that name.*Give each its own path"):
        ConnectionParameters(bench.stack, "Second", cache=cache, path=PATH, user=APP)
