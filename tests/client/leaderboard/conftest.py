"""Caches for the boards, on one node and in a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.client.sessions.caches import PROGRAMS, one_node, three_nodes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local_servers.certificates import Certificate
    from tests.client.sessions.caches import Cache

PATTERN = "leaderboard:*"


@pytest.fixture(scope="session", params=PROGRAMS, name="node")
def _node(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cache]:
    yield from one_node(PROGRAMS[request.param](), tmp_path_factory.mktemp("node"), PATTERN)


@pytest.fixture(scope="session", params=PROGRAMS, name="cluster")
def _cluster(
    request: pytest.FixtureRequest, certificate: Certificate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cache]:
    directory = tmp_path_factory.mktemp("cluster")
    yield from three_nodes(PROGRAMS[request.param](), directory, PATTERN, certificate)
