"""Handlers of secrets and topics."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rehearsal.extension import seam
from rehearsal.extension.secrets import SECRET, secret_string


def _current(arn: str) -> str:
    return str(seam.secretsmanager.resolve_secret_string(arn))


def test_ref_of_a_secret_is_its_arn(cloudformation: Any) -> None:
    """IAM policies and dynamic references get the ARN, before and after an update, until the secret is deleted."""
    arn, _ = cloudformation.create(SECRET, Name="cache/token", SecretString="first")
    assert arn.startswith("arn:aws:secretsmanager:eu-west-1:")
    old = {"Name": "cache/token", "SecretString": "first"}
    assert arn == cloudformation.update(SECRET, arn, old, {**old, "SecretString": "second"})
    assert _current(arn) == "second"
    cloudformation.delete(SECRET, arn)
    assert _current(arn) == "None"


@pytest.mark.parametrize(
    ("options", "forbidden"),
    [
        ({"ExcludePunctuation": True}, "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
        ({"ExcludePunctuation": "true"}, "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
        ({"ExcludeNumbers": True}, "0123456789"),
        ({"ExcludeUppercase": True}, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        ({"ExcludeLowercase": True}, "abcdefghijklmnopqrstuvwxyz"),
        ({"ExcludeCharacters": '@"/'}, '@"/'),
    ],
)
def test_generated_secrets_honour_their_options(options: dict[str, Any], forbidden: str) -> None:
    """No excluded character is generated, and the length is the given one."""
    made = secret_string({"GenerateSecretString": {"PasswordLength": "200", **options}})
    assert len(made) == 200
    assert set() == set(forbidden) & set(made)


def test_generated_secret_goes_into_its_template() -> None:
    """The generated password is one field of the JSON of the template."""
    options = {"SecretStringTemplate": '{"username": "app"}', "GenerateStringKey": "password", "PasswordLength": 40}
    made = json.loads(secret_string({"GenerateSecretString": options}))
    assert made["username"] == "app"
    assert len(made["password"]) == 40


def test_half_a_template_is_refused() -> None:
    """A template without a key for the password is refused."""
    with pytest.raises(ValueError, match="both must be given, or neither"):
        secret_string({"GenerateSecretString": {"SecretStringTemplate": "{}"}})


def test_impossible_options_are_refused() -> None:
    """A template with options that GetRandomPassword refuses is refused."""
    with pytest.raises(ValueError, match="PasswordLength must be between"):
        secret_string({"GenerateSecretString": {"PasswordLength": 5000}})


def test_a_resource_policy_is_put_and_deleted(cloudformation: Any) -> None:
    """The policy of a secret is put, and deleted with its CloudFormation resource."""
    arn, _ = cloudformation.create(SECRET, SecretString="value")
    kind = "AWS::SecretsManager::ResourcePolicy"
    name, _ = cloudformation.create(kind, SecretId=arn, ResourcePolicy={"Statement": []})
    read = json.loads(seam.secretsmanager._get_resource_policy({"SecretId": arn})[2])
    assert read["ResourcePolicy"] == '{"Statement": []}'
    cloudformation.delete(kind, name)
    assert "ResourcePolicy" not in json.loads(seam.secretsmanager._get_resource_policy({"SecretId": arn})[2])


def test_a_rotation_schedule_is_registered_and_nothing_rotates(cloudformation: Any) -> None:
    """The secret has the schedule and keeps its value; deleting the schedule removes it."""
    arn, _ = cloudformation.create(SECRET, SecretString="value")
    kind = "AWS::SecretsManager::RotationSchedule"
    asked = {"SecretId": arn, "RotationLambdaARN": "arn:f", "RotationRules": {"AutomaticallyAfterDays": "30"}}
    name, _ = cloudformation.create(kind, **asked)
    secret = json.loads(seam.secretsmanager._describe_secret({"SecretId": arn})[2])
    assert (True, "arn:f", {"AutomaticallyAfterDays": 30}) == (
        secret["RotationEnabled"],
        secret["RotationLambdaARN"],
        secret["RotationRules"],
    )
    assert (1, "value") == (len(secret["VersionIdsToStages"]), _current(arn))
    cloudformation.delete(kind, name, **asked)
    assert json.loads(seam.secretsmanager._describe_secret({"SecretId": arn})[2])["RotationEnabled"] is False


@pytest.mark.parametrize(
    ("asked", "message"),
    [({"SecretId": "none", "RotationLambdaARN": "arn:f"}, "no secret 'none'"), ({}, "Set RotationLambdaARN")],
)
def test_a_schedule_that_cannot_work_is_refused(cloudformation: Any, asked: dict[str, str], message: str) -> None:
    """A schedule needs its secret and a function of the app."""
    arn, _ = cloudformation.create(SECRET, SecretString="value")
    with pytest.raises(ValueError, match=message):
        cloudformation.create("AWS::SecretsManager::RotationSchedule", **{"SecretId": arn, **asked})


def test_a_topic_keeps_its_key(cloudformation: Any) -> None:
    """The KMS key of a topic is readable after creation, and an update changes or removes it."""
    kind = "AWS::SNS::Topic"
    arn, _ = cloudformation.create(kind, KmsMasterKeyId="first")
    attributes = seam.sns._topics[arn]["attributes"]
    assert attributes["KmsMasterKeyId"] == "first"
    cloudformation.update(kind, arn, {"KmsMasterKeyId": "first"}, {"KmsMasterKeyId": "second"})
    assert attributes["KmsMasterKeyId"] == "second"
    cloudformation.update(kind, arn, {"KmsMasterKeyId": "second"}, {})
    assert "KmsMasterKeyId" not in attributes
