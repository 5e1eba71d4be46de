"""What the three applications share on the web and as functions."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import httpx
import pytest
import redis
from botocore.exceptions import ClientError  # type: ignore[import-untyped]
from redis.exceptions import AuthorizationError, NoPermissionError, RedisClusterException
from starlette.requests import Request
from starlette.routing import Route

from elasticache_client.sessions import SessionsDenied
from tests.conftest import ROOT
from workloads import retry
from workloads.page import Page
from workloads.retry import RetryMiddleware
from workloads.web import Json, application, read

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

    from elasticache_client import ConnectionSettings
    from tests.workloads.conftest import Application
    from workloads.database import DatabaseSettings

NAMES = ["catalogue", "sessions", "leaderboard"]
each_page = pytest.mark.parametrize("name", NAMES)

_CALL = """
import json, sys
from workloads.{name}.handler import handler
event = {{
    "version": "2.0", "routeKey": "$default", "rawPath": "{path}", "rawQueryString": "", "headers": {{"host": "api"}},
    "requestContext": {{"http": {{"method": "GET", "path": "{path}", "sourceIp": "192.0.2.1"}}, "stage": "$default"}},
    "isBase64Encoded": False,
}}
print(json.dumps([handler(event, None)["statusCode"] for _ in range(2)]))
"""


class Addresses(HTMLParser):
    """Collects the addresses that a page makes a browser fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, _: str, attributes: list[tuple[str, str | None]]) -> None:
        """Collect the addresses of one element."""
        self.found += [value or "" for name, value in attributes if name in {"src", "href", "action", "srcset"}]


@each_page
def test_a_page_fetches_nothing(name: str) -> None:
    """Style and script are inline, and all addresses are within the page."""
    page = Page.load(ROOT / "workloads" / name)
    addresses = Addresses()
    addresses.feed(page.document)
    assert {"data:,", "#main"} == set(addresses.found)
    assert [] == re.findall(r"https?://|@import|url\(", page.document)


@each_page
def test_the_policy_names_the_script_and_the_style_and_nothing_else(name: str) -> None:
    """No other inline script runs, and nothing else is loaded."""
    policy = Page.load(ROOT / "workloads" / name).policy
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert not re.search(r"unsafe|\*|https?:", policy)


async def broken(request: Request) -> Json:
    """An endpoint that fails after it has read its request."""
    return Json(100 / (await read(request, dict[str, int]))["by"])


def asked_of_broken(body: bytes) -> httpx.Response:
    """What a client receives from an application with such an endpoint."""
    app = application(ROOT / "workloads" / "catalogue", [Route("/broken", broken, methods=["POST"])])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
            return await client.post("/broken", content=body, headers={"content-type": "application/json"})

    return asyncio.run(ask())


def test_every_answer_has_security_headers(catalogue: Application) -> None:
    """Pages, JSON, errors, and bodies that are too large have the same headers, once each."""
    answers = {
        200: catalogue.get("/"),
        404: catalogue.get("/nothing"),
        413: catalogue.send("PUT", "/api/products/1/price", "x" * 5000),
        422: catalogue.send("PUT", "/api/products/1/price", {}),
        500: asked_of_broken(b'{"by": 0}'),
    }
    assert list(answers) == [answer.status_code for answer in answers.values()]
    for answer in answers.values():
        assert {
            "cache-control": "no-store",
            "cross-origin-opener-policy": "same-origin",
            "cross-origin-resource-policy": "same-origin",
            "referrer-policy": "no-referrer",
            "strict-transport-security": "max-age=31536000",
            "x-content-type-options": "nosniff",
        }.items() <= dict(answer.headers).items()
        assert answer.headers["content-security-policy"].endswith("frame-ancestors 'none'")
        assert "server" not in answer.headers


def test_what_goes_wrong_is_said_in_json() -> None:
    """An unexpected error is answered in JSON, without its cause."""
    answer = asked_of_broken(b'{"by": 0}')
    assert 500 == answer.status_code
    assert answer.json()["error"].startswith("The application failed; the cause is in its log.")
    assert "zero" not in answer.text


@pytest.mark.parametrize(
    ("error", "check"),
    [
        (redis.AuthenticationError("invalid username-password pair or user is disabled."), "elasticache:Connect"),
        (AuthorizationError("no"), "elasticache:Connect"),
        (NoPermissionError("User app has no permissions to run the 'evalsha' command"), "access string"),
        (SessionsDenied("no sessions"), "elasticache:Connect"),
        (RedisClusterException("cannot be connected"), "elasticache:Connect"),
        (ClientError({"Error": {"Code": "AccessDenied", "Message": "arn:secret"}}, "GetSecretValue"), "GetSecretValue"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_a_revoked_grant_is_no_outage(error: Exception, check: str, caplog: pytest.LogCaptureFixture) -> None:
    """It is said at once, without asking for a retry, and the log says what to check and no name."""
    if isinstance(error, SessionsDenied | RedisClusterException):
        error.__cause__ = redis.AuthenticationError("invalid username-password pair")
    attempts = []

    async def refused(_: Request) -> Json:
        attempts.append(1)
        raise error

    app = application(ROOT / "workloads" / "catalogue", [Route("/refused", refused)])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
            return await client.get("/refused")

    answer = asyncio.run(ask())
    assert (500, None, 1) == (answer.status_code, answer.headers.get("retry-after"), len(attempts))
    assert answer.json()["error"].startswith("The cache refused the application; the cause is in its log.")
    logged = [record.getMessage() for record in caplog.records if record.name == "workloads.web"]
    assert [True] == [check in each and "arn:" not in each for each in logged]


@pytest.mark.parametrize("body", [b'{"b\xff": 1}', b"\xff\xfe{\x00", b"{", b""])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    """Bytes that are not text are refused, as is text that is not JSON."""
    answer = asked_of_broken(body)
    assert (422, True) == (answer.status_code, answer.json()["error"].startswith("The body does not fit: "))


@pytest.mark.parametrize(
    ("name", "path"),
    [("catalogue", "/api/categories"), ("sessions", "/api/session"), ("leaderboard", "/api/boards/daily")],
)
def test_the_same_as_a_function(name: str, path: str, cache: ConnectionSettings, database: DatabaseSettings) -> None:
    """Behind an HTTP API the handler answers repeated calls."""
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", _CALL.format(name=name, path=path)],
        env={**cache.to_environment(), **database.to_environment()},
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    assert [200, 200] == json.loads(ran.stdout)


class Moody:
    """An application that answers with a sequence of statuses, and records what it receives."""

    def __init__(self, *statuses: int, retry_after: bool = True) -> None:
        self.bodies: list[bytes] = []
        self._statuses = list(statuses)
        self._headers = [(b"retry-after", b"1")] if retry_after else []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the next status. The last one is repeated."""
        status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
        self.bodies.append(await Request(scope, receive).body())
        await send({"type": "http.response.start", "status": status, "headers": self._headers})
        await send({"type": "http.response.body", "body": str(status).encode()})


def answered(app: Moody, method: str) -> list[Message]:
    """What a client of an application with ``RetryMiddleware`` receives for one request."""
    sent: list[Message] = []
    coming: list[Message] = [{"type": "http.request", "body": b"once", "more_body": False}]

    async def receive() -> Message:
        return coming.pop() if coming else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(RetryMiddleware(app)({"type": "http", "method": method, "headers": []}, receive, send))
    return sent


@pytest.mark.parametrize(
    ("method", "app", "status", "attempts"),
    [
        ("GET", Moody(503, 503, 200), 200, 3),
        ("PUT", Moody(503, 200), 200, 2),
        ("POST", Moody(503, 200), 503, 1),
        ("GET", Moody(503, 200, retry_after=False), 503, 1),
        ("GET", Moody(500, 200), 500, 1),
    ],
)
def test_who_asks_again(method: str, app: Moody, status: int, attempts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """An idempotent request is repeated with the same body if the answer asks for it. The client gets one answer."""
    monkeypatch.setattr(retry, "_PAUSE_SECONDS", 0.001)
    start, body = answered(app, method)
    assert (status, str(status).encode()) == (start["status"], body["body"])
    assert [b"once"] * attempts == app.bodies


def test_retries_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the time limit, the client gets the last answer."""
    monkeypatch.setattr(retry, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(retry, "_PAUSE_SECONDS", 0.02)
    app = Moody(503)
    start, _ = answered(app, "GET")
    assert (503, 2) == (start["status"], len(app.bodies))
