"""One node: its idle connections, and what happens if it does not reply."""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from pymemcache.client.base import Client  # type: ignore[import-untyped]
from pymemcache.exceptions import (  # type: ignore[import-untyped]
    MemcacheClientError,
    MemcacheServerError,
    MemcacheUnexpectedCloseError,
    MemcacheUnknownCommandError,
    MemcacheUnknownError,
)

from elasticache_client.memcached.health import Health
from elasticache_client.memcached.values import ItemSerde

if TYPE_CHECKING:
    from collections.abc import Callable

    from elasticache_client.memcached.transport import Address, Dialer

_log = logging.getLogger(__name__.rpartition(".")[0])

_MAX_IDLE = 100
# What pymemcache raises if there is no reply, a part of one, or an invalid one.
_FAULTS = (
    OSError,
    MemcacheUnexpectedCloseError,
    MemcacheUnknownError,
    MemcacheUnknownCommandError,
    ValueError,
    LookupError,
)


class NodeError(ConnectionError):
    """A node did not reply, was skipped because it is down, or rejected the command. The cause says which."""


class Node:
    """One node, thread-safe. Each command takes a connection and returns it."""

    def __init__(self, address: Address, dialer: Dialer, on_down: Callable[[], None]) -> None:
        self.address = address
        self._dialer = dialer
        self._on_down = on_down
        self._retired = False
        self._lock = threading.Lock()
        self._health = Health()
        self._idle: deque[Any] = deque()

    @property
    def is_down(self) -> bool:
        """Whether the node failed twice in a row and has not replied since."""
        return self._health.is_down

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of pymemcache's client on a connection to the node.

        Raises:
            NodeError: If the node did not reply in time, sent an invalid reply, rejected the command, or is down.
            MemcacheClientError: If the node says that the request is wrong.
        """
        if not self._health.admits():
            raise NodeError(f"{self.address} is down and was not asked. It is tried again within seconds.")
        try:
            connection = self._take()
            try:
                answer = getattr(connection, method)(*arguments)
            except BaseException:
                # The rest of the reply may still arrive.
                connection.close()
                raise
        except _FAULTS as error:
            # An invalid reply is not shown, because it may contain a value.
            known = error if isinstance(error, OSError) else None
            reason = repr(known or type(error))
            if self._health.failed():
                _log.warning("%s is down: %s", self.address, reason)
                self._on_down()
            raise NodeError(f"{self.address} sent no valid reply: {reason}") from known
        except MemcacheClientError:
            self._note_answer()
            raise
        except MemcacheServerError as error:
            self._note_answer()
            raise NodeError(f"{self.address} refused: {error}") from error
        self._note_answer()
        self._put_back(connection)
        return answer

    def retire(self) -> None:
        """Close the idle connections now, and those in use after their command."""
        with self._lock:
            self._retired = True
        while (connection := self._pop_idle()) is not None:
            connection.close()

    def start_afresh(self) -> None:
        """Drop all connections, because a forked process shares them with its parent."""
        for connection in self._idle:
            connection.close()
        self._idle.clear()
        self._health = Health()

    def _take(self) -> Any:
        while (connection := self._pop_idle()) is not None:
            # Otherwise the node has closed the connection, or has sent unexpected bytes.
            if connection.sock.is_quiet():
                return connection
            connection.close()
        connection = Client(self.address, serde=ItemSerde(), default_noreply=False)
        # pymemcache's own connect() tries only one address, and its timeout starts again with every piece received.
        connection.sock = self._dialer.dial(self.address)
        return connection

    def _put_back(self, connection: Any) -> None:
        with self._lock:
            if not self._retired and len(self._idle) < _MAX_IDLE:
                self._idle.append(connection)
                return
        connection.close()

    def _pop_idle(self) -> Any:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _note_answer(self) -> None:
        if self._health.answered():
            _log.warning("%s answers again", self.address)
