"""Passwords and tokens appear only on the network."""

from __future__ import annotations

import json
import logging
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest
import redis

from elasticache_client import Login, SettingsError, connect
from tests.client.conftest import APP, KINDS, Caller, iam_credentials, secret_credentials, secret_settings
from tests.client.secrets_manager import ARN, SecretsManagerStub

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from elasticache_client import Credentials
    from tests.client.engines import Engine

every_kind = pytest.mark.parametrize("kind", KINDS)
PLANTED = "planted-never-to-be-seen"


def _everything(client: Caller, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> str:
    pool = client.client.connection_pool
    shown = [repr(part) for part in (client.client, pool, pool.connection_kwargs, pool.connection_class)]
    return "\n".join([*shown, caplog.text, *capfd.readouterr()])


@every_kind
def test_a_password_is_shown_nowhere(
    kind: str,
    redis_tls: Engine,
    open_client: Callable[..., Caller],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The client's representation, the debug log and the output do not contain a valid password."""
    caplog.set_level(logging.DEBUG)
    redis_tls.set_passwords("legacy", PLANTED)
    credentials = secret_credentials(SecretsManagerStub("legacy", PLANTED))
    client = open_client(kind, secret_settings(redis_tls.port, "legacy"), credentials=credentials)
    client("ping")
    assert PLANTED not in _everything(client, caplog, capfd)


@every_kind
def test_a_refused_password_is_shown_nowhere(
    kind: str,
    redis_tls: Engine,
    open_client: Callable[..., Caller],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Nor does the error of a wrong password."""
    caplog.set_level(logging.DEBUG)
    redis_tls.set_passwords("legacy", "another")
    credentials = secret_credentials(SecretsManagerStub("legacy", PLANTED))
    client = open_client(kind, secret_settings(redis_tls.port, "legacy"), credentials=credentials)
    with pytest.raises(Exception, match="invalid username-password") as caught:
        client("ping")
    assert PLANTED not in _everything(client, caplog, capfd) + repr(caught.value) + str(caught.value)


@pytest.mark.parametrize(
    "credentials",
    [
        pytest.param(iam_credentials(), id="IAM"),
        pytest.param(secret_credentials(SecretsManagerStub("default", PLANTED)), id="secret"),
    ],
)
def test_credentials_are_opaque(credentials: Credentials) -> None:
    """The representations of a source of logins and of a login contain no secret."""
    _, password = credentials.get_credentials()
    assert password not in repr(credentials) + repr(credentials.login())


def test_a_login_shows_whose_it_is() -> None:
    """What is not secret is shown, to help in finding faults."""
    assert repr(Login(APP, PLANTED, "version-1")) == f"Login(user='{APP}', version='version-1')"


def test_signing_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The debug log does not contain the signature, from which the token could be reconstructed."""
    caplog.set_level(logging.DEBUG)
    _, token = iam_credentials().get_credentials()
    assert token.rpartition("=")[2] not in caplog.text


def test_an_override_is_refused_without_its_value() -> None:
    """The error for a password in the wrong argument does not contain it."""
    settings = secret_settings(6379)
    with pytest.raises(SettingsError) as caught:
        connect(settings, password=PLANTED)
    assert PLANTED not in str(caught.value)


class _SecretsManager(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        text = json.dumps({"username": "default", "password": PLANTED})
        body = json.dumps({"ARN": ARN, "VersionId": "version-1", "SecretString": text}).encode()
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


@pytest.fixture(name="endpoint")
def _endpoint() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _SecretsManager) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_botocores_own_client_is_quiet(
    endpoint: str,
    redis_tls: Engine,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    open_client: Callable[..., Caller],
) -> None:
    """With only the environment, botocore reads the password and its debug log does not contain it."""
    caplog.set_level(logging.DEBUG)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIDAPP",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": endpoint,
    }.items():
        monkeypatch.setenv(name, value)
    redis_tls.set_passwords("default", PLANTED)
    client = open_client("redis-py", secret_settings(redis_tls.port))
    assert (client("ping"), PLANTED in caplog.text) == (True, False)


def test_other_signers_are_logged_as_ever(caplog: pytest.LogCaptureFixture) -> None:
    """What botocore logs for other code is not suppressed."""
    iam_credentials().get_credentials()
    caplog.set_level(logging.DEBUG)
    logging.getLogger("botocore.auth").debug("of other code")
    assert "of other code" in caplog.text


def test_the_plant_would_be_found(redis_tls: Engine, caplog: pytest.LogCaptureFixture) -> None:
    """The searched log is the one that the libraries write to."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger(redis.__name__).debug("%s at %s", PLANTED, redis_tls.port)
    assert PLANTED in caplog.text
