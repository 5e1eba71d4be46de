"""No password and no token anywhere but on the wire."""

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
    shown = [repr(each) for each in (client.client, pool, pool.connection_kwargs, pool.connection_class)]
    return "\n".join([*shown, caplog.text, *capfd.readouterr()])


@every_kind
def test_a_password_is_shown_nowhere(
    kind: str,
    redis_tls: Engine,
    open_client: Callable[..., Caller],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Neither the client's representation nor a debug log nor the output shows a password that works."""
    caplog.set_level(logging.DEBUG)
    redis_tls.let_in("legacy", PLANTED)
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
    """Nor does the error that a wrong password ends in."""
    caplog.set_level(logging.DEBUG)
    redis_tls.let_in("legacy", "another")
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
    """Neither the source of logins nor a login shows what it holds."""
    _, password = credentials.get_credentials()
    assert password not in repr(credentials) + repr(credentials.login())


def test_a_login_shows_whose_it_is() -> None:
    """What is no secret helps to find a fault."""
    assert repr(Login(APP, PLANTED, "version-1")) == f"Login(user='{APP}', version='version-1')"


def test_signing_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A debug log does not hold the signature, from which the token could be put together again."""
    caplog.set_level(logging.DEBUG)
    _, token = iam_credentials().get_credentials()
    assert token.rpartition("=")[2] not in caplog.text


def test_an_override_is_refused_without_its_value() -> None:
    """The error about a password in the wrong place does not repeat it."""
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
        """Say nothing."""


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
    """With nothing but the environment given, the password arrives through botocore and stays out of its debug log."""
    caplog.set_level(logging.DEBUG)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIDAPP",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": endpoint,
    }.items():
        monkeypatch.setenv(name, value)
    redis_tls.let_in("default", PLANTED)
    client = open_client("redis-py", secret_settings(redis_tls.port))
    assert (client("ping"), PLANTED in caplog.text) == (True, False)


def test_other_signers_are_logged_as_ever(caplog: pytest.LogCaptureFixture) -> None:
    """What botocore logs for somebody else is not held back."""
    iam_credentials().get_credentials()
    caplog.set_level(logging.DEBUG)
    logging.getLogger("botocore.auth").debug("somebody else's")
    assert "somebody else's" in caplog.text


def test_the_plant_would_be_found(redis_tls: Engine, caplog: pytest.LogCaptureFixture) -> None:
    """The log that is searched is the one that libraries write to."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger(redis.__name__).debug("%s at %s", PLANTED, redis_tls.port)
    assert PLANTED in caplog.text
