"""Lua scripts that run on any node, including a node that has not loaded them."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any

from elasticache_client.failures import code_of, slot_is_migrating
from elasticache_client.steps import backend_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from elasticache_client.steps import Steps

# A slot with large keys takes longer to move to another shard than the 0.4 seconds that cluster clients retry.
_SLOT_SECONDS = 3.0
_SLOT_POLL_SECONDS = 0.1


class Script:
    """A script that is called by its digest, and sent in full to a node that does not know it.

    The libraries' own scripts are loaded first and called again by digest, which fails if a failover happens in
    between. While the slot of the keys moves to another shard, some keys are on each side; the script is then retried
    for up to three seconds.

    Args:
        client: A client of redis-py or valkey-py, blocking or asyncio.
        text: The script in Lua.
    """

    def __init__(self, client: Any, text: str) -> None:
        self._client = client
        self._text = text
        self._digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        self._backend = backend_of(client)

    def __call__(self, keys: Sequence[Any], args: Sequence[Any]) -> Steps[Any]:
        """Run the script. Returns steps.

        Args:
            keys: The keys that the script reads or writes. In a cluster, they must share a slot.
            args: The script's other arguments.
        """
        end = time.monotonic() + _SLOT_SECONDS
        while True:
            try:
                return (yield from self._run_once(len(keys), *keys, *args))
            except Exception as error:
                if not slot_is_migrating(error) or time.monotonic() > end:
                    raise
            yield self._backend.sleep(_SLOT_POLL_SECONDS)

    def _run_once(self, *arguments: Any) -> Steps[Any]:
        try:
            return (yield self._client.evalsha(self._digest, *arguments))
        except Exception as error:
            if code_of(error) != "NOSCRIPT":
                raise
        return (yield self._client.eval(self._text, *arguments))
