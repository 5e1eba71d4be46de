"""Whatever is written, it is refused by its rules or it is what the service takes: nothing third."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hypothesis import assume, given, settings

from elasticache_constructs import ConfigurationError
from elasticache_constructs.replication_group_settings import ReplicationGroupSettings
from tests.deployable.accepted import known_region
from tests.deployable.api import complaints
from tests.deployable.resources import resources
from tests.deployable.second_opinion import asked, refusals
from tests.deployable.strategies import configurations

if TYPE_CHECKING:
    from tests.deployable.written import Call

FIXED = settings(derandomize=True, database=None, deadline=None)
"""The same examples on every machine and in every run."""

# What the package promises by itself: the service would take it.
OWN_PROMISES = re.compile(
    r"(TransitEncryption\.preferred|TransitEncryption\.disabled|Access\.without_login|Permissions"
    r"|ServerlessLimits\(unlimited_reason=\.\.\.\)"
    r"|Backups\(short_reason=\.\.\.\)|Topology\(no_failover_reason=\.\.\.\)) with the reason '.*'"
)


@settings(FIXED, max_examples=1500)
@given(configurations())
def test_a_refusal_names_its_rules(written: Call) -> None:
    """Nothing but a refusal comes of a configuration that is wrong, and each of its mistakes has the id of a rule."""
    try:
        written.made()
    except ConfigurationError as refusal:
        unnamed = [error for error in refusal.errors if error.rule is None]
        assert [] == [error.got for error in unnamed if not OWN_PROMISES.fullmatch(error.got)]


@settings(FIXED, max_examples=1500)
@given(configurations())
def test_what_is_accepted_the_service_takes(written: Call) -> None:
    """A second reading of the service's rules, and botocore's model of its API, find nothing in what was accepted."""
    try:
        made = written.made()
    except ConfigurationError:
        assume(condition=False)
    found = resources(made)
    quota = made.topology.node_quota if isinstance(made, ReplicationGroupSettings) else 0
    assert [] == refusals(asked(found, region=known_region(made), node_quota=quota)) + complaints(found)
