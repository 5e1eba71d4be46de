"""Logins with a password in Secrets Manager, also during its rotation."""

from __future__ import annotations

import json
import logging
import math
import time
from typing import TYPE_CHECKING, Any, Protocol

from botocore.config import Config  # type: ignore[import-untyped]
from botocore.session import Session  # type: ignore[import-untyped]

from elasticache_client.credentials import CachedLogin, Credentials, Login, is_failed_fetch
from elasticache_client.messages import refusal
from elasticache_client.quiet import no_secrets_logged

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_logger = logging.getLogger(__name__)

_TTL_SECONDS = 600
_REFUSAL_SECONDS = 5
_CURRENT = "AWSCURRENT"
_PREVIOUS = "AWSPREVIOUS"
# One attempt: a retry would sleep in the caller that opens the connection. The next login tries again.
_CONFIG = Config(connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 1})


class SecretError(ValueError):
    """A secret does not contain what the contract requires. The message shows none of it."""


class SecretsManager(Protocol):
    """The only method that is called on a boto3 or botocore client."""

    def get_secret_value(self, *, SecretId: str, VersionStage: str) -> Mapping[str, Any]:  # noqa: N803
        """Call GetSecretValue of Secrets Manager."""


class SecretCredentials(Credentials):
    """A user name and a password from Secrets Manager, cached and refreshed when the cache rejects the password.

    After a rejected login, one caller reads ``AWSCURRENT`` for all callers. If it has not changed, the rotation has not
    reached the cache yet, and ``AWSPREVIOUS`` is used until the cache rejects that as well. Each version is read at
    most once in five seconds, regardless of how many logins fail. No call sleeps. If Secrets Manager is unavailable,
    the cached password stays in use.

    Args:
        secret_arn: The ARN of the secret, which is JSON with ``username`` and ``password``.
        user: The user name that the secret must have.
        client: A boto3 client for Secrets Manager. Default: one is made on first use, for the secret's Region, and
            another in each forked child.
        ttl_seconds: How long a password is cached. Default: 600. Keep it shorter than the time for which a rotation
            leaves the previous password valid.
        clock: A monotonic clock in seconds. Default: ``time.monotonic``.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/User-Secrets-Manager.html
    """

    def __init__(
        self,
        *,
        secret_arn: str,
        user: str,
        client: SecretsManager | None = None,
        ttl_seconds: float = _TTL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(clock)
        self._secret_arn = secret_arn
        self._user = user
        self._given = client
        self._client = client
        self._ttl_seconds = ttl_seconds
        self._last_read: dict[str, tuple[float, Login | None]] = {}

    def after_refusal(self, refused: Sequence[Login]) -> Login | None:
        """The password that another caller has read since, else the current one, else the previous one."""
        versions = {login.version for login in refused}
        with self._lock:
            held = self._held
            if held is not None and held.login.version not in versions:
                return held.login
            for stage in (_CURRENT, _PREVIOUS):
                login = self._reread(stage)
                if login is not None and login.version not in versions:
                    self._held = self._hold(login)
                    return login
        return None

    def start_afresh(self) -> None:
        """Drop the client in a forked child."""
        super().start_afresh()
        # A thread of the parent may have been using the client.
        self._client = self._given

    def _fetch(self) -> CachedLogin:
        return self._hold(self._read(_CURRENT))

    def _hold(self, login: Login) -> CachedLogin:
        now = self._clock()
        return CachedLogin(login, now, now + self._ttl_seconds, math.inf)

    def _reread(self, stage: str) -> Login | None:
        """Read a version because of a rejected login, unless it was read within the last five seconds."""
        at, login = self._last_read.get(stage, (-math.inf, None))
        if self._clock() - at < _REFUSAL_SECONDS:
            return login
        try:
            login = self._read(stage)
        except Exception as error:
            # Otherwise the caller's error is the rejected login.
            if not is_failed_fetch(error):
                raise
            _logger.warning("%r could not read %s (%s)", self, stage, type(error).__name__)
            login = None
        self._last_read[stage] = (self._clock(), login)
        return login

    def _read(self, stage: str) -> Login:
        if self._client is None:
            self._client = _client_for(self._secret_arn)
        with no_secrets_logged():
            answer = self._client.get_secret_value(SecretId=self._secret_arn, VersionStage=stage)
        return Login(self._user, _password(answer, self._user), answer["VersionId"])


def _client_for(secret_arn: str) -> SecretsManager:
    region = secret_arn.split(":")[3] if secret_arn.startswith("arn:") else None
    client: SecretsManager = Session().create_client("secretsmanager", region_name=region, config=_CONFIG)
    return client


def _password(answer: Mapping[str, Any], user: str) -> str:
    content = _parsed(answer.get("SecretString", ""))
    if not isinstance(content, dict) or not isinstance(content.get("password"), str):
        raise SecretError(
            refusal(
                got="The secret's value is not valid",
                allowed="must be JSON with the strings username and password",
                fix="Store such a value in the secret, or set ELASTICACHE_SECRET_ARN to another secret",
            )
        )
    if content.get("username") != user:
        raise SecretError(
            refusal(
                got=f"The secret's username is not {user!r}",
                allowed="must be the user of ELASTICACHE_USER",
                fix="Correct the secret's username, or ELASTICACHE_USER",
            )
        )
    return str(content["password"])


def _parsed(text: str) -> object:
    # The error of json contains the whole text; returning here drops it.
    try:
        return json.loads(text)
    except ValueError:
        return None
