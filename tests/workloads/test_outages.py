"""The cache rotates its secret, fails over, dies and recovers, and the applications keep answering."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

import pytest

from local_servers.waiting import wait_until
from tests.workloads.conftest import Application
from tests.workloads.outages import ACTS, EVENTS, FAILOVER, WORKERS, Tally, measure, rig, under_load
from workloads.database import Database
from workloads.local.servers import valkey

if TYPE_CHECKING:
    from collections.abc import Callable

    from workloads.database import DatabaseSettings

BULKHEAD = 5
RECOVERY_SECONDS = 60.0
LAST_LOADS_SECONDS = 0.5
"""After which those loads are over that began while there was a cache to shield the database."""

_BUSY = """
SELECT count(*) AS busy FROM pg_stat_activity
WHERE state = 'active' AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


class Watch(threading.Thread):
    """Counts how many statements the database executes at a time."""

    def __init__(self, settings: DatabaseSettings) -> None:
        super().__init__()
        self.most = 0
        self._settings = settings
        self._over = threading.Event()

    def run(self) -> None:
        """Count every few milliseconds."""
        with Database(self._settings) as database:
            while not self._over.wait(0.003):
                (seen,) = database.all(dict[str, int], _BUSY)
                self.most = max(self.most, seen["busy"])

    def __enter__(self) -> Self:
        """Start counting."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop counting."""
        self._over.set()
        self.join()


@pytest.fixture(scope="module", name="results")
def _results(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, dict[str, Tally]], dict[str, int]]:
    """What the users saw, and the catalogue's figures at the end."""
    with rig(tmp_path_factory.mktemp("rig")) as built:
        results = measure(built)
        catalogue = Application(built.addresses["catalogue"][0])
        # On a loaded machine the cache may have been too slow at the very end.
        wait_for_recovery(catalogue)
        figures: dict[str, int] = catalogue.get("/api/figures").json()["cache"]
        catalogue.client.close()
        return results, figures


@pytest.mark.parametrize("name", ACTS)
@pytest.mark.parametrize("event", EVENTS)
def test_every_application_keeps_answering(
    event: str, name: str, results: tuple[dict[str, dict[str, Tally]], dict[str, int]]
) -> None:
    """During a rotation and a failover under load, no request fails and no data is lost.

    The exception is what a primary had not replicated when it was killed: at most the last write of each user.
    """
    tally = results[0][event][name]
    assert (True, 0) == (tally.requests > 0, tally.failed)
    assert tally.forgotten <= (WORKERS if event == FAILOVER else 0)


def test_the_cache_was_used_all_the_while(
    results: tuple[dict[str, dict[str, Tally]], dict[str, int]],
) -> None:
    """The catalogue did not bypass the cache: its user on AWS may do everything that it does."""
    figures = results[1]
    assert figures["hits"] > 0
    assert not figures["down"]


def test_the_catalogue_survives_the_death_of_its_cache(
    start: Callable[..., Application], database: DatabaseSettings
) -> None:
    """No request fails, the bulkhead limits the loads of the database, and the cache is used again afterwards."""
    with ExitStack() as stack:
        settings = stack.enter_context(valkey())
        catalogue = start("catalogue", **settings.to_environment())

        watch = Watch(database)

        def die_and_return() -> None:
            stack.pop_all().close()
            time.sleep(LAST_LOADS_SECONDS)
            with watch:
                time.sleep(2)
                # On a loaded machine it takes longer until two statements are seen at a time.
                wait_until(lambda: watch.most > 1, "loads of the database are seen at the same time", RECOVERY_SECONDS)
            stack.enter_context(valkey(settings.port))

        tallies = under_load({"catalogue": [catalogue.address]}, die_and_return, workers=20)
        wait_for_recovery(catalogue)
    assert (True, 0) == (tallies["catalogue"].requests > 0, tallies["catalogue"].failed)
    assert 1 < watch.most <= BULKHEAD


def wait_for_recovery(catalogue: Application) -> None:
    """Request a product until the cache has it."""
    end = time.monotonic() + RECOVERY_SECONDS
    before = catalogue.get("/api/figures").json()["cache"]["hits"]
    while catalogue.get("/api/figures").json()["cache"]["hits"] == before:
        assert time.monotonic() < end, "the cache is available, and the application does not use it"
        catalogue.get("/api/products/1").raise_for_status()
