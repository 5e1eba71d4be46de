"""Whatever is written, it is refused by its rules or it is what the service takes: nothing third."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import assume, given, seed, settings

from elasticache_constructs import ConfigurationError
from elasticache_constructs.replication_group.settings import ReplicationGroupSettings
from tests.deployable.accepted import asked_of
from tests.deployable.api import complaints
from tests.deployable.drawing.members import Secondary
from tests.deployable.drawing.outside import told
from tests.deployable.resources import resources, spelled
from tests.deployable.second_opinion import Joined, refusals
from tests.deployable.strategies import configurations

if TYPE_CHECKING:
    import pytest

    from tests.deployable.resources import Resources
    from tests.deployable.second_opinion import Asked
    from tests.deployable.written import Cache

# What the package promises by itself: the service would take it.
OWN_PROMISES = re.compile(
    r"(TransitEncryption\.preferred|TransitEncryption\.disabled|Access\.without_login|Permissions|Name\('.*'\)|Log\.disabled"
    r"|\w+\(\w+_reason=\.\.\.\)) with the reason '.*'"
)


SAMPLE, SAMPLE_EXHAUSTIVELY = 300, 1250
PART = 1000
"""So many configurations are drawn by one test, for `--drawn`: the parts run next to each other."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test draws the sample; with `--drawn`, each of several draws a part, from another seed."""
    if "part" in metafunc.fixturenames:
        drawn = metafunc.config.getoption("drawn")
        exhaustive = metafunc.config.getoption("exhaustive")
        sizes = [min(PART, drawn - begin) for begin in range(0, drawn, PART)]
        parts = [(None, SAMPLE_EXHAUSTIVELY if exhaustive else SAMPLE)] if not sizes else list(enumerate(sizes))
        metafunc.parametrize("part", parts, ids=[f"{size} from {number or 0}" for number, size in parts])


def test_it_is_refused_by_its_rules_or_taken_by_the_service(part: tuple[int | None, int]) -> None:
    """What is wrong is refused with the rule of each mistake; what is accepted breaks no rule and fits the API."""
    # The same examples on every machine and in every run; those that are refused do not count.
    number, size = part
    judged = given(configurations())(_is_judged)
    if number is not None:
        judged = seed(number)(judged)
    settings(max_examples=size, derandomize=number is None, database=None, deadline=None)(judged)()


def _is_judged(written: Cache) -> None:
    try:
        made = written.made()
    except ConfigurationError as refusal:
        unnamed = [error.got for error in refusal.errors if error.rule is None]
        assert [] == [got for got in unnamed if not OWN_PROMISES.fullmatch(got)]
        assume(condition=False)
    groups, secrets_key = told(written.given)
    if isinstance(made, Secondary):
        found = resources(made.settings, groups=groups)
        wanted = _of_secondary(made, found, secrets_key)
    else:
        found = resources(made, groups=groups)
        wanted = replace(asked_of(made, found), secrets_key=secrets_key)
    assert [] == refusals(wanted) + complaints(found)


def _of_secondary(made: Secondary, found: Resources, secrets_key: str | None) -> Asked:
    """What is asked for, and the rest as the service takes it from the global datastore."""
    stated = found["Cache"]["Properties"] | {"GlobalReplicationGroupId": made.global_datastore_id}
    # The service makes a parameter group of the primary's.
    del stated["CacheParameterGroupName"]
    found["Cache"]["Properties"] = stated
    whole = {spelled(name): value for name, value in ReplicationGroupSettings.properties(made.settings).items()}
    joins = Joined(
        made.global_datastore_id,
        asked_of(made.primary, resources(made.primary)),
        resources(made.members)["Cache"]["Properties"],
        frozenset(stated),
    )
    whole_cache = {**found, "Cache": {**found["Cache"], "Properties": whole | stated}}
    return replace(asked_of(made.settings, whole_cache), secrets_key=secrets_key, joins=joins)
