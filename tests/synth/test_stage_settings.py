"""What a stage may set for all of its stacks."""

from __future__ import annotations

from dataclasses import replace

import aws_cdk as cdk
import pytest

from elasticache_constructs import ConfigurationError
from stacks import CacheStage
from stages import STAGES
from tests.conftest import FLAGS, Synthesised, new_app, synthesise

_TAG = {"Key": "team", "Value": "orders"}
_TAGGED = (
    "EC2::VPC",
    "ElastiCache::CacheCluster",
    "ElastiCache::ReplicationGroup",
    "ElastiCache::User",
    "KMS::Key",
    "Lambda::Function",
    "RDS::DBInstance",
    "SecretsManager::Secret",
)


@pytest.fixture(scope="module", name="stage")
def _stage(tmp_path_factory: pytest.TempPathFactory) -> Synthesised:
    """The stage dev, with a tag."""
    app = new_app(tmp_path_factory.mktemp("cdk") / "out")
    CacheStage(app, "dev", settings=replace(STAGES["dev"], tags={"team": "orders"}))
    return synthesise(app)


def test_dev_deploys_in_a_new_account(stage: Synthesised) -> None:
    """No function reserves what such an account has not, and no finding is left by that."""
    functions = stage.everywhere("Lambda::Function")
    reserving = [name for name, each in functions.items() if "ReservedConcurrentExecutions" in each["Properties"]]
    found = [violation for plugin in stage.report for violation in plugin.get("violations", [])]
    assert (len(functions) > 0, reserving, found) == (True, [], [])


def test_prod_reserves(synthesised: Synthesised) -> None:
    """Each function has its share: 33 executions in all, as the README says. CDK's own have none."""
    functions = {name: each for name, each in synthesised.everywhere("Lambda::Function").items() if "prod/" in name}
    reserved = [each["Properties"].get("ReservedConcurrentExecutions") for each in functions.values()]
    assert 33 == sum(filter(None, reserved))
    assert [] == [
        name
        for name, each in functions.items()
        if "CustomResourceProvider" not in name and "ReservedConcurrentExecutions" not in each["Properties"]
    ]


@pytest.mark.parametrize("kind", _TAGGED)
def test_tags_are_on_what_takes_them(kind: str, stage: Synthesised) -> None:
    """All of a kind carry a stage's tags."""
    found = stage.everywhere(kind)
    tagged = [name for name, each in found.items() if _TAG in each["Properties"].get("Tags", [])]
    # CDK's own providers of custom resources take none.
    ours = [name for name in found if "CustomResourceProvider" not in name]
    assert (len(ours) > 0, tagged) == (True, ours)


def test_a_user_group_has_none(stage: Synthesised) -> None:
    """A changed tag on one fails the whole stack."""
    (group,) = stage.everywhere("ElastiCache::UserGroup").values()
    assert "Tags" not in group["Properties"]


def test_database_and_applications_may_be_left_out() -> None:
    """A stage is the caches and their network then; or those and the database."""
    bare = replace(STAGES["dev"], database=None, workload=None)
    kept = replace(STAGES["dev"], workload=None)
    stages = [CacheStage(cdk.App(context=FLAGS), "dev", settings=each) for each in (bare, kept)]
    caches = ["cache-network", "cache-redis", "cache-memcached"]

    assert [[each.node.id for each in stage.node.children] for stage in stages] == [caches, [*caches, "cache-database"]]


def test_applications_need_the_database() -> None:
    """One without the other is refused before anything is made."""
    with pytest.raises(ConfigurationError, match=r"workload=.*database=None.*Give the stage a database"):
        replace(STAGES["dev"], database=None)
