"""The SSL context."""

from __future__ import annotations

import socket
import ssl
from dataclasses import replace
from typing import TYPE_CHECKING
from unittest.mock import Mock

import pytest
import redis
import valkey

from elasticache_client import tls_context
from local_servers.certificates import HOST
from tests.client.conftest import KINDS, Caller, secret_credentials, secret_settings
from tests.client.secrets_manager import SecretsManagerStub

if TYPE_CHECKING:
    from collections.abc import Callable

    from elasticache_client import ConnectionSettings
    from local_servers.certificates import Certificate
    from tests.client.engines import Engine

every_kind = pytest.mark.parametrize("kind", KINDS)
FAULTS = (redis.ConnectionError, valkey.ConnectionError)


@pytest.fixture(name="stub")
def _stub(redis_tls: Engine) -> SecretsManagerStub:
    redis_tls.set_passwords("default", "first")
    return SecretsManagerStub("default", "first")


@pytest.fixture(name="settings")
def _settings(redis_tls: Engine) -> ConnectionSettings:
    return secret_settings(redis_tls.port)


@every_kind
def test_an_unknown_authority_is_refused(
    kind: str, settings: ConnectionSettings, stub: SecretsManagerStub, open_client: Callable[..., Caller]
) -> None:
    """A certificate that none of the system's authorities signed closes the connection."""
    client = open_client(kind, settings, credentials=secret_credentials(stub), tls=None)
    with pytest.raises(FAULTS, match="CERTIFICATE_VERIFY_FAILED"):
        client("ping")


@every_kind
def test_another_name_is_refused(
    kind: str,
    settings: ConnectionSettings,
    stub: SecretsManagerStub,
    open_client: Callable[..., Caller],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A valid certificate for another host closes the connection."""
    resolve = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _, *rest, **named: resolve(HOST, *rest, **named))
    elsewhere = replace(settings, host="orders.example.com")
    client = open_client(kind, elsewhere, credentials=secret_credentials(stub))
    with pytest.raises(FAULTS, match="Hostname mismatch"):
        client("ping")


@every_kind
def test_connections_share_the_context(
    kind: str,
    settings: ConnectionSettings,
    stub: SecretsManagerStub,
    open_client: Callable[..., Caller],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Once the client exists, no connection makes another context."""
    client = open_client(kind, settings, credentials=secret_credentials(stub))
    make = Mock(side_effect=RuntimeError)
    monkeypatch.setattr(ssl, "create_default_context", make)
    client("ping")
    assert make.call_count == 0


def test_the_context_checks_all_there_is() -> None:
    """The certificate and the host name are verified, and TLS is 1.2 or newer."""
    context = tls_context()
    assert (context.verify_mode, context.check_hostname, context.minimum_version) == (
        ssl.CERT_REQUIRED,
        True,
        ssl.TLSVersion.TLSv1_2,
    )


def test_authorities_of_ones_own_are_the_only_ones(certificate: Certificate) -> None:
    """With a bundle, the system's authorities are not trusted."""
    assert len(tls_context(certificate.certificate).get_ca_certs()) == 1
