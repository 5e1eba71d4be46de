"""Caches for the patterns, on one node and in a cluster, used with an application's rights and no more."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from elasticache_client.caching import breaker, server
from tests.client.caching.callers import LONG_LEASE, PREFIX, Face
from tests.client.sessions.caches import PROGRAMS, one_node, three_nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local_servers.certificates import Certificate
    from tests.client.conftest import Caller
    from tests.client.sessions.caches import Cache as Place

_PATTERN = f"{PREFIX}:*"


@pytest.fixture(autouse=True)
def _no_machine_is_too_slow(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that a loaded machine delays opens no breaker, but where breakers are tested."""
    if request.path.name != "test_outage.py":
        for module in (breaker, server):
            monkeypatch.setattr(module, "SLOW_SECONDS", LONG_LEASE)


@pytest.fixture(scope="session", name="places")
def _places(certificate: Certificate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Place]]:
    """Caches by name; each is started once, when it is first asked for."""
    with ExitStack() as stack:

        @cache
        def place(name: str) -> Place:
            engine, _, mode = name.partition(" ")
            program, directory = PROGRAMS[engine](), tmp_path_factory.mktemp("place")
            if mode == "cluster":
                return stack.enter_context(contextmanager(three_nodes)(program, directory, _PATTERN, certificate))
            return stack.enter_context(contextmanager(one_node)(program, directory, _PATTERN))

        yield place


@pytest.fixture(name="valkey")
def _valkey(places: Callable[[str], Place]) -> Place:
    return places("valkey")


@pytest.fixture(params=["redis", "valkey"], name="node")
def _node(request: pytest.FixtureRequest, places: Callable[[str], Place]) -> Place:
    return places(request.param)


@pytest.fixture(params=["redis", "valkey", "redis cluster", "valkey cluster"], name="place")
def _place(request: pytest.FixtureRequest, places: Callable[[str], Place]) -> Place:
    return places(request.param)


@pytest.fixture(name="open_face")
def _open_face(open_client: Callable[..., Caller]) -> Callable[..., Face]:
    """Open a cache of any kind; by default one of threads, on one node."""

    def open_face(place: Place, kind: str = "redis-py", **settings: Any) -> Face:
        options = {**place.options, **settings.pop("client_options", {})}
        return Face(kind, open_client(kind, place.settings, decode_responses=False, **options), **settings)

    return open_face
