"""The sites for a browser: requests are signed, and come from the user's own browser only."""

from __future__ import annotations

import http.server
import ssl
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest

from rehearsal.live.sites import Sites
from tests.workloads.browser import chromium

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.live.run import Run

API = "a1b2c3d4.execute-api.eu-west-1.amazonaws.com"


class Echo(http.server.BaseHTTPRequestHandler):
    """An HTTP API that keeps what it got and sets a cookie."""

    seen: list[dict[str, str]]

    def answer(self) -> None:
        """Answer."""
        length = int(self.headers.get("content-length", 0))
        got = {name.lower(): value for name, value in self.headers.items()}
        self.seen.append({**got, "target": self.path, "body": self.rfile.read(length).decode(), "method": self.command})
        self.send_response(201)
        self.send_header("set-cookie", "__Host-session=1; Secure; HttpOnly; Path=/")
        self.send_header("set-cookie", "other=2")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    do_GET = do_POST = answer  # noqa: N815 - names of the base class

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def seen(run: Run) -> Iterator[list[dict[str, str]]]:
    """What an HTTP API behind the gateway's port gets."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(run.authority.certificate(API))
    Echo.seen = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", run.gateway_port), Echo) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield Echo.seen
        server.shutdown()
        thread.join()


@pytest.fixture
def address(run: Run) -> Iterator[str]:
    """A site's address."""
    sites = Sites(run, "secret")
    yield sites.open({"Catalogue Api": f"https://{API}/"})["Catalogue Api"]
    sites.close()


def ask(address: str, method: str = "GET", target: str = "", **headers: str) -> httpx.Response:
    """A browser's request; names below `localhost` are this machine's."""
    parts = urlsplit(address)
    named = {"host": parts.netloc, **{name.replace("_", "-"): value for name, value in headers.items()}}
    body = b'{"price": 1}' if method == "POST" else None
    url = f"http://127.0.0.1:{parts.port}/{target}"
    return httpx.request(method, url, headers=named, content=body, trust_env=False)


def test_requests_reach_the_api_signed(address: str, seen: list[dict[str, str]]) -> None:
    """With method, path, query, body and cookies of the browser, under the API's own name; all cookies come back."""
    answer = ask(
        address, "POST", "products/a%20b?q=x%2Fy&q=z", cookie="session=1", content_type="application/json",
        sec_fetch_site="same-origin", origin=address.rstrip("/"),
    )  # fmt: skip
    assert (answer.status_code, answer.text) == (201, "ok")
    assert answer.headers.get_list("set-cookie") == ["__Host-session=1; Secure; HttpOnly; Path=/", "other=2"]
    [got] = seen
    assert (got["method"], got["target"], got["body"]) == ("POST", "/products/a%20b?q=x%2Fy&q=z", '{"price": 1}')
    assert (got["host"], got["cookie"], got["content-type"]) == (API, "session=1", "application/json")
    assert got["authorization"].startswith("AWS4-HMAC-SHA256 Credential=000000000000/")
    assert "/eu-west-1/execute-api/aws4_request" in got["authorization"]
    assert "cookie" not in got["authorization"]
    assert not {"origin", "sec-fetch-site"} & got.keys(), "the emulator refuses requests of browsers"


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "localhost:{port}"},
        {"host": "127.0.0.1:{port}"},
        {"host": "catalogue-api-0123456789abcdef0123.localhost:{port}"},
        {"origin": "http://localhost:{port}"},
        {"origin": "null"},
        {"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors"},
        {"sec_fetch_site": "same-site", "sec_fetch_mode": "cors"},
    ],
    ids=str,
)
def test_other_senders_are_refused(address: str, seen: list[dict[str, str]], headers: dict[str, str]) -> None:
    """Without the secret in the host name, or from a page of another site, no request reaches the API."""
    port = str(urlsplit(address).port)
    answer = ask(address, **{name: value.replace("{port}", port) for name, value in headers.items()})
    assert answer.status_code == 403
    assert seen == []


def test_a_link_opens_a_site(address: str, seen: list[dict[str, str]]) -> None:
    """Such as one of the report, which is a file."""
    assert ask(address, sec_fetch_site="cross-site", sec_fetch_mode="navigate").status_code == 201
    assert len(seen) == 1


def test_a_browser_opens_a_site_and_keeps_its_cookies(address: str, seen: list[dict[str, str]]) -> None:
    """It resolves the name without DNS, and takes secure cookies from it although there is no TLS."""
    with chromium() as browser:
        page = browser.new_page()
        page.goto(address)
        assert page.inner_text("body") == "ok"
        assert page.evaluate("fetch('/again', {method: 'POST', body: '{}'}).then(answer => answer.status)") == 201
    assert [(got["method"], got["target"]) for got in seen if got["target"] != "/favicon.ico"] == [
        ("GET", "/"),
        ("POST", "/again"),
    ]
    assert "__Host-session=1" in seen[-1]["cookie"]


def test_a_site_keeps_its_address(run: Run, address: str) -> None:
    """And two sites have different secrets."""
    sites = Sites(run, "secret")
    first = sites.open({"a": f"https://{API}/", "b": f"https://{API}/"})
    assert first == sites.open({"a": f"https://{API}/", "b": f"https://{API}/"})
    secrets = {urlsplit(url).hostname.partition(".")[0].rpartition("-")[2] for url in (*first.values(), address)}  # type: ignore[union-attr]
    assert len(secrets) == 3
    sites.close()


def test_an_api_that_does_not_answer_is_named(address: str) -> None:
    """The browser gets a sentence and no trace."""
    answer = ask(address)
    assert answer.status_code == 502
    assert "The API did not answer" in answer.text
