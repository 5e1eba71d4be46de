"""Engines and node types."""

from __future__ import annotations

from elasticache_constructs import Access, Engine, NetworkType, NodeType
from tests.rules.row import Row, cluster, group

_TOKEN = Access.auth_token()
_REDIS_4 = Engine("redis", "4.0.10")

_BACK = (
    "ReplicationGroup(engine={new}, upgraded_from={old}): a group goes to a newer version, from Redis to Valkey, or "
    "from Valkey 7.2 back to Redis 7.1. Restore a snapshot into a new group: docs/runbooks/snapshot-and-restore.md."
)


def _check(node_type: str, engine: Engine) -> None:
    NodeType(node_type).check(engine=engine, region="eu-west-1")


ROWS = (
    Row(
        "ENG-01",
        lambda: Engine("Redis", "7.1"),
        (
            "Engine name 'Redis': ElastiCache runs redis, valkey, memcached, in lower case. Use one of the constants, "
            "for example Engine.VALKEY_8_2."
        ),
        lambda: Engine("redis", "7.1"),
    ),
    Row(
        "ENG-01",
        lambda: group(engine=Engine.MEMCACHED_1_6_22),
        "ReplicationGroup(engine=memcached 1.6.22): replication groups run Redis or Valkey. Use MemcachedCluster.",
        lambda: group(engine=Engine.VALKEY_8_2),
    ),
    Row(
        "ENG-02",
        lambda: cluster(engine=Engine.VALKEY_8_2),
        (
            "MemcachedCluster(engine=valkey 8.2): a Memcached cluster runs Memcached. Use ReplicationGroup for "
            "Redis and Valkey."
        ),
        lambda: cluster(engine=Engine.MEMCACHED_1_6_22),
    ),
    Row(
        "ENG-03",
        lambda: Engine("redis", "7.2"),
        (
            "Engine redis 7.2: new caches run redis 4.0.10, 5.0.6, 6.0, 6.2, 7.0, 7.1. Use '7.1', or for a "
            "version that is newer than this package Engine('redis', '7.2', unlisted=True)."
        ),
        lambda: Engine("redis", "7.1"),
    ),
    Row(
        "ENG-04",
        lambda: Engine("valkey", "9.2"),
        (
            "Engine valkey 9.2: new caches run valkey 7.2, 8.0, 8.1, 8.2, 9.0, 9.1. Use '9.1', or for a version "
            "that is newer than this package Engine('valkey', '9.2', unlisted=True)."
        ),
        lambda: Engine("valkey", "9.2", unlisted=True),
    ),
    Row(
        "ENG-05",
        lambda: Engine("memcached", "1.6.23"),
        (
            "Engine memcached 1.6.23: new caches run memcached 1.4.5, 1.4.14, 1.4.24, 1.4.33, 1.4.34, 1.5.10, "
            "1.5.16, 1.6.6, 1.6.12, 1.6.17, 1.6.22. Use '1.6.22', or for a version that is newer than this "
            "package Engine('memcached', '1.6.23', unlisted=True)."
        ),
        lambda: Engine("memcached", "1.6.22"),
    ),
    Row(
        "ENG-06",
        lambda: Engine("redis", "6.x"),
        (
            "Engine version '6.x': a version is two or three numbers with dots between them. Use one of the constants, "
            "for example Engine.REDIS_7_1."
        ),
        lambda: Engine("redis", "6.2"),
    ),
    Row(
        "ENG-06",
        lambda: Engine("redis", "6.2.6"),
        "Engine version '6.2.6': the service writes this version of redis as x.y. Use '6.2'.",
        lambda: Engine("redis", "5.0.6"),
    ),
    Row(
        "ENG-06",
        lambda: Engine("memcached", "1.6"),
        (
            "Engine version '1.6': the service writes this version of memcached as x.y.z. Use one of 1.4.5, "
            "1.4.14, 1.4.24, 1.4.33, 1.4.34, 1.5.10, 1.5.16, 1.6.6, 1.6.12, 1.6.17, 1.6.22."
        ),
        lambda: Engine("memcached", "1.6.17"),
    ),
    Row(
        "ENG-09",
        lambda: Engine("redis", "7.1", family="redis6.x"),
        (
            "Engine family 'redis6.x' for redis 7.1: the parameter group family of redis 7.1 is redis7. "
            "Leave the family out."
        ),
        lambda: Engine("redis", "7.1", family="redis7"),
    ),
    Row(
        "ENG-19",
        lambda: Engine("redis", "3.2.6"),
        "Engine redis 3.2.6: new caches run redis 4.0.10, 5.0.6, 6.0, 6.2, 7.0, 7.1. Use '5.0.6'.",
        lambda: Engine("redis", "4.0.10"),
        carries="ENG-03",
    ),
    Row(
        "ENG-22",
        lambda: group(engine=Engine.REDIS_5_0_6, node_type=NodeType("cache.r5.large")),
        (
            "Access.users on redis 5.0.6: a user group needs at least Redis OSS 6.0 or Valkey 7.2. Use a newer engine, "
            "or Access.auth_token()."
        ),
        lambda: group(engine=Engine.REDIS_6_2, node_type=NodeType("cache.r5.large")),
        carries="RBC-02",
    ),
    Row(
        "PGR-01",
        lambda: Engine("valkey", "10.0", unlisted=True),
        (
            "Engine valkey 10.0 without its family: the parameter group family of a new major version must be given, "
            "as in "
            "valkey10. Add family=..., the one that DescribeCacheEngineVersions names for this version."
        ),
        lambda: Engine("valkey", "10.0", family="valkey10", unlisted=True),
    ),
    Row(
        "TOP-20",
        lambda: Engine("redis", "2.8.24"),
        "Engine redis 2.8.24: new caches run redis 4.0.10, 5.0.6, 6.0, 6.2, 7.0, 7.1. Use '7.1'.",
        lambda: Engine("redis", "5.0.6"),
        carries="ENG-03",
    ),
    Row(
        "KMS-09",
        lambda: Engine("redis", "3.2.4"),
        "Engine redis 3.2.4: new caches run redis 4.0.10, 5.0.6, 6.0, 6.2, 7.0, 7.1. Use '7.1'.",
        lambda: Engine("redis", "4.0.10"),
        carries="ENG-03",
    ),
    Row(
        "NOD-01",
        lambda: NodeType("r7g.large"),
        (
            "NodeType('r7g.large'): a node type is cache.<family>.<size> in lower case, as in cache.t4g.small. "
            "Use NodeType('cache.r7g.large')."
        ),
        lambda: NodeType("cache.r7g.large"),
    ),
    Row(
        "NOD-01",
        lambda: NodeType("db.r7g.large"),
        (
            "NodeType('db.r7g.large'): a node type is cache.<family>.<size> in lower case, as in cache.t4g.small."
            " Use NodeType('cache.r7g.large')."
        ),
        lambda: NodeType("cache.r7g.large"),
    ),
    Row(
        "NOD-01",
        lambda: NodeType("cache.t4g.smalll"),
        (
            "NodeType('cache.t4g.smalll'): ElastiCache offers no such type. Use 'cache.t4g.small', or for a type "
            "that is newer than this package NodeType('cache.t4g.smalll', unlisted=True)."
        ),
        lambda: NodeType("cache.t4g.small"),
    ),
    Row(
        "NOD-01",
        lambda: NodeType("cache.x9.huge"),
        (
            "NodeType('cache.x9.huge'): ElastiCache offers no such type. Use 'cache.r5.large', or for a type that"
            " is newer than this package NodeType('cache.x9.huge', unlisted=True)."
        ),
        lambda: NodeType("cache.x9.huge", unlisted=True),
    ),
    Row(
        "NOD-02",
        lambda: NodeType("cache.r6gd.large"),
        (
            "NodeType('cache.r6gd.large'): ElastiCache offers no such type. Use 'cache.r6gd.xlarge', or for a "
            "type that is newer than this package NodeType('cache.r6gd.large', unlisted=True)."
        ),
        lambda: NodeType("cache.r6gd.xlarge"),
        carries="NOD-01",
    ),
    Row(
        "NOD-03",
        lambda: cluster(node_type=NodeType("cache.r6gd.xlarge")),
        (
            "NodeType('cache.r6gd.xlarge') for memcached 1.6.22: memcached does not run on it at all. Use another"
            " type or engine."
        ),
        lambda: group(node_type=NodeType("cache.r6gd.xlarge")),
    ),
    Row(
        "NOD-04",
        lambda: group(node_type=NodeType("cache.r8g.large")),
        "NodeType('cache.r8g.large') for redis 7.1: redis does not run on it at all. Use another type or engine.",
        lambda: group(node_type=NodeType("cache.r8g.large"), engine=Engine.VALKEY_7_2),
    ),
    Row(
        "NOD-05",
        lambda: group(node_type=NodeType("cache.m7g.large"), engine=Engine("redis", "6.0"), access=_TOKEN),
        (
            "NodeType('cache.m7g.large') for redis 6.0: redis runs on it from 6.2. Use redis 6.2 or newer, or "
            "another type."
        ),
        lambda: group(node_type=NodeType("cache.m7g.large"), engine=Engine.REDIS_6_2),
    ),
    Row(
        "NOD-06",
        lambda: group(node_type=NodeType("cache.r6g.large"), engine=_REDIS_4, access=_TOKEN),
        (
            "NodeType('cache.r6g.large') for redis 4.0.10: redis runs on it from 5.0.6. Use redis 5.0.6 or newer,"
            " or another type."
        ),
        lambda: group(node_type=NodeType("cache.r6g.large"), engine=Engine.REDIS_5_0_6, access=_TOKEN),
    ),
    Row(
        "NOD-07",
        lambda: group(node_type=NodeType("cache.t4g.small"), engine=_REDIS_4, access=_TOKEN),
        (
            "NodeType('cache.t4g.small') for redis 4.0.10: redis runs on it from 5.0.6. Use redis 5.0.6 or newer,"
            " or another type."
        ),
        lambda: group(node_type=NodeType("cache.t4g.small"), engine=Engine.REDIS_5_0_6, access=_TOKEN),
    ),
    Row(
        "NOD-08",
        lambda: _check("cache.m5.large", Engine("memcached", "1.5.10")),
        (
            "NodeType('cache.m5.large') for memcached 1.5.10: memcached runs on it from 1.5.16. Use memcached "
            "1.5.16 or newer, or another type."
        ),
        lambda: _check("cache.m5.large", Engine("memcached", "1.5.16")),
    ),
    Row(
        "NOD-09",
        lambda: NodeType("cache.t2.micro"),
        "NodeType('cache.t2.micro'): t2 is not available for new caches. Use cache.t4g.small.",
        lambda: NodeType("cache.t3.micro"),
    ),
    Row(
        "NOD-10",
        lambda: NodeType("cache.r3.large"),
        ("NodeType('cache.r3.large'): r3 is not available for new caches. Use cache.m7g.large or cache.r7g.large."),
        lambda: NodeType("cache.r4.large"),
    ),
    Row(
        "NOD-11",
        lambda: NodeType("cache.t1.micro"),
        ("NodeType('cache.t1.micro'): t1 is not available for new caches. Use cache.m7g.large or cache.r7g.large."),
        lambda: NodeType("cache.t4g.micro"),
        carries="NOD-10",
    ),
    Row(
        "NOD-12",
        lambda: NodeType("cache.t2.small"),
        "NodeType('cache.t2.small'): t2 is not available for new caches. Use cache.t4g.small.",
        lambda: NodeType("cache.t3.small"),
        carries="NOD-09",
    ),
    Row(
        "NOD-13",
        lambda: NodeType("cache.m2.xlarge"),
        ("NodeType('cache.m2.xlarge'): m2 is not available for new caches. Use cache.m7g.large or cache.r7g.large."),
        lambda: NodeType("cache.m4.xlarge"),
        carries="NOD-10",
    ),
    Row(
        "NOD-14",
        lambda: NodeType("cache.c1.xlarge"),
        ("NodeType('cache.c1.xlarge'): c1 is not available for new caches. Use cache.m7g.large or cache.r7g.large."),
        lambda: NodeType("cache.m4.xlarge"),
        carries="NOD-10",
    ),
    Row(
        "SNP-04",
        lambda: NodeType("cache.t1.micro"),
        ("NodeType('cache.t1.micro'): t1 is not available for new caches. Use cache.m7g.large or cache.r7g.large."),
        lambda: NodeType("cache.t3.micro"),
        carries="NOD-10",
    ),
    Row(
        "DEL-06",
        lambda: NodeType("cache.t1.micro"),
        ("NodeType('cache.t1.micro'): t1 is not available for new caches. Use cache.m7g.large or cache.r7g.large."),
        lambda: NodeType("cache.t3.micro"),
        carries="NOD-10",
    ),
    Row(
        "NOD-15",
        lambda: group(node_type=NodeType("cache.m7g.large"), region="eu-south-1"),
        (
            "NodeType('cache.m7g.large') in eu-south-1: eu-south-1 does not offer it. Use cache.r7g.large, or "
            "another region."
        ),
        lambda: group(node_type=NodeType("cache.m7g.large"), region="eu-west-1"),
    ),
    Row(
        "LOC-03",
        lambda: group(node_type=NodeType("cache.c7gn.large"), region="mx-central-1"),
        (
            "NodeType('cache.c7gn.large') in mx-central-1: mx-central-1 does not offer it. Use cache.r7g.large, "
            "or another region."
        ),
        lambda: group(node_type=NodeType("cache.c7gn.large"), region="us-east-1"),
        carries="NOD-15",
    ),
    Row(
        "NOD-20",
        lambda: group(node_type=NodeType("cache.r4.large"), network_type=NetworkType.dual_stack()),
        (
            "NodeType('cache.r4.large') with IPv6: IPv6 needs a type built on the Nitro System. Use a type such "
            "as cache.m7g.large or cache.r7g.large, or NetworkType.IPV4."
        ),
        lambda: group(node_type=NodeType("cache.r5.large"), network_type=NetworkType.dual_stack()),
    ),
    Row(
        "ENG-10",
        lambda: group(engine=Engine.REDIS_7_0, upgraded_from=Engine.REDIS_7_1),
        _BACK.format(new="redis 7.0", old="redis 7.1"),
        lambda: group(engine=Engine.REDIS_7_1, upgraded_from=Engine.REDIS_7_0),
    ),
    Row(
        "ENG-12",
        lambda: group(engine=Engine.REDIS_7_1, upgraded_from=Engine.VALKEY_8_2),
        _BACK.format(new="redis 7.1", old="valkey 8.2"),
        lambda: group(engine=Engine.REDIS_7_1, upgraded_from=Engine.VALKEY_7_2),
    ),
    Row(
        "ENG-12",
        lambda: group(engine=Engine.REDIS_7_1, upgraded_from=Engine.MEMCACHED_1_6_22),
        _BACK.format(new="redis 7.1", old="memcached 1.6.22"),
        lambda: group(engine=Engine.VALKEY_8_2, upgraded_from=Engine.REDIS_6_2),
    ),
    Row(
        "DTI-01",
        lambda: group(node_type=NodeType("cache.r6gd.xlarge"), engine=Engine("redis", "6.0"), access=_TOKEN),
        (
            "NodeType('cache.r6gd.xlarge') for redis 6.0: redis runs on it from 6.2. Use redis 6.2 or newer, or "
            "another type."
        ),
        lambda: group(node_type=NodeType("cache.r6gd.xlarge"), engine=Engine.REDIS_6_2),
    ),
)
