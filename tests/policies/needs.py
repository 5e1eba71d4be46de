"""Which calls a deployment must allow, and which deny: read from what functions and services are configured to do.

Not from policies: a need is there whether a policy thinks of it or not.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from elasticache_constructs.rotation.runtime.rotate_secret.configuration import Kind
from elasticache_constructs.rotation.runtime.rotate_secret.record import TAG
from tests.policies.deployment import ACCOUNT, REGION, Deployment, Policies, Resource
from tests.policies.evaluator import Call, Caller, is_allowed
from tests.rotation.needed_actions import actions_by_step

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_HERE = f"{REGION}:{ACCOUNT}"
_INTERFACES = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:UnassignPrivateIpAddresses",
)
_LOOKING = ("ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets")
_LOGS_WITH_KEY = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
_TLS = {"aws:SecureTransport": "true"}
_FROM_HERE = {"aws:SourceAccount": ACCOUNT, **_TLS}
# Of services that endpoints stand before.
_ENDPOINTS = ("secretsmanager", "elasticache")
_READS = {"secretsmanager": "secretsmanager:GetSecretValue", "elasticache": "elasticache:DescribeUsers"}


@dataclass(frozen=True, kw_only=True)
class Need:
    """A call, and whether it must be allowed."""

    why: str
    call: Call
    role: str = ""
    """The ARN of the role that calls."""
    service: str = ""
    """Or the service."""
    administrator: bool = False
    """Or an identity of the account to which IAM allows everything."""
    through: str = ""
    """The VPC endpoint that the call goes through."""
    allowed: bool = True

    def is_met(self, policies: Policies) -> bool:
        """Whether the policies allow it, or deny it, as they must."""
        caller = policies.caller(self.role) if self.role else Caller(service=self.service)
        if self.administrator:
            everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
            arn = f"arn:aws:iam::{ACCOUNT}:role/administrator"
            caller = Caller(account=ACCOUNT, arn=arn, statements=(everything,))
        passes = not self.through or is_allowed(
            # An endpoint's policy allows nothing by itself, and nothing else can make up for it.
            Caller(account=caller.account, arn=caller.arn, service=caller.service),
            self.call,
            policies.target(self.through),
        )
        target = policies.target(self.call.resource)
        may = is_allowed(caller, self.call, target) if not (self.through and self.service) else True
        return (passes and may) == self.allowed

    def holders(self, policies: Policies) -> set[str]:
        """Whose statements decide about it."""
        return {*policies.attached.get(self.role, ()), self.call.resource, self.through}


def needs(deployment: Deployment, applications: dict[str, str]) -> list[Need]:
    """All needs of a deployment.

    Args:
        deployment: The stacks.
        applications: Users of caches by the logical id of roles that stand for applications, in examples.
    """
    return [
        *(need for each in deployment.of("Lambda::Function") for need in _of_function(deployment, each)),
        *(need for each in deployment.of("EC2::FlowLog") for need in _of_flow_log(deployment, each)),
        *(need for each in deployment.of("RDS::DBInstance") for need in _of_database(each)),
        *(need for each in deployment.of("KMS::Key") for need in _of_key(each)),
        *(need for each in deployment.of("Logs::LogGroup") for need in _of_log_group(each)),
        *(need for each in deployment.of("SNS::Topic") for need in _of_topic(deployment, each)),
        *(need for each in deployment.of("CloudWatch::Alarm") for need in _of_alarm(deployment, each)),
        *(need for each in deployment.of("EC2::VPCEndpoint") for need in _of_endpoint(each)),
        *_of_caches(deployment),
        *_of_callers(deployment),
        *(
            _trust(each.properties["IamRoleArn"], "chatbot.amazonaws.com")
            for each in deployment.of("Chatbot::SlackChannelConfiguration")
        ),
        *_of_applications(deployment, applications),
    ]


def is_ours(function: Resource) -> bool:
    """Whether a function is of this repo; the others are the CDK's own, on Node.js."""
    return str(function.properties["Runtime"]).startswith("python")


def _of_function(deployment: Deployment, function: Resource) -> Iterator[Need]:
    if is_ours(function):
        properties = function.properties
        yield _trust(properties["Role"], "lambda.amazonaws.com")
        yield from _of_lambda(deployment, function)
        if "VpcConfig" in properties:
            yield from _of_interfaces(deployment, function)
        variables = properties.get("Environment", {}).get("Variables", {})
        yield from _of_code(deployment, function, variables)
        if "TOPIC" in variables:
            yield from _of_chat(deployment, function, variables["TOPIC"])
        if "SNAPSHOTS_OF_GROUP" in variables:
            yield from _of_copies(deployment, function, variables)


def _of_lambda(deployment: Deployment, function: Resource) -> Iterator[Need]:
    """What Lambda does with the role."""
    properties = function.properties
    group = deployment.named(properties["LoggingConfig"]["LogGroup"], "Logs::LogGroup")
    for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
        yield _by_lambda(function, action, group.arn.removesuffix("*") + "log-stream:2026/11/28")
    yield _by_lambda(function, "kms:Decrypt", properties["KmsKeyArn"], **via("lambda"))
    for action in ("xray:PutTelemetryRecords", "xray:PutTraceSegments"):
        yield _by_lambda(function, action)
    if "DeadLetterConfig" in properties:
        topic = deployment.named(properties["DeadLetterConfig"]["TargetArn"], "SNS::Topic")
        yield _by_lambda(function, "sns:Publish", topic.arn, **_TLS)
        for action in ("kms:Decrypt", "kms:GenerateDataKey"):
            yield _by_lambda(function, action, topic.properties["KmsMasterKeyId"], **via("sns"))


def _of_interfaces(deployment: Deployment, function: Resource) -> Iterator[Need]:
    """Lambda makes and removes network interfaces with the role, and the function's code may not."""
    for action in (*_INTERFACES, *_LOOKING):
        kinds = ("network-interface/eni-1", "subnet/subnet-1", "security-group/sg-1")
        touched = kinds if action == "ec2:CreateNetworkInterface" else kinds[:1]
        for resource in ["*"] if action in _LOOKING else [f"arn:aws:ec2:{_HERE}:{each}" for each in touched]:
            yield _by_lambda(function, action, resource)
            yield _by_code(deployment, function, action, resource, allowed=False)


def _by_lambda(function: Resource, action: str, resource: str = "*", **context: str) -> Need:
    call = Call(action=action, resource=resource, context=context)
    return Need(why=f"Lambda, for {function.logical_id}", role=function.properties["Role"], call=call)


def _of_code(deployment: Deployment, function: Resource, variables: dict[str, str]) -> Iterator[Need]:
    """What the code of a function calls, by its settings."""

    def call(action: str, resource: str, context: Mapping[str, str] | None = None) -> Need:
        return _by_code(deployment, function, action, resource, context=context)

    if variables.get("ELASTICACHE_AUTH") == "iam":
        for resource in _connected(variables):
            yield call("elasticache:Connect", resource)
    for secret in ("ELASTICACHE_SECRET_ARN", "DATABASE_SECRET_ARN"):
        if secret in variables:
            yield call("secretsmanager:GetSecretValue", variables[secret])
            yield call("kms:Decrypt", key_of(deployment, variables[secret]), via("secretsmanager"))
    if "DATABASE_HOST" in variables:
        (database,) = (
            each
            for each in deployment.of("RDS::DBInstance")
            if variables["DATABASE_HOST"] == f"{each.reference}.Endpoint.Address"
        )
        name = variables.get("DATABASE_USER", "administrator")
        yield call("rds-db:connect", f"arn:aws:rds-db:{_HERE}:dbuser:{database.reference}.DbiResourceId/{name}")
    if {"REPLICATION_GROUP_ID", "SERVERLESS_CACHE_NAME"} & variables.keys():
        yield from _of_rotation(deployment, function, variables)
    for kind, name in (("replicationgroup", "ReplicationGroupIds"), ("cluster", "CacheClusterIds")):
        for cache in json.loads(variables.get(name, "[]")):
            yield call("elasticache:DescribeUpdateActions", f"arn:aws:elasticache:{_HERE}:{kind}:{cache}")


def _of_chat(deployment: Deployment, function: Resource, topic: str) -> Iterator[Need]:
    """What the function calls that publishes events for chat channels."""
    yield _by_code(deployment, function, "sns:Publish", topic, context=_TLS)
    for action in ("kms:Decrypt", "kms:GenerateDataKey"):
        key = deployment.named(topic, "SNS::Topic").properties["KmsMasterKeyId"]
        yield _by_code(deployment, function, action, key, context=via("sns"))


def _of_copies(deployment: Deployment, function: Resource, variables: dict[str, str]) -> Iterator[Need]:
    """What the function calls that copies the snapshots of a group, as AWS's page on exports has it."""
    elasticache = f"arn:aws:elasticache:{_HERE}"
    exports = f"arn:aws:s3:::{variables['EXPORTS']}"
    calls: list[tuple[str, str, dict[str, str | list[str]]]] = [
        ("elasticache:DescribeSnapshots", f"{elasticache}:replicationgroup:{variables['SNAPSHOTS_OF_GROUP']}", {}),
        ("elasticache:DescribeSnapshots", f"{elasticache}:snapshot:automatic.orders-2026-11-28-02-00", {}),
        ("elasticache:CopySnapshot", f"{elasticache}:snapshot:automatic.orders-2026-11-28-02-00", {}),
        ("s3:ListAllMyBuckets", "*", {}),
        *((f"s3:{action}", exports, {}) for action in ("GetBucketLocation", "ListBucket")),
        *((f"s3:{action}", f"{exports}/a-0001.rdb", {}) for action in ("DeleteObject", "GetObject", "PutObject")),
    ]
    for name, region in json.loads(variables["VAULTS"]):
        vault, (key,) = (
            f"arn:aws:s3:::{name}",
            (
                each.properties["TargetKeyId"]
                for each in deployment.of("KMS::Alias")
                if each.properties["AliasName"] == f"alias/{name}"
            ),
        )
        context: dict[str, str | list[str]] = {
            "kms:ViaService": f"s3.{region}.amazonaws.com",
            "kms:ResourceAliases": [f"alias/{name}"],
        }
        calls += [
            ("s3:ListBucket", vault, {}),
            *((f"s3:{action}", f"{vault}/a-0001.rdb", {}) for action in ("AbortMultipartUpload", "PutObject")),
            *((f"kms:{action}", key.replace(REGION, region), context) for action in ("Decrypt", "GenerateDataKey")),
        ]
    for action, resource, more in calls:
        yield _by_code(deployment, function, action, resource, context=more)


def _of_rotation(deployment: Deployment, function: Resource, variables: dict[str, str]) -> Iterator[Need]:
    secret = variables["SECRET_ARN"]
    groups, serverless = (
        [each for each in variables.get(name, "").split(",") if each]
        for name in ("REPLICATION_GROUP_ID", "SERVERLESS_CACHE_NAME")
    )
    user = variables.get("USER_ID")
    user_groups = [each for each in deployment.of("ElastiCache::UserGroup") if user in each.properties["UserIds"]]
    resources = {
        "secretsmanager": [secret],
        "kms": [key_of(deployment, secret)],
        "elasticache:DescribeUsers": [f"user:{user}"],
        "elasticache:ModifyUser": [f"user:{user}"],
        "elasticache:DescribeUserGroups": [f"usergroup:{each.reference}" for each in user_groups],
        "elasticache:DescribeReplicationGroups": [f"replicationgroup:{each}" for each in groups],
        "elasticache:ModifyReplicationGroup": [f"replicationgroup:{each}" for each in groups],
        "elasticache:DescribeCacheClusters": [
            f"cluster:{each}-{node}" for each in groups for node in ("001", "0001-001")
        ],
        "elasticache:DescribeServerlessCaches": [f"serverlesscache:{each}" for each in serverless],
    }
    kind = Kind(variables["KIND"])
    steps = [
        actions_by_step(kind, serverless=each).values() for each in (False, True) if (serverless if each else groups)
    ]
    for action in sorted(frozenset[str]().union(*(actions for step in steps for actions in step))):
        service = action.partition(":")[0]
        named = resources.get(action) or resources[service]
        prefix = f"arn:aws:elasticache:{_HERE}:" if service == "elasticache" else ""
        context: dict[str, Any] = {"aws:TagKeys": [TAG]} if action == "secretsmanager:TagResource" else {}
        context |= via("secretsmanager") if service == "kms" else {}
        for name in named:
            yield _by_code(deployment, function, action, f"{prefix}{name}", context=context)
    another = {"aws:TagKeys": ["owner"]}
    yield _by_code(deployment, function, "secretsmanager:TagResource", secret, allowed=False, context=another)
    # Nothing decrypts with the role but by way of a service.
    yield _by_code(deployment, function, "kms:Decrypt", key_of(deployment, secret), allowed=False)


def _by_code(
    deployment: Deployment,
    function: Resource,
    action: str,
    resource: str,
    *,
    allowed: bool = True,
    context: Mapping[str, str | list[str]] | None = None,
) -> Need:
    own: dict[str, str | list[str]] = {
        "lambda:SourceFunctionArn": function.arn,
        "aws:PrincipalAccount": ACCOUNT,
        "aws:ResourceAccount": ACCOUNT,
    }
    return Need(
        why=f"the code of {function.logical_id}",
        role=function.properties["Role"],
        call=Call(action=action, resource=resource, context={**own, **_TLS, **(context or {})}),
        through=_endpoint(deployment, function, action) if allowed else "",
        allowed=allowed,
    )


def _endpoint(deployment: Deployment, function: Resource, action: str) -> str:
    """The endpoint of the function's VPC before the service of an action, where there is one."""
    service = action.partition(":")[0]
    placed = function.properties.get("VpcConfig")
    # The cache itself asks IAM about logins.
    if placed is None or service not in _ENDPOINTS or action == "elasticache:Connect":
        return ""
    subnets = {each.reference: each.properties["VpcId"] for each in deployment.of("EC2::Subnet")}
    vpc = subnets.get(placed["SubnetIds"][0])
    found = [
        each.reference
        for each in deployment.of("EC2::VPCEndpoint")
        if each.properties["VpcId"] == vpc and str(each.properties["ServiceName"]).endswith(f".{service}")
    ]
    return found[0] if found else ""


def _of_flow_log(deployment: Deployment, flow_log: Resource) -> Iterator[Need]:
    role = flow_log.properties["DeliverLogsPermissionArn"]
    yield _trust(role, "vpc-flow-logs.amazonaws.com")
    group = deployment.named(flow_log.properties["LogGroupName"], "Logs::LogGroup")
    for action in ("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"):
        resource = group.arn.removesuffix("*") + "log-stream:eni-1"
        yield Need(why="flow logs", role=role, call=Call(action=action, resource=resource))


def _of_database(database: Resource) -> Iterator[Need]:
    yield _trust(database.properties["MonitoringRoleArn"], "monitoring.rds.amazonaws.com")


def _of_log_group(group: Resource) -> Iterator[Need]:
    if "KmsKeyId" in group.properties:
        yield from _logs_with(group.properties["KmsKeyId"], group.arn.removesuffix(":*"))


def _logs_with(key: str, group: str) -> Iterator[Need]:
    for action in _LOGS_WITH_KEY:
        context = {"kms:EncryptionContext:aws:logs:arn": group}
        call = Call(action=action, resource=key, context=context)
        yield Need(why=f"logs of {group}", service=f"logs.{REGION}.amazonaws.com", call=call)


def _of_key(key: Resource) -> Iterator[Need]:
    """What an `EncryptionKey` is for, whether the stack makes use of it or not."""
    if "AccountDelegatesThroughIam" not in str(key.properties["KeyPolicy"]):
        return
    yield from _logs_with(key.arn, f"arn:aws:logs:{_HERE}:log-group:anything")
    for action in ("kms:Decrypt", "kms:GenerateDataKey"):
        call = Call(action=action, resource=key.arn, context={"aws:SourceAccount": ACCOUNT})
        yield Need(why=f"alarms with {key.logical_id}", service="cloudwatch.amazonaws.com", call=call)
    for action in ("kms:Decrypt", "kms:DescribeKey", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"):
        yield Need(why="administration", administrator=True, call=Call(action=action, resource=key.arn))
    for mine, allowed in (("true", True), ("false", False)):
        context = {"kms:GrantIsForAWSResource": mine, "aws:PrincipalIsAWSService": "false"}
        call = Call(action="kms:CreateGrant", resource=key.arn, context=context)
        yield Need(why="grants", administrator=True, call=call, allowed=allowed)


def _of_topic(deployment: Deployment, topic: Resource) -> Iterator[Need]:
    for secure in ("true", "false"):
        call = Call(action="sns:Publish", resource=topic.arn, context={"aws:SecureTransport": secure})
        yield Need(why="publishing", administrator=True, call=call, allowed=secure == "true")
    if "KmsMasterKeyId" in topic.properties:
        # What an `AlarmTopic` is for, whether alarms publish to it yet or not.
        yield from _published(deployment, "an alarm", "cloudwatch.amazonaws.com", topic.arn, **_FROM_HERE)


def _of_alarm(deployment: Deployment, alarm: Resource) -> Iterator[Need]:
    for arn in alarm.properties["AlarmActions"]:
        yield from _published(
            deployment, f"the alarm {alarm.logical_id}", "cloudwatch.amazonaws.com", arn, **_FROM_HERE
        )


def _published(deployment: Deployment, why: str, service: str, arn: str, **context: str) -> Iterator[Need]:
    """What a service needs to publish to a topic: the topic, and the key that encrypts it."""
    topic = deployment.named(arn, "SNS::Topic")
    wanted = {"sns:Publish": topic.arn}
    if "KmsMasterKeyId" in topic.properties:
        wanted |= dict.fromkeys(("kms:Decrypt", "kms:GenerateDataKey"), topic.properties["KmsMasterKeyId"])
    for action, resource in wanted.items():
        call = Call(action=action, resource=resource, context=context)
        yield Need(why=why, service=service, call=call)


def _of_endpoint(endpoint: Resource) -> Iterator[Need]:
    """Identities of the account come through an endpoint to what is the account's, and AWS's own services."""
    if "PolicyDocument" not in endpoint.properties:
        return

    action = _READS[str(endpoint.properties["ServiceName"]).rpartition(".")[2]]

    def read(**context: str) -> Call:
        return Call(action=action, context=context)

    own = {"aws:PrincipalAccount": ACCOUNT, "aws:ResourceAccount": ACCOUNT}
    through = endpoint.reference
    yield Need(why="the account", administrator=True, call=read(**own), through=through)
    for key in own:
        call = read(**own | {key: "999988887777"})
        yield Need(why="another account", administrator=True, call=call, through=through, allowed=False)
    by_service = read(**{"aws:PrincipalIsAWSService": "true"})
    yield Need(why="services", service="secretsmanager.amazonaws.com", call=by_service, through=through)


def _of_caches(deployment: Deployment) -> Iterator[Need]:
    for cache in deployment.of("ElastiCache::ReplicationGroup", "ElastiCache::CacheCluster"):
        if "NotificationTopicArn" not in cache.properties:
            continue  # an imported one may have no topic
        context = {"AWS:SourceOwner": ACCOUNT, **_TLS}
        call = Call(action="sns:Publish", resource=cache.properties["NotificationTopicArn"], context=context)
        yield Need(why=f"events of {cache.logical_id}", service="elasticache.amazonaws.com", call=call)


def _of_callers(deployment: Deployment) -> Iterator[Need]:
    """Services that call functions."""

    def invoke(why: str, service: str, function: str, source: str) -> Need:
        context = {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": source}
        call = Call(action="lambda:InvokeFunction", resource=function, context=context)
        return Need(why=why, service=service, call=call)

    for schedule in deployment.of("SecretsManager::RotationSchedule"):
        properties = schedule.properties
        function, secret = properties["RotationLambdaARN"], properties["SecretId"]
        yield invoke("a rotation", "secretsmanager.amazonaws.com", function, secret)
    for rule in deployment.of("Events::Rule"):
        for target in rule.properties["Targets"]:
            if ":sns:" in target["Arn"]:
                # EventBridge sends no context, of itself or of the rule.
                yield from _published(deployment, "an event", "events.amazonaws.com", target["Arn"], **_TLS)
            else:
                yield invoke("a sweep", "events.amazonaws.com", target["Arn"], rule.arn)
    for subscription in deployment.of("SNS::Subscription"):
        if subscription.properties["Protocol"] == "lambda":
            endpoint, topic = (subscription.properties[name] for name in ("Endpoint", "TopicArn"))
            yield invoke("an event of a cache", "sns.amazonaws.com", endpoint, topic)
    for integration in deployment.of("ApiGatewayV2::Integration"):
        source = f"arn:aws:execute-api:{_HERE}:{integration.properties['ApiId']}/$default/$default"
        yield invoke("a request", "apigateway.amazonaws.com", integration.properties["IntegrationUri"], source)


def _of_applications(deployment: Deployment, applications: dict[str, str]) -> Iterator[Need]:
    for role in deployment.of("IAM::Role"):
        name = applications.get(f"{role.path}/{role.logical_id}")
        if name is None:
            continue
        yield _trust(role.arn, "ecs-tasks.amazonaws.com")
        (group,) = (each for each in deployment.of("ElastiCache::UserGroup") if name in each.properties["UserIds"])
        for kind, ids, resource in (
            ("ElastiCache::ReplicationGroup", "UserGroupIds", "replicationgroup"),
            ("ElastiCache::ServerlessCache", "UserGroupId", "serverlesscache"),
        ):
            for cache in deployment.of(kind):
                if group.reference in cache.properties.get(ids, []):
                    for arn in (f"{resource}:{cache.reference}", f"user:{name}"):
                        call = Call(action="elasticache:Connect", resource=f"arn:aws:elasticache:{_HERE}:{arn}")
                        yield Need(why=f"the application {role.logical_id}", role=role.arn, call=call)
        yield from _of_parameters(deployment, role, name)


def _of_parameters(deployment: Deployment, role: Resource, user: str) -> Iterator[Need]:
    """An application outside of the cache's stack reads its settings, all below a path or one by one."""
    for parameter in deployment.of("SSM::Parameter"):
        path, _, last = parameter.properties["Name"].rpartition("/")
        if (last, parameter.properties["Value"]) != ("user", user) or parameter.path == role.path:
            continue
        for action, name in (
            ("GetParametersByPath", path),
            ("GetParameters", f"{path}/host"),
            ("GetParameter", f"{path}/client_security_group"),
        ):
            call = Call(action=f"ssm:{action}", resource=f"arn:aws:ssm:{_HERE}:parameter{name}")
            yield Need(why=f"the settings of {role.logical_id}", role=role.arn, call=call)


def _connected(variables: dict[str, str]) -> list[str]:
    kind = "serverlesscache" if variables["ELASTICACHE_SERVERLESS"] == "true" else "replicationgroup"
    prefix = f"arn:aws:elasticache:{_HERE}"
    return [f"{prefix}:{kind}:{variables['ELASTICACHE_CACHE_NAME']}", f"{prefix}:user:{variables['ELASTICACHE_USER']}"]


def key_of(deployment: Deployment, secret: str) -> str:
    """The key that a secret is encrypted with."""
    for each in deployment.of("SecretsManager::Secret"):
        if each.arn == secret:
            return str(each.properties["KmsKeyId"])
    (database,) = (each for each in deployment.of("RDS::DBInstance") if f"rds!{each.reference}-" in secret)
    return str(database.properties["MasterUserSecret"]["KmsKeyId"])


def _trust(role: str, service: str) -> Need:
    context = {"aws:SourceAccount": ACCOUNT}
    return Need(
        why="the service takes the role",
        service=service,
        call=Call(action="sts:AssumeRole", resource=role, context=context),
    )


def via(service: str) -> dict[str, str]:
    """The circumstances of a call to a key that a service makes for its caller."""
    return {"kms:ViaService": f"{service}.{REGION}.amazonaws.com"}
