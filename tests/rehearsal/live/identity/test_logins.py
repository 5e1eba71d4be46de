"""Logins to caches and databases with tokens and passwords, and the grants that they need."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import boto3  # type: ignore[import-untyped]
import botocore.session  # type: ignore[import-untyped]
import pytest
from botocore.credentials import Credentials  # type: ignore[import-untyped]
from botocore.model import ServiceId  # type: ignore[import-untyped]
from botocore.signers import RequestSigner  # type: ignore[import-untyped]

from rehearsal.live import journal, peer
from rehearsal.live.edge.edge import Endpoint, Target
from rehearsal.live.identity import emulator
from tests.rehearsal.live.identity.conftest import allow, deny

if TYPE_CHECKING:
    from collections.abc import Callable

    from rehearsal.live.edge.edge import CacheLogin
    from rehearsal.live.run import Run
    from tests.rehearsal.live.identity.conftest import Account, Document

HOST, PORT = "db.eu-west-1.rds.amazonaws.com", 5432
CONNECT = "elasticache:Connect"


@dataclass
class Cache:
    """Users of a cache, as an engine's module gives them to the edge."""

    name: str = "orders"
    resource: str = "replicationgroup:orders"
    iam_users: dict[str, str] = field(default_factory=lambda: {"ann": "engine-ann"})


@dataclass
class Database:
    """Users of a database."""

    instance: str = "db"
    iam: set[str] = field(default_factory=lambda: {"app"})

    def uses_iam(self, user: str) -> bool:
        """Whether a user is a member of rds_iam."""
        return user in self.iam

    def accepts(self, user: str, password: str) -> bool:
        """Whether a password is right."""
        return (user, password) == ("admin", "right")


def endpoint(login: object) -> Endpoint:
    """An endpoint with these users."""
    target = Target("vpc-1", (), list, "cache")
    return Endpoint("orders-001", "127.64.1.1", 6379, "resp", "/none", None, target, login)


def token(credentials: Document, *, user: str = "ann", cache: str = "orders", **more: Any) -> str:
    """A token as botocore presigns it.

    Args:
        credentials: That sign.
        user: For which user.
        cache: For which cache.
        more: `region`, `seconds`, `action`, `service`, or parameters of the URL in `extra`.
    """
    keys = Credentials(credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials.get("SessionToken"))
    region, service = more.get("region", "eu-west-1"), more.get("service", "elasticache")
    events = botocore.session.get_session().get_component("event_emitter")
    signer = RequestSigner(ServiceId(service), region, service, "v4", keys, events)
    query = {"Action": more.get("action", "connect"), "User": user, **more.get("extra", {})}
    request = {"method": "GET", "url": f"https://{cache}/?{urlencode(query, quote_via=quote)}"}
    url: str = signer.generate_presigned_url(
        {**request, "body": {}, "headers": {}, "context": {}}, "connect", more.get("seconds", 900), region
    )
    return url.removeprefix("https://")


@pytest.fixture
def log_in(installed: Run) -> Callable[..., CacheLogin]:
    """Log in to the cache."""

    def call(password: str, user: str = "ann", **cache: Any) -> CacheLogin:
        return installed.edge.decisions.cache_login(endpoint(Cache(**cache)), user, password)

    return call


def cache_arn(account: Account, name: str) -> str:
    """The ARN of a resource of ElastiCache."""
    return f"arn:aws:elasticache:eu-west-1:{account.id}:{name}"


@pytest.fixture
def granted(account: Account) -> Document:
    """Credentials of a role that may connect."""
    resources = [cache_arn(account, name) for name in ("replicationgroup:orders", "user:ann")]
    return account.session(account.role("app", allow(CONNECT, resources)))


def test_a_token_logs_in_for_twelve_hours(log_in: Callable[..., CacheLogin], granted: Document) -> None:
    """The engine gets its own password in place of the token."""
    login = log_in(token(granted))
    assert login.password == "engine-ann"
    assert login.until is not None
    assert 12 * 3600 - 60 < login.until - time.time() <= 12 * 3600


def test_an_accepted_login_is_recorded_once_for_each_client(
    log_in: Callable[..., CacheLogin], granted: Document, run: Run
) -> None:
    """Clients that reconnect do not fill the journal; refusals are all in it."""
    signed = token(granted)
    for client in ("f", "f", "g"):
        peer.connecting.set(client)
        assert log_in(signed).password
    for _ in range(2):
        log_in("a-password")
    peer.connecting.set(None)
    entries = journal.read(run.journal.path, "cache-login")
    assert [(entry["client"], entry["allowed"]) for entry in entries] == [
        ("f", True),
        ("g", True),
        ("g", False),
        ("g", False),
    ]


def test_passwords_are_the_engines_business(log_in: Callable[..., CacheLogin]) -> None:
    """So is a user that does not exist, and what the cache does not tell the edge."""
    assert log_in("secret", "default").password == "secret"
    assert log_in("secret", "nobody").password == "secret"


def test_a_token_of_a_user_without_iam_is_refused_and_recorded(
    log_in: Callable[..., CacheLogin], granted: Document, run: Run
) -> None:
    """The engine would refuse it too, but without a word on the user, which an application may have wrong."""
    assert log_in(token(granted, user="guest"), "guest").password is None
    (entry,) = journal.read(run.journal.path, "cache-login")
    assert (entry["allowed"], entry["reason"]) == (False, "no user guest of this cache logs in with IAM")


TOKENS: list[tuple[Document, str]] = [
    ({"cache": "other"}, "is for the cache 'other', and this is 'orders'"),
    ({"user": "bob"}, "is for the user 'bob', and the login is for 'ann'"),
    ({"action": "describe"}, "action is 'describe'"),
    ({"region": "eu-west-2"}, "eu-west-2/elasticache/aws4_request, and must be for"),
    ({"service": "rds-db"}, "rds-db/aws4_request, and must be for"),
    ({"seconds": 901}, "X-Amz-Expires is 901: must be from 1 to 900 seconds"),
    ({"seconds": 0}, "X-Amz-Expires is 0"),
    ({"extra": {"ResourceType": "ServerlessCache"}}, "for serverless caches only"),
    ({"extra": {"Other": "1"}}, "has Other, which ElastiCache does not know"),
]


@pytest.mark.parametrize(("changed", "reason"), TOKENS, ids=lambda value: str(value)[:40])
def test_a_token_for_something_else_is_refused(
    log_in: Callable[..., CacheLogin], granted: Document, changed: Document, reason: str
) -> None:
    """Host, user, action, Region, service, age and parameters must be right."""
    login = log_in(token(granted, **changed))
    assert login.password is None
    assert reason in login.reason


def test_a_changed_token_is_refused(log_in: Callable[..., CacheLogin], granted: Document) -> None:
    """The signature, the key and the session token belong together."""
    good = token(granted)
    assert "signature does not match" in log_in(good[:-1] + ("0" if good[-1] != "0" else "1")).reason
    assert "signature does not match" in log_in(token({**granted, "SecretAccessKey": "other"})).reason
    assert "not valid" in log_in(token({**granted, "SessionToken": "other"})).reason
    assert "not valid" in log_in(token({**granted, "SessionToken": None})).reason
    assert "not valid" in log_in(token({**granted, "AccessKeyId": "ASIAUNKNOWN"})).reason
    assert "is no token" in log_in("a-password").reason
    assert "lacks Action" in log_in("orders/?User=ann").reason
    assert "twice" in log_in(f"{good}&User=ann").reason


def test_a_token_lives_for_its_seconds(
    log_in: Callable[..., CacheLogin], granted: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one from the future is refused."""
    fresh = token(granted, seconds=1)
    deadline = time.monotonic() + 10
    while (login := log_in(fresh)).password is not None and time.monotonic() < deadline:
        time.sleep(0.1)
    assert "expired" in login.reason
    ahead = token(granted).replace("X-Amz-Date=20", "X-Amz-Date=21")
    monkeypatch.setattr("rehearsal.live.identity.tokens._verify_scope", lambda *_: None)
    assert "in the future" in log_in(ahead).reason


def test_credentials_that_have_expired_are_refused(log_in: Callable[..., CacheLogin], granted: Document) -> None:
    """A token is not worth more than the session that signed it."""
    emulator.sts._sessions[granted["AccessKeyId"]]["Expiration"] = time.time() - 1
    assert "expired" in log_in(token(granted)).reason


def test_a_serverless_cache_has_its_own_tokens_and_resource(
    log_in: Callable[..., CacheLogin], account: Account
) -> None:
    """ResourceType is signed, and the grant is on serverlesscache."""
    resources = [cache_arn(account, name) for name in ("serverlesscache:orders", "user:ann")]
    given = account.session(account.role("carts", allow(CONNECT, resources)))
    assert (
        log_in(token(given, extra={"ResourceType": "ServerlessCache"}), resource="serverlesscache:orders").password
        == "engine-ann"
    )
    assert "lacks ResourceType" in log_in(token(given), resource="serverlesscache:orders").reason
    assert "replicationgroup:orders" in log_in(token(given)).reason


@pytest.mark.parametrize("missing", ["replicationgroup:orders", "user:ann"])
def test_connect_is_needed_on_the_cache_and_on_the_user(
    log_in: Callable[..., CacheLogin], account: Account, run: Run, missing: str
) -> None:
    """Either alone is refused, with the resource and what decided, and so it stands in the journal."""
    [other] = {"replicationgroup:orders", "user:ann"} - {missing}
    given = account.session(account.role("app", allow(CONNECT, cache_arn(account, other))))
    login = log_in(token(given))
    assert login.password is None
    assert f"on resource: {cache_arn(account, missing)} because no identity-based policy" in login.reason
    [refused] = [entry for entry in journal.read(run.journal.path, "grant") if not entry["allowed"]]
    assert refused["role"] == f"arn:aws:iam::{account.id}:role/app"
    [entry] = journal.read(run.journal.path, "cache-login")
    assert (entry["allowed"], entry["user"]) == (False, "ann")
    assert given["SecretAccessKey"] not in run.journal.path.read_text()


def test_a_deny_and_a_taken_grant_refuse_the_next_login(
    log_in: Callable[..., CacheLogin], account: Account, granted: Document
) -> None:
    """As with a policy that is detached while clients are connected."""
    signed = token(granted)
    assert log_in(signed).password
    account.grant("app", allow(CONNECT), deny(CONNECT, cache_arn(account, "user:*")))
    assert "explicit deny" in log_in(signed).reason
    account.grant("app")
    assert "because no identity-based policy allows" in log_in(signed).reason


@pytest.fixture
def database(installed: Run) -> Callable[..., str | None]:
    """Log in to the database."""
    emulator.rds._instances["db"] = {
        "IAMDatabaseAuthenticationEnabled": True,
        "Endpoint": {"Address": HOST, "Port": PORT},
        "DbiResourceId": "db-ABC",
    }

    def call(user: str, password: str) -> str | None:
        return installed.edge.decisions.database_login(endpoint(Database()), user, password)

    return call


def rds_token(given: Document, user: str = "app", host: str = HOST) -> str:
    """A token of RDS as boto3 makes it."""
    client = boto3.client(
        "rds",
        region_name="eu-west-1",
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    made: str = client.generate_db_auth_token(host, PORT, user)
    return made


def test_a_member_of_rds_iam_logs_in_with_a_token(database: Callable[..., str | None], account: Account) -> None:
    """With rds-db:connect on exactly this user; for another host, or without the grant, it is refused."""
    user = f"arn:aws:rds-db:eu-west-1:{account.id}:dbuser:db-ABC/"
    given = account.session(account.role("app", allow("rds-db:connect", f"{user}app")))
    assert database("app", rds_token(given)) is None
    assert "token is refused" in (database("app", rds_token(given, host="other.example")) or "")
    assert "token is refused" in (database("app", rds_token(given, user="admin")) or "")
    assert "token is refused" in (database("app", "a-password") or "")
    account.grant("app", allow("rds-db:connect", f"{user}other"))
    assert f"on resource: {user}app because no identity-based policy" in (database("app", rds_token(given)) or "")


def test_iam_must_be_on(database: Callable[..., str | None], account: Account) -> None:
    """An instance without IAM authentication takes no token."""
    given = account.session(account.role("app", allow("rds-db:connect")))
    emulator.rds._instances["db"]["IAMDatabaseAuthenticationEnabled"] = False
    assert "is off" in (database("app", rds_token(given)) or "")


def test_other_users_log_in_with_a_password(database: Callable[..., str | None]) -> None:
    """Which is verified."""
    assert database("admin", "right") is None
    assert database("admin", "wrong") == 'password authentication failed for user "admin"'


def test_a_function_is_a_session_that_expires(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """RDS refuses tokens of a session without an end."""
    role = account.role("app")
    monkeypatch.setattr("ministack.app.AUTH", True)
    given = emulator.lambda_runtime.execution_credentials(
        {"Role": role, "FunctionName": "f", "FunctionArn": f"arn:aws:lambda:eu-west-1:{account.id}:function:f"}
    )
    assert emulator.sts._sessions[given["AWS_ACCESS_KEY_ID"]]["Expiration"] > time.time()
