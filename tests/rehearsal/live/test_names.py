"""Names of the account in the processes of clients: who resolves them, and that nothing else resolves or connects."""

from __future__ import annotations

import http.server
import json
import os
import ssl
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from rehearsal.live import client_side
from rehearsal.live.client_side import names
from tests.conftest import ROOT
from tests.rehearsal.live.test_edge import NAME, serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rehearsal.live.run import Run
    from tests.rehearsal.live.conftest import Engine

API = "sts.eu-west-1.amazonaws.com"
IDENTITY = (
    b'<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    b"<Arn>arn:aws:iam::000000000000:root</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>"
)


class Api(http.server.BaseHTTPRequestHandler):
    """An API that answers each request with an identity."""

    def answer(self) -> None:
        """Answer."""
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(200)
        self.send_header("content-length", str(len(IDENTITY)))
        self.end_headers()
        self.wfile.write(IDENTITY)

    do_GET = do_POST = answer  # noqa: N815 - names of the base class

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def api(run: Run) -> Iterator[None]:
    """An HTTPS server on the port of the gateway, with a certificate for the names of APIs."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(run.authority.certificate("*.eu-west-1.amazonaws.com"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", run.gateway_port), Api) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield
        server.shutdown()
        thread.join()


def client(run: Run, script: str) -> str:
    """What a Python program prints that knows the run's names and trusts its authority only."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join([*client_side.__path__, str(ROOT)]),
        names.VARIABLE: str(run.addresses.names_file()),
        "SSL_CERT_FILE": str(run.authority.ca_file),
        "AWS_CA_BUNDLE": str(run.authority.ca_file),
        "AWS_ACCESS_KEY_ID": "000000000000",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "NAME": NAME,
    }
    ended = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


CACHES = {
    "redis": "import redis; print(redis.Redis(host=NAME, ssl=True).ping())",
    "valkey": "import valkey; print(valkey.Valkey(host=NAME, ssl=True).ping())",
    "redis.asyncio": """
import asyncio, redis.asyncio
async def main():
    client = redis.asyncio.Redis(host=NAME, ssl=True)
    print(await client.ping())
    await client.aclose()
asyncio.run(main())""",
    "a connection by name": """
import socket, ssl
bare = socket.socket()
bare.connect((NAME, 6379))
connection = ssl.create_default_context().wrap_socket(bare, server_hostname=NAME)
connection.sendall(b"PING\\r\\n")
print(connection.recv(100) == b"+PONG\\r\\n")""",
}


@pytest.mark.parametrize("script", CACHES.values(), ids=CACHES)
def test_clients_of_caches_find_and_verify_an_endpoint(run: Run, valkey: Engine, script: str) -> None:
    """Without any setting but the name: TLS is verified with the system's default authorities."""
    run.addresses.point({NAME: serve(run, "resp", valkey.path).address})
    assert client(run, f"NAME = {NAME!r}\n{script}") == "True"


APIS = {
    "boto3": "import boto3; print(boto3.client('sts', region_name='eu-west-1').get_caller_identity()['Arn'])",
    "urllib": "import urllib.request; print(urllib.request.urlopen('https://sts.eu-west-1.amazonaws.com').read())",
    "httpx": "import httpx; print(httpx.get('https://sts.eu-west-1.amazonaws.com').text)",
    "httpx, asyncio": """
import asyncio, httpx
async def main():
    async with httpx.AsyncClient() as client:
        print((await client.get('https://sts.eu-west-1.amazonaws.com')).text)
asyncio.run(main())""",
}


@pytest.mark.parametrize("script", APIS.values(), ids=APIS)
@pytest.mark.usefixtures("api")
def test_clients_of_apis_reach_the_emulator_under_amazons_names(run: Run, script: str) -> None:
    """Port 443, which takes root to listen on, leads to the emulator's port."""
    assert "arn:aws:iam::000000000000:root" in client(run, script)


OUTSIDE = """
import errno, json, socket
def tried(function, *arguments):
    try:
        function(*arguments)
    except OSError as fault:
        return type(fault).__name__, fault.errno
    return "reached", None
def connected(address, family=socket.AF_INET):
    with socket.socket(family) as one:
        one.settimeout(5)
        return tried(one.connect, address)
def sent(address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        return tried(one.sendto, b"x", address)
print(json.dumps({
    "name": tried(socket.getaddrinfo, "example.com", 443),
    "old name": tried(socket.gethostbyname, "example.com"),
    "name in connect": connected(("example.com", 443)),
    "address": connected(("192.0.2.1", 443)),
    "metadata": connected(("169.254.169.254", 80)),
    "address 6": connected(("2001:db8::1", 443), socket.AF_INET6),
    "datagram": sent(("192.0.2.1", 53)),
    "localhost": socket.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM)[0][4],
    "bound": socket.getaddrinfo(None, 80, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE) != [],
    "number": socket.getaddrinfo("192.0.2.1", 80, type=socket.SOCK_STREAM)[0][4],
    "own name": socket.getfqdn("192.0.2.1"),
    "connect_ex": socket.socket().connect_ex(("192.0.2.1", 80)),
}))
"""


def test_nothing_outside_resolves_or_is_connected_to(run: Run) -> None:
    """Other names do not exist, other addresses are unreachable, and no name server is asked."""
    seen = json.loads(client(run, OUTSIDE))
    unknown, unreachable = ["gaierror", -2], ["OSError", 101]
    assert seen == {
        "name": unknown,
        "old name": unknown,
        "name in connect": unknown,
        "address": unreachable,
        "metadata": unreachable,
        "address 6": unreachable,
        "datagram": unreachable,
        "localhost": ["127.0.0.1", 80],
        "bound": True,
        "number": ["192.0.2.1", 80],
        "own name": "192.0.2.1",
        "connect_ex": 101,
    }


def test_a_name_is_found_as_the_file_has_it_now(tmp_path: Path) -> None:
    """A failover changes the address of a name for clients that run; the most specific name wins."""
    file = tmp_path / "names"
    file.write_text("*.example 127.0.0.2\n*.deep.example 127.0.0.3\na.deep.example 127.0.0.4\n")
    known = names.Names(str(file))
    found = {name: known.find(name) for name in ("A.Deep.Example.", "b.deep.example", "c.example", "example")}
    assert found == {
        "A.Deep.Example.": "127.0.0.4",
        "b.deep.example": "127.0.0.3",
        "c.example": "127.0.0.2",
        "example": None,
    }
    part = tmp_path / "part"
    part.write_text("a.deep.example 127.0.0.9\n")
    part.replace(file)
    assert known.find("a.deep.example") == "127.0.0.9"
    file.unlink()
    assert known.find("a.deep.example") == "127.0.0.9"


def test_a_sitecustomize_that_is_hidden_still_runs(run: Run, tmp_path: Path) -> None:
    """An environment's own start-up code is not lost."""
    (tmp_path / "sitecustomize.py").write_text("print('the other one')")
    path = os.pathsep.join([*client_side.__path__, str(tmp_path)])
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": path, names.VARIABLE: str(run.addresses.names_file())}
    script = "import socket; print(socket.getaddrinfo.__module__)"
    ended = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert ended.stdout.split("\n")[:2] == ["the other one", "names"]
