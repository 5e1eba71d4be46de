"""Secrets Manager in templates.

`Ref` of a secret is its ARN; the emulator returns its name, which IAM policies do not match. `GenerateSecretString` has
all options; the emulator has length and excluded characters only. Resource policies and rotation schedules exist. A
rotation schedule is registered, but no rotation runs; AWS would start the first one.
"""

from __future__ import annotations

import json
from typing import Any

from rehearsal.extension.seam import (
    HANDLERS,
    REFUSED,
    Private,
    Properties,
    Provisioned,
    Response,
    drift,
    handlers,
    is_true,
    provisioners,
    register,
    secretsmanager,
)
from verification.messages import refusal

TOUCHES = (
    HANDLERS,
    Private("services.cloudformation.provisioners", "_sm_secret_string", ("props",)),
    Private("services.cloudformation.drift", "_DRIFT_READERS"),
    Private("services.secretsmanager", "_secrets"),
    Private("services.secretsmanager", "_resolve", ("secret_id", "use_arn_scope")),
    Private("services.secretsmanager", "_get_random_password", ("data",)),
    Private("services.secretsmanager", "_put_resource_policy", ("data",)),
    Private("services.secretsmanager", "_delete_resource_policy", ("data",)),
)

SECRET = "AWS::SecretsManager::Secret"  # noqa: S105 - a resource type


def _answer(response: Response) -> dict[str, Any]:
    status, _headers, body = response
    answer: dict[str, Any] = json.loads(body)
    if status >= REFUSED:
        raise ValueError(f"{answer.get('__type')}: {answer.get('message') or answer.get('Message')}")
    return answer


def _option(name: str, value: Any) -> Any:
    if name == "PasswordLength":
        return int(value)
    return value if name == "ExcludeCharacters" else is_true(value)


def secret_string(props: Properties) -> str:
    """The value of a secret: that of the template, or one that GetRandomPassword generates.

    Raises:
        ValueError: If SecretStringTemplate and GenerateStringKey are not given together, or an option is not valid.
    """
    given, generate = props.get("SecretString"), props.get("GenerateSecretString")
    if given or generate is None:
        return given or ""
    template, key = generate.get("SecretStringTemplate"), generate.get("GenerateStringKey")
    if bool(template) != bool(key):
        raise ValueError(
            refusal(
                got=f"InvalidRequest: SecretStringTemplate={template!r} and GenerateStringKey={key!r}",
                allowed="both must be given, or neither",
                fix="Add the missing one, so that the password has a place in the template",
            )
        )
    options = {
        name: _option(name, value)
        for name, value in generate.items()
        if name not in {"SecretStringTemplate", "GenerateStringKey"}
    }
    password: str = _answer(secretsmanager._get_random_password(options))["RandomPassword"]
    return json.dumps({**json.loads(template), key: password}) if template else password


def _name(secret_id: str) -> str:
    """The emulator's name of a secret with this ARN."""
    name, _secret = secretsmanager._resolve(secret_id, use_arn_scope=True)
    return name or secret_id


def _use_arns() -> None:
    handler = handlers()[SECRET]
    stock = dict(handler)

    def create(logical_id: str, props: Properties, stack: str) -> Provisioned:
        name, attributes = stock["create"](logical_id, props, stack)
        return secretsmanager._secrets[name]["ARN"], attributes

    def update(physical_id: str, old: Properties, new: Properties, *rest: Any) -> Provisioned:
        name, attributes = stock["update"](_name(physical_id), old, new, *rest)
        return secretsmanager._secrets[name]["ARN"], attributes

    def delete(physical_id: str, props: Properties) -> None:
        stock["delete"](_name(physical_id), props)

    handler.update(create=create, update=update, delete=delete)
    read, properties = drift._DRIFT_READERS[SECRET]
    drift._DRIFT_READERS[SECRET] = (lambda physical_id, props: read(_name(physical_id), props), properties)


def _put_policy(_logical_id: str, props: Properties, _stack: str) -> Provisioned:
    policy = props["ResourcePolicy"]
    document = policy if isinstance(policy, str) else json.dumps(policy)
    put = secretsmanager._put_resource_policy({"SecretId": props["SecretId"], "ResourcePolicy": document})
    return _answer(put)["ARN"], {}


def _delete_policy(physical_id: str, _props: Properties) -> None:
    secretsmanager._delete_resource_policy({"SecretId": physical_id})


def _schedule(logical_id: str, props: Properties, _stack: str) -> Provisioned:
    _key, secret = secretsmanager._resolve(props["SecretId"], use_arn_scope=True)
    if secret is None:
        raise ValueError(f"{logical_id}: ResourceNotFoundException: no secret {props['SecretId']!r}")
    function = props.get("RotationLambdaARN")
    if not function:
        raise ValueError(
            refusal(
                got=f"{logical_id}: a rotation schedule without RotationLambdaARN",
                allowed="a rehearsal has functions of the app only",
                fix="Set RotationLambdaARN instead of HostedRotationLambda",
            )
        )
    secret.update(RotationEnabled=True, RotationLambdaARN=function, RotationRules=_rules(props))
    return secret["ARN"], {"Id": secret["ARN"]}


def _rules(props: Properties) -> dict[str, Any]:
    rules = dict(props.get("RotationRules") or {})
    if "AutomaticallyAfterDays" in rules:
        rules["AutomaticallyAfterDays"] = int(rules["AutomaticallyAfterDays"])
    return rules


def _cancel(physical_id: str, _props: Properties) -> None:
    _key, secret = secretsmanager._resolve(physical_id, use_arn_scope=True)
    if secret is not None:
        secret.update(RotationEnabled=False, RotationLambdaARN=None, RotationRules=None)


def install() -> None:
    """Correct secrets, and add resource policies and rotation schedules."""
    provisioners._sm_secret_string = secret_string
    _use_arns()
    register("AWS::SecretsManager::ResourcePolicy", _put_policy, _delete_policy)
    register("AWS::SecretsManager::RotationSchedule", _schedule, _cancel)
