"""A command is tried again after a lost connection, by the outermost of nested retries alone."""

from __future__ import annotations

from importlib import import_module

import pytest

from elasticache_client.retries import retry

_ATTEMPTS = 4


@pytest.mark.parametrize("library", ["redis", "valkey"])
def test_the_outermost_retry_tries_again(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What connects within a command passes its error on, which costs one attempt of the command and not four."""
    monkeypatch.setattr(import_module(f"{library}.retry"), "sleep", lambda _: None)
    lost = import_module(f"{library}.exceptions").ConnectionError
    attempts: list[str] = []
    forgotten: list[Exception] = []

    def connect() -> None:
        attempts.append("connect")
        raise lost

    policy = retry(library, asynchronous=False)
    with pytest.raises(lost):
        policy.call_with_retry(lambda: policy.call_with_retry(connect, forgotten.append), forgotten.append)

    assert (_ATTEMPTS, 2 * _ATTEMPTS) == (len(attempts), len(forgotten))
