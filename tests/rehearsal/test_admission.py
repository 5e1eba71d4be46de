"""The emulator answers clients that have the secret of its run, and no browser."""

from __future__ import annotations

import asyncio
import io
import json
import re
import socket
import stat
import time
import urllib.error
import urllib.request
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from botocore.auth import S3SigV4QueryAuth, SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.credentials import Credentials  # type: ignore[import-untyped]
from botocore.exceptions import ClientError  # type: ignore[import-untyped]
from botocore.parsers import ResponseParserError  # type: ignore[import-untyped]

from local_servers.ports import LOOPBACK
from rehearsal import admission, emulator, workspace
from tests.rehearsal.conftest import accounts
from tests.workloads.browser import chromium
from verification.account import Account

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping
    from pathlib import Path

HOST = "127.0.0.1:4566"
ADDRESS = f"http://{HOST}/2015-03-31/functions?Marker=a%2Fb"
SECRET = "of this run"
BODY = b'{"FunctionName": "f"}'


class Behind:
    """An application that records the requests that reach it."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def __call__(self, scope: admission.Scope, receive: admission.Receive, send: admission.Send) -> None:
        """Record the body, and return an empty answer."""
        assert scope["type"] == "http"
        self.bodies.append((await receive())["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def behind() -> Behind:
    """The application that gets the admitted requests."""
    return Behind()


def signed(secret: str = SECRET, key: str = "000000000000", token: str | None = None) -> dict[str, str]:
    """The headers of a request that is signed with a secret."""
    request = AWSRequest("POST", ADDRESS, data=BODY, headers={"Host": HOST})
    SigV4Auth(Credentials(key, secret, token), "lambda", "eu-west-1").add_auth(request)
    return dict(request.headers)


def presigned(secret: str = SECRET, seconds: int = 60) -> str:
    """The URL of a request that is presigned with a secret for some seconds."""
    request = AWSRequest("POST", ADDRESS, headers={"Host": HOST})
    S3SigV4QueryAuth(Credentials("000000000000", secret), "s3", "eu-west-1", expires=seconds).add_auth(request)
    return str(request.url)


async def _bytes(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 7):
        yield body[start : start + 7]


async def answer(behind: Behind, headers: Mapping[str, str], address: str = ADDRESS, body: bytes = BODY) -> int:
    """The status of the answer to a request whose body is sent in pieces."""
    return await posted(admission.Admission(behind, frozenset({HOST}), SECRET), headers, address, body)


async def posted(
    application: admission.Admission, headers: Mapping[str, str], address: str = ADDRESS, body: bytes = BODY
) -> int:
    """The same, with an application."""
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport) as client:
        return (await client.post(address, headers=dict(headers), content=_bytes(body))).status_code


def run(behind: Behind, headers: Mapping[str, str], address: str = ADDRESS, body: bytes = BODY) -> int:
    """The same, without asyncio."""
    return asyncio.run(answer(behind, headers, address, body))


@pytest.mark.parametrize("where", ["by its header", "by its address"])
def test_a_signed_request_passes_whole(behind: Behind, where: str) -> None:
    """A request of an AWS client arrives with its whole body."""
    headers, address = (signed(), ADDRESS) if where == "by its header" else ({}, presigned())
    assert (200, [BODY]) == (run(behind, headers, address), behind.bodies)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("sts.eu-west-1.amazonaws.com", 200),
        ("a1b2c3d4.execute-api.eu-west-1.amazonaws.com", 200),
        ("127.0.0.1:4566", 200),
        ("sts.eu-west-1.amazonaws.com.example.com", 403),
        ("evilamazonaws.com", 403),
        ("amazonaws.com", 403),
    ],
)
def test_amazons_names_are_accepted_by_a_live_emulator(behind: Behind, host: str, status: int) -> None:
    """A signed request for a name below the domain passes; no other name does."""
    request = AWSRequest("POST", ADDRESS, data=BODY, headers={"Host": host})
    SigV4Auth(Credentials("000000000000", SECRET), "lambda", "eu-west-1").add_auth(request)
    application = admission.Admission(behind, frozenset({HOST}), SECRET, domain="amazonaws.com")
    assert asyncio.run(posted(application, dict(request.headers))) == status
    assert run(behind, dict(request.headers)) == (200 if host == HOST else 403)


def test_a_request_that_needs_no_signature_is_told_apart(behind: Behind) -> None:
    """It is not executed, and not taken for one that the account refuses; a wrong signature stays a wrong signature."""
    asked: list[tuple[str, str, str]] = []

    def admits(host: str, method: str, path: str) -> bool:
        asked.append((host, method, path))
        return path.startswith("/open")

    application = admission.Admission(behind, frozenset({HOST}), SECRET, admits_unsigned=admits)
    assert asyncio.run(posted(application, {"Host": HOST}, f"http://{HOST}/open%20/x")) == 501
    assert asyncio.run(posted(application, {"Host": HOST}, f"http://{HOST}/closed")) == 403
    assert asyncio.run(posted(application, signed("another secret"), f"http://{HOST}/open")) == 403
    assert asyncio.run(posted(application, {"Host": HOST, "Origin": "null"}, f"http://{HOST}/open")) == 403
    assert asked == [(HOST, "POST", "/open%20/x"), (HOST, "POST", "/closed")]
    assert behind.bodies == []


def altered(name: str, value: str) -> dict[str, str]:
    """A signed request with headers added or replaced."""
    return {**signed(), name: value}


def strangers() -> dict[str, tuple[dict[str, str], str, bytes]]:
    """Requests that must be refused; they are signed now, so that they are not refused for their age."""
    return {
        "unsigned": ({}, ADDRESS, BODY),
        "unsigned simple request": ({"Content-Type": "text/plain"}, ADDRESS, BODY),
        "account's id alone": ({"Authorization": "AWS4-HMAC-SHA256 Credential=000000000000/"}, ADDRESS, BODY),
        "old well-known secret": (signed("rehearsal"), ADDRESS, BODY),
        "emulator's own default secret": (signed("test", "test"), ADDRESS, BODY),
        "secret of the run under another key": (signed(SECRET, "test"), ADDRESS, BODY),
        "unknown key": (signed(SECRET, "AKIAEXAMPLEEXAMPLE00"), ADDRESS, BODY),
        "no key": (signed(SECRET, ""), ADDRESS, BODY),
        "another body": (signed(), ADDRESS, b'{"FunctionName": "g"}'),
        "another path": (signed(), ADDRESS.replace("functions", "layers"), BODY),
        "another query": (signed(), ADDRESS.replace("Marker", "Other"), BODY),
        "another day": (altered("X-Amz-Date", "20200101T000000Z"), ADDRESS, BODY),
        "signature left out": (
            {**signed(), "Authorization": re.sub(r"Signature=\w+", "Signature=", signed()["Authorization"])},
            ADDRESS,
            BODY,
        ),
        "presigned with another secret": ({}, presigned("another"), BODY),
        "presigned and expired": ({}, presigned(seconds=-1), BODY),
        "presigned for too long": ({}, re.sub(r"X-Amz-Expires=\d+", "X-Amz-Expires=99999", presigned()), BODY),
        "page of another origin": (altered("Origin", "https://example.com"), ADDRESS, BODY),
        "sandboxed page": (altered("Origin", "null"), ADDRESS, BODY),
        "page of the same origin": (altered("Origin", f"http://{HOST}"), ADDRESS, BODY),
        "browser": (altered("Sec-Fetch-Site", "none"), ADDRESS, BODY),
        "browser without an origin": (altered("Sec-Fetch-Mode", "no-cors"), ADDRESS, BODY),
        "another host name": (signed(), ADDRESS.replace(HOST, "example.com:4566"), BODY),
        "another port": (signed(), ADDRESS.replace("4566", "4567"), BODY),
    }


@pytest.mark.parametrize("stranger", strangers())
def test_unsigned_requests_do_not_reach_the_emulator(behind: Behind, stranger: str) -> None:
    """They are refused before the emulator gets them."""
    headers, address, body = strangers()[stranger]
    sent = {"Host": urlsplit(address).netloc, **{name: text for name, text in headers.items() if name != "Host"}}
    assert (403, []) == (run(behind, sent, address, body), behind.bodies)


def test_a_browser_is_refused_though_it_signs(behind: Behind) -> None:
    """Even if the signature covers its headers."""
    request = AWSRequest("POST", ADDRESS, data=BODY, headers={"Host": HOST, "Origin": f"http://{HOST}"})
    SigV4Auth(Credentials("000000000000", SECRET), "lambda", "eu-west-1").add_auth(request)
    assert (403, []) == (run(behind, dict(request.headers)), behind.bodies)


def test_too_long_a_body_is_refused(behind: Behind, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more of a body is kept in memory than a function's code may have."""
    monkeypatch.setattr(admission, "MAX_BODY", len(BODY) - 1)
    assert (403, []) == (run(behind, signed()), behind.bodies)


@pytest.fixture
def account(running: emulator.Emulator) -> Iterator[Account]:
    """A separate account in a running emulator, for clients with the secret."""
    with workspace.only(running.client_environment({}, str(next(accounts)), "eu-west-1")):
        yield Account("eu-west-1")


def test_the_secret_is_of_the_run(running: emulator.Emulator, tmp_path: Path) -> None:
    """Two emulators have different secrets."""
    place = workspace.Workspace(tmp_path, tmp_path)
    with emulator.running(place) as second:
        assert running.secret != second.secret
        assert len(second.secret) > 40


def test_the_secret_is_not_to_be_seen(running: emulator.Emulator) -> None:
    """It is on no command line and in no file that other users can read."""
    folder = running.log.parent
    assert running.secret not in " ".join(psutil.Process(running.pid).cmdline())
    assert running.secret not in repr(running)
    assert not folder.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    assert [] == [file for file in folder.rglob("*") if file.is_file() and running.secret.encode() in file.read_bytes()]


@pytest.mark.parametrize(
    "path", ["/_ministack/health", "/_ministack/reset", "/_localstack/health", "/?Action=ListUsers"]
)
def test_local_requests_need_the_secret(running: emulator.Emulator, path: str) -> None:
    """Requests for the emulator's own pages are refused too."""
    request = urllib.request.Request(f"{running.endpoint}{path}", method="POST", data=b"")  # noqa: S310
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=60)  # noqa: S310
    refused.value.close()
    assert refused.value.code == 403


def test_a_client_with_another_secret_is_refused(
    running: emulator.Emulator, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Credentials of another run are refused in every protocol of AWS."""
    del account
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "rehearsal")
    stranger = Account("eu-west-1")
    for service, operation in {
        "sts": "get_caller_identity",
        "lambda": "list_functions",
        "s3": "list_buckets",
        "secretsmanager": "list_secrets",
        "ec2": "describe_vpcs",
    }.items():
        with pytest.raises((ClientError, ResponseParserError)):
            getattr(stranger.client(service), operation)()
    assert running.process.poll() is None


def test_an_assumed_role_is_of_the_run(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that the emulator issued, as the CDK CLI needs them, are accepted only with their token."""
    roles = account.client("iam")
    role = roles.create_role(RoleName="deploys", AssumeRolePolicyDocument=json.dumps({"Statement": []}))["Role"]["Arn"]
    given = account.client("sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", given["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", given["SecretAccessKey"])
    monkeypatch.setenv("AWS_SESSION_TOKEN", given["SessionToken"])
    assert ":assumed-role/deploys/session" in Account("eu-west-1").client("sts").get_caller_identity()["Arn"]
    monkeypatch.setenv("AWS_SESSION_TOKEN", "another")
    with pytest.raises((ClientError, ResponseParserError)):
        Account("eu-west-1").client("sts").get_caller_identity()


FUNCTION = """
import json, urllib.request
import boto3

def handler(event, context):
    answer = {"Status": "SUCCESS", "PhysicalResourceId": "one", "StackId": event["StackId"],
              "RequestId": event["RequestId"], "LogicalResourceId": event["LogicalResourceId"],
              "Data": {"Account": boto3.client("sts").get_caller_identity()["Account"]}}
    there, body = event["ResponseURL"], json.dumps(answer).encode()
    urllib.request.urlopen(urllib.request.Request(there, body, {"content-type": ""}, method="PUT")).close()
"""


def test_functions_of_the_run_are_answered(account: Account) -> None:
    """A function in the emulator can call it, and reports success to CloudFormation as on AWS."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("f.py", FUNCTION)
    role = account.client("iam").create_role(RoleName="f", AssumeRolePolicyDocument=json.dumps({"Statement": []}))
    function = account.client("lambda").create_function(
        FunctionName="f",
        Runtime="python3.11",
        Handler="f.handler",
        Role=role["Role"]["Arn"],
        Code={"ZipFile": code.getvalue()},
    )
    template = {
        "Resources": {"One": {"Type": "Custom::One", "Properties": {"ServiceToken": function["FunctionArn"]}}},
        "Outputs": {"Account": {"Value": {"Fn::GetAtt": ["One", "Account"]}}},
    }
    client = account.client("cloudformation")
    client.create_stack(StackName="one", TemplateBody=json.dumps(template))
    client.get_waiter("stack_create_complete").wait(StackName="one", WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})
    [stack] = client.describe_stacks(StackName="one")["Stacks"]
    assert account.client("sts").get_caller_identity()["Account"] == stack["Outputs"][0]["OutputValue"]


# What a page can send without asking first, and what a page of a name that was bent to this machine can send besides.
# `at` is the emulator, `query` an action that it would take from an address. The last one leaves the page.
SIMPLE = {
    "form-urlencoded": "form('POST', 'application/x-www-form-urlencoded')",
    "form-multipart": "form('POST', 'multipart/form-data')",
    "form-text": "form('POST', 'text/plain')",
    "form-get": "form('GET', '')",
    "fetch-get": "fetch(at + query, {mode: 'no-cors', credentials: 'include'})",
    "fetch-text": "fetch(at + functions, {method: 'POST', mode: 'no-cors', body: code})",
    "fetch-urlencoded": "fetch(at + path, {method: 'POST', mode: 'no-cors', body: new URLSearchParams(query)})",
    "fetch-form-data": "fetch(at + query, {method: 'POST', mode: 'no-cors', body: new FormData()})",
    "fetch-cors": "fetch(at + query)",
    "fetch-no-referrer": "fetch(at + query, {mode: 'no-cors', referrerPolicy: 'no-referrer', keepalive: true})",
    "xhr": "const x = new XMLHttpRequest(); x.open('POST', at + functions); x.send(code)",
    "img": "add('img', {src: at + query})",
    "script": "add('script', {src: at + query})",
    "stylesheet": "add('link', {rel: 'stylesheet', href: at + query})",
    "prefetch": "add('link', {rel: 'prefetch', href: at + query})",
    "iframe": "add('iframe', {src: at + query})",
    "sandbox": "add('iframe', {sandbox: 'allow-scripts', srcdoc: `<img src=\"${at + query}\">`})",
    "object": "add('object', {data: at + query})",
    "video": "add('video', {src: at + query})",
    "event-source": "new EventSource(at + query)",
    "beacon-text": "navigator.sendBeacon(at + functions, code)",
    "beacon-urlencoded": "navigator.sendBeacon(at + path, new URLSearchParams(query))",
    "worker": "new Worker(URL.createObjectURL(new Blob([`fetch('${at + query}', {mode: 'no-cors'})`])))",
    "websocket": "new WebSocket(at.replace('http', 'ws') + query)",
    "popup": "open(at + query)",
    "navigation": "location = at + query",
}
SAME_ORIGIN = {
    "rebound-fetch": "fetch(at + query, {method: 'POST', body: new URLSearchParams(query)})",
    "rebound-json": "fetch(at + functions, {method: 'POST', body: code, headers: json})",
    "rebound-forged": "fetch(at + query, {method: 'POST', headers: forged})",
    "rebound-put": "fetch(at + '/bucket' + query, {method: 'PUT', headers: forged})",
    "rebound-websocket": "new WebSocket(at.replace('http', 'ws') + query)",
}
SCRIPT = """
([at, name]) => {
  const path = '/?Attack=' + name;
  const query = path + '&Action=CreateTopic&Version=2010-03-31&Name=' + name;
  const functions = '/2015-03-31/functions?Attack=' + name;
  const code = JSON.stringify({FunctionName: name, Runtime: 'python3.11', Handler: 'f.h',
    Role: 'arn:aws:iam::000000000000:role/r', Code: {ZipFile: 'UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=='}});
  const now = new Date().toISOString().replace(/[-:]|\\.\\d+/g, '');
  const json = {'content-type': 'application/json'};
  const authorization = `AWS4-HMAC-SHA256 Credential=000000000000/${now.slice(0, 8)}/eu-west-1/sns/aws4_request, ` +
    'SignedHeaders=host, Signature=' + '0'.repeat(64);
  const forged = {authorization, 'x-amz-date': now};
  const add = (kind, attributes) => document.body.append(Object.assign(document.createElement(kind), attributes));
  const form = (method, enctype) => {
    const frame = Object.assign(document.createElement('iframe'), {name: 'frame-' + name});
    const attributes = {method, enctype, action: at + path, target: frame.name};
    const sender = Object.assign(document.createElement('form'), attributes);
    for (const [key, value] of new URLSearchParams(query.slice(2))) {
      sender.append(Object.assign(document.createElement('input'), {name: key, value}));
    }
    document.body.append(frame, sender);
    sender.submit();
  };
  %s;
}
"""
ATTACKER = "attacker.example"


class _Page(BaseHTTPRequestHandler):
    """An empty page of another site."""

    def do_GET(self) -> None:
        """Return the page."""
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>A page</title><body>")

    def log_message(self, *_arguments: Any) -> None:
        """Log nothing."""


@pytest.fixture
def site() -> Iterator[str]:
    """The address of the page."""
    with ThreadingHTTPServer((LOOPBACK, 0), _Page) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{ATTACKER}:{server.server_port}/"
        server.shutdown()


def _until(arrived: Callable[[], set[str]], wanted: set[str]) -> set[str]:
    deadline = time.monotonic() + 60
    while not wanted <= arrived() and time.monotonic() < deadline:
        time.sleep(0.1)
    return arrived()


def test_no_page_can_make_the_emulator_do_anything(tmp_path: Path, site: str) -> None:
    """Each kind of request that a page in a real browser can send is refused and has no effect."""
    place = workspace.Workspace(tmp_path, tmp_path)
    with (
        emulator.running(place) as server,
        chromium(f"--host-resolver-rules=MAP {ATTACKER} {LOOPBACK}") as browser,
    ):
        page = browser.new_page()
        page.goto(site)
        for name, attack in SIMPLE.items():
            page.evaluate(SCRIPT % attack, [server.endpoint, name])
        rebound = f"http://{ATTACKER}:{server.port}"
        page = browser.new_page()
        page.goto(rebound)
        assert "Refused" in page.content()
        for name, attack in SAME_ORIGIN.items():
            page.evaluate(SCRIPT % attack, [rebound, name])

        attacks = SIMPLE.keys() | SAME_ORIGIN.keys()
        told = _until(lambda: set(re.findall(r"refused .*[?&]Attack=([\w-]+)", server.log.read_text())), set(attacks))

        with workspace.only(server.client_environment({}, workspace.ACCOUNT, workspace.REGION)):
            here = Account(workspace.REGION)
            made = [topic["TopicArn"] for topic in here.client("sns").list_topics()["Topics"]]
            functions = [each["FunctionName"] for each in here.client("lambda").list_functions()["Functions"]]
            buckets = [each["Name"] for each in here.client("s3").list_buckets()["Buckets"]]
    assert set(attacks) == told
    assert ([], [], []) == (made, functions, buckets)


def test_nothing_but_the_one_port_listens(running: emulator.Emulator, account: Account) -> None:
    """It listens on no other address."""
    account.client("lambda").list_functions()
    listening = {
        (connection.laddr.ip, connection.laddr.port)
        for process in (psutil.Process(running.pid), *psutil.Process(running.pid).children(recursive=True))
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN and connection.type == socket.SOCK_STREAM
    }
    assert {(LOOPBACK, running.port)} == listening
