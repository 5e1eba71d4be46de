"""Lua scripts that any node runs, also one that has not met them yet."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import time
from typing import TYPE_CHECKING, Any

from elasticache_client.failures import code_of, is_on_the_move

if TYPE_CHECKING:
    from collections.abc import Sequence

# A slot with large keys takes longer to move to another shard than the cluster clients try again, 0.4 seconds.
_SLOT_SECONDS = 3.0
_SLOT_POLL_SECONDS = 0.1


class Script:
    """A script that is called by its digest, and sent whole to a node that does not know it.

    The libraries' own loads it first and calls it again by its digest: a failover between the two has it fail. While
    the keys' slot moves to another shard it is tried again for up to three seconds: some keys are here and some there.

    Args:
        client: a client of redis-py or valkey-py, blocking or for asyncio.
        text: the script in Lua.
    """

    def __init__(self, client: Any, text: str) -> None:
        self._client = client
        self._text = text
        self._digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        self._call = self._call_async if inspect.iscoroutinefunction(client.execute_command) else self._call_sync

    def __call__(self, keys: Sequence[Any], args: Sequence[Any]) -> Any:
        """Run it; for asyncio, what is to be awaited.

        Args:
            keys: the keys that it reads or writes; in a cluster, of one slot.
            args: its other arguments.
        """
        return self._call(len(keys), *keys, *args)

    def _call_sync(self, *arguments: Any) -> Any:
        end = time.monotonic() + _SLOT_SECONDS
        while True:
            try:
                return self._run_once(*arguments)
            except Exception as error:
                if not is_on_the_move(error) or time.monotonic() > end:
                    raise
            time.sleep(_SLOT_POLL_SECONDS)

    def _run_once(self, *arguments: Any) -> Any:
        try:
            return self._client.evalsha(self._digest, *arguments)
        except Exception as error:
            if code_of(error) != "NOSCRIPT":
                raise
        return self._client.eval(self._text, *arguments)

    async def _call_async(self, *arguments: Any) -> Any:
        end = time.monotonic() + _SLOT_SECONDS
        while True:
            try:
                return await self._run_once_async(*arguments)
            except Exception as error:
                if not is_on_the_move(error) or time.monotonic() > end:
                    raise
            await asyncio.sleep(_SLOT_POLL_SECONDS)

    async def _run_once_async(self, *arguments: Any) -> Any:
        try:
            return await self._client.evalsha(self._digest, *arguments)
        except Exception as error:
            if code_of(error) != "NOSCRIPT":
                raise
        return await self._client.eval(self._text, *arguments)
