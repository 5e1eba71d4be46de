"""The one call of Secrets Manager that the client makes, kept in memory and counted."""

from __future__ import annotations

import json
from typing import Any

ARN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:orders-AbCdEf"


class SecretsManagerStub:
    """One secret with its stages, each a version."""

    def __init__(self, user: str, password: str) -> None:
        self.user = user
        self.stages = {"AWSCURRENT": (1, password)}
        self.asked: list[str] = []
        self.fault: Exception | None = None

    def rotate(self, password: str) -> None:
        """Promote a new password; the one before becomes AWSPREVIOUS."""
        number, _ = self.stages["AWSCURRENT"]
        self.stages["AWSPREVIOUS"] = self.stages["AWSCURRENT"]
        self.stages["AWSCURRENT"] = (number + 1, password)

    def get_secret_value(self, *, SecretId: str, VersionStage: str) -> dict[str, Any]:  # noqa: N803
        """As boto3 has it."""
        assert SecretId == ARN
        self.asked.append(VersionStage)
        if self.fault is not None:
            raise self.fault
        if VersionStage not in self.stages:
            raise KeyError(VersionStage)
        number, password = self.stages[VersionStage]
        text = json.dumps({"username": self.user, "password": password})
        return {"VersionId": f"version-{number}", "SecretString": text}
