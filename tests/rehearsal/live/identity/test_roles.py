"""What services do with roles, and in their own name: functions, flow logs, log groups, databases, VPC endpoints."""

from __future__ import annotations

import importlib
import inspect
import re
from typing import TYPE_CHECKING, Any

import pytest

from rehearsal.extension import seam
from rehearsal.live import identity, journal
from rehearsal.live.identity import decisions, emulator, endpoints, enforcement, lambda_roles, policies
from tests.rehearsal.live.identity.conftest import allow, deny, policy

if TYPE_CHECKING:
    from types import ModuleType

    from rehearsal.live.run import Run
    from tests.rehearsal.live.identity.conftest import Account, Document

REGION = "eu-west-1"
GROUP = "/aws/functions/app"
TOPIC = "arn:aws:sns:eu-west-1:000000000000:alarms"
ON_INTERFACES = [
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
]
ON_NONE = ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "xray:PutTraceSegments", "xray:PutTelemetryRecords"]
LOGS = ["logs:CreateLogStream", "logs:PutLogEvents"]
EVERYTHING = [*ON_INTERFACES, *ON_NONE, *LOGS, "sns:Publish", "kms:Decrypt"]


def key(account: Account, *statements: Document) -> str:
    """A customer's key; returns its ARN."""
    delegating = allow("kms:*", Principal={"AWS": account.id})
    arn = f"arn:aws:kms:{REGION}:{account.id}:key/k1"
    emulator.kms._keys["k1"] = {
        "KeyId": "k1",
        "Arn": arn,
        "KeyManager": "CUSTOMER",
        "Policy": policy(delegating, *statements),
    }
    return arn


def function(role: str, kms_key: str) -> Document:
    """A function in a VPC, with traces, dead letters and an encrypted environment."""
    return {
        "FunctionName": "f",
        "Role": role,
        "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
        "TracingConfig": {"Mode": "Active"},
        "DeadLetterConfig": {"TargetArn": TOPIC},
        "Environment": {"Variables": {"A": "1"}},
        "KmsKeyArn": kms_key,
    }


@pytest.fixture
def asked(installed: Run) -> lambda_roles.LambdaRoles:
    """What asks for functions."""
    state = identity.state()
    return lambda_roles.LambdaRoles(state.roles, state.keys, region=REGION, account=installed.account)


def test_lambda_needs_only_logs_for_a_plain_function(account: Account, asked: lambda_roles.LambdaRoles) -> None:
    """A function outside of a VPC, without traces, dead letters and environment."""
    assert asked.refusal_to_create("f", {"Role": account.role("app", allow(LOGS))}) is None


@pytest.mark.parametrize("missing", [None, *EVERYTHING])
def test_lambda_refuses_a_role_without_one_of_its_permissions(
    account: Account, asked: lambda_roles.LambdaRoles, missing: str | None
) -> None:
    """Each is needed, and is named if it is missing; what was asked counts as used by Lambda."""
    role = account.role("app", allow([action for action in EVERYTHING if action != missing]))
    refused = asked.refusal_to_create("f", function(role, key(account)))
    if missing is None:
        assert refused is None
        used = identity.state().grants.used(role)
        assert {action for action, _ in used} == set(EVERYTHING)
        assert set(used.values()) == {"lambda.amazonaws.com"}
    else:
        assert refused is not None
        assert re.search(rf"does not have permissions to call {missing}\b", refused)


def test_lambdas_own_calls_are_not_the_functions(account: Account, asked: lambda_roles.LambdaRoles) -> None:
    """A Deny on lambda:SourceFunctionArn is for the code, and so does not keep Lambda from its network interfaces."""
    code = {"ArnLike": {"lambda:SourceFunctionArn": f"arn:aws:lambda:{REGION}:{account.id}:function:*"}}
    role = account.role("app", allow(EVERYTHING), deny("ec2:*", Condition=code))
    assert asked.refusal_to_create("f", function(role, key(account))) is None


def test_the_key_of_an_environment_is_used_through_lambda(account: Account, asked: lambda_roles.LambdaRoles) -> None:
    """A key policy that denies other ways allows this one, and the other way round."""
    role = account.role("app", allow(EVERYTHING))
    through = {"StringNotEquals": {"kms:ViaService": f"lambda.{REGION}.amazonaws.com"}}
    assert (
        asked.refusal_to_create(
            "f", function(role, key(account, deny(Principal="*", action="kms:Decrypt", Condition=through)))
        )
        is None
    )
    blocked = key(account, deny(Principal="*", action="kms:Decrypt"))
    assert f"kms:Decrypt on {blocked}" in (asked.refusal_to_create("f", function(role, blocked)) or "")


def test_lambda_must_be_trusted(account: Account, asked: lambda_roles.LambdaRoles) -> None:
    """A role that another service assumes is refused."""
    role = account.role("app", principal={"Service": "ec2.amazonaws.com"})
    assert f"lambda.amazonaws.com cannot assume {role}" in (asked.refusal_to_create("f", {"Role": role}) or "")


def test_a_stack_with_such_a_function_fails(account: Account) -> None:
    """CloudFormation says what is missing."""
    create = seam.handlers()["AWS::Lambda::Function"]["create"]
    with pytest.raises(ValueError, match="does not have permissions to call xray:PutTraceSegments"):
        create("F", {"Role": account.role("app", allow(LOGS)), "TracingConfig": {"Mode": "Active"}}, "stack")


def test_logs_that_the_role_does_not_allow_are_lost(
    account: Account, asked: lambda_roles.LambdaRoles, run: Run
) -> None:
    """On the function's own log group, in the form that CloudFormation's Arn has."""
    arn = f"arn:aws:logs:{REGION}:{account.id}:log-group:{GROUP}:*"
    config = {
        "FunctionName": "f",
        "Role": account.role("app", allow(["logs:CreateLogStream", "logs:PutLogEvents"], arn)),
    }
    assert asked.may_log(config, GROUP, "s")
    assert not asked.may_log(config, "/other", "s")
    account.grant("app", allow("logs:CreateLogStream", arn))
    assert not asked.may_log(config, GROUP, "s")
    last = journal.read(run.journal.path, "grant")[-1]
    assert (last["action"], last["allowed"], last["by"]) == ("logs:PutLogEvents", False, "lambda.amazonaws.com")


def test_dead_letters_that_the_role_does_not_allow_are_not_sent(
    account: Account, asked: lambda_roles.LambdaRoles
) -> None:
    """To a topic or to a queue."""
    config = {"FunctionName": "f", "Role": account.role("app", allow("sns:Publish", TOPIC))}
    assert asked.may_send_letter(config, TOPIC)
    assert not asked.may_send_letter(config, TOPIC.replace("sns", "sqs"))


def logs(account: Account, **changed: Any) -> Document:
    """A key's statement for CloudWatch Logs."""
    context = {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:{REGION}:{account.id}:*"}}
    actions = ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]
    return {**allow(actions, Principal={"Service": f"logs.{REGION}.amazonaws.com"}, Condition=context), **changed}


def test_a_key_policy_must_allow_cloudwatch_logs(account: Account) -> None:
    """The account's own statement is not the service's."""
    create = seam.handlers()["AWS::Logs::LogGroup"]["create"]
    properties = {"LogGroupName": GROUP, "KmsKeyId": key(account, logs(account))}
    assert create("L", properties, "stack")
    elsewhere = {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:eu-west-2:*"}}
    for policy_statement in ([], [logs(account, Condition=elsewhere)], [logs(account, Action="kms:Encrypt")]):
        key(account, *policy_statement)
        with pytest.raises(ValueError, match=f"its policy must allow logs.{REGION}.amazonaws.com"):
            create("L", {**properties, "LogGroupName": "other"}, "stack")


@pytest.mark.parametrize("missing", [None, "logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"])
def test_flow_logs_need_a_role_that_writes(account: Account, missing: str | None) -> None:
    """The service must be trusted, and the role must allow each action on the group."""
    wanted = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]
    arn = f"arn:aws:logs:{REGION}:{account.id}:log-group:{GROUP}:*"
    trusted = {"Service": "vpc-flow-logs.amazonaws.com"}
    role = account.role("flow", allow([action for action in wanted if action != missing], arn), principal=trusted)
    uses = identity.service_uses.ServiceUses(_run(account), identity.state().roles, identity.state().keys)
    fault = uses.flow_log("F", {"DeliverLogsPermissionArn": role, "LogGroupName": GROUP})
    assert fault is None if missing is None else missing in (fault or "")
    other = account.role("other", allow(wanted, arn))
    assert "cannot assume" in (uses.flow_log("F", {"DeliverLogsPermissionArn": other, "LogGroupName": GROUP}) or "")


def _run(account: Account) -> Any:
    return type("Run", (), {"region": REGION, "account": account.id})


def test_a_condition_of_a_trust_policy_on_the_account(account: Account) -> None:
    """aws:SourceAccount is the account's."""
    for source, fault in ((account.id, None), ("999999999999", "cannot assume")):
        role = account.role("m", principal={"Service": "monitoring.rds.amazonaws.com"})
        emulator.iam._roles["m"]["AssumeRolePolicyDocument"] = policy(
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Service": "monitoring.rds.amazonaws.com"},
                "Condition": {"StringEquals": {"aws:SourceAccount": source}},
            }
        )
        found = identity.state().roles.trust_refusal(role, "monitoring.rds.amazonaws.com")
        assert found is None if fault is None else fault in (found or "")


def test_a_boundary_limits_a_service_too(account: Account) -> None:
    """What Lambda does with a role is within the role's boundary."""
    role = account.role("app", allow("*"))
    boundary = f"arn:aws:iam::{account.id}:policy/limit"
    emulator.iam._policies[boundary] = {
        "DefaultVersionId": "v1",
        "Versions": {"v1": {"Document": policy(allow("s3:*"))}},
    }
    emulator.iam._roles["app"]["PermissionsBoundary"] = boundary
    refused = identity.state().roles.refusal(role, "xray:PutTraceSegments", by="lambda.amazonaws.com")
    assert "because no permissions boundary allows" in (refused or "")
    del emulator.iam._policies[boundary]


def test_a_service_is_known_as_one(account: Account) -> None:
    """In its own name it has aws:PrincipalIsAWSService and its name; the account's root user is not asked."""
    roles = identity.state().roles
    for conditions, refused in (
        ({"Bool": {"aws:PrincipalIsAWSService": "true"}}, False),
        ({"StringEquals": {"aws:PrincipalServiceName": "cloudwatch.amazonaws.com"}}, False),
        ({"StringEquals": {"aws:SourceAccount": "999999999999"}}, True),
    ):
        arn = key(account, allow("kms:*", Principal={"Service": "cloudwatch.amazonaws.com"}, Condition=conditions))
        context = {"aws:SourceAccount": account.id}
        found = roles.service_refusal("cloudwatch.amazonaws.com", "kms:Decrypt", arn, context)
        assert bool(found) is refused
        assert roles.service_refusal("events.amazonaws.com", "kms:Decrypt", arn, context)


def test_roles_of_the_bootstrap_stack_are_not_blamed(account: Account) -> None:
    """What they do not use is no fault of a stack; policies that AWS manages are named, not listed."""
    account.role("cdk-hnb659fds-deploy-role-000000000000-eu-west-1", allow("s3:GetObject"))
    account.role("app", allow("s3:GetObject"))
    managed = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    emulator.iam._roles["app"]["AttachedPolicies"] = [managed]
    bootstrap, app = identity.state().grants.report(account.id).values()
    grant = [{"action": "s3:GetObject", "resource": "*"}]
    assert (bootstrap["granted"], bootstrap["unused"]) == (grant, [])
    assert (app["granted"], app["unused"], app["aws_managed"]) == (grant, grant, [managed])
    assert app["trusted"] == ["lambda.amazonaws.com"]


# -- VPC endpoints -----------------------------------------------------------------------------------------------------


@pytest.fixture
def session(account: Account) -> str:
    """The session of a function in a VPC with an endpoint of Secrets Manager; returns its access key."""
    role = account.role("app", allow("*"))
    config = {
        "FunctionName": "f",
        "FunctionArn": f"arn:aws:lambda:{REGION}:{account.id}:function:f",
        "Role": role,
        "VpcConfig": {"VpcId": "vpc-1", "SubnetIds": ["subnet-1"]},
    }
    emulator.lambda_service._functions["f"] = {"config": config}
    emulator.ec2._vpc_endpoints["vpce-1"] = {
        "VpcEndpointId": "vpce-1",
        "VpcEndpointType": "Interface",
        "VpcId": "vpc-1",
        "ServiceName": f"com.amazonaws.{REGION}.secretsmanager",
        "PrivateDnsEnabled": True,
    }
    given: str = account.session(role, "f")["AccessKeyId"]
    return given


def use(access_key: str, action: str, service: str) -> str | None:
    """Why the enforcement refuses a request, or None."""
    denied = emulator.iam_evaluator.enforce(access_key, action, service, REGION, resource_arn="*")
    return None if denied is None else enforcement._refusal.get()


def test_the_policy_of_an_endpoint_must_allow(session: str) -> None:
    """Of the service's own endpoint only; without a policy everything passes."""
    endpoint = emulator.ec2._vpc_endpoints["vpce-1"]
    assert use(session, "secretsmanager:ListSecrets", "secretsmanager") is None
    endpoint["PolicyDocument"] = policy(allow("secretsmanager:Describe*", Principal="*"))
    refused = use(session, "secretsmanager:ListSecrets", "secretsmanager")
    assert "because no VPC endpoint policy allows the secretsmanager:ListSecrets action" in (refused or "")
    assert use(session, "elasticache:DescribeUsers", "elasticache") is None
    endpoint["PolicyDocument"] = policy(allow("*", Principal="*"), deny("*", Principal="*", Sid="No"))
    refused = use(session, "secretsmanager:ListSecrets", "secretsmanager")
    assert "with an explicit deny in a VPC endpoint policy (statement No)" in (refused or "")


def test_the_endpoint_policy_of_the_product(session: str, account: Account) -> None:
    """Its conditions on the account of principal and resource hold, and those of another account do not."""
    endpoint = emulator.ec2._vpc_endpoints["vpce-1"]
    for own, refused in ((account.id, False), ("999999999999", True)):
        conditions = {
            "StringEquals": {"aws:PrincipalAccount": own},
            "StringEqualsIfExists": {"aws:ResourceAccount": own},
        }
        endpoint["PolicyDocument"] = policy(
            allow("secretsmanager:*", Principal={"AWS": "*"}, Condition=conditions),
            allow("*", Principal={"AWS": "*"}, Condition={"Bool": {"aws:PrincipalIsAWSService": "true"}}),
        )
        assert bool(use(session, "secretsmanager:ListSecrets", "secretsmanager")) is refused


def test_keys_of_a_functions_request(session: str, account: Account) -> None:
    """aws:SourceVpce and lambda:SourceFunctionArn are those of the function; another caller has neither."""
    found = enforcement.origin(session, "secretsmanager")
    assert found["aws:sourcevpce"] == "vpce-1"
    assert found["lambda:sourcefunctionarn"].endswith(":function:f")
    assert "aws:sourcevpce" not in enforcement.origin(session, "elasticache")
    other = account.session(account.role("other"), "f")["AccessKeyId"]
    assert enforcement.origin(other, "secretsmanager") == {}


def test_a_functions_request_is_judged_by_where_it_comes_from(session: str, account: Account) -> None:
    """A Deny for the function's code, and a grant for requests through the endpoint only."""
    code = {"ArnLike": {"lambda:SourceFunctionArn": f"arn:aws:lambda:{REGION}:{account.id}:function:*"}}
    through = {"StringEquals": {"aws:SourceVpce": "vpce-1"}}
    account.grant("app", allow("ec2:*"), deny("ec2:*", Condition=code), allow("secretsmanager:*", Condition=through))
    assert "explicit deny" in (use(session, "ec2:CreateNetworkInterface", "ec2") or "")
    assert use(session, "secretsmanager:ListSecrets", "secretsmanager") is None
    del emulator.ec2._vpc_endpoints["vpce-1"]
    assert use(session, "secretsmanager:ListSecrets", "secretsmanager")


def test_a_gateway_endpoint_is_passed_from_its_route_tables(account: Account) -> None:
    """By a function in a subnet of one of them."""
    del account
    emulator.ec2._vpc_endpoints["vpce-2"] = {
        "VpcEndpointId": "vpce-2",
        "VpcEndpointType": "Gateway",
        "VpcId": "vpc-1",
        "ServiceName": f"com.amazonaws.{REGION}.s3",
        "RouteTableIds": ["rtb-1"],
    }
    emulator.ec2._route_tables["rtb-1"] = {"RouteTableId": "rtb-1", "Associations": [{"SubnetId": "subnet-1"}]}
    inside, outside = ({"VpcConfig": {"VpcId": "vpc-1", "SubnetIds": [subnet]}} for subnet in ("subnet-1", "subnet-2"))
    assert (endpoints.endpoint_of(inside, "s3") or {})["VpcEndpointId"] == "vpce-2"
    assert endpoints.endpoint_of(outside, "s3") is None
    assert endpoints.endpoint_of({"VpcConfig": {}}, "s3") is None


def test_endpoint_policy_refusal() -> None:
    """As other modules ask."""
    request = policies.Request(policies.Principal("arn:aws:iam::1:role/r", "1", "AssumedRole"), "sns:Publish", "*")
    assert identity.endpoint_policy_refusal(request, None) is None
    assert "no VPC endpoint policy allows" in (identity.endpoint_policy_refusal(request, policy()) or "")
    assert decisions.endpoint_decision(request, policy(allow("sns:*", Principal="*"))).allowed


# -- the emulator ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", identity.PARTS, ids=lambda part: part.__name__.rsplit(".", 1)[1])
def test_every_private_name_in_use_is_listed(part: ModuleType) -> None:
    """A module uses exactly the private names that it lists."""
    source = inspect.getsource(part)
    found = re.findall(rf"\b({'|'.join(emulator.NAMES)})\.(_\w+)", source)
    used = {(emulator.NAMES[module], name) for module, name in found}
    listed = {(private.module, private.name) for private in part.TOUCHES if private != seam.HANDLERS}
    assert used == {entry for entry in listed if entry[1].startswith("_")}
    assert ("handlers(" in source) == (seam.HANDLERS in part.TOUCHES)
    for module, name in listed:
        assert f".{name}" in source, name
        assert hasattr(importlib.import_module(f"ministack.{module}"), name)
