"""Logins that a drill tries on an endpoint, with the library alone: they are not repeated."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

if TYPE_CHECKING:
    from elasticache_client import ConnectionSettings

ACCEPTED, REFUSED = "accepted", "refused"
SECONDS = 20.0


def login(settings: ConnectionSettings, user: str | None, password: str | None, **options: Any) -> str:
    """Try one login on the endpoint; `accepted`, `refused`, or what else happened.

    Args:
        settings: The endpoint.
        user: Name of the user.
        password: The password or token.
        options: Further options of redis-py's client, such as `ssl`.
    """
    client: Any = redis.Redis(
        host=options.pop("host", settings.host),
        port=settings.port,
        username=user,
        password=password,
        ssl=options.pop("ssl", settings.tls),
        socket_timeout=SECONDS,
        socket_connect_timeout=SECONDS,
        retry=Retry(NoBackoff(), 0),
        **options,
    )
    with closing(client):
        try:
            client.execute_command("PING")
        except (redis.AuthenticationError, redis.exceptions.NoPermissionError):
            return REFUSED
        except redis.ResponseError as error:
            return REFUSED if "NOAUTH" in str(error) else f"{type(error).__name__}: {error}"
        except (redis.RedisError, OSError) as error:
            return f"{type(error).__name__}: {error}"
    return ACCEPTED
