"""Snapshots of a cache: an RDB file for each shard, and the way back into another cache."""

from __future__ import annotations

import functools
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

from redis.crc import key_slot

from local_servers.waiting import wait_until
from rehearsal.live.engines import slots
from rehearsal.live.engines.valkey import DUMP, EngineRefusalError, holding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from rehearsal.live.engines.group import Group
    from rehearsal.live.engines.valkey import Node

_AT_ONCE = 500  # keys in one pipeline


def take(group: Group, directory: Path) -> list[Path]:
    """Write the data of a cache as it is now; each shard stops for the moment that its engine needs.

    Args:
        group: The cache.
        directory: Directory for the files, which exists.

    Returns:
        One RDB file for each shard.
    """
    files = []
    with group.lock:
        for shard in group.shards:
            wait_until(functools.partial(_saved, shard.primary), f"{shard.primary.name} has written its data")
            file = directory / f"{shard.id}.rdb"
            (shard.primary.directory / DUMP).replace(file)  # the node would load it after a kill
            files.append(file)
    return files


def _saved(node: Node) -> bool:
    try:
        node.execute("SAVE")
    except EngineRefusalError as refusal:
        if "already in progress" in str(refusal):  # a replica gets the data
            return False
        raise
    return True


def copy(files: Sequence[Path], group: Group, directory: Path) -> int:
    """Copy the data of RDB files into a cache that runs, whatever its shards are, and wait for its replicas.

    Args:
        files: The files.
        group: The cache.
        directory: Directory for temporary engines that hold the data.

    Returns:
        The number of keys.
    """
    owner = _owner_of(group)
    keys = 0
    for file in files:
        with holding(directory, file) as source:
            with closing(source.binary_client()) as client:
                libraries = client.function_dump()
            for shard in group.shards:
                with closing(shard.primary.binary_client()) as client:
                    client.function_restore(libraries, "REPLACE")
            for database in _databases(source):
                keys += _copy_database(source, database, owner)
    for shard in group.shards:
        replicas = [node for node in shard.replicas if node.is_running]
        wait_until(functools.partial(_are_alike, shard.primary, replicas), "the replicas have the data")
    return keys


def _are_alike(primary: Node, replicas: Sequence[Node]) -> bool:
    return all(node.offset >= int(primary.info("replication")["master_repl_offset"]) for node in replicas)


def _databases(source: Node) -> list[int]:
    return [int(name.removeprefix("db")) for name in source.info("keyspace") if name.startswith("db")]


def _owner_of(group: Group) -> Callable[[bytes], Node]:
    """The primary of a key."""
    if not group.cluster_mode:
        only = group.shards[0].primary
        return lambda _key: only
    shares = [(first, last, shard.primary) for shard in group.shards for first, last in slots.owned(shard.primary)]

    def owner(key: bytes) -> Node:
        slot = key_slot(key)
        return next(node for first, last, node in shares if first <= slot <= last)

    return owner


def _copy_database(source: Node, database: int, owner: Callable[[bytes], Node]) -> int:
    reading = source.binary_client(database)
    targets: dict[Node, Any] = {}
    count = 0
    for keys in _batches(reading.scan_iter(count=_AT_ONCE)):
        asked = reading.pipeline(transaction=False)
        for key in keys:
            asked.dump(key)
            asked.execute_command("PEXPIRETIME", key)
        answers = asked.execute()
        writes: dict[Node, Any] = {}
        for key, value, until in zip(keys, answers[::2], answers[1::2], strict=True):
            if value is None or 0 <= until < time.time() * 1000:
                continue  # it has expired
            node = owner(key)
            client = targets.setdefault(node, node.binary_client(database))
            pipeline = writes.setdefault(node, client.pipeline(transaction=False))
            pipeline.restore(key, max(until, 0), value, replace=True, absttl=True)
            count += 1
        for pipeline in writes.values():
            pipeline.execute()
    for client in (reading, *targets.values()):
        client.close()
    return count


def _batches(keys: Iterator[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    for key in keys:
        batch.append(key)
        if len(batch) == _AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch
