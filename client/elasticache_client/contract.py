"""The contract between infrastructure and applications: the environment variables that say how to reach a cache.

Infrastructure writes them with `ConnectionSettings.to_environment`. Applications read them with
`ConnectionSettings.from_environment`. This module needs only the standard library. A new optional variable keeps the
contract's version; any other change raises it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, fields, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, get_args

from elasticache_client.messages import refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

Engine = Literal["redis", "valkey", "memcached"]
Mode = Literal["standalone", "cluster"]
Auth = Literal["iam", "secret", "none"]

CONTRACT_VERSION = "1"
"""The only version that this package writes and reads."""

_PREFIX = "ELASTICACHE_"
_VERSION = f"{_PREFIX}CONTRACT"
_REQUIRED = ("engine", "host", "port", "tls", "mode", "auth")
_NUMBERS = ("port", "reader_port")
_FLAGS = ("tls", "serverless")
_MAX_PORT = 65535
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_CACHE_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


class SettingsError(ValueError):
    """A setting is missing or wrong. The message says what was given, what is allowed, and how to correct it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSettings:
    """How to reach one cache. Contains no secret.

    Attributes:
        engine: ``redis``, ``valkey`` or ``memcached``.
        host: The address of the primary, configuration or serverless endpoint, without a scheme.
        port: The endpoint's port. The default of ElastiCache is 6379, and 11211 for Memcached.
        tls: Whether the cache has encryption in transit. IAM, a secret and a serverless cache require it.
        mode: ``cluster`` with cluster mode enabled and for every serverless cache; otherwise ``standalone``.
        auth: ``iam`` for IAM authentication, ``secret`` for a password in Secrets Manager, ``none`` for no
            authentication.
        reader_host: The reader endpoint's address. Default: the cache has none.
        reader_port: The reader endpoint's port. Default: ``port``. A serverless cache has a separate reader port.
        user: The user name. Required for ``iam`` and ``secret``; ``default`` for an AUTH token.
        secret_arn: The ARN of the secret, which is JSON with ``username`` and ``password``. Required for ``secret``.
        cache_name: The replication group's id or the serverless cache's name, in lower case. Required for ``iam``.
        serverless: Whether the cache is serverless. IAM tokens contain this. Default: False.

    Raises:
        SettingsError: If a value is not allowed, or two values contradict each other.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Endpoints.html
    """

    engine: Engine
    host: str
    port: int
    tls: bool
    mode: Mode
    auth: Auth
    reader_host: str | None = None
    reader_port: int | None = None
    user: str | None = None
    secret_arn: str | None = None
    cache_name: str | None = None
    serverless: bool = False

    def __post_init__(self) -> None:
        self._check_one_by_one()
        self._check_together()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> ConnectionSettings:
        """Read the settings from environment variables. An empty variable counts as missing.

        Raises:
            SettingsError: If the contract's version is unknown, or a variable is missing or wrong.
        """
        version = environ.get(_VERSION)
        if version is None:
            raise SettingsError(
                refusal(
                    got=f"{_VERSION} is not set",
                    allowed=f"must be {CONTRACT_VERSION}, the version of the variables that describe a cache",
                    fix="Set it and the other variables to the values of ConnectionSettings.to_environment()",
                )
            )
        if version != CONTRACT_VERSION:
            raise SettingsError(
                refusal(
                    got=f"{_VERSION}={version!r}",
                    allowed=f"this elasticache-client reads version {CONTRACT_VERSION}",
                    fix=f"Install an elasticache-client that reads version {version}, or let the infrastructure write "
                    f"version {CONTRACT_VERSION}",
                )
            )
        given = {name: environ[_variable(name)] for name in _names() if environ.get(_variable(name))}
        for name in _REQUIRED:
            if name not in given:
                raise _missing(name, "always required")
        return cls(**{name: _parse(name, text) for name, text in given.items()})  # type: ignore[arg-type]

    @classmethod
    def from_parameters(cls, path: str | None = None) -> ConnectionSettings:
        """Read the settings from parameters of Systems Manager, which `ConnectionParameters` writes.

        They are cached for ten minutes in the process. Values hold no secret.

        Args:
            path: The path of the parameters, for example ``/orders/cache``. Default: that of the environment variable
                ``ELASTICACHE_PARAMETERS``.

        Raises:
            SettingsError: If there is no path, the parameters cannot be read, or one is missing or wrong.

        See https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-parameter-store.html
        """
        settings: ConnectionSettings = _parameters().source(path).settings()
        return settings

    @classmethod
    async def from_parameters_async(cls, path: str | None = None) -> ConnectionSettings:
        """Read the settings as `from_parameters` does, without blocking the event loop.

        Args:
            path: The path of the parameters. Default: that of the environment variable ``ELASTICACHE_PARAMETERS``.

        Raises:
            SettingsError: If there is no path, the parameters cannot be read, or one is missing or wrong.
        """
        settings: ConnectionSettings = await _parameters().source(path).settings_async()
        return settings

    def to_environment(self) -> dict[str, str]:
        """The environment variables that describe these settings. None of them is a secret."""
        variables = {_VERSION: CONTRACT_VERSION}
        for name in _names():
            value = getattr(self, name)
            if value is not None:
                variables[_variable(name)] = str(value).lower() if isinstance(value, bool) else str(value)
        return variables

    def reader(self) -> ConnectionSettings:
        """The same cache through its reader endpoint. Replicas may return values that are slightly out of date.

        Raises:
            SettingsError: If the cache has no reader endpoint.
        """
        if self.reader_host is None:
            raise _missing(
                "reader_host", "required for reader()", "use connect(read_from_replicas=True) in cluster mode"
            )
        return replace(self, host=self.reader_host, port=self.reader_port or self.port)

    def _check_one_by_one(self) -> None:
        for name, allowed in (("engine", get_args(Engine)), ("mode", get_args(Mode)), ("auth", get_args(Auth))):
            value = getattr(self, name)
            if value not in allowed:
                raise _wrong(name, value, _or(allowed), "Use one of them")
        for name in ("host", "reader_host"):
            value = getattr(self, name)
            if value is not None and not _HOST.fullmatch(value):
                raise _wrong(name, value, "a host name or an IPv4 address", "Leave out scheme, port and spaces")
        for name in _NUMBERS:
            value = getattr(self, name)
            if value is not None and not 1 <= value <= _MAX_PORT:
                raise _wrong(name, value, f"1 to {_MAX_PORT}", "Use the endpoint's port")
        if self.cache_name is not None and not _CACHE_NAME.fullmatch(self.cache_name):
            allowed_name = "lower-case letters, digits and single hyphens, beginning with a letter"
            raise _wrong("cache_name", self.cache_name, allowed_name, "Use the cache's id as AWS shows it")

    def _check_together(self) -> None:
        if self.engine == "memcached" and self.auth != "none":
            raise _wrong("auth", self.auth, "'none' with engine=memcached, which has no logins", "Set it to none")
        if not self.tls and (self.auth != "none" or self.serverless):
            reason = "serverless=true" if self.auth == "none" else f"auth={self.auth}"
            raise _wrong("tls", "false", f"true with {reason}", "Turn on encryption in transit and set it to true")
        needs = {"iam": ("user", "cache_name"), "secret": ("user", "secret_arn"), "none": ()}
        for name in needs[self.auth]:
            if getattr(self, name) is None:
                raise _missing(name, f"required with auth={self.auth}")
        if self.secret_arn is not None and self.auth != "secret":
            raise _wrong("secret_arn", self.secret_arn, "left out unless auth=secret", "Remove it, or set auth=secret")


def _parameters() -> Any:
    # It needs botocore, and this module the standard library only.
    return import_module("elasticache_client.parameters")


def _names() -> list[str]:
    return [field.name for field in fields(ConnectionSettings)]


def _variable(name: str) -> str:
    return _PREFIX + name.upper()


def _parse(name: str, text: str) -> str | int | bool:
    if name in _FLAGS:
        if text not in ("true", "false"):
            raise _wrong(name, text, "true or false", "Use one of the two, in lower case")
        return text == "true"
    if name in _NUMBERS:
        # int() would also accept spaces, signs and underscores.
        if not re.fullmatch(r"[0-9]+", text):
            raise _wrong(name, text, f"1 to {_MAX_PORT}", "Use the endpoint's port")
        return int(text)
    return text


def _or(allowed: tuple[str, ...]) -> str:
    return f"{', '.join(allowed[:-1])} or {allowed[-1]}"


def _missing(name: str, why: str, otherwise: str | None = None) -> SettingsError:
    fix = f"Set {_variable(name)}" if otherwise is None else f"Set {_variable(name)}, or {otherwise}"
    return SettingsError(refusal(got=f"{_variable(name)} is not set", allowed=why, fix=fix))


def _wrong(name: str, value: object, allowed: str, fix: str) -> SettingsError:
    return SettingsError(refusal(got=f"{_variable(name)}={value!r}", allowed=f"must be {allowed}", fix=fix))
