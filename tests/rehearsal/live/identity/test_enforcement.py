"""Requests of AWS's APIs as the live emulator judges them: resources, keys, roles that are passed, and sessions."""

from __future__ import annotations

import http.client
import ssl
from typing import TYPE_CHECKING, Any

import pytest
from botocore.auth import SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.credentials import Credentials  # type: ignore[import-untyped]
from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from tests.rehearsal.live.identity.conftest import ACCOUNT, REGION, allow, deny, policy, trust

if TYPE_CHECKING:
    from tests.rehearsal.live.identity.conftest import Document, Judge

DENIED = ("AccessDenied", "AccessDeniedException", "AuthorizationError")


def cache(name: str) -> str:
    """The ARN of a resource of ElastiCache."""
    return f"arn:aws:elasticache:{REGION}:{ACCOUNT}:{name}"


def denied(call: Any, **arguments: Any) -> str | None:
    """The message with which a call is denied; None if it is not, even if it fails otherwise."""
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Message"] if error.response["Error"]["Code"] in DENIED else None
    return None


def test_a_request_is_on_every_resource_that_it_names(judge: Judge) -> None:
    """With all resources granted it passes, and without any one of them it is denied for that one."""
    arns = [cache(name) for name in ("usergroup:crew", "user:ann", "user:bob")]
    arguments: Document = {"UserGroupId": "crew", "UserIdsToAdd": ["ann"], "UserIdsToRemove": ["bob"]}
    client = judge.as_role("elasticache", allow("elasticache:ModifyUserGroup", arns))
    assert denied(client.modify_user_group, **arguments) is None
    for arn in arns:
        client = judge.as_role("elasticache", allow("*", [other for other in arns if other != arn]))
        message = f"elasticache:ModifyUserGroup on resource: {arn} because no identity-based policy allows"
        assert message in (denied(client.modify_user_group, **arguments) or "")


def test_an_action_on_no_resource_needs_all(judge: Judge) -> None:
    """DescribeEvents is on none."""
    assert denied(judge.as_role("elasticache", allow("*", cache("*"))).describe_events)
    assert denied(judge.as_role("elasticache", allow("elasticache:DescribeEvents")).describe_events) is None


@pytest.fixture(scope="module")
def key(judge: Judge) -> str:
    """A customer's key whose policy delegates to the account."""
    statement = {"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Principal": {"AWS": ACCOUNT}}
    arn: str = judge.client("kms").create_key(Policy=policy(statement))["KeyMetadata"]["Arn"]
    return arn


@pytest.fixture(scope="module")
def secret(judge: Judge, key: str) -> str:
    """A secret that is encrypted with it."""
    made = judge.client("secretsmanager").create_secret(Name="encrypted", SecretString="v", KmsKeyId=key)
    arn: str = made["ARN"]
    return arn


SECRET_CALLS = [
    ("get_secret_value", {}, ["kms:Decrypt"]),
    ("put_secret_value", {"SecretString": "w"}, ["kms:Decrypt", "kms:GenerateDataKey"]),
    ("update_secret", {"SecretString": "w"}, ["kms:Decrypt", "kms:GenerateDataKey"]),
    ("update_secret", {"Description": "d"}, []),
    ("describe_secret", {}, []),
]


@pytest.mark.parametrize(("operation", "arguments", "uses"), SECRET_CALLS)
def test_secrets_manager_uses_the_key_in_the_name_of_its_caller(  # noqa: PLR0917 - fixtures and a table
    judge: Judge, key: str, secret: str, operation: str, arguments: Document, uses: list[str]
) -> None:
    """Each use of the key must be granted, may be limited to the service and to the secret, and is denied otherwise."""
    own = allow("secretsmanager:*", secret)
    through = {
        "StringEquals": {
            "kms:ViaService": f"secretsmanager.{REGION}.amazonaws.com",
            "kms:EncryptionContext:SecretARN": secret,
        }
    }

    def call(*statements: Document) -> str | None:
        client = judge.as_role("secretsmanager", own, *statements)
        return denied(getattr(client, operation), SecretId=secret, **arguments)

    assert call(allow(uses or ["kms:ListKeys"], key, Condition=through)) is None
    for use in uses:
        others = [other for other in uses if other != use] or ["kms:DescribeKey"]
        assert f"{use} on resource: {key} because no identity-based policy" in (call(allow(others, key)) or "")
        elsewhere = {"StringEquals": {"kms:ViaService": f"sns.{REGION}.amazonaws.com"}}
        assert call(allow(uses, key, Condition=elsewhere))
        assert "explicit deny in an identity-based policy" in (call(allow(uses, key), deny(use, key)) or "")


def test_a_key_policy_denies_through_the_service(judge: Judge) -> None:
    """An explicit Deny of the key policy denies GetSecretValue, for the root user too."""
    statement = {"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Principal": {"AWS": ACCOUNT}}
    kms = judge.client("kms")
    key = kms.create_key(Policy=policy(statement))["KeyMetadata"]["Arn"]
    made = judge.client("secretsmanager").create_secret(Name="denied", SecretString="v", KmsKeyId=key)["ARN"]
    blocked = {"Sid": "No", "Effect": "Deny", "Action": "kms:Decrypt", "Resource": "*", "Principal": "*"}
    client = judge.as_role("secretsmanager", allow("*"))
    assert denied(client.get_secret_value, SecretId=made) is None
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy(statement, blocked))
    assert "explicit deny in a resource-based policy (statement No)" in (
        denied(client.get_secret_value, SecretId=made) or ""
    )
    assert denied(judge.client("secretsmanager").get_secret_value, SecretId=made)


def test_a_key_is_meant_by_its_alias(judge: Judge, key: str) -> None:
    """A request that names the alias is on the key."""
    judge.client("kms").create_alias(AliasName="alias/cache", TargetKeyId=key)
    arguments: Document = {"KeyId": "alias/cache", "Plaintext": b"x"}
    assert denied(judge.as_role("kms", allow("kms:Encrypt", key)).encrypt, **arguments) is None
    assert denied(judge.as_role("kms", allow("kms:Encrypt"), deny("kms:*", key)).encrypt, **arguments)


def test_publishing_to_an_encrypted_topic_uses_its_key(judge: Judge, key: str) -> None:
    """The publisher needs the key, through SNS."""
    topic = judge.client("sns").create_topic(Name="encrypted", Attributes={"KmsMasterKeyId": key})["TopicArn"]
    publish = allow("sns:Publish", topic)
    arguments = {"TopicArn": topic, "Message": "m"}
    assert "kms:GenerateDataKey" in (denied(judge.as_role("sns", publish).publish, **arguments) or "")
    through = {"StringEquals": {"kms:ViaService": f"sns.{REGION}.amazonaws.com"}}
    uses = allow(["kms:GenerateDataKey", "kms:Decrypt"], key, Condition=through)
    assert denied(judge.as_role("sns", publish, uses).publish, **arguments) is None


def test_a_role_that_a_service_gets_must_be_passed(judge: Judge) -> None:
    """As CDK's deployment role passes CloudFormation its execution role."""
    execution = judge.role(principal={"Service": "cloudformation.amazonaws.com"})
    template = '{"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}'
    arguments: Document = {"TemplateBody": template, "RoleARN": execution}
    create = allow("cloudformation:*")
    assert "iam:PassRole" in (
        denied(judge.as_role("cloudformation", create).create_stack, StackName="refused", **arguments) or ""
    )
    to = {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}
    passing = allow("iam:PassRole", execution, Condition=to)
    client = judge.as_role("cloudformation", create, passing)
    assert denied(client.create_stack, StackName="passed", **arguments) is None


def test_who_may_assume_a_role(judge: Judge) -> None:
    """A trust policy that names the user suffices; one that names the account needs the user's own grant as well."""
    arn, ann = judge.user()
    assert judge.session(judge.role(principal={"AWS": arn}), ann)
    by_account = judge.role(principal={"AWS": ACCOUNT})
    with pytest.raises(ClientError, match="because no identity-based policy allows the sts:AssumeRole"):
        judge.session(by_account, ann)
    _, bob = judge.user(allow("sts:AssumeRole", by_account))
    assert judge.session(by_account, bob)
    _, eve = judge.user(allow("sts:AssumeRole"))
    with pytest.raises(ClientError, match="because no resource-based policy allows"):
        judge.session(judge.role(principal={"AWS": arn}), eve)
    with pytest.raises(ClientError, match="AccessDenied"):
        judge.session(judge.role(principal={"Service": "lambda.amazonaws.com"}))


def test_an_external_id_is_asked_for(judge: Judge) -> None:
    """A condition of the trust policy on sts:ExternalId."""
    arn, ann = judge.user()
    role = judge.role(principal={"AWS": arn})
    condition = {"StringEquals": {"sts:ExternalId": "orders"}}
    judge.client("iam").update_assume_role_policy(
        RoleName=role.rsplit("/", 1)[-1], PolicyDocument=trust({"AWS": arn}, Condition=condition)
    )
    assert judge.session(role, ann, ExternalId="orders")
    with pytest.raises(ClientError, match="AccessDenied"):
        judge.session(role, ann, ExternalId="other")


def test_session_policies_and_boundaries_limit(judge: Judge) -> None:
    """The message names the kind of policy that did not allow."""
    everything = allow("*")
    limited = policy(allow("s3:*"))
    client = judge.as_role("elasticache", everything, Policy=limited)
    assert "because no session policy allows" in (denied(client.describe_users) or "")
    boundary = judge.client("iam").create_policy(PolicyName="limit", PolicyDocument=limited)["Policy"]["Arn"]
    role = judge.role(everything, PermissionsBoundary=boundary)
    client = judge.client("elasticache", judge.session(role))
    assert "because no permissions boundary allows" in (denied(client.describe_users) or "")


def test_a_policy_variable_of_the_caller(judge: Judge) -> None:
    """`${aws:PrincipalTag/...}` in a resource, of a role with the tag."""
    role = judge.role(
        allow("elasticache:DescribeUsers", cache("user:${aws:PrincipalTag/team}-*")),
        Tags=[{"Key": "team", "Value": "red"}],
    )
    client = judge.client("elasticache", judge.session(role))
    assert denied(client.describe_users, UserId="red-1") is None
    assert denied(client.describe_users, UserId="blue-1")


def test_tags_of_a_cache_user(judge: Judge) -> None:
    """A condition on aws:ResourceTag, in whatever case."""
    judge.client("elasticache").create_user(
        UserId="tagged",
        UserName="tagged",
        Engine="redis",
        AccessString="on ~* +@all",
        Passwords=["a-password-of-a-user"],
        Tags=[{"Key": "Team", "Value": "red"}],
    )
    statement = allow("elasticache:*", Condition={"StringEquals": {"aws:ResourceTag/team": "red"}})
    client = judge.as_role("elasticache", statement)
    assert denied(client.describe_users, UserId="tagged") is None
    assert denied(client.describe_users, UserId="default")


def test_log_streams_are_resources_of_their_group(judge: Judge) -> None:
    """A grant on `<group>:*`, as CloudFormation's Arn of a group is, covers the group and its streams."""
    judge.client("logs").create_log_group(logGroupName="app")
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:app:*"
    client = judge.as_role("logs", allow(["logs:CreateLogStream", "logs:DescribeLogStreams"], group))
    assert denied(client.create_log_stream, logGroupName="app", logStreamName="s") is None
    assert denied(client.describe_log_streams, logGroupName="app") is None
    assert denied(client.create_log_stream, logGroupName="application", logStreamName="s")


def test_a_request_that_is_not_known_is_judged_too(judge: Judge) -> None:
    """The emulator would pass a path without an operation on to the service without asking a policy."""
    path = "/2015-03-31/no-such-thing"
    session = judge.session(judge.role(allow("lambda:Get*")))
    assert status(judge, None, session, path=path, service="lambda") == 403
    everything = judge.session(judge.role(allow("*")))
    assert status(judge, None, everything, path=path, service="lambda") != 403


@pytest.fixture(scope="module")
def api(judge: Judge) -> str:
    """An HTTP API whose routes ask for IAM; returns its id."""
    client = judge.client("apigatewayv2")
    made: str = client.create_api(Name="site", ProtocolType="HTTP")["ApiId"]
    client.create_route(ApiId=made, RouteKey="GET /page", AuthorizationType="AWS_IAM")
    client.create_stage(ApiId=made, StageName="$default", AutoDeploy=True)
    return made


def status(
    judge: Judge,
    api: str | None,
    credentials: Document | None,
    *,
    signature: str | None = None,
    path: str = "/page",
    service: str = "execute-api",
) -> int:
    """The status of a GET.

    Args:
        judge: The emulator.
        api: Id of the HTTP API; None for a service's own.
        credentials: That sign; None if the request is not signed.
        signature: In place of the right one.
        path: What is got.
        service: The service.
    """
    host = ".".join([*([api] if api else []), service, REGION, "amazonaws.com"])
    request = AWSRequest("GET", f"https://{host}{path}", headers={"Host": host})
    if credentials:
        keys = Credentials(credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"])
        SigV4Auth(keys, service, REGION).add_auth(request)
    headers = dict(request.headers)
    if signature:
        headers["Authorization"] = headers["Authorization"].rpartition("=")[0] + "=" + signature
    context = ssl.create_default_context(cafile=str(judge.server.ca_file))
    connection = http.client.HTTPSConnection("127.0.0.1", judge.server.port, context=context, timeout=10)
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_who_may_invoke_an_http_api(judge: Judge, api: str) -> None:
    """Unsigned, wrongly signed and not granted: 403."""
    arn = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api}/$default/GET/page"
    granted = judge.session(judge.role(allow("execute-api:Invoke", arn)))
    assert status(judge, api, granted) != 403
    assert status(judge, api, None) == 403
    assert status(judge, api, granted, signature="0" * 64) == 403
    assert status(judge, api, judge.session(judge.role(allow("execute-api:Invoke", arn + "s")))) == 403
    assert status(judge, api, judge.session(judge.role())) == 403


def test_refusals_are_in_the_journal(judge: Judge) -> None:
    """With the role, the action, the resource and what decided."""
    role = judge.role()
    denied(judge.client("elasticache", judge.session(role)).describe_users, UserId="ann")
    [entry] = [entry for entry in judge.refusals() if entry["role"] == role]
    assert (entry["action"], entry["resource"]) == ("elasticache:DescribeUsers", cache("user:ann"))
    assert entry["policy"] == "identity-based policy"
    assert entry["principal"].endswith("/test")


def test_grants_that_are_used_and_those_that_are_not(judge: Judge) -> None:
    """The control command lists both for each role; a wildcard is used by any action that it covers."""
    role = judge.role(
        allow(["elasticache:Describe*", "elasticache:ModifyUser"], cache("user:ann")), allow("s3:GetObject")
    )
    client = judge.client("elasticache", judge.session(role))
    denied(client.describe_users, UserId="ann")
    denied(client.describe_users, UserId="bob")
    report = judge.control("grants")[role]
    assert report["used"] == [{"action": "elasticache:Describe*", "resource": cache("user:ann"), "by": ["caller"]}]
    assert [grant["action"] for grant in report["unused"]] == ["elasticache:ModifyUser", "s3:GetObject"]
    assert len(report["granted"]) == 3
    [refused] = report["refused"]
    assert refused["resource"] == cache("user:bob")
    assert "because no identity-based policy allows" in refused["reason"]


def test_what_is_not_judged_is_told(judge: Judge) -> None:
    """The report gets it from the emulator."""
    assert any("execution role" in line for line in judge.control("not-judged")["not_judged"])
