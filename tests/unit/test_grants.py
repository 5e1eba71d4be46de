"""Access of people to the ElastiCache API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import botocore.session  # type: ignore[import-untyped]
import pytest
from aws_cdk import aws_iam as iam

from tests.unit.builders import replication_group

if TYPE_CHECKING:
    from elasticache_constructs import ReplicationGroup
    from tests.conftest import Bench

OPERATIONS = set(botocore.session.get_session().get_service_model("elasticache").operation_names)


def statements(bench: Bench) -> list[dict[str, Any]]:
    """Those of the one managed policy."""
    found: list[dict[str, Any]] = bench.only("IAM::ManagedPolicy")["Properties"]["PolicyDocument"]["Statement"]
    return found


def actions(bench: Bench) -> set[str]:
    """All actions of the policy, without the service's prefix."""
    listed = [[each["Action"]] if isinstance(each["Action"], str) else each["Action"] for each in statements(bench)]
    return {action.removeprefix("elasticache:") for each in listed for action in each}


@pytest.fixture(name="cache")
def _cache(bench: Bench) -> ReplicationGroup:
    return replication_group(bench)


@pytest.fixture(name="role")
def _role(bench: Bench) -> iam.Role:
    return iam.Role(bench.stack, "Role", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))


def test_audit_changes_nothing(bench: Bench, cache: ReplicationGroup, role: iam.Role) -> None:
    """An auditor may describe and list, and nothing else."""
    cache.grant_audit(role)

    assert set() == {each for each in actions(bench) if not each.startswith(("Describe", "List"))}


def test_operate_neither_changes_nor_deletes(bench: Bench, cache: ReplicationGroup, role: iam.Role) -> None:
    """An operator on call may do what loses no data."""
    cache.grant_operate(role)

    assert {"BatchApplyUpdateAction", "CreateSnapshot", "RebootCacheCluster", "TestFailover"} == actions(bench)


@pytest.mark.parametrize("grant", ["grant_audit", "grant_operate"])
def test_actions_are_the_services_own(bench: Bench, cache: ReplicationGroup, role: iam.Role, grant: str) -> None:
    """Every action is an operation of the API, spelled as the service does."""
    getattr(cache, grant)(role)

    assert set() == actions(bench) - OPERATIONS


@pytest.mark.parametrize("grant", ["grant_audit", "grant_operate"])
def test_data_stays_closed(bench: Bench, cache: ReplicationGroup, role: iam.Role, grant: str) -> None:
    """Access to the API gives no login."""
    getattr(cache, grant)(role)

    assert "Connect" not in actions(bench)


def test_operate_names_the_cache(bench: Bench, cache: ReplicationGroup, role: iam.Role) -> None:
    """Nothing that acts is allowed on another cache."""
    cache.grant_operate(role)

    assert "*" not in [each["Resource"] for each in statements(bench)]


def test_two_people_share_a_policy(bench: Bench, cache: ReplicationGroup, role: iam.Role) -> None:
    """A second grant attaches the same policy."""
    other = iam.Role(bench.stack, "Other", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
    cache.grant_audit(role)
    cache.grant_audit(other)

    attached = [each["Properties"]["ManagedPolicyArns"] for each in bench.resources("IAM::Role").values()]
    assert 1 == len(bench.resources("IAM::ManagedPolicy"))
    assert attached[0] == attached[1]
