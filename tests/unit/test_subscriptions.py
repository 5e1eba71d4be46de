"""Who is told of what: the subscriptions to topics, their filters, and the events of serverless caches."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Annotations, Match

from elasticache_constructs import (
    AlarmTopic,
    ConfigurationError,
    EncryptionKey,
    EventTopic,
    Pager,
    ServerlessCache,
    SlackChannel,
    Subscribers,
    Subscriptions,
    TeamsChannel,
)
from elasticache_constructs.shared.chat_events import translate_events
from elasticache_rules import facts
from elasticache_rules.facts import Meaning
from tests.conftest import Bench, new_bench
from tests.unit.test_serverless_cache import serverless_cache

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

REASON = "No message of a test may reach a person"
SLACK = SlackChannel(workspace_id="T0123ABCD", channel_id="C0123ABCD")
TEAMS = TeamsChannel(
    tenant_id="a1b2c3d4-0000-4000-8000-a1b2c3d4e5f6",
    team_id="b1b2c3d4-0000-4000-8000-a1b2c3d4e5f6",
    channel_id="19%3ab6ef35dc342d56ba5654e6fc6d25a071%40thread.tacv2",
)
PAGER = Pager(secret_name="oncall/pager", field="url")
OF_EACH_KIND = Subscribers(
    emails=["one@example.com", "two@example.com"],
    slack=[SLACK],
    teams=[TEAMS],
    pagers=[PAGER],
    placeholder_reason=REASON,
)

# As AWS's pages have them: a name that is misspelt filters nothing.
# https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/ElastiCacheSNS.html
# https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-elasticache.html
PUBLISHED = {
    "sns": [
        "AddCacheNodeComplete",
        "AddCacheNodeFailed",
        "CacheClusterParametersChanged",
        "CacheClusterProvisioningComplete",
        "CacheClusterProvisioningFailed",
        "CacheClusterScalingComplete",
        "CacheClusterScalingFailed",
        "CacheClusterSecurityGroupModified",
        "CacheNodeReplaceStarted",
        "CacheNodeReplaceComplete",
        "CacheNodesRebooted",
        "CertificateRenewalComplete",
        "CreateReplicationGroupComplete",
        "DeleteCacheClusterComplete",
        "FailoverComplete",
        "ReplicationGroupIncreaseReplicaCountFinished",
        "ReplicationGroupIncreaseReplicaCountStarted",
        "NodeReplacementCanceled",
        "NodeReplacementRescheduled",
        "NodeReplacementScheduled",
        "RemoveCacheNodeComplete",
        "ReplicationGroupScalingComplete",
        "ReplicationGroupScalingFailed",
        "ServiceUpdateAvailableForNode",
        "SnapshotComplete",
        "SnapshotFailed",
    ],
    "eventbridge": [
        "Cache Created",
        "Cache Creation Failed",
        "Cache Deleted",
        "Snapshot Created",
        "Snapshot Creation Failed",
        "Cache Update Failed",
        "Cache Updated",
        "Cache Limit Approaching",
        "Snapshot Export Failed",
        "Snapshot Copy Failed",
    ],
}
BY_NAME = {event.name: event.meaning for channel in ("sns", "eventbridge") for event in facts.events(channel)}


def test_events_have_the_names_that_are_published() -> None:
    """Every event of AWS's pages has a meaning, and no other has."""
    expected = {f"ElastiCache:{name}" for name in PUBLISHED["sns"]} | set(PUBLISHED["eventbridge"])
    assert expected == set(BY_NAME)


def test_what_failed_is_a_failure() -> None:
    """No event that says so is routine; the one that is not a failure fails its deployment."""
    failed = {name for name in BY_NAME if name.endswith("Failed")}
    assert {"ElastiCache:CacheClusterProvisioningFailed"} == {
        name for name in failed if BY_NAME[name] is not Meaning.FAILURE
    }


def subscribed(bench: Bench) -> dict[tuple[str, str], dict[str, Any]]:
    """Subscriptions by logical id of the topic and endpoint; that of the function for chat has none."""
    return {
        (each["TopicArn"]["Ref"], "chat" if each["Protocol"] == "lambda" else each["Endpoint"]): each
        for each in (found["Properties"] for found in bench.resources("SNS::Subscription").values())
    }


@pytest.fixture(scope="module", name="told")
def _told() -> Bench:
    """A stack with two topics of alarms and one of events, all of which all subscribers are subscribed to."""
    bench = new_bench()
    key = EncryptionKey(bench.stack, "Key", description="Alarms")
    alarms = [AlarmTopic(bench.stack, name, key=key) for name in ("Alarms", "Rotation")]
    events = EventTopic(bench.stack, "Events")
    Subscriptions(bench.stack, "Told", subscribers=OF_EACH_KIND, alarm_topics=alarms, event_topics=[events])
    return bench


def test_every_topic_has_every_subscriber(told: Bench) -> None:
    """Addresses and the pager have a subscription to each topic, chat both topics of alarms, and events by a function.

    ElastiCache's own messages are dropped in chat.
    """
    *alarms, events, chat = told.resources("SNS::Topic")
    url = "{{resolve:secretsmanager:oncall/pager:SecretString:url::}}"

    people = {(topic, to) for topic in (*alarms, events) for to in ("one@example.com", "two@example.com", url)}
    assert people | {(events, "chat")} == set(subscribed(told))
    for kind in ("Slack", "MicrosoftTeams"):
        shown = told.only(f"Chatbot::{kind}ChannelConfiguration")["Properties"]["SnsTopicArns"]
        assert [{"Ref": topic} for topic in (*alarms, chat)] == shown


def test_chat_gets_the_events_that_addresses_get(told: Bench) -> None:
    """By a function that the topic of events alone may call, and which publishes to the channels' topic alone."""
    *_alarms, events, chat = told.resources("SNS::Topic")
    found = subscribed(told)
    assert found[events, "one@example.com"]["FilterPolicy"] == found[events, "chat"]["FilterPolicy"]
    permission = told.only("Lambda::Permission")["Properties"]
    assert ("sns.amazonaws.com", {"Ref": events}) == (permission["Principal"], permission["SourceArn"])
    (publish, *_) = told.only("IAM::ManagedPolicy")["Properties"]["PolicyDocument"]["Statement"]
    assert ("sns:Publish", {"Ref": chat}) == (publish["Action"], publish["Resource"])
    assert [{"Ref": chat}] == told.only("CloudWatch::Alarm")["Properties"]["AlarmActions"]
    assert told.resources("SNS::Topic")[chat]["Properties"]["KmsMasterKeyId"]


@pytest.mark.parametrize(
    ("subscribers", "has_events"),
    [(OF_EACH_KIND.without_chat(), True), (OF_EACH_KIND, False), (Subscribers(), True)],
    ids=["no channel", "no events", "no subscriber"],
)
def test_nothing_is_made_for_chat_that_nothing_uses(subscribers: Subscribers, *, has_events: bool) -> None:
    """The function, its topic and its key come with a channel and an event topic."""
    bench = new_bench()
    topics = [EventTopic(bench.stack, "Events")]
    argument: dict[str, Any] = {"event_topics" if has_events else "alarm_topics": topics}
    Subscriptions(bench.stack, "Told", subscribers=subscribers, **argument)
    made = {kind for kind in ("Lambda::Function", "KMS::Key") if bench.resources(kind)}
    assert (set(), 1) == (made, len(bench.resources("SNS::Topic")))


_CLUSTER, _AT = "shop-001", "2026-11-28T23:50:00.000Z"
_SHOWN: Mapping[str, tuple[str, str]] = {
    '{"ElastiCache:FailoverComplete": "shop-001"}': (f"Attention: Failover complete: {_CLUSTER}", _CLUSTER),
    '{"ElastiCache:SnapshotFailed" : "shop-001"}': (f"Failure: Snapshot failed: {_CLUSTER}", _CLUSTER),
    '{"ElastiCache:AddCacheNodeComplete": "shop-001"}': (f"Add cache node complete: {_CLUSTER}", _CLUSTER),
    '{"ElastiCache:SomethingOfAWSIsNew": "shop-001"}': (f"Something of aws is new: {_CLUSTER}", _CLUSTER),
    "no JSON": ("no JSON", ""),
    '["JSON"]': ('["JSON"]', ""),
    '{"Other": 1}': ('{"Other": 1}', ""),
    "x" * 300: ("x" * 250, ""),
}


@pytest.mark.parametrize("text", _SHOWN)
def test_an_event_is_shown_in_words(text: str, told: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a custom notification, whose schema is AWS's, and with the names that the template gives the function."""
    (function,) = told.resources("Lambda::Function").values()
    for name, value in function["Properties"]["Environment"]["Variables"].items():
        monkeypatch.setenv(name, value if isinstance(value, str) else "arn:aws:sns:eu-west-1:111122223333:chat")
    published: list[dict[str, str]] = []
    boto3 = SimpleNamespace(client=lambda _name: SimpleNamespace(publish=lambda **sent: published.append(sent)))
    monkeypatch.setitem(sys.modules, "boto3", boto3)
    topic = "arn:aws:sns:eu-west-1:111122223333:events"
    message = {"MessageId": "1", "Message": text, "TopicArn": topic, "Timestamp": _AT}

    assert 1 == translate_events.handler({"Records": [{"Sns": message}]}, None)

    ((sent,), (title, cache)) = published, _SHOWN[text]
    shown = json.loads(sent["Message"])
    assert ("arn:aws:sns:eu-west-1:111122223333:chat", "1.0", "custom", "1", "client-markdown") == (
        sent["TopicArn"],
        shown["version"],
        shown["source"],
        shown["id"],
        shown["content"]["textType"],
    )
    assert title == shown["content"]["title"]
    assert cache == "".join(shown["metadata"].get("relatedResources", ()))
    assert (cache or shown["metadata"]["eventType"]) == shown["metadata"]["threadId"], "a thread for each cache"
    assert all(part in shown["content"]["description"] for part in ("eu-west-1", "111122223333", _AT))


def test_the_code_for_chat_fits_the_template(told: Bench) -> None:
    """CloudFormation takes 4096 characters of code, and Lambda as many of an environment."""
    (function,) = (found["Properties"] for found in told.resources("Lambda::Function").values())
    assert len(function["Code"]["ZipFile"]) <= 4096
    assert len(json.dumps(function["Environment"]["Variables"])) <= 3500


def test_alarms_are_not_filtered(told: Bench) -> None:
    """Whatever an alarm says reaches all who are subscribed."""
    filtered = {topic for (topic, _), each in subscribed(told).items() if "FilterPolicy" in each}
    assert ["Events"] == [topic.removesuffix(topic[-8:]) for topic in filtered]


def delivers(policy: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    """Whether SNS delivers a message: all keys match, and one alternative of ``$or``."""
    alternatives: list[dict[str, Any]] = policy.get("$or", [])
    keys = {key: wanted for key, (wanted,) in policy.items() if key != "$or"} if not alternatives else {}
    matched = all((key in body) == wanted["exists"] for key, wanted in keys.items())
    return matched and (not alternatives or any(delivers(each, body) for each in alternatives))


@pytest.mark.parametrize(
    ("protocol", "told_of"),
    [("email", set(Meaning) - {Meaning.ROUTINE}), ("https", {Meaning.FAILURE})],
)
def test_events_are_filtered_by_meaning(told: Bench, protocol: str, told_of: set[Meaning]) -> None:
    """Of each event that is published, those with a meaning are delivered, and those without are not."""
    by_body = {each["Protocol"]: each for each in subscribed(told).values() if "FilterPolicy" in each}[protocol]
    assert "MessageBody" == by_body["FilterPolicyScope"]

    # The service's own form: the event's name is the key, and others stand next to it.
    bodies = {name: {name: "cache-001", "Cache Cluster ID": "cache-001"} for name in BY_NAME if ":" in name}
    delivered = {name for name, body in bodies.items() if delivers(by_body["FilterPolicy"], body)}
    assert {name for name in bodies if BY_NAME[name] in told_of} == delivered


def test_an_event_that_is_not_known_is_told(told: Bench) -> None:
    """By e-mail: AWS adds events, and a list of what is let through would drop them."""
    (policy,) = {
        json.dumps(each["FilterPolicy"])
        for each in subscribed(told).values()
        if each["Protocol"] == "email" and "FilterPolicy" in each
    }
    assert delivers(json.loads(policy), {"ElastiCache:ServiceUpdateAvailable": "cache"})


def test_filters_are_within_the_limit_of_sns(told: Bench) -> None:
    """Five keys, those of alternatives among them: SNS refuses the whole subscription otherwise."""
    for each in subscribed(told).values():
        policy = each.get("FilterPolicy", {})
        assert len(policy) + len(policy.get("$or", ())) <= 5


def test_url_of_a_pager_is_in_no_template(told: Bench) -> None:
    """A reference is, which CloudFormation follows."""
    endpoints = [each["Endpoint"] for each in subscribed(told).values() if each["Protocol"] == "https"]
    assert {"{{resolve:secretsmanager:oncall/pager:SecretString:url::}}"} == set(endpoints)


def test_chat_may_do_nothing(told: Bench) -> None:
    """Its role has no permission, its users have their own roles, and the guardrail is to read metrics."""
    slack, teams = (
        told.only(f"Chatbot::{kind}ChannelConfiguration")["Properties"] for kind in ("Slack", "MicrosoftTeams")
    )
    (role,) = (
        each["Properties"]
        for each in told.resources("IAM::Role").values()
        if "chatbot.amazonaws.com" in json.dumps(each["Properties"]["AssumeRolePolicyDocument"])
    )
    assert not {"ManagedPolicyArns", "Policies"} & role.keys()
    assert {} == told.resources("IAM::Policy")
    for each in (slack, teams):
        assert each["UserRoleRequired"]
        (guardrail,) = each["GuardrailPolicies"]
        assert ":iam::aws:policy/CloudWatchReadOnlyAccess" == guardrail["Fn::Join"][1][2]


def test_a_subscription_stays_when_another_is_added() -> None:
    """Its logical id is that of the topic and the subscriber, in whatever order."""

    def ids(*emails: str) -> set[str]:
        bench = new_bench()
        subscribers = Subscribers(emails=emails, placeholder_reason=REASON)
        topics = [EventTopic(bench.stack, "Events")]
        Subscriptions(bench.stack, "Told", subscribers=subscribers, event_topics=topics)
        return set(bench.resources("SNS::Subscription"))

    assert ids("two@example.com") < ids("one@example.com", "two@example.com")


KNOWN = cdk.Environment(account="111122223333", region="eu-west-1")


def _topic(arn: str) -> Callable[[cdk.Stack], sns.ITopic]:
    return lambda stack: sns.Topic.from_topic_arn(stack, "Topic", arn)


ELSEWHERE = {
    "arn:aws:sns:us-east-1:111122223333:topic": "of the region us-east-1 in eu-west-1",
    "arn:aws:sns:eu-west-1:999988887777:topic": "of the account 999988887777 in 111122223333",
}


@pytest.mark.parametrize(("arn", "words"), ELSEWHERE.items(), ids=["region", "account"])
@pytest.mark.parametrize("argument", ["alarm_topics", "event_topics"])
def test_topic_of_another_place_is_refused(arn: str, words: str, argument: str) -> None:
    """As caches refuse it."""
    stack = cdk.Stack(cdk.App(), "Told", env=KNOWN)
    arguments: dict[str, Any] = {argument: [sns.Topic.from_topic_arn(stack, "Topic", arn)]}
    with pytest.raises(
        ConfigurationError, match=rf"Subscriptions\(\.\.\.\) to a topic {words}: .*Make Subscriptions in"
    ):
        Subscriptions(stack, "Subscriptions", subscribers=OF_EACH_KIND, **arguments)


def test_topic_that_is_named_twice_is_refused() -> None:
    """It would have two subscriptions of one address, which SNS refuses."""
    bench = new_bench()
    topics = [EventTopic(bench.stack, "Events")]
    with pytest.raises(ConfigurationError, match="one topic twice"):
        Subscriptions(bench.stack, "Told", subscribers=OF_EACH_KIND, alarm_topics=topics, event_topics=topics)


def test_what_is_no_topic_is_refused() -> None:
    """In one line, with what is one."""
    bench = new_bench()
    wrong: Any = "arn:aws:sns:eu-west-1:111122223333:topic"
    with pytest.raises(ConfigurationError, match="alarm_topics"):
        Subscriptions(bench.stack, "Told", subscribers=OF_EACH_KIND, alarm_topics=wrong)
    with pytest.raises(ConfigurationError, match="Use subscribers=Subscribers"):
        Subscriptions(bench.stack, "Told2", subscribers=wrong)


# Values

SECRET = "https://events.example.com/integration/0123456789abcdef/enqueue"
REFUSED: dict[str, tuple[Callable[[], object], str, str]] = {
    "an address without a domain": (
        lambda: Subscribers(emails=["team"]),
        "the e-mail address 'team'",
        "Use one like cache-team@..., with your own domain",
    ),
    "a display name": (
        lambda: Subscribers(emails=["Team <team@corp.io>"]),
        "the e-mail address 'Team <team@corp.io>'",
        "Use one like cache-team@..., with your own domain",
    ),
    "a placeholder": (
        lambda: Subscribers(emails=["team@mail.example.com"]),
        "the e-mail address 'team@mail.example.com'",
        "Use an address that people read, or say why it is right here: placeholder_reason='...'",
    ),
    "a text for a list": (
        lambda: Subscribers(emails="team@corp.io"),
        "Subscribers(emails='team@corp.io') of type str",
        "Use emails=['cache-team@...']",
    ),
    "an address twice": (
        lambda: Subscribers(emails=["team@corp.io", "team@corp.io"]),
        "Subscribers(emails=...) with 'team@corp.io' twice",
        "List it once",
    ),
    "a channel's name": (
        lambda: SlackChannel(workspace_id="T0123ABCD", channel_id="#cache-alarms"),
        "channel_id='#cache-alarms'",
        "Copy the channel's link in Slack, and use its last part",
    ),
    "a workspace's name": (
        lambda: SlackChannel(workspace_id="corp", channel_id="C0123ABCD"),
        "workspace_id='corp'",
        "Copy it from the console of Amazon Q Developer in chat applications",
    ),
    "a team's name": (
        lambda: TeamsChannel(tenant_id=TEAMS.tenant_id, team_id="Cache", channel_id=TEAMS.channel_id),
        "team_id='Cache'",
        "Copy it from the console of Amazon Q Developer in chat applications",
    ),
    "a decoded channel": (
        lambda: TeamsChannel(tenant_id=TEAMS.tenant_id, team_id=TEAMS.team_id, channel_id="19:b6@thread.tacv2"),
        "channel_id='19:b6@thread.tacv2'",
        "Copy the channel's link in Teams, and use the part that ends with %40thread.tacv2",
    ),
    "the URL itself": (
        lambda: Pager(secret_name=SECRET),
        "Pager(secret_name=...) that is a URL",
        "Store the URL in Secrets Manager, and use the secret's name",
    ),
    "a secret's ARN": (
        lambda: Pager(secret_name="arn:aws:secretsmanager:eu-west-1:111122223333:secret:pager-AbCdEf"),
        "secret_name='arn:aws:secretsmanager:eu-west-1:111122223333:secret:pager-AbCdEf'",
        "Use the secret's name, not its ARN",
    ),
    "a field that ends the reference": (
        lambda: Pager(secret_name="pager", field="a:b"),
        "field='a:b'",
        "Name the field in the secret's JSON, or leave it out",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_subscriber_that_no_message_would_reach_is_refused(what: str) -> None:
    """Before anything is built: what was got, and what to write."""
    make, got, fix = REFUSED[what]
    with pytest.raises(ConfigurationError) as refusal:
        make()
    assert (got, fix) == (refusal.value.got, refusal.value.fix)


def test_refusal_of_a_url_does_not_show_it() -> None:
    """It has a key in it."""
    with pytest.raises(ConfigurationError) as refusal:
        Pager(secret_name=SECRET)
    assert "0123456789abcdef" not in str(refusal.value)


@pytest.mark.parametrize("address", ["cache-team@corp.io", "o'neil+oncall@mail.corp.co.uk", "a@exampleless.com"])
def test_addresses_that_people_have_are_taken(address: str) -> None:
    """Plus signs, apostrophes and long domains, and domains that only look like a placeholder."""
    assert Subscribers(emails=[address])


# Events of serverless caches


def _notified(make: Callable[[cdk.Stack], sns.ITopic]) -> Bench:
    bench = new_bench()
    serverless_cache(bench).notify(make(bench.stack))
    return bench


def _alarm_topic(stack: cdk.Stack) -> sns.ITopic:
    return AlarmTopic(stack, "Topic", key=EncryptionKey(stack, "Key", description="Alarms"))


def matches(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether EventBridge sends an event with this detail type and these resources."""
    ((accepted,), (cache,)) = pattern["detail-type"], pattern["resources"]
    refused = [name.lower() for name in accepted["anything-but"]["equals-ignore-case"]]
    return event["detail-type"].lower() not in refused and cache in event["resources"]


@pytest.mark.parametrize("case", [str, str.capitalize], ids=["reference", "user guide"])
def test_serverless_events_are_sent_by_meaning(case: Callable[[str], str]) -> None:
    """All but routine ones, and those of this cache alone; in either case in which AWS's pages write the names."""
    pattern = _notified(_alarm_topic).only("Events::Rule")["Properties"]["EventPattern"]
    assert ["aws.elasticache"] == pattern["source"]

    (arn,) = pattern["resources"]
    own = {"resources": [arn, "a snapshot"]}
    sent = {name for name in PUBLISHED["eventbridge"] if matches(pattern, {"detail-type": case(name), **own})}
    assert {name for name in PUBLISHED["eventbridge"] if BY_NAME[name] is not Meaning.ROUTINE} == sent
    assert matches(pattern, {"detail-type": "Cache Something New", **own})
    assert not matches(pattern, {"detail-type": "Cache Deleted", "resources": ["another cache"]})
    assert ":serverlesscache:" in json.dumps(arn)


@pytest.mark.parametrize(
    "make", [_alarm_topic, lambda stack: sns.Topic(stack, "Topic", master_key=kms.Key(stack, "Key"))]
)
def test_eventbridge_may_publish_and_use_the_key(make: Callable[[cdk.Stack], sns.ITopic]) -> None:
    """Without a condition: EventBridge sends no context that one could name, and the message would be dropped."""
    bench = _notified(make)
    service = {"Service": "events.amazonaws.com"}
    policies = [
        *(each["Properties"]["PolicyDocument"] for each in bench.resources("SNS::TopicPolicy").values()),
        *(each["Properties"]["KeyPolicy"] for each in bench.resources("KMS::Key").values()),
    ]
    found = [each for policy in policies for each in policy["Statement"] if each["Principal"] == service]

    assert ["sns:Publish", ["kms:Decrypt", "kms:GenerateDataKey"]] == [each["Action"] for each in found]
    assert ["Allow", "Allow"] == [each["Effect"] for each in found]
    assert [] == [each for each in found if "Condition" in each]


def test_imported_topic_is_warned_of() -> None:
    """Its policy and its key's are not known: one warning each, which can be acknowledged."""
    bench = _notified(
        lambda stack: sns.Topic.from_topic_attributes(
            stack,
            "Topic",
            topic_arn="arn:aws:sns:eu-west-1:111122223333:topic",
            key_arn="arn:aws:kms:eu-west-1:111122223333:key/a1b2c3d4-0000-4000-8000-a1b2c3d4e5f6",
        )
    )
    found = Annotations.from_stack(bench.stack).find_warning("*", Match.string_like_regexp("must let EventBridge"))
    assert 2 == len(found)


def test_imported_cache_is_told_of_too() -> None:
    """The rule names it in lower case, as the service does."""
    bench = new_bench()
    cache = ServerlessCache.from_serverless_cache_attributes(
        bench.stack, "Cache", serverless_cache_name="Orders", endpoint_address="orders.example", security_groups=[]
    )
    cache.notify(_alarm_topic(bench.stack))
    (arn,) = bench.only("Events::Rule")["Properties"]["EventPattern"]["resources"]
    assert arn["Fn::Join"][1][-1].endswith(":serverlesscache:orders")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        *(pytest.param(_topic(arn), rf"notify\(topic\) {words}", id=words) for arn, words in ELSEWHERE.items()),
        pytest.param(lambda stack: sns.Topic(stack, "Topic", fifo=True), "a FIFO topic", id="fifo"),
        pytest.param(
            lambda stack: sns.Topic(stack, "Topic", master_key=kms.Alias.from_alias_name(stack, "K", "alias/aws/sns")),
            "encrypted with alias/aws/sns",
            id="AWS's key",
        ),
    ],
)
def test_topic_that_eventbridge_cannot_publish_to_is_refused(
    make: Callable[[cdk.Stack], sns.ITopic], words: str
) -> None:
    """At synth: a rule without a target that takes its events says nothing."""
    stack = cdk.Stack(cdk.App(), "Told", env=KNOWN)
    cache = ServerlessCache.from_serverless_cache_attributes(
        stack, "Cache", serverless_cache_name="orders", endpoint_address="orders.example", security_groups=[]
    )
    with pytest.raises(ConfigurationError, match=words):
        cache.notify(make(stack))
