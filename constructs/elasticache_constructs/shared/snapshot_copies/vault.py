"""A bucket that keeps copies of snapshots."""

from __future__ import annotations

import re

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from elasticache_constructs.checks.argument_types import Kind, check_kind
from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.locations import place_of
from elasticache_constructs.checks.situations import Situation, accept
from elasticache_constructs.checks.whole_numbers import is_whole_number, other_type, shown
from elasticache_constructs.shared.encryption_key import EncryptionKey

_LONGEST_DAYS = 36_500
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_NAMES_PAGE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"
_LIFECYCLE_PAGE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lifecycle-mgmt.html"
_NO_ACCESS_LOG = (
    "What is written and read here is in CloudTrail, where an account records S3's data events. A bucket of access "
    "logs for a file a day would need the same care as this one."
)
_NO_LOCK = (
    "Locked copies could not be deleted when a person asks for their data to be. Versions keep for seven days what is "
    "deleted, and no role of this app may delete."
)
NO_EVENTS = "Nothing waits for a file: a function looks every few hours, and an alarm says if one does not come."
_NO_REPLICATION = (
    "The bucket itself holds copies. Another Region gets its own vault, which the copies are written to as well."
)


class SnapshotVault(Construct):
    """A bucket that keeps copies of snapshots, in any Region: encrypted with a separate key, versioned, not public.

    `SnapshotCopies` writes to it, by its name: a vault of another Region is in a stack of that Region. A copy that is
    overwritten or deleted stays for seven days as a version. Bucket and key are retained when the stack is deleted.

    Costs 1 USD a month for the key, and storage.

    Args:
        scope: The parent, in a stack of the Region that the copies are kept in.
        construct_id: The id in the parent.
        name: The bucket's name, which is unique among all accounts; another name makes another bucket.
        retention_days: Days after which a copy is deleted; changed in place, also for copies that are there. Default:
            35.

    Raises:
        ConfigurationError: If the name or the number of days is not valid.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/backups-exporting.html
    """

    def __init__(self, scope: Construct, construct_id: str, *, name: str, retention_days: int = 35) -> None:
        with reported_together() as check:
            check(_check_name, name)
            check(_check_days, retention_days)
        super().__init__(scope, construct_id)
        self.name = name
        """The bucket's name."""
        self.region = place_of(self).region
        """The Region of the bucket; a token if it is not known at synth."""
        key = EncryptionKey(self, "Key", description="Copies of ElastiCache snapshots")
        # By the alias, the function of another stack or Region knows the key.
        kms.Alias(self, "Alias", alias_name=f"alias/{name}", target_key=key)
        self.encryption_key: kms.IKey = key
        """Encrypts the copies."""
        self.bucket: s3.IBucket = s3.Bucket(
            self,
            "Bucket",
            bucket_name=name,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            versioned=True,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="Retention",
                    expiration=Duration.days(retention_days),
                    noncurrent_version_expiration=Duration.days(7),
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                )
            ],
            removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )
        """The bucket."""
        accept(
            self.bucket,
            {
                Situation.BUCKET_WITHOUT_ACCESS_LOG: _NO_ACCESS_LOG,
                Situation.BUCKET_WITHOUT_EVENTS: NO_EVENTS,
                Situation.BUCKET_WITHOUT_LOCK: _NO_LOCK,
                Situation.BUCKET_WITHOUT_REPLICATION: _NO_REPLICATION,
            },
        )


def _check_name(name: str) -> None:
    check_kind("SnapshotVault", "name", name, Kind(of=str, example="'orders-snapshots-eu-central-1'", literal=True))
    if _NAME.fullmatch(name) is None:
        raise ConfigurationError(
            got=f"SnapshotVault(name={name!r})",
            allowed="a bucket's name has 3 to 63 lower-case letters, digits and hyphens, and no hyphen at its ends",
            fix="Use one such as 'orders-snapshots-eu-central-1'",
            page=_NAMES_PAGE,
        )


def _check_days(days: int) -> None:
    if not is_whole_number(days, 1, _LONGEST_DAYS):
        raise ConfigurationError(
            got=f"SnapshotVault(retention_days={shown(days)}){other_type(days)}",
            allowed=f"copies are kept 1 to {_LONGEST_DAYS} days",
            fix="Use retention_days=35",
            page=_LIFECYCLE_PAGE,
        )
