"""Functions of applications: where they run, under which policy, and what grants add to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_

from application_constructs.function import WorkloadFunction
from elasticache_constructs import ConfigurationError, EncryptionKey
from tests.conftest import Bench, new_bench
from tests.unit.builders import APP, other_stack, replication_group

if TYPE_CHECKING:
    import aws_cdk as cdk

KIND = "Lambda::Function"


def function(
    bench: Bench, construct_id: str = "Shop", *, stack: cdk.Stack | None = None, **changes: Any
) -> WorkloadFunction:
    """A function with one security group, and with changes."""
    scope = stack or bench.stack
    arguments: dict[str, Any] = {
        "code": lambda_.Code.from_inline("pass"),
        "handler": "shop.handler.handler",
        "vpc": bench.vpc,
        "vpc_subnets": ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
        "security_groups": [ec2.SecurityGroup.from_security_group_id(scope, f"{construct_id}Clients", "sg-1")],
        "environment": {"COLOUR": "blue"},
        "encryption_key": EncryptionKey(scope, f"{construct_id}Key", description="Shop").key,
        **changes,
    }
    return WorkloadFunction(scope, construct_id, **arguments)


@pytest.fixture(scope="module", name="plain")
def _plain() -> Bench:
    """A function about which nothing is said: only to be looked at."""
    bench = new_bench()
    function(bench)
    return bench


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("Runtime", "python3.14", id="the runtime that bundles are made for"),
        pytest.param("Architectures", ["arm64"], id="and the processor"),
        pytest.param("Timeout", 29, id="it ends before API Gateway stops waiting"),
        pytest.param("ReservedConcurrentExecutions", 10, id="its connections are bounded"),
        pytest.param("TracingConfig", {"Mode": "Active"}, id="it is traced"),
        pytest.param(
            "VpcConfig", {"SecurityGroupIds": ["sg-1"], "SubnetIds": ["subnet-a", "subnet-b"]}, id="it is in the VPC"
        ),
        pytest.param("Environment", {"Variables": {"COLOUR": "blue"}}, id="it has the settings given"),
    ],
)
def test_default(plain: Bench, name: str, value: object) -> None:
    """Each default of the class's description is written into the template."""
    assert value == plain.only(KIND)["Properties"][name]


def test_settings_and_log_are_encrypted(plain: Bench) -> None:
    """Both have the customer's key, which the function may use to read its settings."""
    ((name, _),) = plain.resources("KMS::Key").items()
    key = {"Fn::GetAtt": [name, "Arn"]}
    ((group, log),) = plain.resources("Logs::LogGroup").items()

    assert [key] * 2 == [plain.only(KIND)["Properties"]["KmsKeyArn"], log["Properties"]["KmsKeyId"]]
    assert group in str(plain.only(KIND)["Properties"]["LoggingConfig"])
    assert key == allowed(plain)["kms:Decrypt"]


def allowed(bench: Bench, stack: cdk.Stack | None = None) -> dict[str, Any]:
    """Resource by action, of the only policy."""
    document = bench.only("IAM::ManagedPolicy", stack)["Properties"]["PolicyDocument"]
    return {
        action: each["Resource"]
        for each in document["Statement"]
        if each["Effect"] == "Allow"
        for action in (each["Action"] if isinstance(each["Action"], list) else [each["Action"]])
    }


def test_policy_is_what_lambda_needs(plain: Bench) -> None:
    """Before any grant the function may log, trace, have network interfaces and read its settings; nothing else."""
    assert {
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
        "kms:Decrypt",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    } == allowed(plain).keys()


def test_only_what_has_no_resource_is_open(plain: Bench) -> None:
    """A star stands where IAM knows no resource, and nowhere else."""
    opened = {action for action, resource in allowed(plain).items() if resource == "*"}

    assert {
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    } == opened


def test_grants_go_into_the_function_s_policy(bench: Bench) -> None:
    """A grant is no inline policy, which four packs forbid."""
    cache = replication_group(bench)
    cache.grant_connect(function(bench), APP)

    assert {} == bench.resources("IAM::Policy")
    assert "elasticache:Connect" in allowed(bench)


def test_function_in_another_stack_makes_no_cycle(bench: Bench) -> None:
    """Cache and function may live in separate stacks, with grant, settings and rule."""
    cache = replication_group(bench)
    stack = other_stack(bench)
    made = function(
        bench,
        stack=stack,
        environment=cache.connection_settings(APP),
        security_groups=[ec2.SecurityGroup(stack, "Group", vpc=bench.vpc, allow_all_outbound=False)],
    )
    cache.grant_connect(made, APP)
    cache.connections.allow_default_port_from(made)

    assert "elasticache:Connect" in allowed(bench, stack)
    assert 1 == len(bench.resources("EC2::SecurityGroupEgress", stack))


def test_nothing_runs_at_deployment_unless_told(plain: Bench) -> None:
    """A function waits to be called."""
    assert {} == plain.resources("Lambda::Version")


def test_deployment_calls_a_function_once_it_changed(bench: Bench) -> None:
    """The call is bound to the function's version, so that the same one is not called twice."""
    function(bench).run_at_deployment()

    ((version, _),) = bench.resources("Lambda::Version").items()
    (call,) = (each for each in bench.template()["Resources"].values() if each["Type"] == "Custom::Trigger")
    assert {"Ref": version} == call["Properties"]["HandlerArn"]
    assert "RequestResponse" == call["Properties"]["InvocationType"]


def test_unreserved_concurrency_needs_a_reason(bench: Bench) -> None:
    """An account with none to spare says so, and the packs' findings are acknowledged with that."""
    function(bench, no_reserved_concurrency_reason="A new account has ten executions in all")

    assert "ReservedConcurrentExecutions" not in bench.only(KIND)["Properties"]


def test_unreserved_concurrency_without_a_reason_is_refused(bench: Bench) -> None:
    """A reason that says nothing is not accepted."""
    with pytest.raises(ConfigurationError, match=r"WorkloadFunction\(no_reserved_concurrency_reason=\.\.\.\)"):
        function(bench, no_reserved_concurrency_reason="no")
