"""A command is tried again after a lost connection, by the outermost of nested retries alone."""

from __future__ import annotations

import asyncio
from importlib import import_module

import pytest

from elasticache_client.retries import retry

_ATTEMPTS = 4


@pytest.mark.parametrize("library", ["redis", "valkey"])
def test_the_outermost_retry_tries_again(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An attempt to connect within a command is made once for each attempt at the command, and raises its error."""
    monkeypatch.setattr(import_module(f"{library}.retry"), "sleep", lambda _: None)
    lost = import_module(f"{library}.exceptions").ConnectionError
    attempts: list[str] = []
    failures: list[Exception] = []

    def connect() -> None:
        attempts.append("connect")
        raise lost

    policy = retry(library, asynchronous=False)
    with pytest.raises(lost):
        policy.call_with_retry(lambda: policy.call_with_retry(connect, failures.append), failures.append)

    assert (_ATTEMPTS, 2 * _ATTEMPTS) == (len(attempts), len(failures))


@pytest.mark.parametrize("library", ["redis", "valkey"])
def test_the_outermost_retry_of_asyncio_tries_again(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As that of threads."""
    lost = import_module(f"{library}.exceptions").ConnectionError
    attempts: list[str] = []
    failures: list[Exception] = []

    async def nothing(_: float) -> None:
        """Wait for nothing."""

    async def connect() -> None:
        attempts.append("connect")
        raise lost

    async def fail(error: Exception) -> None:
        failures.append(error)

    monkeypatch.setattr(import_module(f"{library}.asyncio.retry"), "sleep", nothing)
    policy = retry(library, asynchronous=True)
    with pytest.raises(lost):
        asyncio.run(policy.call_with_retry(lambda: policy.call_with_retry(connect, fail), fail))

    assert (_ATTEMPTS, 2 * _ATTEMPTS) == (len(attempts), len(failures))
