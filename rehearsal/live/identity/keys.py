"""The customer's keys that a service uses in the name of its caller, who must be allowed to use them.

See https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html and
https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import Private
from rehearsal.live.identity.checks import Asked, Call, Check
from rehearsal.live.identity.emulator import kms, secretsmanager, sns

if TYPE_CHECKING:
    from collections.abc import Mapping

TOUCHES = (
    Private("services.kms", "_resolve_key", ("key_id_or_arn",)),
    Private("services.secretsmanager", "_resolve", ("secret_id", "use_arn_scope")),
    Private("services.sns", "_topics"),
)

ALIAS_ACTIONS = ("CreateAlias", "DeleteAlias", "UpdateAlias")
WRITES = ("kms:GenerateDataKey", "kms:Decrypt")
WRITING = ("CreateSecret", "PutSecretValue", "UpdateSecret")
VALUES = ("SecretString", "SecretBinary", "GenerateSecretString")


def encryption_context(values: Mapping[str, str]) -> dict[str, Any]:
    """The condition keys of an encryption context."""
    keys: dict[str, Any] = {f"kms:encryptioncontext:{name}".lower(): value for name, value in values.items()}
    return {**keys, "kms:encryptioncontextkeys": list(values)} if values else keys


class Keys:
    """The keys that requests use, as the emulator has them."""

    def arn(self, key: str) -> str | None:
        """The ARN of a customer's key by its id, ARN or alias; None for a key of AWS and one that does not exist."""
        record = kms._resolve_key(key) if key else None
        if record is None or record.get("KeyManager") == "AWS":
            return None
        return str(record["Arn"])

    def direct(self, call: Call, stock: str) -> Asked:
        """A request of KMS is on a key, even if it names an alias."""
        if call.action in ALIAS_ACTIONS:
            target = self.arn(call.text("TargetKeyId") or call.text("AliasName"))
            alias = call.arn(call.text("AliasName"))
            return Asked.about(alias, (Check(f"kms:{call.action}", target),) if target else ())
        context: dict[str, Any] = {"kms:calleraccount": call.account}
        values = call.body.get("EncryptionContext")
        if isinstance(values, dict):
            context |= encryption_context({str(name): str(value) for name, value in values.items()})
        if (named := call.text("KeyId")).startswith("alias/"):
            context["kms:requestalias"] = named
        if call.action == "CreateGrant":
            context["kms:grantisforawsresource"] = "false"
        return Asked.about(self.arn(stock) or stock, (), context)

    def used(self, call: Call, resource: str) -> list[Check]:
        """The uses of keys that a request of another service implies.

        Args:
            call: The request.
            resource: The ARN that it is on.
        """
        if call.service == "secretsmanager":
            return self._secret(call, resource)
        if call.service == "sns" and call.action in ("Publish", "PublishBatch"):
            topic = sns._topics.get(resource) or {}
            key = self.arn(str((topic.get("attributes") or {}).get("KmsMasterKeyId") or ""))
            return self._checks(call, key, WRITES, {"aws:sns:topicArn": resource})
        return []

    def _secret(self, call: Call, resource: str) -> list[Check]:
        secret = secretsmanager._resolve(resource)[1] or {}
        old, new = self.arn(secret.get("KmsKeyId") or ""), self.arn(call.text("KmsKeyId"))
        if call.action == "GetSecretValue":
            version = call.text("VersionId") or _version(secret, call.text("VersionStage") or "AWSCURRENT")
            return self._checks(call, old, ("kms:Decrypt",), {"SecretARN": resource, "SecretVersionId": version})
        if call.action not in WRITING:
            return []
        context = {"SecretARN": resource, "SecretVersionId": call.text("ClientRequestToken")}
        checks = []
        if call.action == "UpdateSecret" and new and new != old:
            checks += self._checks(call, old, ("kms:Decrypt",), context) + self._checks(call, new, WRITES, context)
        elif any(call.body.get(name) for name in VALUES):
            checks += self._checks(call, new or old, WRITES, context)
        return checks

    def _checks(self, call: Call, key: str | None, actions: tuple[str, ...], context: Mapping[str, str]) -> list[Check]:
        if key is None:
            return []
        keys = {
            "kms:viaservice": f"{call.service}.{call.region}.amazonaws.com",
            "kms:calleraccount": call.account,
            **encryption_context({name: value for name, value in context.items() if value}),
        }
        return [Check(action, key, keys) for action in actions]


def _version(secret: Mapping[str, Any], stage: str) -> str:
    versions: Mapping[str, Any] = secret.get("Versions") or {}
    return next((version for version, record in versions.items() if stage in record.get("Stages", ())), "")
