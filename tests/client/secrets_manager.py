"""A stub of the only Secrets Manager call that the client makes, which counts the calls."""

from __future__ import annotations

import json
from typing import Any

ARN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:orders-AbCdEf"


class SecretsManagerStub:
    """One secret with its stages and versions."""

    def __init__(self, user: str, password: str) -> None:
        self.user = user
        self.stages = {"AWSCURRENT": (1, password)}
        self.asked: list[str] = []
        self.fault: Exception | None = None

    def rotate(self, password: str) -> None:
        """Promote a new password. The previous one becomes AWSPREVIOUS."""
        number, _ = self.stages["AWSCURRENT"]
        self.stages["AWSPREVIOUS"] = self.stages["AWSCURRENT"]
        self.stages["AWSCURRENT"] = (number + 1, password)

    def get_secret_value(self, *, SecretId: str, VersionStage: str) -> dict[str, Any]:  # noqa: N803
        """Return a version as boto3 does."""
        assert SecretId == ARN
        self.asked.append(VersionStage)
        if self.fault is not None:
            raise self.fault
        if VersionStage not in self.stages:
            raise KeyError(VersionStage)
        number, password = self.stages[VersionStage]
        text = json.dumps({"username": self.user, "password": password})
        return {"VersionId": f"version-{number}", "SecretString": text}
