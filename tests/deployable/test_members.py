"""What a global datastore accepts of drawn groups is what the service takes of members, told a second time."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import TYPE_CHECKING, Any

from elasticache_constructs import ConfigurationError
from elasticache_constructs.replication_group.membership import check_node_type, check_primary
from elasticache_constructs.replication_group.settings import ReplicationGroupSettings
from tests.deployable.accepted import asked_of
from tests.deployable.resources import resources
from tests.deployable.second_opinion import breaks_as_primary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.deployable.accepted import Accepted

_OF_THE_PLACE = {"GDS-03", "GDS-12"}
"""Rules about the Region, which the settings of a group do not decide."""


def _refused(group: ReplicationGroupSettings) -> bool:
    try:
        check_primary(group)
        check_node_type(group.node_type)
    except ConfigurationError:
        return True
    return False


def test_groups_are_members_if_and_only_if_the_service_takes_them(accepted: Sequence[Accepted]) -> None:
    """Each drawn group, as it is and with upgrades by hand: refused if it breaks a rule, and by nothing else."""
    by_hand: dict[str, Any] = {
        "auto_minor_version_upgrade": False,
        "manual_upgrades_reason": "All members are upgraded together.",
    }
    seen: Counter[bool] = Counter()
    for each in accepted:
        if not isinstance(each.settings, ReplicationGroupSettings):
            continue
        for group in (each.settings, dataclasses.replace(each.settings, **by_hand)):
            wrong = {*breaks_as_primary(asked_of(group, resources(group)))} - _OF_THE_PLACE
            assert bool(wrong) == _refused(group), (each.written, wrong)
            seen[bool(wrong)] += 1

    assert min(seen[True], seen[False]) > 10
