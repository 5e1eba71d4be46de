"""What a stage may set for all of its stacks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import aws_cdk as cdk
import pytest

from elasticache_constructs import AutoScaling, ConfigurationError, NodeType, Subscribers, Topology
from stacks import CacheStage
from stages import STAGES
from tests.conftest import FLAGS, Synthesised, new_app, synthesise
from tests.unit.test_subscriptions import OF_EACH_KIND

# Further caches are added to stages.py, by docs/first-change.md for one: what is counted here is not of them.
_DEV = replace(STAGES["dev"], more_caches={})
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
    """The stage dev, with a tag and subscribers of each kind, and with caches that are scaled."""
    app = new_app(tmp_path_factory.mktemp("cdk") / "out")
    large, scaling = NodeType("cache.m7g.large"), AutoScaling(minimum=2, maximum=4)
    topology = Topology(shards=2, shard_scaling=scaling, replica_scaling=scaling)
    settings = replace(
        _DEV,
        tags={"team": "orders"},
        subscribers=OF_EACH_KIND,
        redis=replace(_DEV.redis, node_type=large, topology=topology),
        memcached=replace(_DEV.memcached, node_type=large, node_scaling=scaling),
    )
    CacheStage(app, "dev", settings=settings)
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


def test_sizes_of_a_stage_are_scaled(stage: Synthesised) -> None:
    """What a stage says of a size reaches its cache, and no policy pack objects: the report is empty."""
    targets = stage.everywhere("ApplicationAutoScaling::ScalableTarget").values()
    assert {"Nodes", "NodeGroups", "Replicas"} == {
        each["Properties"]["ScalableDimension"].rpartition(":")[2] for each in targets
    }


@pytest.mark.parametrize("kind", _TAGGED)
def test_tags_are_on_what_takes_them(kind: str, stage: Synthesised) -> None:
    """All of a kind carry a stage's tags."""
    found = stage.everywhere(kind)
    tagged = [name for name, each in found.items() if _TAG in each["Properties"].get("Tags", [])]
    # CDK's own providers of custom resources take none.
    ours = [name for name in found if "CustomResourceProvider" not in name]
    assert (len(ours) > 0, tagged) == (True, ours)


def test_each_topic_of_a_stage_has_each_subscriber(stage: Synthesised) -> None:
    """Alarms, events of both caches and failures of the rotation: no topic is left out, and no policy pack objects."""
    topics = {name.removeprefix("dev/") for name in stage.everywhere("SNS::Topic")}
    subscribed: dict[str, set[str]] = {topic: set() for topic in topics}
    for name, each in stage.everywhere("SNS::Subscription").items():
        arn = each["Properties"]["TopicArn"]
        # Chat is told of events by the monitoring stack, which gets their topics from the caches'.
        place = arn["Fn::GetStackOutput"]["StackName"].removeprefix("dev-") if "Ref" not in arn else name.split("/")[1]
        topic = (
            f"{place}/{arn['Ref']}"
            if "Ref" in arn
            else next(one for one in topics if one.startswith(place) and "Events" in one)
        )
        subscribed[topic].add(each["Properties"]["Protocol"])

    # Each topic in the stack that the topic is in, so that no stack waits for another.
    (chat,) = (topic for topic in topics if topic.startswith("cache-monitoring/"))
    events = {topic for topic in topics if "Events" in topic} - {chat}
    told = {topic: {"email", "https", *(["lambda"] if topic in events else [])} for topic in topics}
    assert told | {chat: set()} == subscribed
    assert (5, 2) == (len(topics), len(events))
    (slack,) = stage.everywhere("Chatbot::SlackChannelConfiguration").values()
    assert 3 == len(slack["Properties"]["SnsTopicArns"])


@pytest.mark.parametrize(
    ("subscribers", "warnings"),
    [(Subscribers(), 1), (OF_EACH_KIND.only_chat(), 0), (OF_EACH_KIND.without_chat(), 0)],
    ids=["none", "chat", "addresses"],
)
def test_stage_without_subscribers_warns(subscribers: Subscribers, warnings: int) -> None:
    """Synth says so, and goes on: the warning can be acknowledged."""
    stage = CacheStage(cdk.App(context=FLAGS), "dev", settings=replace(STAGES["dev"], subscribers=subscribers))
    stack = stage.notifications
    said = [each.data for each in stack.node.metadata if each.type == "aws:cdk:warning"]
    assert warnings == len(said)
    assert all("[ack: elasticache-constructs:stage-without-subscribers]" in each for each in said)


def test_a_user_group_has_none(stage: Synthesised) -> None:
    """A changed tag on one fails the whole stack."""
    (group,) = stage.everywhere("ElastiCache::UserGroup").values()
    assert "Tags" not in group["Properties"]


def test_database_and_applications_may_be_left_out() -> None:
    """A stage is the caches and their network then; or those and the database."""
    bare = replace(_DEV, database=None, workload=None)
    kept = replace(_DEV, workload=None)
    stages = [CacheStage(cdk.App(context=FLAGS), "dev", settings=each) for each in (bare, kept)]
    caches = ["cache-notifications", "cache-network", "cache-redis", "cache-memcached", "cache-monitoring"]

    assert [[each.node.id for each in stage.node.children] for stage in stages] == [caches, [*caches, "cache-database"]]


def test_applications_need_the_database() -> None:
    """One without the other is refused before anything is made."""
    with pytest.raises(ConfigurationError, match=r"workload=.*database=None.*Give the stage a database"):
        replace(STAGES["dev"], database=None)


@pytest.mark.parametrize(
    ("changes", "got", "fix"),
    [
        ({"account": "1111-2222-3333"}, "account='1111-2222-3333'", "Use account='111122223333'"),
        ({"account": 111122223333}, "account=111122223333", "Use account='111122223333'"),
        ({"account": "12345"}, "account='12345'", "Use account='111122223333', with the account's own digits"),
        ({"region": "eu-west1"}, "region='eu-west1'", "Use region='eu-west-1'"),
        ({"region": "EU-WEST-1"}, "region='EU-WEST-1'", "Use region='eu-west-1'"),
        ({"region": "eu-west-1a"}, "region='eu-west-1a'", "Use region='eu-west-1'"),
        ({"region": "Ireland"}, "region='Ireland'", "Use region='eu-west-1'"),
        ({"tags": {"aws:team": "shop"}}, "tags['aws:team']", "Use tags['team']"),
        ({"tags": {"team": "a" * 257}}, f"tags['team'] = {'a' * 257!r}", ""),
        ({"tags": {"": "shop"}}, "tags[''] = 'shop'", ""),
        ({"tags": {"team": "shop\u202e"}}, "tags['team'] with the character U+202E", ""),
        ({"tags": {"group\x00s": "shop"}}, "tags['group\\x00s'] with the character U+0000", ""),
    ],
)
def test_settings_that_aws_would_not_take_are_refused(changes: dict[str, Any], got: str, fix: str) -> None:
    """By the stage, before anything is built, in the words that they were written in."""
    with pytest.raises(ConfigurationError) as refusal:
        replace(STAGES["dev"], **changes)
    assert got == refusal.value.got
    assert refusal.value.fix.startswith(fix)


@pytest.mark.parametrize(
    ("name", "right"),
    [("my prod", "my-prod"), ("1st", "stage-1st"), ("pröd", "pr-d"), ("prod-", "prod"), ("", "stage")],
)
def test_stage_whose_stacks_could_not_bear_its_name_is_refused(name: str, right: str) -> None:
    """With a name that they could."""
    app = cdk.App(context=FLAGS)
    with pytest.raises(ConfigurationError) as refusal:
        CacheStage(app, name, settings=STAGES["dev"])
    assert (f"the stage {name!r}", f"Name it {right!r} in stages.py") == (refusal.value.got, refusal.value.fix)


def test_another_region_wants_other_zones() -> None:
    """The stage prod with nothing but its region changed is refused, and told the Availability Zones to write."""
    with pytest.raises(ConfigurationError) as refusal:
        CacheStage(cdk.App(context=FLAGS), "prod", settings=replace(STAGES["prod"], region="us-east-1"))
    assert "Use availability_zones=['us-east-1a', 'us-east-1b', 'us-east-1c']" == refusal.value.fix
