"""Connection settings from parameters of Systems Manager, cached in the process."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from botocore.config import Config  # type: ignore[import-untyped]
from botocore.session import Session  # type: ignore[import-untyped]

from elasticache_client.contract import ConnectionSettings, SettingsError
from elasticache_client.credentials import is_failed_fetch
from elasticache_client.forks import after_fork
from elasticache_client.messages import refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_logger = logging.getLogger(__name__)

PATH_VARIABLE = "ELASTICACHE_PARAMETERS"
"""The environment variable with the path."""

_PREFIX = "ELASTICACHE_"
_TTL_SECONDS = 600
_RETRY_SECONDS = 5
_PAGE = 10  # the maximum
_PATH = re.compile(r"(/[A-Za-z0-9_.-]+)+")
_VARIABLE = re.compile(rf"{_PREFIX}([A-Z_]+)")
# An application reads them when it starts, and has nothing else to do meanwhile.
_CONFIG = Config(connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 3})


class ParameterStore(Protocol):
    """The only method that is called on a boto3 or botocore client."""

    def get_parameters_by_path(self, *, Path: str, MaxResults: int, NextToken: str = ...) -> Mapping[str, Any]:  # noqa: N803
        """Call GetParametersByPath of Systems Manager."""


@dataclass(frozen=True, slots=True)
class _Cached:
    settings: ConnectionSettings
    since: float
    fresh_until: float


class ParameterSettings:
    """The connection settings below a path of Systems Manager's Parameter Store, read again when they are old.

    The parameters are those that `ConnectionParameters` of ``elasticache_constructs`` writes: ``<path>/host`` and so
    on. They hold no secret. One caller at a time reads them, while the others use the old settings; if they cannot be
    read, the old settings stay in use. A client that has been made keeps the settings that it was made with.

    Args:
        path: The path, for example ``/orders/cache``.
        client: A boto3 client for Systems Manager. Default: one with the Region and the AWS credentials of the
            environment is made for each reading.
        ttl_seconds: How long the settings are cached. Default: 600.
        clock: A monotonic clock in seconds. Default: ``time.monotonic``.

    Raises:
        SettingsError: If the path is not valid.

    See https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-parameter-store.html
    """

    def __init__(
        self,
        path: str,
        *,
        client: ParameterStore | None = None,
        ttl_seconds: float = _TTL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = _checked_path(path)
        self._client = client
        self._ttl_seconds = ttl_seconds
        self._clock = clock
        self._held: _Cached | None = None
        self._lock = threading.Lock()
        after_fork(self)

    def settings(self) -> ConnectionSettings:
        """The settings.

        Raises:
            SettingsError: If no settings are cached and the parameters cannot be read, or if a parameter is missing or
                wrong.
        """
        settings = self._fresh()
        if settings is not None:
            return settings
        held = self._held
        if held is not None and self._lock.locked():
            return held.settings
        with self._lock:
            return self._fresh() or self._renew()

    async def settings_async(self) -> ConnectionSettings:
        """The settings, read off the event loop.

        Raises:
            SettingsError: If `settings` would raise it.
        """
        settings = self._fresh()
        return settings if settings is not None else await asyncio.to_thread(self.settings)

    def _fresh(self) -> ConnectionSettings | None:
        held = self._held
        # If the clock was set back, the settings seem to be from the future and are read again.
        return held.settings if held is not None and held.since <= self._clock() < held.fresh_until else None

    def _renew(self) -> ConnectionSettings:
        held = self._held
        try:
            values = self._read()
        except Exception as error:
            if not is_failed_fetch(error):
                raise
            if held is None:
                raise SettingsError(
                    refusal(
                        got=f"The parameters below {self._path} could not be read ({_name_of(error)})",
                        allowed="must be readable: ssm:GetParametersByPath on the path, and a route to Systems Manager",
                        fix="Use grant_read of ConnectionParameters, and NAT or an interface endpoint for ssm",
                    )
                ) from error
            _logger.warning(
                "The parameters below %s could not be read (%s). The old settings stay in use", self._path, error
            )
            settings, seconds = held.settings, float(_RETRY_SECONDS)
        else:
            settings, seconds = _settings(self._path, values), self._ttl_seconds
        now = self._clock()
        self._held = _Cached(settings, now, now + seconds)
        return settings

    def _read(self) -> dict[str, str]:
        client = self._client or Session().create_client("ssm", config=_CONFIG)
        values: dict[str, str] = {}
        token: dict[str, str] = {}
        while True:
            answer = client.get_parameters_by_path(Path=self._path, MaxResults=_PAGE, **token)
            for parameter in answer["Parameters"]:
                values[parameter["Name"].rpartition("/")[2]] = parameter["Value"]
            if not answer.get("NextToken"):
                return values
            token = {"NextToken": answer["NextToken"]}


_shared: dict[str, ParameterSettings] = {}


def source(path: str | None) -> ParameterSettings:
    """The one source of a path in this process.

    Args:
        path: The path. None: that of the environment variable ``ELASTICACHE_PARAMETERS``.

    Raises:
        SettingsError: If there is no path, or it is not valid.
    """
    given = os.environ.get(PATH_VARIABLE) if path is None else path
    if not given:
        raise SettingsError(
            refusal(
                got=f"{PATH_VARIABLE} is not set",
                allowed="must be the path of a cache's parameters",
                fix="Set it to the path of ConnectionParameters, or pass path=",
            )
        )
    if given not in _shared:
        _shared.setdefault(given, ParameterSettings(given))
    return _shared[given]


def _checked_path(path: str) -> str:
    if not isinstance(path, str) or _PATH.fullmatch(path) is None:
        raise SettingsError(
            refusal(
                got=f"path={path!r}",
                allowed="must begin with a slash and end without one, for example '/orders/cache'",
                fix="Use the path of ConnectionParameters",
            )
        )
    return path


def _settings(path: str, values: Mapping[str, str]) -> ConnectionSettings:
    if not values:
        raise SettingsError(
            refusal(
                got=f"No parameter is below {path}",
                allowed="must have those of a cache's ConnectionParameters, in the Region that the client uses",
                fix="Deploy the stack that makes them, or correct the path or the Region",
            )
        )
    try:
        return ConnectionSettings.from_environment({_PREFIX + name.upper(): value for name, value in values.items()})
    except SettingsError as error:
        # The contract names its variables; what is wrong here are parameters.
        message = _VARIABLE.sub(lambda match: f"{path}/{match[1].lower()}", str(error))
        raise SettingsError(message) from None


def _name_of(error: Exception) -> str:
    response: Mapping[str, Any] = getattr(error, "response", None) or {}
    code: str = response.get("Error", {}).get("Code") or type(error).__name__
    return code
