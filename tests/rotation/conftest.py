"""Servers and rigs; servers are started once and lent out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from elasticache_constructs.rotation.runtime.rotate_secret.configuration import Kind
from tests.rotation.engine import Engines, make_certificates, needs
from tests.rotation.rig import KeptLogins, Rig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.rotation.engine import Server


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    """Real servers."""
    needs("redis-server")
    pool = Engines(make_certificates(tmp_path_factory.mktemp("rotation")))
    yield pool
    KeptLogins.close()
    pool.stop()


@pytest.fixture
def servers(engines: Engines) -> Iterator[list[Server]]:
    """A primary, its replica and a spare."""
    with engines.group() as group:
        yield group


@pytest.fixture(params=list(Kind), ids=[kind.value for kind in Kind])
def kind(request: pytest.FixtureRequest) -> Kind:
    """A user's password and a group's own AuthToken."""
    return Kind(request.param)


@pytest.fixture
def new_rig(engines: Engines, servers: list[Server]) -> Callable[[Kind], Rig]:
    """Makes rigs on the same primary and replica, one after the other."""
    return lambda kind: Rig(kind, servers[:2], engines.certificates.authority)


@pytest.fixture
def new_serverless_rig(engines: Engines, servers: list[Server]) -> Callable[[], Rig]:
    """Makes rigs of a serverless cache, on the same two servers."""
    return lambda: Rig(Kind.USER, servers[:2], engines.certificates.authority, serverless=True)


@pytest.fixture
def rig(kind: Kind, new_rig: Callable[[Kind], Rig]) -> Rig:
    """A rig of either kind whose cache does at once as told."""
    return new_rig(kind)
