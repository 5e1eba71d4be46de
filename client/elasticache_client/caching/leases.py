"""Leases: of all callers in all processes, one loads a value, and the others wait for it."""

from __future__ import annotations

import logging
import math
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from elasticache_client.caching.errors import LoadFailed, Refused, Unavailable
from elasticache_client.caching.nesting import current, waits_for_itself
from elasticache_client.caching.results import Request, Result, without_digest
from elasticache_client.caching.scripts import BEGIN_LOAD, END_LOAD, FAIL_LOAD
from elasticache_client.steps import clean_up

if TYPE_CHECKING:
    from elasticache_client.caching.entries import Policy
    from elasticache_client.caching.loading import Loader, LoadMany
    from elasticache_client.caching.server import Server
    from elasticache_client.caching.settings import Settings
    from elasticache_client.steps import Backend, Steps

_logger = logging.getLogger(__name__)

_FIRST_POLL_SECONDS = 0.005
_LONGEST_POLL_SECONDS = 0.05
_REMEMBERED_LEASES = 20


@dataclass(slots=True)
class _Answers:
    """What the server answered for each key.

    Attributes:
        results: The values that can be served, by key.
        leased: The keys that this caller has the lease of.
        waiting: The keys that another caller has the lease of.
        lease_ends: In how many seconds the first of those leases ends.
        failure: The error of another caller's load.
        lost: The keys without an answer.
    """

    results: dict[str, Result] = field(default_factory=dict)
    leased: list[Request] = field(default_factory=list)
    waiting: list[Request] = field(default_factory=list)
    lease_ends: float = math.inf
    failure: LoadFailed | None = None
    lost: list[str] = field(default_factory=list)


class Leases:
    """Acquires leases, loads under them, and stores what no write has overtaken.

    Args:
        server: The cache server.
        loader: What calls the functions that load.
        settings: The cache's settings.
        backend: How to wait.

    Attributes:
        milliseconds: How long a lease lasts, and how long the right to store what was loaded under it.
    """

    def __init__(self, server: Server, loader: Loader, settings: Settings, backend: Backend) -> None:
        self.stats = server.stats
        self._server = server
        self._loader = loader
        self._backend = backend
        lease_ms = max(1, round(settings.lease * 1000))
        self.milliseconds = (lease_ms, lease_ms * _REMEMBERED_LEASES)

    def obtain(self, requests: list[Request], load: LoadMany, policy: Policy[Any]) -> Steps[dict[str, Result]]:
        """Obtain what is missing or due: the caller that gets a key's lease loads it, and the others wait.

        Args:
            requests: What is missing or due.
            load: The function that loads.
            policy: How the values are cached.

        Raises:
            LoadFailed: If another caller's load has failed.
        """
        results: dict[str, Result] = {}
        token = secrets.token_hex(8)
        pause = _FIRST_POLL_SECONDS
        work = current()
        while requests:
            asked_at = time.monotonic()
            begin = [
                (
                    request.name,
                    token,
                    *self.milliseconds,
                    request.near_ms,
                    request.stale_ms,
                    request.rejected,
                    request.usable_digest,
                )
                for request in requests
            ]
            try:
                replies = yield from self._server.run_all(BEGIN_LOAD, begin)
            except BaseException as error:
                # The reply that this caller no longer waits for may have been the lease.
                names = [request.name for request in requests]
                yield from clean_up(self._backend, self.give_back(names, token), error)
                raise
            answers = self._sorted(requests, replies, asked_at, policy)
            results |= answers.results
            if answers.leased:
                results |= yield from self._load(answers.leased, token, load, policy)
            if answers.lost:
                results |= yield from self._loader.load_bypassing(answers.lost, load, policy)
            if answers.failure is not None:
                self.stats.misses += 1
                raise answers.failure
            requests = answers.waiting
            if work is not None:
                own = [each.key for each in requests if waits_for_itself(work, self._server.identity(each.key))]
                results |= yield from self._loader.load_within(own, load, policy)
                requests = [request for request in requests if request.key not in own]
            if requests and not answers.leased:
                yield self._backend.sleep(min(pause, answers.lease_ends))
                pause = min(pause * 1.5, _LONGEST_POLL_SECONDS)
        return results

    def give_back(self, names: list[str], token: str, error: str = "") -> Steps[None]:
        """End leases without a value: the waiting callers are told of an error, or the next one loads.

        Args:
            names: The keys or variants.
            token: The token that the leases were acquired with.
            error: The name of the error's type. Default: there was none.
        """
        if not names:
            return
        answers = yield from self._server.run_all(FAIL_LOAD, [(name, token, error) for name in names])
        for name, answer in zip(names, answers, strict=True):
            if isinstance(answer, Refused):
                self._server.release_later(name)

    def serve_usable(self, request: Request, usable: bytes) -> Result:
        """Serve the stored value while another caller refreshes it."""
        self.stats.stale += 1
        return Result(usable, request.read_at)

    def _sorted(self, requests: list[Request], replies: list[Any], asked_at: float, policy: Policy[Any]) -> _Answers:
        answers = _Answers()
        for request, reply in zip(requests, replies, strict=True):
            if isinstance(reply, Unavailable):
                if request.usable is not None:
                    answers.results[request.key] = self.serve_usable(request, request.usable)
                else:
                    answers.lost.append(request.key)
                continue
            state, *facts = reply
            if state == b"load":
                answers.leased.append(request)
            elif state == b"value":
                found = without_digest(facts[0], request.variant_of)
                if found is not None and policy.decode(found) is not None:
                    answers.results[request.key] = self._serve_found(request, found, asked_at)
                else:
                    request.reject(facts[0], policy)
                    answers.waiting.append(request)
            elif request.usable is not None:
                answers.results[request.key] = self.serve_usable(request, request.usable)
            elif state == b"failed":
                answers.failure = LoadFailed(request.key, facts[1].decode(), facts[0] / 1000)
            else:
                answers.waiting.append(request)
                # If the holder has died, its lease is not waited for any longer.
                answers.lease_ends = min(answers.lease_ends, facts[0] / 1000)
        return answers

    def _load(self, leased: list[Request], token: str, load: LoadMany, policy: Policy[Any]) -> Steps[dict[str, Result]]:
        """Load under the leases, and store what no write has overtaken."""
        names = {request.key: request.name for request in leased}
        self.stats.misses += len(leased)
        started_at = time.monotonic()
        try:
            loaded = yield from self._loader.load(list(names), load, policy)
        except BaseException as error:
            usable = {each.key: Result(each.usable, each.read_at) for each in leased if each.usable is not None}
            # What is no Exception says nothing of the database: a cancellation, a signal, a timeout of gevent's. Nor is
            # an answer a failure.
            is_failure = isinstance(error, Exception) and not isinstance(error, policy.answers)
            failure = _name_of(error) if is_failure else ""
            yield from clean_up(self._backend, self.give_back(list(names.values()), token, failure), error)
            if isinstance(error, policy.answers):
                # The answer is newer than the stored value.
                outdated = [names[key] for key in usable]
                yield from clean_up(self._backend, self._server.remove(outdated), error)
            if not failure or len(usable) < len(leased):
                raise
            _logger.warning("A refresh failed (%s); the stored value is still served", failure)
            return usable
        ended_at = time.monotonic()
        results = {key: one.result(started_at) for key, one in loaded.items()}
        unstored = [names[key] for key, one in loaded.items() if one.content is None]
        end = [
            (request.name, token, request.variant_of + content, loaded[request.key].keep_ms)
            for request in leased
            if (content := loaded[request.key].content) is not None
        ]
        try:
            stored = (yield from self._server.run_all(END_LOAD, end)) if end else []
            unstored += [call[0] for call, answer in zip(end, stored, strict=True) if isinstance(answer, Unavailable)]
            yield from self.give_back(unstored, token)
        except BaseException as error:
            yield from clean_up(self._backend, self.give_back(list(names.values()), token), error)
            raise
        kept = {name for (name, *_), answer in zip(end, stored, strict=True) if answer == 1}
        return results | {key: loaded[key].result(ended_at) for key, name in names.items() if name in kept}

    def _serve_found(self, request: Request, content: bytes, asked_at: float) -> Result:
        if request.usable is None:
            self.stats.misses += 1
            self.stats.shared += 1
        else:
            self.stats.hits += 1
        return Result(content, asked_at)


def _name_of(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
