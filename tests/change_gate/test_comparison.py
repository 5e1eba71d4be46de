"""What CloudFormation does by itself: removal, renaming, dependants, and what cannot be known."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from elasticache_rules.change_gate import (
    Effect,
    GateError,
    assert_safe_to_deploy,
    compare,
    compare_stacks,
    schemas,
    table,
)
from tests.change_gate.builders import TOKEN, beside, group, resource, template, user, user_group

KEY = "AWS::KMS::Key"
SUBNETS = {"Description": "a", "SubnetIds": ["subnet-a"]}
_NOTHING = {"Ref": "AWS::NoValue"}
_LOGIN = "redis://:hunter2@x"
_PASSWORD = {"Name": "REDIS_PASSWORD", "Value": "hunter2"}


def _one(old: dict[str, Any], new: dict[str, Any], logical_id: str, path: str) -> tuple[Effect, bool]:
    (line,) = [each for each in compare(old, new) if (each.resource, each.property) == (logical_id, path)]
    return line.effect, line.blocks


@pytest.mark.parametrize(
    ("kind", "attributes", "expected"),
    [
        ("ReplicationGroup", {}, (Effect.DATA_LOSS, True)),
        ("ReplicationGroup", {"DeletionPolicy": "Delete"}, (Effect.DATA_LOSS, True)),
        ("ReplicationGroup", {"DeletionPolicy": "Snapshot"}, (Effect.DATA_LOSS, True)),
        ("ReplicationGroup", {"DeletionPolicy": "Retain"}, (Effect.REMOVAL, False)),
        ("ReplicationGroup", {"DeletionPolicy": "RetainExceptOnCreate"}, (Effect.REMOVAL, False)),
        ("ServerlessCache", {"DeletionPolicy": "Snapshot"}, (Effect.DATA_LOSS, True)),
        (KEY, {}, (Effect.DATA_LOSS, True)),
        (KEY, {"DeletionPolicy": "RetainExceptOnCreate"}, (Effect.REMOVAL, False)),
        (KEY, {"DeletionPolicy": {"Fn::If": ["Keep", "Retain", "Delete"]}}, (Effect.DATA_LOSS, True)),
        ("AWS::SecretsManager::Secret", {"DeletionPolicy": "Delete"}, (Effect.DATA_LOSS, True)),
        ("AWS::SNS::Topic", {}, (Effect.DATA_LOSS, True)),
        ("AWS::Logs::LogGroup", {}, (Effect.DATA_LOSS, True)),
        ("AWS::RDS::DBInstance", {}, (Effect.DATA_LOSS, True)),
        ("AWS::CloudFormation::Stack", {}, (Effect.DATA_LOSS, True)),
        ("ParameterGroup", {}, (Effect.REMOVAL, False)),
        ("AWS::IAM::Role", {}, (Effect.REMOVAL, False)),
    ],
)
def test_removal(kind: str, attributes: dict[str, Any], expected: tuple[Effect, bool]) -> None:
    """What is removed goes as its deletion policy says, and only the loss of data stops the update."""
    old = template(Gone=resource(kind, {}, **attributes))

    assert expected == _one(old, template(), "Gone", "(resource)")


@pytest.mark.parametrize(
    ("kind", "properties", "policy", "effect", "said"),
    [
        ("ReplicationGroup", {}, "Snapshot", Effect.DATA_LOSS, "it is deleted after a final snapshot"),
        ("ServerlessCache", {}, "Snapshot", Effect.DATA_LOSS, "it is deleted with its data"),
        (
            "ServerlessCache",
            {"FinalSnapshotName": "last"},
            "Delete",
            Effect.DATA_LOSS,
            "it is deleted after a final snapshot",
        ),
        (
            "ServerlessCache",
            {"FinalSnapshotName": "last"},
            "Retain",
            Effect.REMOVAL,
            "it is kept outside of the stack (Retain)",
        ),
        ("CacheCluster", {"Engine": "redis"}, "Snapshot", Effect.DATA_LOSS, "it is deleted after a final snapshot"),
        (
            "CacheCluster",
            {"Engine": "Memcached"},
            "Snapshot",
            Effect.REJECTED,
            "its deletion fails: DeletionPolicy asks for a final snapshot, and Memcached has none",
        ),
        ("CacheCluster", {"Engine": "memcached"}, "Delete", Effect.DATA_LOSS, "it is deleted with its data"),
        (
            "ReplicationGroup",
            {},
            {"Ref": "Policy"},
            Effect.DATA_LOSS,
            "its DeletionPolicy is known at deployment only, and may be Delete: it is deleted with its data",
        ),
    ],
)
def test_fate_is_named(kind: str, properties: dict[str, Any], policy: Any, effect: Effect, said: str) -> None:
    """A snapshot is taken where the service can, and nothing is promised where it cannot or may not be."""
    (line,) = compare(template(Gone=resource(kind, properties, DeletionPolicy=policy)), template())

    assert (line.effect, line.reason) == (effect, said)


@pytest.mark.parametrize(("policy", "effect"), [("Delete", Effect.DATA_LOSS), ("Retain", Effect.REPLACEMENT)])
def test_renamed_resource_is_a_new_one(policy: str, effect: Effect) -> None:
    """Another logical id is a new, empty resource, even when the old one is kept."""
    cache = {**group()["Resources"]["Cache"], "DeletionPolicy": policy}
    other = resource("ReplicationGroup", {"Engine": "valkey"})
    (line,) = compare(template(Old=cache), template(Other=other, New=cache)).blocking()

    assert (line.resource, line.effect) == ("Old", effect)
    assert line.reason.startswith("renamed to New")


def test_unlike_resource_is_not_the_same_renamed() -> None:
    """A cache that shares little with the one that is kept outside is a new one, and stops nothing."""
    kept = {**group()["Resources"]["Cache"], "DeletionPolicy": "Retain"}
    other = resource("ReplicationGroup", {"Engine": "valkey", "ReplicationGroupDescription": "other"})

    assert [] == list(compare(template(Old=kept), template(Other=other)).blocking())


def test_what_depends_on_what_is_replaced_is_replaced() -> None:
    """From the VPC's subnet to the subnet group to the cache: each replacement is followed to the end."""

    def stack(name: str) -> dict[str, Any]:
        return template(
            Key=resource(KEY, {"KeyPolicy": {}}),
            Subnets=resource("SubnetGroup", {**SUBNETS, "CacheSubnetGroupName": name, "Description": name}),
            Cache=resource("ReplicationGroup", {"CacheSubnetGroupName": {"Ref": "Subnets"}, "SnapshotWindow": "1"}),
            Alarm=resource("AWS::CloudWatch::Alarm", {"AlarmDescription": {"Fn::Sub": "of ${Cache}"}}),
            Copy=resource("CacheCluster", {"SnapshotName": {"Fn::GetAtt": ["Cache", "PrimaryEndPoint.Address"]}}),
        )

    changes = compare(stack("one"), stack("two"))

    assert [(each.resource, each.property, each.effect, each.blocks) for each in changes] == [
        ("Cache", "CacheSubnetGroupName", Effect.REPLACEMENT, True),
        ("Copy", "SnapshotName", Effect.NOT_JUDGED, True),
        ("Subnets", "CacheSubnetGroupName", Effect.REPLACEMENT, False),
        ("Alarm", "AlarmDescription", Effect.IN_PLACE, False),
        ("Subnets", "Description", Effect.IN_PLACE, False),
    ]
    assert [each.reason for each in changes] == [
        "can be set at creation only; follows Subnets",
        "can be set at creation only, and its value is known at deployment only",
        "can be set at creation only",
        "follows Cache",
        "",
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("one", {"Ref": "Size"}, (Effect.NOT_JUDGED, True)),
        ({"Ref": "Size"}, {"Ref": "Other"}, (Effect.NOT_JUDGED, True)),
        ({"Fn::ImportValue": "a"}, {"Fn::ImportValue": "b"}, (Effect.NOT_JUDGED, True)),
        ({"Fn::Sub": "${AWS::Region}-a"}, {"Fn::Sub": "${AWS::Region}-b"}, (Effect.NOT_JUDGED, True)),
        ("{{resolve:ssm:a}}", "{{resolve:ssm:b}}", (Effect.NOT_JUDGED, True)),
        ({"Ref": "KeyA"}, {"Ref": "KeyB"}, (Effect.REPLACEMENT, True)),
        ({"Fn::GetAtt": ["KeyA", "Arn"]}, {"Fn::GetAtt": ["KeyB", "Arn"]}, (Effect.REPLACEMENT, True)),
        ({"Fn::GetAtt": ["KeyA", "Arn"]}, {"Fn::GetAtt": ["KeyA", "KeyId"]}, (Effect.NOT_JUDGED, True)),
        (None, {"Ref": "Size"}, (Effect.REPLACEMENT, True)),
        ("one", "two", (Effect.REPLACEMENT, True)),
    ],
)
def test_create_only_value(old: Any, new: Any, expected: tuple[Effect, bool]) -> None:
    """Two values are told apart where that is certain, and nothing is guessed where it is not."""
    keys = {name: resource(KEY, {}) for name in ("KeyA", "KeyB")}

    assert expected == _one(
        beside(group(KmsKeyId=old), **keys), beside(group(KmsKeyId=new), **keys), "Cache", "KmsKeyId"
    )


@pytest.mark.parametrize("section", ["Parameters", "Conditions", "Mappings"])
def test_what_a_value_is_made_of(section: str) -> None:
    """The same words with another parameter, condition or mapping behind them may come to another value."""
    value = {
        "Parameters": {"Ref": "X"},
        "Conditions": {"Fn::If": ["X", "a", "b"]},
        "Mappings": {"Fn::FindInMap": ["X", "a", "b"]},
    }[section]
    old = {**group(KmsKeyId=value), section: {"X": {"a": {"b": "one"}}}}
    new = {**group(KmsKeyId=value), section: {"X": {"a": {"b": "two"}}}}

    assert (Effect.NOT_JUDGED, True) == _one(old, new, "Cache", "KmsKeyId")


_BOTH = {"Fn::And": [{"Condition": "B"}, {"Condition": "B"}]}
_FOUND = {"Fn::Equals": [{"Fn::FindInMap": ["M", "a", "b"]}, "yes"]}


def _one_or_other(condition: str) -> dict[str, Any]:
    return {"Fn::If": [condition, "one", "other"]}


@pytest.mark.parametrize(
    ("value", "definitions", "section", "names"),
    [
        (_one_or_other("A"), {"Conditions": {"A": {"Fn::Not": [{"Condition": "B"}]}}}, "Conditions", "B"),
        (_one_or_other("A"), {"Conditions": {"A": _BOTH}}, "Conditions", "B"),
        (_one_or_other("A"), {"Conditions": {"A": _FOUND}}, "Mappings", "M"),
        (_one_or_other("A"), {"Conditions": {"A": _BOTH, "B": _FOUND}}, "Mappings", "M"),
        (_one_or_other("A"), {"Conditions": {"A": {"Fn::Equals": [{"Ref": "P"}, "yes"]}}}, "Parameters", "P"),
        (_one_or_other("P"), {"Conditions": {"P": {"Fn::Equals": [{"Ref": "P"}, "yes"]}}}, "Parameters", "P"),
        ({"Fn::Sub": "${AWS::Region}-${P}"}, {}, "Parameters", "P"),
        ({"Fn::Sub": ["${AWS::Region}-${Own}", {"Own": {"Ref": "P"}}]}, {}, "Parameters", "P"),
        ({"Fn::FindInMap": ["N", {"Fn::FindInMap": ["M", "a", "b"]}, "b"]}, {}, "Mappings", "M"),
    ],
)
def test_definition_behind_a_definition(value: Any, definitions: dict[str, Any], section: str, names: str) -> None:
    """What a condition is made of decides about it, by way of as many others as there are, and of the same name."""

    def stack(said: str) -> dict[str, Any]:
        base = {**group(KmsKeyId=value), **definitions}
        return {**base, section: {names: {"Default": said, "a": {"b": said}}, **base.get(section, {})}}

    assert (Effect.NOT_JUDGED, True) == _one(stack("yes"), stack("no"), "Cache", "KmsKeyId")
    assert [] == list(compare(stack("yes"), stack("yes")))


def test_resource_on_a_condition_behind_a_condition() -> None:
    """A cache may go when a condition turns that the cache's own condition is made of."""

    def stack(said: str) -> dict[str, Any]:
        cache = resource("ReplicationGroup", {}, Condition="A")
        return {**template(Cache=cache), "Conditions": {"A": _BOTH, "B": {"Fn::Equals": ["yes", said]}}}

    assert (Effect.NOT_JUDGED, True) == _one(stack("yes"), stack("no"), "Cache", "(Condition)")


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("EngineVersion", {"Ref": "Version"}, "7.1"),
        ("CacheNodeType", "{{resolve:ssm:node-type}}", "cache.r7g.large"),
        ("TransitEncryptionEnabled", {"Ref": "Tls"}, True),
        ("SnapshotRetentionLimit", 7, {"Ref": "Days"}),
    ],
)
def test_rule_does_not_guess(name: str, old: Any, new: Any) -> None:
    """A rule that looks at a value says nothing about one that it does not know; the report says so."""
    assert (Effect.NOT_JUDGED, False) == _one(group(**{name: old}), group(**{name: new}), "Cache", name)


def test_attribute_of_something_that_changes() -> None:
    """An attribute of a custom resource decides about a create-only property, and is not known."""

    def stack(version: str) -> dict[str, Any]:
        made = resource("Custom::Key", {"ServiceToken": "arn", "Version": version})
        return beside(group(KmsKeyId={"Fn::GetAtt": ["Made", "Key"]}), Made=made)

    assert (Effect.NOT_JUDGED, True) == _one(stack("1"), stack("2"), "Cache", "KmsKeyId")
    assert (Effect.NOT_JUDGED, False) == _one(stack("1"), stack("2"), "Made", "Version")


@pytest.mark.parametrize(
    ("kind", "property_", "blocks"),
    [
        ("Mongo::Atlas::Cluster", "Name", False),
        ("AWS::ElastiCache::Tomorrow", "Name", True),
        ("ReplicationGroup", "Tomorrow", False),
        ("ReplicationGroup", "ReadEndPoint", False),
    ],
)
def test_what_no_schema_knows(kind: str, property_: str, *, blocks: bool) -> None:
    """An unknown type, a property added by an escape hatch and one that is read-only are mentioned, not judged."""
    old, new = (template(A=resource(kind, {property_: value})) for value in ("one", "two"))

    assert (Effect.NOT_JUDGED, blocks) == _one(old, new, "A", property_)


def test_unknown_property_deep_inside() -> None:
    """An escape hatch below a known property is found too."""

    def logs(**more: str) -> dict[str, Any]:
        return group(LogDeliveryConfigurations=[{"LogType": "slow-log", **more}])

    assert (Effect.NOT_JUDGED, False) == _one(
        logs(), logs(Tomorrow="x"), "Cache", "LogDeliveryConfigurations/0/Tomorrow"
    )


@pytest.mark.parametrize(
    ("added", "effect"), [({"Tomorrow": "x"}, Effect.NOT_JUDGED), ({"LogType": {"Ref": "Kind"}}, Effect.IN_PLACE)]
)
def test_unknown_property_inside_of_what_is_added(added: dict[str, Any], effect: Effect) -> None:
    """An escape hatch is found inside of a property that is new as a whole, and a function is not taken for one."""
    new = group(LogDeliveryConfigurations=[{"LogFormat": "json", **added}])

    assert (effect, False) == _one(group(), new, "Cache", "LogDeliveryConfigurations")


@pytest.mark.parametrize("variant", [{"properties": {"Known": {}}}, {"$ref": "#/definitions/Variant"}])
def test_property_of_one_of_several_variants(variant: dict[str, Any]) -> None:
    """A schema may describe an object by what it can be one of."""
    document = {
        "typeName": "A::B::C",
        "definitions": {"Variant": {"properties": {"Known": {}}, "additionalProperties": False}},
        "properties": {"Choice": {"oneOf": [{**variant, "additionalProperties": False}]}},
    }

    assert [True, False] == [schemas.Schema(document).has(("Choice", name)) for name in ("Known", "Tomorrow")]


def test_nested_stack() -> None:
    """What another template of a nested stack changes is not seen from outside; its parameters are."""

    def outer(**properties: Any) -> dict[str, Any]:
        return template(Inner=resource("AWS::CloudFormation::Stack", properties))

    assert (Effect.NOT_JUDGED, False) == _one(outer(TemplateURL="a"), outer(TemplateURL="b"), "Inner", "TemplateURL")
    parameters = [outer(TemplateURL="a", Parameters={"Size": size}) for size in ("1", "2")]
    assert (Effect.NOT_JUDGED, False) == _one(parameters[0], parameters[1], "Inner", "Parameters/Size")


def test_nested_stack_without_its_old_template() -> None:
    """It is not taken for a new one; and what may lose data in it stops the update."""
    outer = template(Inner=resource("AWS::CloudFormation::Stack", {"TemplateURL": "a"}))

    def found(old: dict[str, Any], inner: dict[str, Any]) -> set[tuple[Effect, bool]]:
        changes = compare_stacks({"a": old}, {"a": outer, "a/Inner": inner})
        return {(each.effect, each.blocks) for each in changes if each.stack == "a/Inner"}

    assert found(outer, group()) == {(Effect.NOT_JUDGED, True)}
    assert found(outer, template()) == {(Effect.NOT_JUDGED, False)}
    assert found(template(), group()) == {(Effect.CREATION, False)}


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("Port", {"Fn::If": ["A", _NOTHING, 6380]}, {"Fn::If": ["A", 6380, _NOTHING]}),
        ("KmsKeyId", {"Fn::If": ["A", "key", _NOTHING]}, {"Fn::If": ["A", _NOTHING, "key"]}),
        ("AuthToken", TOKEN, {"Fn::If": ["A", TOKEN, _NOTHING]}),
        ("AuthToken", {"Fn::If": ["A", TOKEN, _NOTHING]}, {"Fn::If": ["B", TOKEN, _NOTHING]}),
    ],
)
def test_branches_that_may_be_nothing(name: str, old: Any, new: Any) -> None:
    """Which branch is nothing makes a difference, and whether it is one is known at deployment only."""
    before, after = ({**group(**{name: each}), "Conditions": {"A": {}, "B": {}}} for each in (old, new))

    assert (Effect.NOT_JUDGED, True) in {(each.effect, each.blocks) for each in compare(before, after)}


@pytest.mark.parametrize("kind", ["Acme::Cache::Cluster::MODULE", "AWS::NewDB::Cluster"])
def test_kinds_without_a_schema(kind: str) -> None:
    """What changes in one is not judged, nor what goes with it."""
    old, new = (template(A=resource(kind, {"Port": port})) for port in (6379, 6380))

    assert (Effect.NOT_JUDGED, False) == _one(old, new, "A", "Port")
    assert (Effect.NOT_JUDGED, True) == _one(old, template(), "A", "(resource)")
    kept = template(A=resource(kind, {}, DeletionPolicy="Retain"))
    assert (Effect.REMOVAL, False) == _one(kept, template(), "A", "(resource)")


def test_transform_inside_of_a_cache() -> None:
    """What is included there may set any property."""
    old, new = (group(**{"Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": url}}}) for url in "ab")

    assert any(each.effect is Effect.NOT_JUDGED and each.blocks for each in compare(old, new))


@pytest.mark.parametrize("value", [{"Fn::GetAtt": ["Inner", "Outputs.KeyArn"]}, {"Fn::Sub": "${Inner.Outputs.KeyArn}"}])
def test_output_of_a_nested_stack_that_changes(value: Any) -> None:
    """What a nested stack gives out may be another resource's name after a change inside, whatever it is called."""

    def stack(url: str) -> dict[str, Any]:
        return beside(group(KmsKeyId=value), Inner=resource("AWS::CloudFormation::Stack", {"TemplateURL": url}))

    assert (Effect.NOT_JUDGED, True) == _one(stack("a"), stack("b"), "Cache", "KmsKeyId")
    assert [] == list(compare(stack("a"), stack("a")))


def test_outputs_of_two_nested_stacks_may_be_the_same() -> None:
    """Two nested stacks may give out one and the same name."""
    inner = {name: resource("AWS::CloudFormation::Stack", {"TemplateURL": name}) for name in ("One", "Two")}
    old, new = (beside(group(KmsKeyId={"Fn::GetAtt": [name, "Outputs.KeyArn"]}), **inner) for name in inner)

    assert (Effect.NOT_JUDGED, True) == _one(old, new, "Cache", "KmsKeyId")


def test_nested_create_only_property() -> None:
    """A create-only path below a property, through a list, is told from its neighbours."""

    def replicator(**changes: Any) -> dict[str, Any]:
        return template(A=resource("AWS::MSK::Replicator", {"ReplicationInfoList": [changes]}))

    schema = schemas.schema("AWS::MSK::Replicator")

    assert schema is not None
    assert ("ReplicationInfoList", "*", "SourceKafkaClusterArn") in schema.create_only
    assert (Effect.REPLACEMENT, False) == _one(
        replicator(SourceKafkaClusterArn="a"),
        replicator(SourceKafkaClusterArn="b"),
        "A",
        "ReplicationInfoList/0/SourceKafkaClusterArn",
    )
    assert (Effect.IN_PLACE, False) == _one(
        replicator(SourceKafkaClusterArn="a", TopicReplication={"CopyTopicConfigurations": True}),
        replicator(SourceKafkaClusterArn="a", TopicReplication={"CopyTopicConfigurations": False}),
        "A",
        "ReplicationInfoList/0/TopicReplication/CopyTopicConfigurations",
    )


def test_conditional_property_of_a_stateful_resource_stops() -> None:
    """Where the schema does not say in which case a property replaces, the update is stopped."""
    old, new = (template(A=resource("AWS::RDS::DBInstance", {"Engine": each})) for each in ("mysql", "postgres"))

    assert (Effect.MAY_REPLACE, True) == _one(old, new, "A", "Engine")


def test_type_cannot_change() -> None:
    """CloudFormation refuses another type under the same logical id."""
    assert (Effect.REJECTED, True) == _one(
        template(A=resource(KEY, {})), template(A=resource("AWS::SNS::Topic", {})), "A", "(Type)"
    )


def test_condition_of_a_resource_is_not_judged() -> None:
    """A resource that exists on a condition may go."""
    old, new = group(), group()
    new["Resources"]["Cache"]["Condition"] = "InProduction"

    assert (Effect.NOT_JUDGED, True) == _one(old, new, "Cache", "(Condition)")
    before, after = ({**new, "Conditions": {"InProduction": {"Fn::Equals": ["a", each]}}} for each in "ab")
    assert (Effect.NOT_JUDGED, True) == _one(before, after, "Cache", "(Condition)")


def test_weaker_deletion_policy_is_mentioned() -> None:
    """A policy that keeps nothing any more changes nothing yet, and is said."""
    old = template(A=resource(KEY, {}, DeletionPolicy="Retain"))
    (line,) = compare(old, template(A=resource(KEY, {})))

    assert (line.property, line.blocks) == ("(DeletionPolicy)", False)
    assert line.reason == "from now on nothing is kept when the resource is removed or replaced"


@pytest.mark.parametrize(
    ("name", "old", "new", "effect", "said"),
    [
        ("UpdatePolicy", {"UseOnlineResharding": True}, None, Effect.IN_PLACE, "nothing is changed"),
        (
            "UpdatePolicy",
            {"UseOnlineResharding": True},
            {"UseOnlineResharding": False},
            Effect.IN_PLACE,
            "nothing is changed",
        ),
        ("DeletionPolicy", {"Fn::If": ["Keep", "Retain", "Delete"]}, "Retain", Effect.IN_PLACE, "nothing is changed"),
        ("DeletionPolicy", "Retain", {"Fn::If": ["Keep", "Retain", "Delete"]}, Effect.NOT_JUDGED, "whether anything"),
        ("UpdateReplacePolicy", "Snapshot", "Delete", Effect.IN_PLACE, "from now on nothing is kept"),
    ],
)
def test_policy_beside_the_properties(name: str, old: Any, new: Any, effect: Effect, said: str) -> None:
    """A policy that comes, goes or changes is mentioned, whatever it is made of, and stops nothing."""
    before, after = (
        template(A=resource("ReplicationGroup", {}, **{name: each} if each else {})) for each in (old, new)
    )
    (line,) = compare(before, after)

    assert (line.property.partition("/")[0], line.effect, line.blocks) == (f"({name})", effect, False)
    assert line.reason.startswith(said)


@pytest.mark.parametrize(("old", "new", "blocks"), [("A", "A", False), ("A", "B", True), (None, "B", True)])
def test_macro_is_not_judged(old: str | None, new: str, *, blocks: bool) -> None:
    """What a macro makes of a template is not seen, and another macro may make anything of it."""
    before = {**group(), "Transform": old} if old else group()

    assert (Effect.NOT_JUDGED, blocks) == _one(before, {**group(), "Transform": new}, "Transform", "(resource)")


def test_loop_is_not_judged() -> None:
    """Resources that a loop of the template language makes are not seen."""

    def looped(*names: str) -> dict[str, Any]:
        return {"Resources": {"Fn::ForEach::Caches": ["Name", list(names), group()["Resources"]]}}

    assert (Effect.NOT_JUDGED, True) == _one(looped("a"), looped("a", "b"), "Fn::ForEach::Caches", "(resource)")


def test_metadata_and_order_are_no_change() -> None:
    """The CDK's own notes, and the order of creation, do nothing to what exists."""
    new = group()
    new["Resources"]["Cache"] |= {"Metadata": {"aws:cdk:path": "a"}, "DependsOn": ["b"]}

    assert [] == list(compare(group(), new))


@pytest.mark.parametrize(("change", "said"), [({"AccessString": "off"}, True), ({}, False)])
def test_update_of_a_user_ends_the_grace_time(change: dict[str, Any], *, said: bool) -> None:
    """A change of a user for another reason sends its current password alone, and that is said."""
    mode = {"AuthenticationMode": {"Type": "password", "Passwords": [TOKEN]}}
    lines = [each for each in compare(user(**mode), user(**mode | change)) if each.property == "AuthenticationMode"]

    assert [each.effect for each in lines] == ([Effect.INTERRUPTION] if said else [])
    assert all("docs/rotation.md" in each.instead for each in lines)


def test_update_of_a_group_with_its_token_ends_the_grace_time() -> None:
    """The same holds for a group's own token."""
    login = {"TransitEncryptionEnabled": True, "AuthToken": TOKEN}

    assert (Effect.INTERRUPTION, False) == _one(
        group(**login), group(**login, SnapshotRetentionLimit=9), "Cache", "AuthToken"
    )


def test_user_of_iam_has_no_grace_time() -> None:
    """Nothing is said about a user without a password."""
    mode = {"AuthenticationMode": {"Type": "iam"}}

    assert [] == [
        each for each in compare(user(**mode), user(**mode, AccessString="off")) if each.effect is Effect.INTERRUPTION
    ]


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("ReplicationGroup", {"AuthToken": "hunter2hunter2hunter2"}),
        ("User", {"Passwords": ["hunter2hunter2hunter2"]}),
        ("User", {"AuthenticationMode": {"Type": "password", "Passwords": ["hunter2hunter2hunter2"]}}),
        ("AWS::SecretsManager::Secret", {"SecretString": "hunter2hunter2hunter2"}),
        ("AWS::RDS::DBInstance", {"MasterUserPassword": "hunter2hunter2hunter2"}),
        ("AWS::Lambda::Function", {"Environment": {"Variables": {"DB_PASSWORD": "hunter2hunter2hunter2"}}}),
        ("AWS::Lambda::Function", {"Environment": {"Variables": {"CACHE": "redis://:hunter2@x"}}}),
        ("AWS::Lambda::Function", {"Environment": {"Variables": {"CACHE": "rediss://app:hunter2@x:6379/0"}}}),
        ("AWS::Lambda::Function", {"Environment": {"Variables": {"CACHE": {"Fn::Sub": "redis://:hunter2@${A}"}}}}),
        ("AWS::ECS::TaskDefinition", {"Environment": [_PASSWORD]}),
        ("AWS::ECS::TaskDefinition", {"ContainerDefinitions": [{"Environment": [{"Name": "A", "Value": _LOGIN}]}]}),
        ("Custom::Variable", {"entry": {"key": "client_secret", "value": {"Fn::Sub": "hunter2"}}}),
        ("Custom::Variable", {"AWS_SECRET_ACCESS_KEY": "hunter2"}),
        ("AWS::ElasticLoadBalancingV2::Listener", {"AuthenticateOidcConfig": {"ClientSecret": "hunter2"}}),
        ("AWS::CodePipeline::Webhook", {"AuthenticationConfiguration": {"SecretToken": "hunter2"}}),
        ("User", {"AccessString": "on >hunter2hunter2hunter2 ~* +@all"}),
        ("User", {"AccessString": "on ~* +@all <hunter2"}),
        ("User", {"AccessString": "off #hunter2 ~* +@all"}),
        ("User", {"AccessString": "!hunter2"}),
        ("User", {"AccessString": {"Fn::Sub": "on >hunter2 ~${A}:* +@all"}}),
        ("User", {"AccessString": {"Fn::Join": [" ", ["allkeys", ">hunter2"]]}}),
        ("Custom::User", {"Acl": "user app on >hunter2 ~* +@all"}),
        ("Custom::User", {"Rules": ["~app:* >hunter2"]}),
    ],
)
def test_no_secret_is_shown(kind: str, properties: dict[str, Any]) -> None:
    """A password that is written into a template does not spread into logs."""
    new = template(A=resource(kind, properties))
    before: list[dict[str, Any]] = [
        template(A=resource(kind, {})),
        json.loads(json.dumps(new).replace("hunter2", "hunter3")),
    ]
    for old in before:
        changes = compare(old, new)

        assert "hunter" not in f"{table(changes)}{changes!r}"
        assert "(hidden)" in table(changes)


@pytest.mark.parametrize(
    ("kind", "properties", "path", "shown"),
    [
        ("User", {"AccessString": "on ~app:* resetchannels -@all +get"}, "AccessString", None),
        ("User", {"AccessString": "off -@all"}, "AccessString", None),
        ("Custom::Text", {"Text": "see issue #12 > and !important"}, "Text", None),
        ("Custom::Text", {"Text": "https://example.com:443/a?b=c"}, "Text", None),
        ("Custom::Text", {"ServiceToken": "arn:aws:lambda:eu-west-1:111122223333:function:a"}, "ServiceToken", None),
        ("Custom::Text", {"Tags": [{"Key": "owner", "Value": "a"}]}, "Tags", '[{"Key": "owner", "Value": "a"}]'),
        (
            "AWS::ECS::TaskDefinition",
            {"ContainerDefinitions": [{"Environment": [{"Name": "DB_PWD", "Value": "a"}]}]},
            "ContainerDefinitions",
            '[{"Environment": [{"Name": "DB_PWD", "Value": "(hidden)"}]}]',
        ),
    ],
)
def test_what_is_no_secret_is_shown(kind: str, properties: dict[str, Any], path: str, shown: str | None) -> None:
    """Rights that are reviewed, and what stands around a secret, are not hidden."""
    (line,) = compare(template(A=resource(kind, {})), template(A=resource(kind, properties)))

    assert (line.property, line.new) == (path, shown or properties[path])


def test_place_of_a_secret_is_shown() -> None:
    """Which of several secrets changed is told, and none of the two values."""

    def tasks(value: str) -> dict[str, Any]:
        containers = [{"Name": "app", "Environment": [_PASSWORD, {"Name": "TOKEN", "Value": value}]}]
        return template(A=resource("AWS::ECS::TaskDefinition", {"ContainerDefinitions": containers}))

    (line,) = compare(tasks("hunter3"), tasks("hunter4"))

    assert line.property == "ContainerDefinitions/0/Environment/1/Value"
    assert (line.old, line.new) == ("(hidden)", "(hidden)")


def test_long_values_are_cut_where_they_differ() -> None:
    """Of two long texts the report shows the part that is not the same."""
    (line,) = compare(user(AccessString=f"on {'a' * 100} +get"), user(AccessString=f"on {'a' * 100} +set"))

    assert (line.old, line.new) == ("...aaaaaaaa +get", "...aaaaaaaa +set")


def test_assertion() -> None:
    """A CDK app's own test fails with the table, passes when the change is named, and fails on an idle name."""
    old, new = group(Port=6379), group(Port=6380)

    with pytest.raises(AssertionError, match="not safe to deploy") as failed:
        assert_safe_to_deploy(old, new)
    assert "can be set at creation only [UPD-01, NET-12]" in " ".join(str(failed.value).split())
    assert_safe_to_deploy(old, new, allow=["Cache"])
    assert_safe_to_deploy(old, group(Port=6379, SnapshotRetentionLimit=9))
    with pytest.raises(AssertionError, match="nothing is stopped at Cache"):
        assert_safe_to_deploy(old, old, allow=["Cache"])


def test_without_cfn_lint(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the schemas nothing can be judged, and the message says what to install."""
    for each in (schemas.schema, schemas._cfn_lint):
        monkeypatch.setattr(schemas, each.__name__, each.__wrapped__)
    monkeypatch.setitem(sys.modules, "cfnlint.schema", None)

    with pytest.raises(GateError, match="pip install cfn-lint"):
        compare(group(), group(Port=6380))


def test_no_module_of_the_gate_loads_the_cdk() -> None:
    """The gate runs where there is no Node and no jsii."""
    program = (
        "import sys, elasticache_rules.change_gate.command; "
        "print(sorted({'jsii', 'aws_cdk', 'constructs', 'boto3'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


_GENERATED = {"PasswordLength": 32, "GenerateStringKey": "password", "SecretStringTemplate": "{}"}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (_GENERATED, _GENERATED | {"PasswordLength": 40}, (Effect.DATA_LOSS, True)),
        (_GENERATED, _GENERATED | {"SecretStringTemplate": '{"user":"app"}'}, (Effect.DATA_LOSS, True)),
        (None, _GENERATED, (Effect.DATA_LOSS, True)),
        (_GENERATED, _GENERATED | {"SecretStringTemplate": {"Ref": "P"}}, (Effect.NOT_JUDGED, True)),
        (_GENERATED, None, (Effect.IN_PLACE, False)),
    ],
)
def test_generated_password(old: Any, new: Any, expected: tuple[Effect, bool]) -> None:
    """Another way to generate a password is another password, also when only the words around it change."""

    def secret(generated: Any) -> dict[str, Any]:
        return template(A=resource("AWS::SecretsManager::Secret", {"GenerateSecretString": generated}))

    (line,) = compare(secret(old), secret(new))

    assert (line.effect, line.blocks, line.property.partition("/")[0]) == (*expected, "GenerateSecretString")
    assert ("rotation" in line.instead) == line.blocks


def test_other_properties_of_a_secret_generate_nothing() -> None:
    """A description is changed, and the password stays."""
    old, new = (
        template(A=resource("AWS::SecretsManager::Secret", {"GenerateSecretString": _GENERATED, "Description": each}))
        for each in "ab"
    )

    assert [("Description", Effect.IN_PLACE)] == [(each.property, each.effect) for each in compare(old, new)]


def test_user_group_of_an_imported_cache_is_judged_by_itself() -> None:
    """Without a cache in its template, nothing is assumed about who uses a user group."""
    assert (Effect.IN_PLACE, False) == _one(
        template(Users=user_group()), template(Users=user_group("valkey")), "Users", "Engine"
    )
