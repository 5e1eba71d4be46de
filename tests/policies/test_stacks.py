"""By the templates alone, each identity in all stacks and examples can make every call that it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.policies.deployment import Deployment, Policies
from tests.policies.needs import Need, is_ours, needs

if TYPE_CHECKING:
    from tests.conftest import Synthesised

# Roles that stand for applications, and the users of caches that they log in as.
APPLICATIONS = {
    "example-shared-users-sessions/OrdersRole": "example-shared-shop",
    "example-valkey-client/OrdersRole": "example-orders",
    "example-valkey-parameters-consumer/OrdersRole": "example-parameters-orders",
    "example-valkey-public/OrdersRole": "example-public-orders",
    "example-valkey-serverless/OrdersRole": "example-serverless-orders",
}
ADMINISTRATION = "AccountDelegatesThroughIam"


@pytest.fixture(scope="module", name="deployment")
def _deployment(synthesised: Synthesised) -> Deployment:
    return Deployment(synthesised.templates)


@pytest.fixture(scope="module", name="wanted")
def _wanted(deployment: Deployment) -> list[Need]:
    roles = [each for each in deployment.of("IAM::Role") if each.logical_id.startswith("OrdersRole")]
    names = {f"{each.path}/{each.logical_id}": APPLICATIONS[f"{each.path}/OrdersRole"] for each in roles}
    assert APPLICATIONS.keys() == {f"{each.path}/OrdersRole" for each in roles}
    return needs(deployment, names)


def unmet(wanted: list[Need], policies: Policies) -> list[Need]:
    """The needs that the policies do not meet."""
    return [each for each in wanted if not each.is_met(policies)]


def ours(deployment: Deployment) -> list[str]:
    """Who holds statements, but for roles of the CDK's own functions."""
    theirs = {each.properties["Role"] for each in deployment.of("Lambda::Function") if not is_ours(each)}
    policies = deployment.policies
    held_by_them = theirs | {holder for role in theirs for holder in policies.attached.get(role, ())}
    return [holder for holder in policies.held if holder not in held_by_them]


def test_every_call_is_allowed(deployment: Deployment, wanted: list[Need]) -> None:
    """Functions, applications and services can do what they are configured to do, and what is closed is closed."""
    assert [] == unmet(wanted, deployment.policies)


def test_every_function_has_needs(deployment: Deployment, wanted: list[Need]) -> None:
    """No function of this repo is left out."""
    roles = {each.properties["Role"] for each in deployment.of("Lambda::Function") if is_ours(each)}

    assert len(roles) > 10
    assert roles <= {each.role for each in wanted}


def test_every_statement_is_needed(deployment: Deployment, wanted: list[Need]) -> None:
    """Without any single statement of any policy something fails: none is spare, and the check sees each."""
    policies = deployment.policies
    spare = [
        (holder, statement.get("Sid", statement.get("Action")))
        for holder in ours(deployment)
        for number, statement in enumerate(policies.held[holder])
        if not unmet([each for each in wanted if holder in each.holders(policies)], policies.without(holder, number))
    ]

    assert [] == spare


def test_every_action_is_needed(deployment: Deployment, wanted: list[Need]) -> None:
    """No statement allows an action that is not needed, but those of a key's administrators."""
    policies = deployment.policies
    spare = [
        (holder, action)
        for holder in ours(deployment)
        for number, statement in enumerate(policies.held[holder])
        if statement["Effect"] == "Allow" and statement.get("Sid") != ADMINISTRATION
        for action in _listed(statement["Action"])
        if not unmet(
            [each for each in wanted if holder in each.holders(policies)],
            policies.without_action(holder, number, action),
        )
    ]

    assert [] == spare


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
