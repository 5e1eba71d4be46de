"""Service updates: released by a control command, listed per cache, and applied node by node."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local_servers.waiting import wait_until
from tests.rehearsal.live.caches.conftest import ApiError

if TYPE_CHECKING:
    from tests.rehearsal.live.caches.conftest import Service


def statuses(service: Service, **parameters: object) -> list[str | None]:
    """The status of each update action."""
    return service.texts(service("DescribeUpdateActions", **parameters), "UpdateActionStatus")


def test_an_update_is_applied_to_the_caches_that_are_named(service: Service) -> None:
    """It is listed for each cache with the members of AWS, is applied to one, and cannot be applied twice."""
    for name in ("orders", "carts"):
        service.group(name)
    service.control("release-service-update", name="patch-1", severity="critical", apply_by="2026-01-02T00:00:00+00:00")
    before = service("DescribeUpdateActions")
    assert service.texts(before, "ReplicationGroupId") == ["orders", "carts"]
    assert service.texts(before, "ServiceUpdateSeverity") == ["critical", "critical"]
    assert service.texts(before, "SlaMet") == ["no", "no"]
    assert service.texts(before, "NodesUpdated") == ["0/2", "0/2"]
    primary = service.caches.groups["orders"].group.shards[0].primary.name

    applied = service("BatchApplyUpdateAction", ServiceUpdateName="patch-1", ReplicationGroupIds=["orders"])

    assert service.texts(applied, "UpdateActionStatus") == ["waiting-to-start"]
    wait_until(
        lambda: statuses(service, ReplicationGroupIds=["orders"]) == ["complete"], "the update of orders is complete"
    )
    assert service.caches.groups["orders"].group.shards[0].primary.name != primary
    assert statuses(service, UpdateActionStatus=["not-applied"]) == ["not-applied"]
    again = service("BatchApplyUpdateAction", ServiceUpdateName="patch-1", ReplicationGroupIds=["orders"])
    assert service.texts(again, "ErrorType") == ["UpdateActionNotApplicable"]


def test_an_update_that_is_not_released_is_refused(service: Service) -> None:
    """Both by name in the list, and when it is applied."""
    assert statuses(service) == []
    for action in ("DescribeServiceUpdates", "BatchApplyUpdateAction"):
        with pytest.raises(ApiError) as refused:
            service(action, ServiceUpdateName="patch-2")
        assert refused.value.args[0] == "ServiceUpdateNotFoundFault"
