"""What Secrets Manager does with an update of a secret whose password CloudFormation generates.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-secretsmanager-secret.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from elasticache_rules.change_gate.changes import Effect
from elasticache_rules.change_gate.service_rules.update import Finding
from elasticache_rules.change_gate.values import Difference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elasticache_rules.change_gate.service_rules.update import Update

_NAME = "GenerateSecretString"
_INSTEAD = "leave it as it is: rotate a password with its rotation, or make a second secret"


def findings(update: Update) -> Iterator[Finding]:
    """The effect on the password. A secret that is no longer generated keeps its value."""
    if update.new.get(_NAME) is None:
        return
    match update.changed.get(_NAME):
        case Difference.YES:
            reason = "a new password is generated, and what was given the old one is not told"
            yield Finding(_NAME, Effect.DATA_LOSS, reason, _INSTEAD)
        case Difference.PERHAPS:
            reason = "if it comes to something else at deployment, a new password is generated"
            yield Finding(_NAME, Effect.NOT_JUDGED, reason, _INSTEAD, could_replace=True)
