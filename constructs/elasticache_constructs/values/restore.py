"""The snapshot or the RDB files that a new cache is restored from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from elasticache_constructs.checks.argument_types import Kind, check_kind, checked_list
from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.tokens import is_known, is_unresolved

if TYPE_CHECKING:
    from collections.abc import Sequence

_LONGEST_SERVERLESS_NAME = 255


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A backup to restore from. Create one with `named`, `of_serverless_cache` or `rdb_files`.

    It is read at creation only, but must stay in the code: adding, changing or removing it later replaces the cache. It
    does not contain security groups, users, parameters or keys. The engine must be at least as new as the snapshot's.
    """

    name: str | None = None
    files: tuple[str, ...] = ()
    loaded: bool = False
    """Whether the group was already loaded from the files, so its shards no longer state their original slots."""
    is_serverless: bool = False
    """Whether it is a snapshot of a serverless cache."""

    def __post_init__(self) -> None:
        """Refuse what the service would."""
        if (self.name is None) == (not self.files):
            raise ConfigurationError(
                got=f"Snapshot(name={self.name!r}, files={self.files!r})",
                allowed="a group is restored from one snapshot or from one or more files",
                fix="Use Snapshot.named('...') or Snapshot.rdb_files(['arn:aws:s3:::bucket/dump.rdb'])",
                rule="SNP-10",
            )
        with reported_together() as check:
            check(self._check_name)
            check(self._check_duplicates)
            check(self._check_loaded)
            for arn in self.files:
                check(_check_file, arn)

    @classmethod
    def named(cls, name: str) -> Snapshot:
        """A snapshot of a replication group of this account and region.

        A serverless cache of Valkey or Redis can be restored from it, too.

        Args:
            name: Its name. A CDK token passes through unchecked.

        Raises:
            ConfigurationError: If the name is not valid.
        """
        return cls(name=name)

    @classmethod
    def of_serverless_cache(cls, name: str) -> Snapshot:
        """A snapshot of a serverless cache of this account and region, for another serverless cache.

        The final snapshot of a deleted cache is one of them: ``aws elasticache describe-serverless-cache-snapshots``.

        Args:
            name: Its name. A CDK token passes through unchecked.

        Raises:
            ConfigurationError: If the name is not valid.

        See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/backups-restoring.html
        """
        return cls(name=name, is_serverless=True)

    @classmethod
    def rdb_files(cls, arns: Sequence[str], *, loaded: bool = False) -> Snapshot:
        """Redis or Valkey RDB files in an S3 bucket of the same region, which ElastiCache may read.

        A group has one file per shard, so a single file without cluster mode. In cluster mode the slots are divided
        evenly among the shards, in the order of the files: the first of three shards has the slots 0 to 5460. A
        `Shard` of ``Topology(placement=[...])`` has others.

        Args:
            arns: ARNs such as ``arn:aws:s3:::bucket/folder/dump.rdb``, one or more. CDK tokens pass through unchecked.
            loaded: Set it to ``True`` in the first deployment that changes the shards or replicas of a group loaded in
                cluster mode, and keep it. The shards' slots are then no longer stated, because the service moves them,
                and the files are no longer compared with the shards. Setting it changes nothing by itself
                (docs/runbooks/shards.md). Default: the group is created from the files.

        Raises:
            ConfigurationError: If the list is empty, or an ARN is not of that form, contains a comma or is given twice.

        See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/backups-seeding-redis.html
        """
        kind = Kind(of=str, example="['arn:aws:s3:::bucket/dump.rdb']", free=True, rule="SNP-10")
        return cls(files=checked_list("Snapshot.rdb_files", "arns", arns, kind), loaded=loaded)

    @property
    def number_of_files(self) -> int | None:
        """The number of files; ``None`` for a list that is known only at deployment."""
        return None if is_unresolved(list(self.files)) else len(self.files)

    def _check_name(self) -> None:
        name = self.name
        call, rule = ("Snapshot.of_serverless_cache", "NAM-10") if self.is_serverless else ("Snapshot.named", "NAM-14")
        check_kind(call, "name", name, Kind(of=str | None, example="'nightly'", rule=rule))
        if name is None or is_unresolved(name):
            return
        if self.is_serverless:
            _check_serverless_name(name)
            return
        if not re.fullmatch(r"(automatic\.)?[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)*", name):
            raise ConfigurationError(
                got=f"Snapshot.named({name!r})",
                allowed="a snapshot's name begins with a letter and has letters, digits and single hyphens",
                fix="Use the name that DescribeSnapshots shows, including a leading 'automatic.'",
                rule="NAM-14",
            )

    def _check_loaded(self) -> None:
        kind = Kind(of=bool, example="True", rule="SNP-13")
        check_kind("Snapshot.rdb_files", "loaded", self.loaded, kind)

    def _check_duplicates(self) -> None:
        twice = [arn for arn in dict.fromkeys(self.files) if self.files.count(arn) > 1]
        if twice:
            raise ConfigurationError(
                got=f"Snapshot.rdb_files([...]) with {twice[0]!r} twice",
                allowed="each file is named once",
                fix="Leave the second one out",
                rule="SNP-10",
            )


def _check_serverless_name(name: str) -> None:
    right = re.fullmatch(r"(automatic\.)?[a-z][a-z0-9]*(-[a-z0-9]+)*", name)
    if not right or len(name) > _LONGEST_SERVERLESS_NAME:
        raise ConfigurationError(
            got=f"Snapshot.of_serverless_cache({name!r})",
            allowed="the name of such a snapshot begins with a letter and has lower-case letters, digits and single "
            f"hyphens, {_LONGEST_SERVERLESS_NAME} at most",
            fix="Use the name that DescribeServerlessCacheSnapshots shows, including a leading 'automatic.'",
            rule="NAM-10",
        )


def _check_file(arn: str) -> None:
    if is_known(arn) and not re.fullmatch(r"arn:aws[a-z-]*:s3:::[a-z0-9._-]+/[^,]+\.rdb", arn):
        raise ConfigurationError(
            got=f"Snapshot.rdb_files([{arn!r}])",
            allowed="a file is arn:aws:s3:::bucket/key.rdb, without a comma in the key",
            fix="Write it as in arn:aws:s3:::bucket/folder/dump.rdb",
            rule="SNP-10",
        )
