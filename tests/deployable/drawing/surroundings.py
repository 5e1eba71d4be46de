"""Network types, logs, snapshots and descriptions."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from aws_cdk import Aws
from hypothesis import strategies as st

from elasticache_constructs import (
    ClusterMode,
    Durability,
    Log,
    LogDelivery,
    Name,
    NetworkType,
    Snapshot,
    TransitEncryption,
)
from elasticache_rules import facts
from tests.deployable.drawing.outside import careful_log_groups, careless_log_groups
from tests.deployable.drawing.reasons import REASON
from tests.deployable.written import Call, call

if TYPE_CHECKING:
    from tests.deployable.drawing.engines import Known

_MOST_FILES = 9
DESCRIPTIONS = ("Orders", "Sessions of the shop (since 2026): 1 day", "d" * 255)


@st.composite
def careful_network_type(draw: st.DrawFn, known: Known, node_type: Call) -> Call:
    """One that engine and nodes speak."""
    type_ = facts.node_type(node_type.arguments[0])
    plain = (call(NetworkType, "ipv4"), call(NetworkType, "ipv4", "ipv4"))
    both = (call(NetworkType.dual_stack), call(NetworkType.dual_stack, ip_discovery="ipv6"), call(NetworkType, "ipv6"))
    able = known.supports("ipv6") and (type_ is None or type_.ipv6)
    return draw(st.sampled_from((*plain, *both) if able else plain))


@functools.cache
def careless_network_type() -> st.SearchStrategy[Call]:
    """Any type with any discovery."""
    return st.builds(
        lambda name, discovery: call(NetworkType, name, discovery),
        st.sampled_from(("ipv6", "dual_stack", "ipv6", "dual_stack", "ipv4", "dualstack")),
        st.sampled_from(("ipv6", None, "ipv4", "ipv6", "IPv4")),
    )


def careful_durability(
    known: Known, topology: Call, transit_encryption: Call, node_type: Call
) -> st.SearchStrategy[Call | None]:
    """One that engine, shards, encryption and nodes allow; where none is on, off in so many words."""
    if not known.supports("durability"):
        return st.none()
    type_ = facts.node_type(str(node_type.arguments[0])) if node_type.arguments else None
    shards = topology.keywords.get("shards", 1)
    able = (
        topology.keywords.get("cluster_mode", shards not in (1, Aws.REGION)) in (True, ClusterMode.ENABLED)
        and transit_encryption == call(TransitEncryption.required)
        and type_ is not None
        and type_.family.durability
    )
    on = (call(Durability.sync), call(Durability.asynchronous)) if able else ()
    return st.sampled_from((None, call(Durability.disabled), *on, *on))


@functools.cache
def careless_durability() -> st.SearchStrategy[Call | None]:
    """Any, in any words."""
    modes = ("sync", "async", "disabled", "Sync", "default", "")
    return st.sampled_from(modes).map(lambda mode: call(Durability, mode))


@functools.cache
def careful_log_delivery(region: str) -> st.SearchStrategy[Call]:
    """One that the region has."""
    streams = (None,) if region == "ap-northeast-3" else (None, "logs-of-caches", "a" * 64)
    formats = st.sampled_from(("json", "text"))
    each = st.one_of(
        st.none(),
        formats.map(lambda log_format: call(Log.to_own_log_group, log_format)),
        st.just(call(Log.disabled, reason=REASON)),
        *(st.just(call(Log.to_firehose, stream)) for stream in streams if stream),
        *(formats.map(functools.partial(call, Log.to_log_group, group)) for group in careful_log_groups(region)),
    )
    kept = st.sampled_from(({}, {}, {"retention_days": 3653}, {"retention_days": 7, "short_retention_reason": REASON}))
    return st.builds(
        lambda log_format, stream, kept, slow, engine: call(
            LogDelivery, log_format=log_format, firehose_stream=stream, slow_log=slow, engine_log=engine, **kept
        ),
        formats,
        st.sampled_from(streams),
        kept,
        each,
        each,
    )


@functools.cache
def careless_log_delivery() -> st.SearchStrategy[Call]:
    """Any format, and names that are not valid."""
    streams = (None, "logs", "a" * 65, "", "two words", "arn:aws:firehose:eu-west-1:123456789012:deliverystream/a")
    return st.one_of(
        st.builds(
            lambda log_format, stream: call(LogDelivery, log_format=log_format, firehose_stream=stream),
            st.sampled_from(("json", "text", "JSON", "xml")),
            st.sampled_from(streams),
        ),
        st.sampled_from(streams[1:]).map(lambda stream: call(LogDelivery, slow_log=call(Log.to_firehose, stream))),
        st.just(call(LogDelivery, engine_log=call(Log.disabled, reason="short"))),
        st.sampled_from(careless_log_groups()).map(
            lambda group: call(LogDelivery, engine_log=call(Log.to_log_group, group))
        ),
    )


def careful_snapshot(topology: Call, region: str) -> st.SearchStrategy[Call | None]:
    """Mostly none; a name; a file for each shard."""
    shards = topology.keywords.get("shards", 1)
    partition = {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(re.match("cn|us-gov|", region)[0], "aws")  # type: ignore[index]
    seeded = isinstance(shards, int) and 1 <= shards <= _MOST_FILES
    files = [f"arn:{partition}:s3:::backups_of_{number}/dump.rdb" for number in range(shards if seeded else 1)]
    return st.sampled_from(
        (
            *(None, None, None, None),
            call(Snapshot.named, "before-the-move"),
            call(Snapshot.named, "automatic.orders-2026-11-22-02-00"),
            call(Snapshot.rdb_files, files) if seeded else None,
            call(Snapshot.rdb_files, [files[0], f"arn:{partition}:s3:::backups/2.rdb"], loaded=True),
        )
    )


@functools.cache
def careless_snapshot() -> st.SearchStrategy[Call]:
    """Names and files in any form, together too."""
    names = (None, "", "before", "two--hyphens", "ends-", "under_score", "automatic.", "1st", "a" * 300)
    files = ("arn:aws:s3:::b/dump.rdb", "s3://b/dump.rdb", "arn:aws:s3:::b/a,b.rdb", "arn:aws:s3:::b/dump.zip", "")
    either = st.builds(
        lambda name, arns: call(Snapshot, name=name, files=tuple(arns)),
        st.sampled_from(names),
        st.lists(st.sampled_from(files), max_size=2),
    )
    of_another_kind = call(Snapshot.of_serverless_cache, "before")
    return st.one_of(either, st.sampled_from((call(Snapshot.rdb_files, [files[0], files[0]]), of_another_kind)))


@st.composite
def careful_name(draw: st.DrawFn) -> Call | None:
    """Mostly none; one that no other cache of the sample has."""
    if draw(st.integers(0, 4)) > 0:
        return None
    return call(Name, f"orders-{draw(st.uuids()).hex}", REASON)


@functools.cache
def careless_name() -> st.SearchStrategy[Call]:
    """One of about the length that it may have, or of another form, or without a reason."""
    lengths = st.integers(38, 52).map(lambda length: call(Name, "n" * length, REASON))
    names = ("Orders", "two--hyphens", "ends-", "1st", "under_score", "", Aws.REGION)
    odd = st.sampled_from(names).map(lambda name: call(Name, name, REASON))
    return st.one_of(lengths, lengths, odd, st.just(call(Name, "orders", "short")))


@functools.cache
def careless_description() -> st.SearchStrategy[str]:
    """One that is about as long as it may be."""
    return st.integers(250, 260).map(lambda length: "d" * length)
