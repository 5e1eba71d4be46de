"""Serverless caches."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2

from elasticache_constructs import (
    Access,
    Backups,
    DefaultUser,
    IamUser,
    NetworkType,
    Permissions,
    ServerlessCache,
    Snapshot,
)
from elasticache_constructs.network.subnets import Spread
from elasticache_constructs.serverless_cache.settings import ServerlessCacheSettings
from elasticache_constructs.values.serverless_engine import ServerlessEngine
from elasticache_constructs.values.serverless_limits import ServerlessLimits
from tests.conftest import FLAGS
from tests.rules.row import Row, group
from tests.rules.rows_placement import imported, made

_ZONES = Spread("a serverless cache", "ReplicationGroup with replicas_per_shard=0", rule="SLS-06")
_USERS = Access.users(default=DefaultUser.with_token())


_IAM_ONLY = Access.users(default=DefaultUser.absent(), users=[IamUser("kiosk", Permissions.read_write("kiosk:*"))])
_REASON = "A kiosk at a fair has no way into the VPC."


def _placed(**changes: Any) -> None:
    """The construct, whose place in a VPC is no setting."""
    ServerlessCache(cdk.Stack(cdk.App(context=FLAGS), "Stack"), "Cache", limits=_limits(), **changes)


def cache(**changes: Any) -> ServerlessCacheSettings:
    """What a serverless cache is to be, with changes; without a construct."""
    arguments: dict[str, Any] = {
        "description": "cache",
        "limits": ServerlessLimits(maximum_storage_gb=10, maximum_ecpu_per_second=5000),
        "access": _USERS,
        **changes,
    }
    return ServerlessCacheSettings(**arguments)


def _limits(**changes: Any) -> ServerlessLimits:
    return ServerlessLimits(**{"maximum_storage_gb": 10, "maximum_ecpu_per_second": 5000, **changes})


def _twins(*regions: str) -> None:
    """A cache in a stack of one name in each of some regions."""
    app = cdk.App(context=FLAGS)
    for number, region in enumerate(regions):
        environment = cdk.Environment(account="123456789012", region=region)
        stack = cdk.Stack(cdk.Stage(app, f"Stage{number}", env=environment), "Stack", stack_name="shop")
        zones = [f"{region}a", f"{region}b"]
        vpc = ec2.Vpc.from_vpc_attributes(
            stack, "Vpc", vpc_id="vpc-12345", availability_zones=zones, isolated_subnet_ids=["s-a", "s-b"]
        )
        ServerlessCache(stack, "Cache", vpc=vpc, engine=ServerlessEngine.MEMCACHED_1_6, limits=_limits())


ROWS = (
    Row(
        "SLS-01",
        lambda: ServerlessEngine("Valkey", "8"),
        (
            "ServerlessEngine('Valkey', ...): serverless caches run redis, valkey or memcached, in lower case. "
            "Use one of the constants, for example ServerlessEngine.VALKEY_8."
        ),
        lambda: ServerlessEngine("valkey", "8"),
    ),
    Row(
        "SLS-01",
        lambda: ServerlessEngine("valkey", "8.2"),
        (
            "ServerlessEngine('valkey', '8.2'): new serverless caches run valkey 7, 8, 9. Use '8': the service "
            "chooses the rest."
        ),
        lambda: ServerlessEngine("valkey", "8"),
    ),
    Row(
        "SLS-26",
        lambda: ServerlessEngine("redis", "6"),
        (
            "ServerlessEngine('redis', '6'): new serverless caches run redis 7. Use '7', or for a version that is"
            " newer than this package ServerlessEngine('redis', '6', unlisted=True)."
        ),
        lambda: ServerlessEngine("redis", "7"),
    ),
    Row(
        "SLS-02",
        lambda: _limits(maximum_storage_gb=5001),
        "ServerlessLimits(maximum_storage_gb=5001): it is a whole number from 1 to 5000. "
        "Use a number in that range, for example maximum_storage_gb=5000.",
        lambda: _limits(maximum_storage_gb=5000),
    ),
    Row(
        "SLS-02",
        lambda: _limits(minimum_storage_gb=11),
        (
            "ServerlessLimits(minimum_storage_gb=11, maximum_storage_gb=10): the minimum is at most the maximum. "
            "Use minimum_storage_gb=10 or less."
        ),
        lambda: _limits(minimum_storage_gb=10),
    ),
    Row(
        "SLS-03",
        lambda: _limits(maximum_ecpu_per_second=999),
        (
            "ServerlessLimits(maximum_ecpu_per_second=999): it is a whole number from 1000 to 15000000. Use a number "
            "in that range, for example maximum_ecpu_per_second=1000."
        ),
        lambda: _limits(maximum_ecpu_per_second=1000),
    ),
    Row(
        "SLS-03",
        lambda: _limits(minimum_ecpu_per_second=5001),
        (
            "ServerlessLimits(minimum_ecpu_per_second=5001, maximum_ecpu_per_second=5000): the minimum is at most the "
            "maximum."
            " Use minimum_ecpu_per_second=5000 or less."
        ),
        lambda: _limits(minimum_ecpu_per_second=5000),
    ),
    Row(
        "SLS-04",
        lambda: ServerlessLimits(maximum_storage_gb=10),
        (
            "ServerlessLimits without maximum_ecpu_per_second: a serverless cache needs a maximum, which limits "
            "its cost. Add maximum_ecpu_per_second=..., or say why there is none: unlimited_reason='...'."
        ),
        lambda: ServerlessLimits(maximum_storage_gb=10, unlimited_reason="The peak of the sale is not known yet."),
    ),
    Row(
        "SLS-06",
        lambda: imported(["a"], spread=_ZONES),
        (
            "subnets in one Availability Zone (a) for a serverless cache: nodes in several Availability Zones need "
            "subnets in at least two of "
            "them. Choose subnets of a second zone, or have a single node: ReplicationGroup with "
            "replicas_per_shard=0."
        ),
        lambda: imported(["a", "b"], spread=_ZONES),
    ),
    Row(
        "SLS-08",
        lambda: made(NetworkType.IPV6),
        (
            "NetworkType ipv6 in Test/Subnet/Subnet: it needs subnets with IPv6 addresses and no others. Choose "
            "subnets with ipv6_native=True, or use NetworkType.dual_stack()."
        ),
        lambda: made(NetworkType.IPV4),
        carries="NET-15",
    ),
    Row(
        "SLS-11",
        lambda: cache(engine=ServerlessEngine.MEMCACHED_1_6),
        (
            "ServerlessCache(engine=memcached 1.6, access=...): Memcached has no logins: only its security "
            "groups and TLS protect it. Leave access out."
        ),
        lambda: cache(engine=ServerlessEngine.MEMCACHED_1_6, access=None),
    ),
    Row(
        "SLS-12",
        lambda: cache(access=None),
        (
            "ServerlessCache(engine=valkey 8) without access: a Valkey or Redis cache needs a user; "
            "without, any client that reaches it can use it. Use Access.users(default=DefaultUser.disabled(), "
            "users=[IamUser(...)])."
        ),
        lambda: cache(access=_USERS),
    ),
    Row(
        "AUT-15",
        lambda: cache(access=Access.auth_token()),
        (
            "ServerlessCache(access=Access.auth_token()): a serverless cache itself has no AuthToken. Use "
            "Access.users(...); DefaultUser.with_token() allows clients that know only a token."
        ),
        lambda: cache(access=_USERS),
    ),
    Row(
        "NAM-17",
        lambda: cache(description="a < b"),
        (
            "the description 'a < b': that of a serverless cache has 255 at most, and neither < nor >. Shorten "
            "it, or leave the signs out."
        ),
        lambda: cache(description="a, b"),
    ),
    Row(
        "SLS-14",
        lambda: cache(backups=Backups(retention_days=36)),
        (
            "Backups(retention_days=36): snapshots are kept 15 to 35 days. Use retention_days=35, or say why a "
            "shorter time is enough: short_retention_reason='...'."
        ),
        lambda: cache(backups=Backups(retention_days=35)),
        carries="SNP-01",
    ),
    Row(
        "NAM-10",
        lambda: Snapshot.of_serverless_cache("Nightly_1"),
        (
            "Snapshot.of_serverless_cache('Nightly_1'): the name of such a snapshot begins with a letter and has "
            "lower-case letters, digits and single hyphens, 255 at most. Use the name that "
            "DescribeServerlessCacheSnapshots shows, including a leading 'automatic.'."
        ),
        lambda: Snapshot.of_serverless_cache("automatic.shop-2026-11-21-02-00"),
    ),
    Row(
        "SNP-20",
        lambda: cache(restore_from=Snapshot.rdb_files(["arn:aws:s3:::dumps/1.rdb"])),
        (
            "ServerlessCache(restore_from=Snapshot.rdb_files(...)): a serverless cache is restored from a snapshot; "
            "AWS documents no way from files. Load the files into a ReplicationGroup, take a snapshot of it, and use "
            "Snapshot.named('...')."
        ),
        lambda: cache(restore_from=Snapshot.named("nightly")),
    ),
    Row(
        "SNP-20",
        lambda: cache(engine=ServerlessEngine.MEMCACHED_1_6, access=None, restore_from=Snapshot.named("nightly")),
        (
            "ServerlessCache(engine=memcached 1.6, restore_from=Snapshot.named('nightly')): a serverless cache of "
            "Memcached is restored from a snapshot of another one; clusters of nodes have no snapshots. Use "
            "Snapshot.of_serverless_cache('...')."
        ),
        lambda: cache(
            engine=ServerlessEngine.MEMCACHED_1_6, access=None, restore_from=Snapshot.of_serverless_cache("nightly")
        ),
    ),
    Row(
        "CFN-15",
        lambda: group(restore_from=Snapshot.of_serverless_cache("nightly")),
        (
            "ReplicationGroup(restore_from=Snapshot.of_serverless_cache('nightly')): a group is restored from a "
            "snapshot of a group, or from RDB files. Export the snapshot to S3 (aws elasticache "
            "export-serverless-cache-snapshot) and use Snapshot.rdb_files([...])."
        ),
        lambda: group(restore_from=Snapshot.named("nightly")),
    ),
    Row(
        "SLS-07",
        lambda: _placed(engine=ServerlessEngine.VALKEY_9, access=_IAM_ONLY),
        (
            "ServerlessCache without vpc: a cache is in the VPC of its clients; the service would take the default "
            "VPC. Add vpc=..., or say why the cache has a public endpoint: public_endpoint_reason='...'."
        ),
        lambda: _placed(engine=ServerlessEngine.VALKEY_9, access=_IAM_ONLY, public_endpoint_reason=_REASON),
    ),
    Row(
        "SLS-09",
        lambda: cache(access=_IAM_ONLY, public_endpoint_reason=_REASON),
        (
            "ServerlessCache(engine=valkey 8, public_endpoint_reason=...): caches with a public endpoint run at least "
            "Valkey 9. Use engine=ServerlessEngine.VALKEY_9, or leave public_endpoint_reason out."
        ),
        lambda: cache(engine=ServerlessEngine.VALKEY_9, access=_IAM_ONLY, public_endpoint_reason=_REASON),
    ),
    Row(
        "SLS-09",
        lambda: _placed(engine=ServerlessEngine.VALKEY_9, access=_IAM_ONLY, public_endpoint_reason=_REASON, max_azs=2),
        (
            "ServerlessCache(public_endpoint_reason=...) with max_azs: a cache with a public endpoint is in no VPC. "
            "Leave max_azs out, or leave public_endpoint_reason out."
        ),
        lambda: _placed(engine=ServerlessEngine.VALKEY_9, access=_IAM_ONLY, public_endpoint_reason=_REASON),
    ),
    Row(
        "SLS-10",
        lambda: cache(engine=ServerlessEngine.VALKEY_9, public_endpoint_reason=_REASON),
        (
            "ServerlessCache(public_endpoint_reason=...) with users that do not all log in through IAM: every user of "
            "a cache with a public endpoint logs in through IAM, and no default user can. Use "
            "Access.users(default=DefaultUser.absent(), users=[IamUser(...)])."
        ),
        lambda: cache(engine=ServerlessEngine.VALKEY_9, access=_IAM_ONLY, public_endpoint_reason=_REASON),
    ),
    Row(
        "SLS-09",
        lambda: cache(
            engine=ServerlessEngine.VALKEY_9,
            access=_IAM_ONLY,
            public_endpoint_reason=_REASON,
            network_type=NetworkType.IPV6,
        ),
        (
            "ServerlessCache(network_type=ipv6, public_endpoint_reason=...): IPv6 needs subnets that have it, and a "
            "cache with a public endpoint has no subnets. Leave network_type out."
        ),
        lambda: cache(engine=ServerlessEngine.VALKEY_9, access=_IAM_ONLY, public_endpoint_reason=_REASON),
    ),
    Row(
        "WIN-02",
        lambda: cache(backups=Backups(window="24:00-01:00")),
        ("snapshot window '24:00-01:00': it is hh:mm-hh:mm in UTC with two digits each. Write it as in 02:00-03:00."),
        lambda: cache(backups=Backups(window="23:00-00:00")),
        carries="SNP-02",
    ),
    Row(
        "NAM-09",
        lambda: _twins("eu-west-1", "eu-west-1"),
        (
            "the serverless cache 'shop-cache-5e755071' for Stage1/Stack/Cache: Stage0/Stack/Cache has a cache of that "
            "name, and names of serverless caches are unique in an account and region. Give one of the two caches "
            "another construct id, or its stack another name."
        ),
        lambda: _twins("eu-west-1", "eu-central-1"),
    ),
)
