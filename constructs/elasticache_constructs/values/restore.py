"""What a new cache begins with: a snapshot, or files of one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import Token

from elasticache_constructs.checks.argument_types import Kind, check_kind, checked_list
from elasticache_constructs.checks.errors import ConfigurationError, reported_together
from elasticache_constructs.checks.locations import is_known

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A backup to restore from. Make one with `named` or `rdb_files`.

    It is read at creation only and stays in the code for ever: adding, changing or removing it later replaces the
    group. Security groups, users, parameters and keys do not come with it. The engine must be as new as the snapshot's.
    """

    name: str | None = None
    files: tuple[str, ...] = ()
    loaded: bool = False
    """Whether the group was loaded from the files already, and its shards no longer name the slots they began with."""

    def __post_init__(self) -> None:
        """Refuse what the service would."""
        if (self.name is None) == (not self.files):
            raise ConfigurationError(
                got=f"Snapshot(name={self.name!r}, files={self.files!r})",
                allowed="a group begins with one snapshot or with one or more files",
                fix="Use Snapshot.named('...') or Snapshot.rdb_files(['arn:aws:s3:::bucket/dump.rdb'])",
                rule="SNP-10",
            )
        with reported_together() as check:
            check(self._check_name)
            check(self._check_doubles)
            check(self._check_loaded)
            for arn in self.files:
                check(_check_file, arn)

    @classmethod
    def named(cls, name: str) -> Snapshot:
        """A snapshot of this account and region.

        Args:
            name: Its name. A CDK token passes through unchecked.

        Raises:
            ConfigurationError: If the name is none.
        """
        return cls(name=name)

    @classmethod
    def rdb_files(cls, arns: Sequence[str], *, loaded: bool = False) -> Snapshot:
        """Redis or Valkey dump files in a bucket of the same region that lets ElastiCache read them.

        A group has one file for each shard, so one alone without cluster mode. In cluster mode the slots are divided
        evenly among the shards, in the order of the files: the first of three shards has the slots 0 to 5460.

        Args:
            arns: ``arn:aws:s3:::bucket/folder/dump.rdb``, one or more. CDK tokens pass through unchecked.
            loaded: ``True`` from the first deployment on that changes the number of shards or replicas of a group that
                was loaded in cluster mode. The shards' slots are then no longer stated, since the service moves them,
                and the files are no longer compared with the shards. Changing it changes nothing by itself
                (docs/runbooks/shards.md). Default: the group is made from the files.

        Raises:
            ConfigurationError: If there is none, or one is not of that form, has a comma in it or is there twice.

        See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/backups-seeding-redis.html
        """
        kind = Kind(of=str, example="['arn:aws:s3:::bucket/dump.rdb']", free=True, rule="SNP-10")
        return cls(files=checked_list("Snapshot.rdb_files", "arns", arns, kind), loaded=loaded)

    @property
    def number_of_files(self) -> int | None:
        """How many files there are; ``None`` for a list that is known at deployment only."""
        return None if Token.is_unresolved(list(self.files)) else len(self.files)

    def _check_name(self) -> None:
        name = self.name
        check_kind("Snapshot.named", "name", name, Kind(of=str | None, example="'nightly'", rule="NAM-14"))
        if name is None or Token.is_unresolved(name):
            return
        if not re.fullmatch(r"(automatic\.)?[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)*", name):
            raise ConfigurationError(
                got=f"Snapshot.named({name!r})",
                allowed="a snapshot's name begins with a letter and has letters, digits and single hyphens",
                fix="Use the name that DescribeSnapshots shows, 'automatic.' included where it begins so",
                rule="NAM-14",
            )

    def _check_loaded(self) -> None:
        kind = Kind(of=bool, example="True", rule="SNP-13")
        check_kind("Snapshot.rdb_files", "loaded", self.loaded, kind)

    def _check_doubles(self) -> None:
        twice = [arn for arn in dict.fromkeys(self.files) if self.files.count(arn) > 1]
        if twice:
            raise ConfigurationError(
                got=f"Snapshot.rdb_files([...]) with {twice[0]!r} twice",
                allowed="each file is named once",
                fix="Leave the second one out",
                rule="SNP-10",
            )


def _check_file(arn: str) -> None:
    if is_known(arn) and not re.fullmatch(r"arn:aws[a-z-]*:s3:::[a-z0-9._-]+/[^,]+\.rdb", arn):
        raise ConfigurationError(
            got=f"Snapshot.rdb_files([{arn!r}])",
            allowed="a file is arn:aws:s3:::bucket/key.rdb, without a comma in the key",
            fix="Write it as in arn:aws:s3:::bucket/folder/dump.rdb",
            rule="SNP-10",
        )
