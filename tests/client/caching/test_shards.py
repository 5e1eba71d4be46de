"""A cluster of which one shard is away: its keys are loaded, and those of the others come from the cache as before."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from redis.crc import key_slot

from tests.client.caching.callers import Face, new_key
from tests.client.engines import Engine, valkey_server
from tests.client.sessions.caches import limit, plain_settings
from tests.client.test_cluster import Cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.client.conftest import Caller

# Each library and each face once; there is none of valkey-py's for asyncio and a cluster.
_KINDS = ["redis-py asyncio", "valkey-py"]
_AWAY = 1
_TIMEOUT_SECONDS = 2.0
"""Which a node that is there does not need on a loaded machine."""
_READS = 30
_RECOVERY_SECONDS = 60.0


@pytest.fixture(name="shards")
def _shards(tmp_path: Any) -> Iterator[Cluster]:
    cluster = Cluster(valkey_server(), tmp_path, None)
    for node in cluster.nodes:
        limit(node, "default", "nopass", "*")
        node.admin.config_set("cluster-require-full-coverage", "no")
    yield cluster
    cluster.nodes[_AWAY].resume()  # it does not end before
    cluster.stop()


@pytest.fixture(name="open_faces")
def _open_faces(shards: Cluster, open_client: Callable[..., Caller]) -> Callable[[list[str]], dict[str, Face]]:
    """A cache for each kind of client, with what is quick to notice a silent node."""
    settings = replace(plain_settings(shards.nodes[0].port), mode="cluster")

    def open_faces(keys: list[str]) -> dict[str, Face]:
        faces = {}
        for kind in _KINDS:
            client = open_client(kind, settings, decode_responses=False, socket_timeout=_TIMEOUT_SECONDS)
            faces[kind] = Face(kind, client, prefix=kind.replace(" ", "-"), bypass_limit=100)
            for key in keys:
                faces[kind].get(key, lambda: 1)
        return faces

    return open_faces


def is_there(key: str) -> bool:
    """Whether a key's shard is another one."""
    return key_slot(key.encode()) * 3 // 16384 != _AWAY


def reading(face: Face, keys: list[str], loaded: list[str]) -> Callable[[], Any]:
    """A caller who reads all keys by and by, and says which were loaded."""

    def look_up(key: str) -> Any:
        return face.cache.get_or_load(key, face.loader(lambda: loaded.append(key) or 1), ttl=60)  # type: ignore[func-returns-value]

    def read() -> None:
        for key in random.sample(keys, _READS):
            look_up(key)

    async def read_async() -> None:
        for key in random.sample(keys, _READS):
            await look_up(key)

    return read_async if face.asynchronous else read


@pytest.mark.parametrize(("how", "callers"), [(Engine.kill, 40), (Engine.suspend, 8)], ids=["kill", "suspend"])
def test_one_shard_takes_its_own_keys_away(
    how: Callable[[Engine], None], callers: int, shards: Cluster, open_faces: Callable[[list[str]], dict[str, Face]]
) -> None:
    """Of reads of the other shards' keys, at most one in a hundred goes to the database; single or many at a time."""
    keys = [new_key() for _ in range(90)]
    faces = open_faces(keys)
    how(shards.nodes[_AWAY])
    strayed, many_strayed, down = {}, {}, {}
    for kind, face in faces.items():
        loaded: list[str] = []
        answers = face.crowd(callers, reading(face, keys, loaded))
        assert [each.error for each in answers] == [None] * callers
        strayed[kind] = sum(map(is_there, loaded)) / (callers * _READS * 2 / 3)
        wanted: list[str] = []
        load = face.loader(lambda keys, wanted=wanted: wanted.extend(keys) or dict.fromkeys(keys, 1))
        for _ in range(5):
            assert face("get_or_load_many", keys, load, ttl=60) == dict.fromkeys(keys, 1)
        many_strayed[kind] = sum(map(is_there, wanted)) / (5 * len(keys) * 2 / 3)
        down[kind] = face.cache.is_down
    worst = max(*strayed.values(), *many_strayed.values())
    assert (worst <= 0.01, down) == (True, dict.fromkeys(_KINDS, True)), (strayed, many_strayed)


def test_many_keys_are_asked_of_a_silent_shard_once(
    shards: Cluster, open_faces: Callable[[list[str]], dict[str, Face]]
) -> None:
    """The first caller waits for two timeouts or so, and not for one for each key and try."""
    keys = [new_key() for _ in range(240)]
    faces = open_faces(keys)
    shards.nodes[_AWAY].suspend()
    seconds = {}
    for kind, face in faces.items():
        start = time.monotonic()
        face("get_or_load_many", keys, face.loader(lambda keys: dict.fromkeys(keys, 1)), ttl=60)
        face("invalidate", *keys)
        seconds[kind] = time.monotonic() - start
    # There are some eighty keys on it, and four tries of the library's for each: 640 s.
    assert max(seconds.values()) < 40 * _TIMEOUT_SECONDS, seconds


def test_a_shard_that_is_back_is_used_again(
    shards: Cluster, open_faces: Callable[[list[str]], dict[str, Face]]
) -> None:
    """What could not be taken away meanwhile is, before it is read, and the other shards' removals did not wait."""
    keys = [new_key() for _ in range(30)]
    faces = open_faces(keys)
    shards.nodes[_AWAY].suspend()
    left = {}
    for kind, face in faces.items():
        face("invalidate", *keys)
        left[kind] = sum(node.admin.exists(f"{kind.replace(' ', '-')}:{{{key}}}") for node, key in _homes(shards, keys))
    shards.nodes[_AWAY].resume()
    got = {}
    for kind, face in faces.items():
        end = time.monotonic() + _RECOVERY_SECONDS
        got[kind] = [face.get(key, lambda: 2) for key in keys]
        while face.cache.is_down and time.monotonic() < end:
            got[kind] += [face.get(key, lambda: 2) for key in keys]
            time.sleep(0.1)
        assert face.cache.is_down is False
        assert {face.get(key, lambda: 3) for key in keys} == {2}
    assert (left, {each for values in got.values() for each in values}) == (dict.fromkeys(_KINDS, 0), {2})


def _homes(shards: Cluster, keys: list[str]) -> list[tuple[Any, str]]:
    return [(shards.nodes[key_slot(key.encode()) * 3 // 16384], key) for key in keys if is_there(key)]
