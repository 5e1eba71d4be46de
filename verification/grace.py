"""The password before a rotation: its user keeps it besides the current one until it is retired."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from elasticache_rules.templates.references import sole_reference
from verification.resolve import UnresolvedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from verification.assembly import Resource
    from verification.resolve import Deployment

UNTIL_RETIRED = dt.timedelta(hours=1)
"""After the grace time: what retires passwords runs once an hour."""
_USER, _SCHEDULE = "AWS::ElastiCache::User", "AWS::SecretsManager::RotationSchedule"
_PASSWORDS = "AuthenticationMode"
_SECRET = re.compile(r"\{\{resolve:secretsmanager:(arn:[^:]+:secretsmanager:[^:]+:[^:]+:secret:[^:}]+)")


@dataclass(frozen=True)
class Retiring:
    """The passwords of a user while one of them waits to be retired.

    Attributes:
        number: How many the template has.
        until: When the one before is retired.
    """

    number: int
    until: dt.datetime

    def __str__(self) -> str:
        """The number in words."""
        return f"{self.number} passwords, and the one before the rotation until {self.until:%Y-%m-%d %H:%M %Z}"

    def holds(self, read: Any) -> bool:
        """Whether a user has its passwords, and at most one more."""
        return read["Type"] == "password" and self.number <= int(read["Passwords"]) <= self.number + 1


def retiring(deployment: Deployment, user: Resource, asked: Mapping[str, Any]) -> Mapping[str, Retiring]:
    """What a user may have while the grace time of a rotation lasts, by its property; empty at any other time.

    The time of the rotation is that of Secrets Manager, which no tag of a secret can prolong.

    Args:
        deployment: The stack, which has the rotation as well.
        user: The user.
        asked: Its properties, resolved.
    """
    if user.type != _USER:
        return {}
    passwords = asked.get(_PASSWORDS, {}).get("Passwords", ())
    secrets = {match[1] for password in passwords if (match := _SECRET.match(str(password)))}
    ends = [
        end for secret, grace in _rotations(deployment) if secret in secrets for end in _end(deployment, secret, grace)
    ]
    coming = [end for end in ends if dt.datetime.now(dt.UTC) < end]
    return {_PASSWORDS: Retiring(len(passwords), max(coming))} if coming else {}


def _rotations(deployment: Deployment) -> Iterator[tuple[str, dt.timedelta]]:
    """The secrets that functions of the stack rotate, and the grace times of these."""
    resources = {resource.logical_id: resource for resource in deployment.resources}
    for schedule in resources.values():
        function = sole_reference(schedule.properties.get("RotationLambdaARN")) if schedule.type == _SCHEDULE else None
        if function is None or function.name not in resources:
            continue
        variables = resources[function.name].properties.get("Environment", {}).get("Variables", {})
        try:
            yield (
                str(deployment.resolve(schedule.properties["SecretId"])),
                dt.timedelta(seconds=float(variables.get("GRACE_SECONDS", 0))),
            )
        except UnresolvedError:  # it is reported with its resource
            continue


def _end(deployment: Deployment, secret: str, grace: dt.timedelta) -> Iterator[dt.datetime]:
    rotated = deployment.account.read("secretsmanager", "describe_secret", SecretId=secret).get("LastRotatedDate")
    if grace and rotated is not None:
        yield rotated + grace + UNTIL_RETIRED
