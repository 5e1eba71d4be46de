"""Caches: nodes, durability, extended support, serverless use, backups."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from cost.items import HOURS_A_MONTH, Charge, Item
from cost.prices.keys import COUNTS, GB_HOURS, GB_MONTHS, HOURS, REGIONAL, PriceKey
from cost.quantities.members import as_member
from cost.quantities.reading import Range, times, whole_number, written
from cost.quantities.scaling import NODES, REPLICAS, SHARDS
from elasticache_rules import facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cost.quantities.reading import Context
    from elasticache_rules.templates.app import Resource

_SERVICE = "AmazonElastiCache"
_ENGINES = {
    "redis": ("Redis", "CreateCacheCluster:0002"),
    "memcached": ("Memcached", "CreateCacheCluster:0001"),
    "valkey": ("Valkey", "CreateCacheCluster:Valkey"),
}
# https://aws.amazon.com/elasticache/pricing/
_METERED_MINIMUM_GB = {"valkey": Decimal("0.1"), "redis": Decimal(1), "memcached": Decimal(1)}
_SECONDS_AN_HOUR = 3600
# "ElastiCache provides storage space for one snapshot free of charge for each active ElastiCache cache."
_FREE_COPIES = 1
_MINIMUM_OPEN = "the template leaves the minimum open"
_FAQ = "https://aws.amazon.com/elasticache/faqs/"
_EXTENDED_SUPPORT = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/extended-support.html"
_YEARS_ONE_AND_TWO = 2


def node_key(node_type: str, engine: str, surcharge: str = "") -> PriceKey:
    """The key of a node's price, or of a surcharge on it.

    Node, durability and extended support have the same product family, node type and engine: the usage type alone
    tells them apart.
    """
    title, operation = _ENGINES[engine]
    return PriceKey(
        service=_SERVICE,
        usage=f"{REGIONAL}{surcharge}NodeUsage:{re.escape(node_type)}",
        unit=HOURS,
        family="Cache Instance",
        attributes=(
            ("instanceType", (node_type,)),
            ("cacheEngine", (title,)),
            # A surcharge is told by its usage type; its operation is not documented.
            *(() if surcharge else (("operation", (operation,)),)),
        ),
    )


def replication_group(cache: Resource, context: Context) -> Iterator[Item]:
    """Nodes, durability, extended support and backups of a replication group."""
    cache = as_member(cache, context.templates)
    shards, replicas = _shards(cache, context), _replicas(cache, context)
    yield from _node_items(cache, context, _nodes(cache, shards, replicas), _in_shards(cache, shards, replicas))
    yield from _backups(cache, shards)


def cache_cluster(cache: Resource, context: Context) -> Iterator[Item]:
    """Nodes, extended support and backups of a cluster: Memcached, or Redis with one node."""
    nodes = context.targets.get((cache, NODES)) or _range(whole_number(cache.get("NumCacheNodes")))
    yield from _node_items(cache, context, nodes, "")
    if cache.get("Engine") != "memcached":
        yield from _backups(cache, _range(1))


def serverless_cache(cache: Resource, context: Context) -> Iterator[Item]:
    """Stored data and processing units of a serverless cache, at its minimum and its limit, and backups."""
    del context
    engine = written(cache.get("Engine"))
    if engine not in _ENGINES:
        yield _unread(cache, "serverless", f"the engine is {engine or 'not in the template'}")
        return
    yield from _stored_data(cache, engine)
    yield from _processing_units(cache, engine)
    yield from _serverless_backups(cache, engine)


def _range(number: int | None) -> Range:
    return Range(minimum=number, maximum=number)


def _shards(cache: Resource, context: Context) -> Range:
    if (target := context.targets.get((cache, SHARDS))) is not None:
        return target
    configured = cache.get("NodeGroupConfiguration")
    number = cache.get("NumNodeGroups")
    if number is None:
        return _range(len(configured) if isinstance(configured, list) else 1)
    return _range(whole_number(number))


def _replicas(cache: Resource, context: Context) -> Range:
    """The replicas of each shard."""
    if (target := context.targets.get((cache, REPLICAS))) is not None:
        return target
    if cache.get("NumCacheClusters") is not None:
        nodes = whole_number(cache.get("NumCacheClusters"))
        return _range(None if nodes is None else nodes - 1)
    replicas = cache.get("ReplicasPerNodeGroup")
    if replicas is None:
        # A group that counts shards has a number of replicas too, and no default of it is documented.
        sharded = any(cache.get(name) is not None for name in ("NumNodeGroups", "ClusterMode"))
        return _range(None if sharded or (cache, SHARDS) in context.targets else 0)
    return _range(whole_number(replicas))


def _nodes(cache: Resource, shards: Range, replicas: Range) -> Range:
    configured = cache.get("NodeGroupConfiguration")
    if isinstance(configured, list) and shards == _range(len(configured)):
        # Each shard may have its own number of replicas.
        each = [_of_shard(shard, replicas) for shard in configured]
        return Range(minimum=_sum(one.minimum for one in each), maximum=_sum(one.maximum for one in each))
    return Range(minimum=_product(shards.minimum, replicas.minimum), maximum=_product(shards.maximum, replicas.maximum))


def _of_shard(shard: Any, replicas: Range) -> Range:
    count = shard.get("ReplicaCount") if isinstance(shard, dict) else None
    if count is None or replicas.minimum != replicas.maximum:
        return Range(minimum=_product(1, replicas.minimum), maximum=_product(1, replicas.maximum))
    return _range(_product(1, whole_number(count)))


def _sum(numbers: Iterable[int | None]) -> int | None:
    known = list(numbers)
    return None if None in known else sum(each for each in known if each is not None)


def _product(shards: int | None, replicas: int | None) -> int | None:
    return None if shards is None or replicas is None else shards * (1 + replicas)


def _in_shards(cache: Resource, shards: Range, replicas: Range) -> str:
    if cache.get("NumCacheClusters") is not None or shards.minimum is None or replicas.minimum is None:
        return ""
    if shards.minimum != shards.maximum or replicas.minimum != replicas.maximum:
        return ""
    return f" ({times(shards.minimum, 'shard')} x {1 + replicas.minimum})"


def _node_items(cache: Resource, context: Context, nodes: Range, described: str) -> Iterator[Item]:
    engine, node_type = (written(cache.get(name)) for name in ("Engine", "CacheNodeType"))
    if engine not in _ENGINES or node_type is None:
        # A secondary of a global datastore states neither, for example; the constructs put both into its metadata.
        found = (engine or "not in the template", node_type or "not in the template")
        yield _unread(cache, "nodes", f"the engine is {found[0]}, the node type is {found[1]}")
        return
    version = written(cache.get("EngineVersion"))
    parts = [("nodes", f"{engine} {version or ''}".strip(), node_key(node_type, engine))]
    if cache.get("Durability") is not None and not written(cache.get("Durability")):
        yield _unread(cache, "durability", "the template leaves it open")
    elif str(cache.get("Durability")).lower() == "sync":
        parts.append(("durability", "synchronous durability", node_key(node_type, engine, "SyncDurability-")))
    for part, words, key in parts:
        yield from _hourly(cache, part, f"{words}, {node_type}", key, nodes, described)
    if version is not None:
        yield from _extended_support(cache, context, nodes, (engine, version, node_type))


def _hourly(  # noqa: PLR0917 - the parts of one line
    cache: Resource, part: str, words: str, key: PriceKey, nodes: Range, described: str
) -> Iterator[Item]:
    """The minimum of nodes, which is fixed, and what scaling may add."""
    if nodes.minimum is None:
        yield _item(cache, part, words, key=key, reason="the template leaves the number of nodes open")
        return
    yield _item(cache, part, f"{words} x {nodes.minimum}{described}", key=key, units=nodes.minimum * HOURS_A_MONTH)
    if nodes.maximum is None:
        reason = "the template leaves the maximum of nodes open"
        yield _item(cache, f"{part} added by scaling", words, charge=Charge.UP_TO, key=key, reason=reason)
    elif nodes.maximum > nodes.minimum:
        more = nodes.maximum - nodes.minimum
        text = f"{words}: scaling adds up to {more}, to {nodes.maximum}"
        units = more * HOURS_A_MONTH
        yield _item(cache, f"{part} added by scaling", text, charge=Charge.UP_TO, key=key, units=units)


def _extended_support(cache: Resource, context: Context, nodes: Range, running: tuple[str, str, str]) -> Iterator[Item]:
    """What an engine costs after its standard support: one price for two years, a higher one in the third."""
    engine, version, node_type = running
    standard_ends, ends = facts.support_ends(engine, version)
    if standard_ends is None:
        return
    first = standard_ends + dt.timedelta(days=1)
    third = dt.date(first.year + _YEARS_ONE_AND_TWO, first.month, 1) + dt.timedelta(days=first.day - 1)
    for begins, until, surcharge in (
        (first, third, "ExtendedSupportYr1_Yr2-"),
        (third, ends and ends + dt.timedelta(days=1), "ExtendedSupportYr3-"),
    ):
        if until is not None and context.today >= until:
            continue
        begun = context.today >= begins
        when = f"since {begins}" if begun else f"from {begins}"
        text = f"extended support of {engine} {version} {when}, {node_type}"
        yield _item(
            cache,
            f"extended support {surcharge}",
            f"{text} x {nodes.minimum}" if nodes.minimum is not None else text,
            charge=Charge.FIXED if begun else Charge.LATER,
            key=node_key(node_type, engine, surcharge),
            units=None if nodes.minimum is None else nodes.minimum * HOURS_A_MONTH,
            reason="the template leaves the number of nodes open" if nodes.minimum is None else "",
            begins=None if begun else begins,
            page=_EXTENDED_SUPPORT,
        )


def _backups(cache: Resource, shards: Range) -> Iterator[Item]:
    """Automatic snapshots: at most the memory of each shard, in all copies but the one that is free."""
    copies = whole_number(cache.get("SnapshotRetentionLimit") or 0)
    if copies == 0:
        return
    key = PriceKey(
        service=_SERVICE,
        usage=f"{REGIONAL}(?:ElastiCache:)?BackupUsage",
        unit=GB_MONTHS,
        family="Storage Snapshot",
    )
    memory = _memory(cache)
    if copies is None or shards.maximum is None or memory is None:
        reason = "how much the nodes hold is not known" if memory is None else "the template leaves their number open"
        yield _item(cache, "backups", "backups", charge=Charge.BY_USE, key=key, reason=reason, page=_FAQ)
        return
    charged = copies - _FREE_COPIES
    text = f"backups, {times(charged, 'daily copy', 'daily copies')} of at most {shards.maximum} x {memory} GiB"
    units = charged * shards.maximum * memory
    yield _item(cache, "backups", text, charge=Charge.UP_TO, key=key, units=units, page=_FAQ)


def _memory(cache: Resource) -> Decimal | None:
    """What a node holds, in GiB; ``None`` with data tiering, which keeps a part on SSD."""
    node = facts.node_type(str(cache.get("CacheNodeType")))
    if node is None or node.memory_gib is None or node.data_tiering:
        return None
    return Decimal(str(node.memory_gib))


def _serverless_key(engine: str, usage: str, unit: str) -> PriceKey:
    return PriceKey(
        service=_SERVICE,
        usage=f"{REGIONAL}{usage}:{_ENGINES[engine][0]}",
        unit=unit,
        family="ElastiCache Serverless",
    )


def _limit(cache: Resource, *path: str) -> int | None:
    return whole_number(cache.get("CacheUsageLimits", *path))


def _minimum(cache: Resource, limit: str) -> int | None:
    """The minimum of a limit, 0 if it has none; ``None`` if a reference decides."""
    limits = cache.get("CacheUsageLimits")
    if limits is not None and (not isinstance(limits, dict) or limits.keys() - {"DataStorage", "ECPUPerSecond"}):
        return None
    part = (limits or {}).get(limit, {})
    if not isinstance(part, dict) or part.keys() - {"Minimum", "Maximum", "Unit"}:
        return None
    return whole_number(part.get("Minimum", 0))


def _stored_data(cache: Resource, engine: str) -> Iterator[Item]:
    key = _serverless_key(engine, "CachedData", GB_HOURS)
    asked = _minimum(cache, "DataStorage")
    if asked is None:
        yield _item(cache, "stored data", "stored data", key=key, reason=_MINIMUM_OPEN)
    minimum = max(_METERED_MINIMUM_GB[engine], Decimal(asked or 0))
    if asked is not None:
        text = f"{engine}, at least {minimum} GB stored"
        yield _item(cache, "stored data", text, key=key, units=minimum * HOURS_A_MONTH)
    maximum = _limit(cache, "DataStorage", "Maximum")
    part = "stored data above the minimum"
    if maximum is None:
        yield _item(cache, part, "stored data above it, without a limit", charge=Charge.BY_USE, key=key)
        return
    more = max(maximum - minimum, Decimal(0))
    text = f"stored data above it, up to the limit of {maximum} GB"
    yield _item(cache, part, text, charge=Charge.UP_TO, key=key, units=more * HOURS_A_MONTH)


def _processing_units(cache: Resource, engine: str) -> Iterator[Item]:
    key = _serverless_key(engine, "ElastiCacheProcessingUnits", COUNTS)
    minimum = _minimum(cache, "ECPUPerSecond")
    a_month = _SECONDS_AN_HOUR * HOURS_A_MONTH
    if minimum is None:
        yield _item(cache, "processing units", "ECPUs", key=key, reason=_MINIMUM_OPEN)
    elif minimum:
        text = f"{engine}, at least {minimum} ECPU a second"
        yield _item(cache, "processing units", text, key=key, units=minimum * a_month)
    maximum = _limit(cache, "ECPUPerSecond", "Maximum")
    part = "processing units above the minimum"
    if maximum is None:
        yield _item(cache, part, "ECPUs, without a limit", charge=Charge.BY_USE, key=key)
        return
    text = f"ECPUs, up to the limit of {maximum} a second all month"
    yield _item(cache, part, text, charge=Charge.UP_TO, key=key, units=max(maximum - (minimum or 0), 0) * a_month)


def _serverless_backups(cache: Resource, engine: str) -> Iterator[Item]:
    copies = whole_number(cache.get("SnapshotRetentionLimit") or 0)
    if copies == 0:
        return
    key = _serverless_key(engine, "BackupUsage", GB_MONTHS)
    maximum = _limit(cache, "DataStorage", "Maximum")
    if copies is None or maximum is None:
        yield _item(cache, "backups", "backups, without a limit", charge=Charge.BY_USE, key=key, page=_FAQ)
        return
    charged = copies - _FREE_COPIES
    text = f"backups, {times(charged, 'daily copy', 'daily copies')} of at most {maximum} GB"
    yield _item(cache, "backups", text, charge=Charge.UP_TO, key=key, units=Decimal(charged * maximum), page=_FAQ)


def _unread(cache: Resource, part: str, reason: str) -> Item:
    return _item(cache, part, part, reason=reason)


def _item(cache: Resource, part: str, text: str, **charge: Any) -> Item:
    return Item(stack=cache.template, resource=cache.logical_id, part=part, text=text, **charge)
