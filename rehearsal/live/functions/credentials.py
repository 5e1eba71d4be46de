"""Credentials of the functions' roles: sessions that expire, with keys that cannot be guessed.

The emulator derives a function's keys from its ARN, so that every process of the machine could compute them.
"""

from __future__ import annotations

import secrets
import threading
import time
from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import Private
from rehearsal.live.functions.seam import lambda_runtime, sessions

if TYPE_CHECKING:
    from collections.abc import Mapping

TOUCHES = (
    Private("core.lambda_runtime", "execution_credentials", ("config",)),
    Private("services.sts", "register_session", ("access_key", "session")),
)

SECONDS = 12 * 3600.0
RENEW_SECONDS = 3600.0  # before they expire
MAX_SESSION_NAME = 64  # characters


class Credentials:
    """The sessions of the functions' roles, one for each function and role."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._given: dict[tuple[str, str], tuple[float, dict[str, str]]] = {}

    def of(self, config: Mapping[str, Any]) -> dict[str, str]:
        """The credentials of a function's role, as environment variables.

        Args:
            config: The function's configuration.
        """
        role, name = str(config.get("Role", "")), str(config["FunctionName"])
        with self._lock:
            expires, given = self._given.get((name, role), (0.0, {}))
            if expires - time.time() < RENEW_SECONDS:
                expires = time.time() + SECONDS
                given = _register(config["FunctionArn"].split(":")[4], role.rsplit("/", 1)[-1], name, expires)
                self._given[name, role] = expires, given
            return given


def _register(account: str, role: str, name: str, expires: float) -> dict[str, str]:
    key = f"ASIA{secrets.token_hex(8).upper()}"
    secret, token = secrets.token_urlsafe(30), secrets.token_urlsafe(120)
    session = name[:MAX_SESSION_NAME]
    sessions.register_session(
        key,
        {
            "Arn": f"arn:aws:sts::{account}:assumed-role/{role}/{session}",
            "UserId": f"{role}:{session}",
            "SecretAccessKey": secret,
            "SessionToken": token,
            "AccountId": account,
            "Expiration": expires,
        },
    )
    return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}


def install(given: Credentials) -> None:
    """Use these credentials wherever the emulator runs a function."""
    lambda_runtime.execution_credentials = given.of
