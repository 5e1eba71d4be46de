"""Copies of a cache's snapshots in S3, also in other Regions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from elasticache_constructs.checks.acknowledgements import acknowledge
from elasticache_constructs.checks.argument_types import Kind, check_kind
from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.locations import place_of, stack_of
from elasticache_constructs.checks.reasons import checked_reason
from elasticache_constructs.checks.situations import Situation, accept
from elasticache_constructs.checks.tokens import is_unresolved
from elasticache_constructs.shared.notifications import admit_alarms_to, check_alarm_topic
from elasticache_constructs.shared.scheduled_function import alarm_of_function, call_on_schedule, code_of
from elasticache_constructs.shared.snapshot_copies.runtime.copy_snapshots.handler import METRIC, NAMESPACE
from elasticache_constructs.shared.snapshot_copies.vault import NO_EVENTS
from elasticache_constructs.shared.vpc_function import allow, create_vpc_function, open_resource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_sns as sns

    from elasticache_constructs.shared.snapshot_copies.vault import SnapshotVault

_PAGE = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/backups-exporting.html"
_RUNBOOK = "docs/runbooks/snapshot-copies.md"
_EVERY_HOURS = 3
_ALARM_SECONDS = 2 * _EVERY_HOURS * 3600
_LATE_HOURS = 12
_RUNTIME = Path(__file__).parent / "runtime"
_LOOKS_AGAIN = "A call that is lost is made good by the next one, three hours later; kept, it would only repeat it."
_NO_VPC = (
    "The function calls AWS's APIs alone, S3's in other Regions too, which no endpoint of a VPC leads to. It connects "
    "to no cache, and its role allows nothing else."
)
_API_ALONE = "The function asks ElastiCache's API about the cache that its environment names, and connects to no cache."
_ALL_BUCKETS = (
    "ElastiCache asks S3 for the caller's buckets when it exports: s3:ListAllMyBuckets takes no bucket "
    "(AmazonElastiCache/latest/dg/backups-exporting.html)."
)
_SNAPSHOTS = "Automatic snapshots have new names each day; they are found by the cache that they are of."
_FILES = "The files of snapshots have new names each day; the bucket is one that holds nothing else."
_KEYS = "The vault's key is known by its alias, which the condition names: it may be of another stack or Region."
_PASSING = (
    "Files are here for a day, on their way to the vaults, which are encrypted with a key. AWS's page on exports names "
    "no permission for ElastiCache to use a customer managed key."
)
_NO_VERSIONS = "A file is here for a day and can be exported again as long as its snapshot is there."
_NO_ACCESS_LOG = (
    "What is written and read here is in CloudTrail, where an account records S3's data events. Files stay for a day."
)
_NO_REPLICATION = "Files are here on their way to the vaults, in as many Regions as are named."


class Cache(Protocol):
    """A replication group or a serverless cache that the app makes."""

    encryption_key: kms.IKey


class SnapshotCopies(Construct):
    """Copies each daily snapshot of a replication group or serverless cache to vaults, in its Region and in others.

    ElastiCache exports a snapshot to a bucket of the same Region only, whose policy names the service. From there its
    files are copied to the vaults, where they stay for as long as each vault keeps them. A function looks every three
    hours where the copy stands, and does what is next. An alarm is raised if the newest snapshot is not in every vault
    after twelve hours, or if it is more than 36 hours old; another one if the function fails.
    docs/runbooks/snapshot-copies.md
    says what to do, and how a cache is restored from a copy. Nothing about the cache changes.

    Costs a few cents a month for the function, two alarms, 1 USD for its key, storage, and the transfer to other
    Regions.

    Args:
        scope: The parent, in the Region of the cache.
        construct_id: The id in the parent.
        cache: A `ReplicationGroup` or `ServerlessCache` of the app, with automatic snapshots. Neither Memcached nor
            node types with data tiering can be exported.
        vaults: Where the copies are kept, one or more `SnapshotVault`, each in any Region of the account.
        alarm_topic: Receives both alarms.
        no_reserved_concurrency_reason: Why no concurrency is reserved for the function, for example because the account
            has too little. Default: one execution is reserved.

    Raises:
        ConfigurationError: If the cache has no snapshots that can be exported, there is no vault, a vault is there
            twice, its Region is not known, or the topic cannot be used.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/backups-exporting.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cache: Cache,
        vaults: Sequence[SnapshotVault],
        alarm_topic: sns.ITopic,
        no_reserved_concurrency_reason: str | None = None,
    ) -> None:
        with reported_together() as check:
            check(_check_cache, cache)
            check(_check_vaults, scope, vaults)
            check(check_alarm_topic, alarm_topic, of=scope, call="SnapshotCopies")
            if no_reserved_concurrency_reason is not None:
                what = "SnapshotCopies(no_reserved_concurrency_reason=...)"
                check(checked_reason, no_reserved_concurrency_reason, what=what)
        super().__init__(scope, construct_id)
        admit_alarms_to(alarm_topic, of=self)
        stack = stack_of(self)
        exports = self._exports()
        group_id: str | None = getattr(cache, "replication_group_id", None)
        name: str = getattr(cache, "serverless_cache_name", "")
        variable = {"SNAPSHOTS_OF_SERVERLESS_CACHE": name} if group_id is None else {"SNAPSHOTS_OF_GROUP": group_id}
        places = [[vault.name, vault.region] for vault in vaults]
        self.function: lambda_.Function = create_vpc_function(
            self,
            description="Copies snapshots of an ElastiCache cache to S3",
            code=code_of(_RUNTIME),
            handler="copy_snapshots.handler.handle",
            statements=[
                *_of_snapshots(stack, group_id, name),
                *_of_exports(exports),
                *_of_vaults(stack, vaults),
                {  # for the function's environment
                    **allow(cache.encryption_key.key_arn, "kms", "Decrypt"),
                    "Condition": {"StringEquals": {"kms:ViaService": f"lambda.{stack.region}.amazonaws.com"}},
                },
            ],
            outside_reason=_NO_VPC,
            environment={**variable, "EXPORTS": exports.bucket_name, "VAULTS": stack.to_json_string(places)},
            encryption_key=cache.encryption_key,
            timeout=Duration.minutes(15),
            memory_mib=256,
            concurrency=1,
            no_reserved_concurrency_reason=no_reserved_concurrency_reason,
            dead_letters=_LOOKS_AGAIN,
            also_acknowledged=_open(self, exports, vaults, is_group=group_id is not None),
        )
        acknowledge(self.function, {"elasticache-reachability::elasticache_function_reaches_its_stores": _API_ALONE})
        call_on_schedule(
            self,
            "Schedule",
            self.function,
            description="Copies snapshots of an ElastiCache cache to S3",
            expression=f"rate({_EVERY_HOURS} hours)",
            no_dead_letters=_LOOKS_AGAIN,
        )
        self.late_alarm: cloudwatch.CfnAlarm = alarm_of_function(
            self,
            "Late",
            self.function,
            alarm_topic,
            namespace=NAMESPACE,
            metric=METRIC,
            period_seconds=_ALARM_SECONDS,
            threshold=_LATE_HOURS,
            missing="breaching",
            meaning=f"The newest snapshot is not in every vault, or there is none. Runbook: {_RUNBOOK}",
        )
        alarm_of_function(
            self,
            "Failed",
            self.function,
            alarm_topic,
            namespace="AWS/Lambda",
            metric="Errors",
            period_seconds=_ALARM_SECONDS,
            meaning=f"Snapshots are not copied: the function fails, see its log. Runbook: {_RUNBOOK}",
        )

    def _exports(self) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            "Exports",
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="Passing",
                    expiration=Duration.days(1),
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                )
            ],
            removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )
        bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid="ElastiCacheSnapshotExport",
                principals=[iam.ServicePrincipal(f"{place_of(self).region}.elasticache-snapshot.amazonaws.com")],
                # As the page on exports has them, which also let a cache be restored from a file that is put here.
                actions=[
                    "s3:PutObject",
                    "s3:GetObject",
                    "s3:ListBucket",
                    "s3:GetBucketAcl",
                    "s3:ListMultipartUploadParts",
                    "s3:ListBucketMultipartUploads",
                ],
                resources=[bucket.bucket_arn, bucket.arn_for_objects("*")],
            )
        )
        accept(
            bucket,
            {
                Situation.BUCKET_WITHOUT_KEY: _PASSING,
                Situation.BUCKET_WITHOUT_VERSIONS: _NO_VERSIONS,
                Situation.BUCKET_WITHOUT_ACCESS_LOG: _NO_ACCESS_LOG,
                Situation.BUCKET_WITHOUT_EVENTS: NO_EVENTS,
                Situation.BUCKET_WITHOUT_LOCK: _NO_VERSIONS,
                Situation.BUCKET_WITHOUT_REPLICATION: _NO_REPLICATION,
            },
        )
        return bucket


def _arn(stack: Stack, resource: str, name: str) -> str:
    return stack.format_arn(
        service="elasticache", resource=resource, resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
    )


def _of_snapshots(stack: Stack, group_id: str | None, name: str) -> list[dict[str, Any]]:
    if group_id is not None:
        return [
            allow(_arn(stack, "replicationgroup", group_id), "elasticache", "DescribeSnapshots"),
            allow(_arn(stack, "snapshot", "*"), "elasticache", "CopySnapshot", "DescribeSnapshots"),
        ]
    actions = ("DescribeServerlessCacheSnapshots", "ExportServerlessCacheSnapshot")
    return [
        allow(_arn(stack, "serverlesscache", name), "elasticache", actions[0]),
        allow(_arn(stack, "serverlesscachesnapshot", "*"), "elasticache", *actions),
    ]


def _of_exports(exports: s3.Bucket) -> list[dict[str, Any]]:
    """What the page on exports asks of a caller."""
    return [
        allow(exports.bucket_arn, "s3", "GetBucketLocation", "ListBucket"),
        allow(exports.arn_for_objects("*"), "s3", "DeleteObject", "GetObject", "PutObject"),
        allow("*", "s3", "ListAllMyBuckets"),
    ]


def _of_vaults(stack: Stack, vaults: Sequence[SnapshotVault]) -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = []
    for vault in vaults:
        bucket = f"arn:{stack.partition}:s3:::{vault.name}"
        statements += [
            allow(bucket, "s3", "ListBucket"),
            allow(f"{bucket}/*", "s3", "AbortMultipartUpload", "PutObject"),
            {
                # Decrypt is for uploads in parts.
                **allow(_keys_of(stack, vault), "kms", "Decrypt", "GenerateDataKey"),
                "Condition": {
                    "ForAnyValue:StringEquals": {"kms:ResourceAliases": f"alias/{vault.name}"},
                    "StringEquals": {"kms:ViaService": f"s3.{vault.region}.amazonaws.com"},
                },
            },
        ]
    return statements


def _keys_of(stack: Stack, vault: SnapshotVault) -> str:
    return stack.format_arn(service="kms", region=vault.region, resource="key", resource_name="*")


def _open(scope: Construct, exports: s3.Bucket, vaults: Sequence[SnapshotVault], *, is_group: bool) -> dict[str, str]:
    """The wildcards of the policy, as cdk-nag names them."""
    stack = stack_of(scope)
    kind = "snapshot" if is_group else "serverlesscachesnapshot"
    account = "arn:{partition}:elasticache:{region}:{account}:"
    found = {open_resource(scope, f"{account}{kind}:*"): _SNAPSHOTS}
    logical_id = stack.get_logical_id(exports.node.default_child)  # type: ignore[arg-type]
    found[open_resource(scope, f"<{logical_id}.Arn>/*")] = _FILES
    for vault in vaults:
        found[open_resource(scope, "arn:{partition}:s3:::" + f"{vault.name}/*")] = _FILES
        region = "{region}" if is_unresolved(vault.region) else vault.region
        found[open_resource(scope, "arn:{partition}:kms:" + region + ":{account}:key/*")] = _KEYS
    return found


def _check_cache(cache: Cache) -> None:
    check_kind(
        "SnapshotCopies",
        "cache",
        cache,
        Kind(of=Cache, method="encryption_key", example="ReplicationGroup(...), or ServerlessCache(...)"),
    )
    resource: Any = getattr(cache, "_resource", None)
    if getattr(cache, "_engine_name", None) == "memcached":
        raise ConfigurationError(
            got="SnapshotCopies(cache=...) of Memcached",
            allowed="snapshots of Valkey and Redis OSS are exported",
            fix="Leave it out",
            page=_PAGE,
        )
    node_type = getattr(resource, "cache_node_type", None)
    if isinstance(node_type, str) and node_type.startswith("cache.r6gd."):
        raise ConfigurationError(
            got=f"SnapshotCopies(cache=...) of a group of {node_type}",
            allowed="snapshots of node types with data tiering are not exported",
            fix="Use another node type, or keep the snapshots in ElastiCache",
            rule="SNP-18",
        )


def _check_vaults(scope: Construct, vaults: Sequence[SnapshotVault]) -> None:
    if not vaults:
        raise ConfigurationError(
            got="SnapshotCopies without a vault",
            allowed="copies are kept in one vault or more",
            fix="Give it vaults=[SnapshotVault(...)]",
            page=_PAGE,
        )
    names = [vault.name for vault in vaults]
    if len(set(names)) != len(names):
        raise ConfigurationError(
            got=f"SnapshotCopies(vaults=...) with {names}",
            allowed="each vault is named once",
            fix="Leave the second one out",
        )
    here = stack_of(scope)
    for vault in vaults:
        if is_unresolved(vault.region) and stack_of(vault) is not here:
            raise ConfigurationError(
                got=f"SnapshotCopies(vaults=...) with {vault.node.path}, whose Region is not known",
                allowed="the Region of a vault in another stack is known at synth",
                fix="Give the vault's stack an env with its region",
                page="https://docs.aws.amazon.com/cdk/v2/guide/environments.html",
            )
