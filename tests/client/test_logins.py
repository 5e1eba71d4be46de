"""Which logins succeed, against real engines with TLS."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import redis
import valkey

from tests.client.conftest import (
    KINDS,
    Caller,
    iam_credentials,
    iam_settings,
    secret_credentials,
    secret_settings,
)
from tests.client.secrets_manager import SecretsManagerStub

if TYPE_CHECKING:
    from collections.abc import Callable

    from elasticache_client import IamCredentials
    from tests.client.engines import Engine, Front

every_kind = pytest.mark.parametrize("kind", KINDS)
REFUSALS = (redis.AuthenticationError, valkey.AuthenticationError)


def _refused(open_client: Callable[..., Caller], front: Front, credentials: IamCredentials, **changes: Any) -> str:
    client = open_client("redis-py", iam_settings(front.port, **changes), credentials=credentials)
    with pytest.raises(redis.AuthenticationError):
        client("ping")
    return front.refusals[0]


@every_kind
def test_an_auth_token_from_a_secret_logs_in(kind: str, redis_tls: Engine, open_client: Callable[..., Caller]) -> None:
    """The default user's token in a secret works for every kind of client, on a Redis with its own TLS."""
    redis_tls.set_passwords("default", "an-auth-token-of-many-letters")
    stub = SecretsManagerStub("default", "an-auth-token-of-many-letters")
    client = open_client(kind, secret_settings(redis_tls.port), credentials=secret_credentials(stub))
    client("set", "fruit", "pear")
    assert client("get", "fruit") == "pear"


@every_kind
def test_an_iam_user_logs_in(kind: str, front: Front, open_client: Callable[..., Caller]) -> None:
    """A signed token works on Redis and Valkey for every kind of client."""
    client = open_client(kind, iam_settings(front.port), credentials=iam_credentials())
    client("set", "fruit", "plum")
    assert client("get", "fruit") == "plum"


@every_kind
def test_a_refused_login_is_tried_once(kind: str, redis_tls: Engine, open_client: Callable[..., Caller]) -> None:
    """A wrong password costs one AUTH, not eleven, if the secret has no other version."""
    redis_tls.set_passwords("stranger", "right")
    stub = SecretsManagerStub("stranger", "wrong")
    client = open_client(kind, secret_settings(redis_tls.port, "stranger"), credentials=secret_credentials(stub))
    before = redis_tls.logins()
    with pytest.raises(REFUSALS):
        client("ping")
    assert redis_tls.logins() - before == 1


def test_a_principal_without_the_grant_is_refused(front: Front, open_client: Callable[..., Caller]) -> None:
    """A correctly signed token of a principal without elasticache:Connect does not log in."""
    assert _refused(open_client, front, iam_credentials("AKIDUNGRANTED")) == "not granted"


def test_another_region_is_refused(front: Front, open_client: Callable[..., Caller]) -> None:
    """A token signed for another Region does not log in."""
    assert _refused(open_client, front, iam_credentials(region="us-east-1")).startswith("another scope")


def test_another_cache_is_refused(front: Front, open_client: Callable[..., Caller]) -> None:
    """A token signed for another cache does not log in."""
    assert _refused(open_client, front, iam_credentials(cache_name="payments")).startswith("another cache")


def test_a_serverless_token_is_refused_by_a_node_based_cache(front: Front, open_client: Callable[..., Caller]) -> None:
    """A token for a serverless cache does not log in to a node-based cache."""
    assert _refused(open_client, front, iam_credentials(serverless=True)).startswith("another request")


def test_an_expired_token_is_refused(front: Front, open_client: Callable[..., Caller]) -> None:
    """A token does not log in after its 15 minutes."""
    front.now = datetime.now(UTC) + timedelta(minutes=16)
    assert _refused(open_client, front, iam_credentials()) == "expired"


def test_a_user_that_the_engine_does_not_know_is_refused(redis_tls: Engine, open_client: Callable[..., Caller]) -> None:
    """A token does not log in if the engine does not know the user."""
    client = open_client("redis-py", iam_settings(redis_tls.port), credentials=iam_credentials())
    with pytest.raises(redis.AuthenticationError):
        client("ping")


@every_kind
def test_a_connection_survives_its_token(kind: str, front: Front, open_client: Callable[..., Caller]) -> None:
    """A connection stays open after its token has expired, without another login."""
    client = open_client(kind, iam_settings(front.port), credentials=iam_credentials())
    client("ping")
    front.now = datetime.now(UTC) + timedelta(hours=1)
    for _ in range(20):
        client("ping")
    assert front.refusals == []
