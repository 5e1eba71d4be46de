"""What serverless caches alone have, and what is different with them."""

from __future__ import annotations

import functools

from hypothesis import strategies as st

from elasticache_constructs import NetworkType, ServerlessEngine, ServerlessLimits, Snapshot
from elasticache_rules import facts
from tests.deployable.drawing import access
from tests.deployable.drawing.engines import Known
from tests.deployable.drawing.reasons import REASON
from tests.deployable.written import Call, call

_NAMES = ("valkey", "redis", "memcached")


@functools.cache
def careful_engine() -> st.SearchStrategy[Call]:
    """One on offer, or newer than the catalogue."""
    offered = [call(ServerlessEngine, name, major) for name in _NAMES for major in facts.serverless_majors(name)]
    return st.sampled_from((*offered, call(ServerlessEngine, "valkey", "10", unlisted=True)))


@functools.cache
def careless_engine() -> st.SearchStrategy[Call]:
    """A name and a version, whether they belong together or not."""
    majors = ("7", "8", "9", "6", "1.6", "1.5", "7.1", "")
    return st.builds(
        lambda name, major: call(ServerlessEngine, name, major),
        st.sampled_from((*_NAMES, "Valkey", "")),
        st.sampled_from(majors),
    )


@functools.cache
def careful_limits() -> st.SearchStrategy[Call]:
    """The maximum of both, and the minimum of one or of neither."""
    storage, units = st.integers(1, 5000), st.integers(1000, 15_000_000)
    return st.one_of(
        st.builds(
            lambda least, most, unit: call(
                ServerlessLimits,
                maximum_storage_gb=max(least, most),
                minimum_storage_gb=min(least, most),
                maximum_ecpu_per_second=unit,
            ),
            storage,
            storage,
            units,
        ),
        st.builds(
            lambda gigabytes, least, most: call(
                ServerlessLimits,
                maximum_storage_gb=gigabytes,
                maximum_ecpu_per_second=max(least, most),
                minimum_ecpu_per_second=min(least, most),
            ),
            storage,
            units,
            units,
        ),
        st.just(call(ServerlessLimits, unlimited_reason=REASON)),
    )


@functools.cache
def careless_limits() -> st.SearchStrategy[Call]:
    """Any numbers, in and out of their limits and of order."""
    storage = st.sampled_from((None, 0, 1, 10, 5000, 5001, True, 1.5))
    units = st.sampled_from((None, 0, 999, 1000, 5000, 15_000_000, 15_000_001, "1000"))
    reason = st.sampled_from((None, None, REASON, "short"))
    anything = st.builds(
        lambda **keywords: call(ServerlessLimits, **keywords),
        maximum_storage_gb=storage,
        minimum_storage_gb=storage,
        maximum_ecpu_per_second=units,
        minimum_ecpu_per_second=units,
        unlimited_reason=reason,
    )
    upside_down = (
        call(ServerlessLimits, maximum_storage_gb=1, minimum_storage_gb=10, maximum_ecpu_per_second=1000),
        call(ServerlessLimits, maximum_storage_gb=1, maximum_ecpu_per_second=1000, minimum_ecpu_per_second=5000),
    )
    return st.one_of(anything, st.sampled_from(upside_down))


@st.composite
def careful_access(draw: st.DrawFn, engine: Call) -> Call | None:
    """Users, or any client that reaches it; no access for Memcached, which has no logins."""
    name = engine.arguments[0]
    if name == "memcached":
        return None
    known = Known("redis", "7.1") if name == "redis" else Known("valkey", "7.2")
    return draw(access.of_kind(draw(st.sampled_from(("users", "users", "group", "open"))), known, set()))


@st.composite
def careless_access(draw: st.DrawFn) -> Call | None:
    """Any kind of access, and none."""
    kind = draw(st.sampled_from(("users", "group", "token", "open", None)))
    return None if kind is None else draw(access.of_kind(kind, Known("valkey", "8.2"), {"access", "permissions"}))


def careful_network_type() -> st.SearchStrategy[Call]:
    """Any of the three."""
    return st.sampled_from((call(NetworkType, "ipv4"), call(NetworkType, "ipv6"), call(NetworkType.dual_stack)))


def careless_description() -> st.SearchStrategy[str]:
    """One with signs that are not allowed, or as long as it may be, or longer."""
    return st.sampled_from(("carts <of the shop>", "a > b", "d" * 255, "d" * 256))


def careful_snapshot(engine: Call) -> st.SearchStrategy[Call | None]:
    """Mostly none; one of a serverless cache, or of a group if the engine can be restored from one."""
    of_cache = call(Snapshot.of_serverless_cache, "before-the-move")
    automatic = call(Snapshot.of_serverless_cache, "automatic.orders-2026-11-22-02-00")
    of_group = call(Snapshot.named, "before-the-move")
    return st.sampled_from(
        (None, None, None, None, of_cache, automatic, of_cache if engine.arguments[0] == "memcached" else of_group)
    )


def careless_snapshot() -> st.SearchStrategy[Call]:
    """Of any kind, by any name."""
    names = st.sampled_from(("before", "Before", "two--hyphens", "automatic.", "under_score", "", "a" * 256))
    return st.one_of(
        st.builds(lambda name: call(Snapshot.of_serverless_cache, name), names),
        st.builds(lambda name: call(Snapshot.named, name), names),
        st.just(call(Snapshot.rdb_files, ["arn:aws:s3:::backups/1.rdb"])),
    )
