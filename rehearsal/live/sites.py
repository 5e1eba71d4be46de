"""The stage's HTTP APIs for a browser on this machine: each request is signed and sent to its API.

The APIs admit signed requests only, and a browser does not sign. A site has an address such as
`http://catalogue-<secret>.localhost:<port>/`: browsers resolve `localhost` and all names below it to this machine. The
secret is part of the host name, so only who has been told it gets an answer, no other user of the machine, and no page
of another site can name it. Cookies of the application belong to that host name alone.
"""

from __future__ import annotations

import asyncio
import hmac
import importlib
import os
import secrets
import ssl
import threading
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from local_servers.ports import LOOPBACK, free_port
from local_servers.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from rehearsal.extension.seam import Private
    from rehearsal.live.run import Run

TOUCHES: tuple[Private, ...] = ()

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
MAX_BODY = 10 * 1024**2  # bytes, as API Gateway has it
START_SECONDS = 10.0
API_SECONDS = 40.0  # an integration ends after 30
# Of one connection, or replaced here.
NOT_FORWARDED = frozenset(
    {
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "origin",
        "referer",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
NOT_RETURNED = frozenset(
    {"connection", "content-encoding", "content-length", "date", "keep-alive", "server", "transfer-encoding"}
)
UNSIGNED = frozenset({"cookie"})

auth: Any = importlib.import_module("botocore.auth")
awsrequest: Any = importlib.import_module("botocore.awsrequest")
credentials: Any = importlib.import_module("botocore.credentials")


@dataclass(frozen=True)
class Site:
    """One HTTP API and its local address.

    Attributes:
        url: URL of the API.
        host: The value of `Host` that requests must have.
    """

    url: str
    host: str

    @property
    def address(self) -> str:
        """What to open in a browser."""
        return f"http://{self.host}/"

    def refusal(self, request: Request) -> str | None:
        """Why a request is not answered, or None."""
        headers = request.headers
        if not hmac.compare_digest(headers.get("host", "").encode(), self.host.encode()):
            return "Open the address that the rehearsal printed."
        if headers.get("origin", f"http://{self.host}") != f"http://{self.host}":
            return "Not for pages of other sites."
        opened = headers.get("sec-fetch-mode") == "navigate" and request.method == "GET"
        if headers.get("sec-fetch-site", "none") not in {"none", "same-origin"} and not opened:
            return "Not for pages of other sites."
        return None


class Signer:
    """Sends requests to APIs of the run, signed by the account's root.

    Args:
        run: The run.
        secret: Secret access key of the run.
    """

    def __init__(self, run: Run, secret: str) -> None:
        self._run = run
        self._credentials = credentials.Credentials(run.account, secret)
        trusted = ssl.create_default_context(cafile=run.authority.ca_file)
        self._client = httpx.AsyncClient(verify=trusted, timeout=API_SECONDS, trust_env=False)

    async def send(self, site: Site, request: Request, body: bytes) -> httpx.Response:
        """Send a request to its API."""
        api = urlsplit(site.url)
        path = request.scope["raw_path"].decode("latin-1")
        query = request.url.query
        target = f"{path}?{query}" if query else path
        kept = {name: value for name, value in request.headers.items() if _is_forwarded(name)}
        signed = {name: value for name, value in kept.items() if name not in UNSIGNED}
        prepared = awsrequest.AWSRequest(
            request.method, f"https://{api.netloc}{target}", data=body or None, headers=signed
        )
        auth.SigV4Auth(self._credentials, "execute-api", self._run.region).add_auth(prepared)
        headers = {**kept, **dict(prepared.headers), "host": api.netloc}
        return await self._client.request(
            request.method,
            f"https://{LOOPBACK}:{self._run.gateway_port}{target}",
            content=body,
            headers=headers,
            extensions={"sni_hostname": api.hostname},
        )


def _is_forwarded(header: str) -> bool:
    # The emulator takes no requests of browsers; whose page sent this one has been looked at.
    return header not in NOT_FORWARDED and not header.startswith("sec-")


class Sites:
    """The sites of one run, each on a separate port.

    Args:
        run: The run.
        secret: Secret access key of the run.
    """

    def __init__(self, run: Run, secret: str) -> None:
        self._run = run
        self._secret = secret
        self._open: dict[str, Site] = {}
        self._servers: list[_Server] = []

    def open(self, urls: Mapping[str, str]) -> Mapping[str, str]:
        """Serve HTTP APIs.

        Args:
            urls: The URL of each API by the name of its site.

        Returns:
            What to open in a browser, by name.
        """
        for name, url in urls.items():
            if name not in self._open:
                port = free_port()
                label = "".join(character if character.isalnum() else "-" for character in name.lower())
                site = Site(url, f"{label}-{secrets.token_hex(10)}.localhost:{port}")
                self._servers.append(_Server(application(site, Signer(self._run, self._secret)), port))
                self._open[name] = site
        return {name: self._open[name].address for name in urls}

    def close(self) -> None:
        """Serve no more."""
        for server in self._servers:
            server.stop()


def application(site: Site, signer: Signer) -> Starlette:
    """The application that serves one site."""

    async def forward(request: Request) -> Response:
        if refused := site.refusal(request):
            return PlainTextResponse(f"{refused}\n", HTTPStatus.FORBIDDEN)
        if int(request.headers.get("content-length", "0")) > MAX_BODY:
            return PlainTextResponse("The body is too long.\n", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        try:
            answer = await signer.send(site, request, await request.body())
        except httpx.HTTPError as fault:
            return PlainTextResponse(f"The API did not answer: {fault}\n", HTTPStatus.BAD_GATEWAY)
        returned = Response(answer.content, answer.status_code)
        returned.raw_headers.extend(
            (name.lower(), value) for name, value in answer.headers.raw if name.decode().lower() not in NOT_RETURNED
        )
        return returned

    return Starlette(routes=[Route("/{path:path}", forward, methods=METHODS)])


class _Server:
    """A server in a thread, which answers when this object has been made.

    Raises:
        TimeoutError: If it does not start in time.
    """

    def __init__(self, app: Starlette, port: int) -> None:
        quiet: dict[str, Any] = {"log_level": "warning", "lifespan": "off", "server_header": False}
        self._server = uvicorn.Server(uvicorn.Config(app, host=LOOPBACK, port=port, **quiet))
        self._thread = threading.Thread(target=lambda: asyncio.run(self._server.serve()), name="site", daemon=True)
        self._thread.start()
        wait_until(lambda: self._server.started, f"the site on port {port} answers", START_SECONDS)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(START_SECONDS)


def install(run: Run) -> None:
    """Serve sites on request."""
    sites = Sites(run, os.environ.get("AWS_SECRET_ACCESS_KEY", ""))
    run.control.register("open-sites", sites.open)
