"""Two processes of one application, which keeps nothing itself, on one Valkey."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from local_servers.ports import free_port
from tests.client.engines import valkey_server
from tests.client.sessions.caches import one_node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.client.sessions.caches import Cache

START_SECONDS = 60.0


@pytest.fixture(scope="module", name="valkey")
def _valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cache]:
    yield from one_node(valkey_server(), tmp_path_factory.mktemp("valkey"), "session:*")


@contextmanager
def two_processes(framework: str, cache: Cache) -> Iterator[list[str]]:
    """Their addresses."""
    ports = [free_port() for _ in range(2)]
    program = [sys.executable, "-m", "tests.client.sessions.applications", framework]
    environment = {**os.environ, **cache.settings.to_environment()}
    running = [subprocess.Popen([*program, str(port)], env=environment) for port in ports]
    try:
        for port in ports:
            wait_for(f"http://localhost:{port}/plain")
        yield [f"http://localhost:{port}" for port in ports]
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait()


def wait_for(url: str) -> None:
    """Until the address answers."""
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            httpx.get(url)
        except httpx.TransportError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return


class Browser:
    """One that trusts localhost with cookies for HTTPS, as browsers do and httpx does not."""

    def __init__(self) -> None:
        self._cookies: dict[str, str] = {}

    def get(self, url: str) -> Any:
        """What a page says."""
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        response = httpx.get(url, headers={"cookie": cookies})
        for name, morsel in SimpleCookie(response.headers.get("set-cookie", "")).items():
            self._cookies[name] = morsel.value
        return response.json()


@pytest.mark.parametrize("framework", ["flask", "starlette"])
def test_one_user_served_by_two_processes(framework: str, valkey: Cache) -> None:
    """Each request goes to the other process than the one before; what one is told, the other knows."""
    with two_processes(framework, valkey) as (one, other):
        ada, bob = Browser(), Browser()
        told = [
            ada.get(f"{one}/put/pear"),
            ada.get(f"{other}/log-in/ada"),
            ada.get(f"{one}/put/plum"),
            bob.get(f"{other}/log-in/bob"),
            ada.get(f"{other}/show/me"),
            bob.get(f"{one}/revoke/ada"),
            ada.get(f"{other}/show/me"),
            bob.get(f"{other}/show/me"),
            bob.get(f"{one}/log-out/me"),
            bob.get(f"{other}/show/me"),
        ]
    assert told == [
        {"user": None, "pear": True},
        {"user": "ada", "pear": True},
        {"user": "ada", "pear": True, "plum": True},
        {"user": "bob"},
        {"user": "ada", "pear": True, "plum": True},
        {"user": "bob"},
        {"user": None},
        {"user": "bob"},
        {"user": None},
        {"user": None},
    ]
