"""The libraries' cluster clients, changed where many redirections or timeouts at once would harm their callers."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

CLUSTER_DEFAULTS = {"reinitialize_steps": 0}
"""Defaults of the cluster clients.

The libraries read the slot map at every fifth redirection. They then close or renew every connection to every node,
including connections that wait for a reply. A redirection itself says where its slot is.
"""


@cache
def cluster_class(library: str, *, asynchronous: bool) -> Any:
    """The library's cluster client with three changes.

    A command that timed out is not sent again, because the server may have executed it. Pipelines are unchanged.

    redis-py's asyncio client reads the slot map before the first command. Otherwise it would send commands to any node
    and be redirected. It asks the node that failed last for the slot map only if no other node answers. All other
    commands wait for the slot map, so one silent node would delay all of them.

    valkey-py's client does not treat one of several redirections to the same primary as a failover.
    """
    client: Any = getattr(import_module(f"{library}.asyncio" if asynchronous else library), f"{library.title()}Cluster")
    timeout = import_module(f"{library}.exceptions").TimeoutError
    changes: dict[str, Any] = {
        "ERRORS_ALLOW_RETRY": tuple(error for error in client.ERRORS_ALLOW_RETRY if not issubclass(error, timeout))
    }
    if library == "valkey":

        def __init__(self: Any, *args: Any, **options: Any) -> None:  # noqa: N807 - a constructor
            client.__init__(self, *args, **options)
            manager: Any = type(self.nodes_manager)
            # The library has no argument for this.
            self.nodes_manager.__class__ = _slots_without_false_failovers(manager)

        changes["__init__"] = __init__
    elif asynchronous:

        async def execute_command(self: Any, *args: Any, **options: Any) -> Any:
            await self.initialize()
            try:
                return await client.execute_command(self, *args, **options)
            except Exception as error:
                # The library notes the failed node when it retries a command, and timeouts are not retried.
                self._last_failed = getattr(error, "last_failed_node_name", None) or self._last_failed
                raise

        async def initialize(self: Any, *args: Any, **options: Any) -> Any:
            if self._initialize:
                options["last_failed_node_name"] = options.get("last_failed_node_name") or self._last_failed
            return await client.initialize(self, *args, **options)

        changes |= {"_last_failed": None, "execute_command": execute_command, "initialize": initialize}
    # Without __module__ it would be that of a metaclass of the library.
    return type(client.__name__, (client,), {**changes, "__module__": client.__module__})


@cache
def _slots_without_false_failovers(manager: Any) -> Any:
    """valkey-py's slot map, which treats a second redirection to a primary as a failover.

    From then on it would treat that primary as a replica, and leave it out of commands for all primaries.
    """

    def _update_moved_slots(self: Any) -> None:
        moved = self._moved_exception
        nodes = self.slots_cache.get(moved.slot_id)
        if nodes and nodes[0] is self.get_node(host=moved.host, port=moved.port):
            self._moved_exception = None
        else:
            manager._update_moved_slots(self)  # noqa: SLF001 - the overridden method

    return type(manager.__name__, (manager,), {"__slots__": (), "_update_moved_slots": _update_moved_slots})
