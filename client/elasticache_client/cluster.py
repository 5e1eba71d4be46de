"""The libraries' cluster clients, kept from what harms their callers when much happens at once."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

CLUSTER_DEFAULTS = {"reinitialize_steps": 0}
"""What the clients are made with unless the caller says otherwise.

By default they read all slots again at every fifth redirection, and close or renew every connection to every node with
that, those that wait for an answer too. A redirection itself says where its slot is.
"""


@cache
def cluster_class(library: str, *, asynchronous: bool) -> Any:
    """The library's cluster client, changed in three ways.

    A command that has timed out is not sent again: it may have been carried out. Pipelines keep the library's ways.

    redis-py's for asyncio reads the slots before the first command. It would send commands to any node meanwhile, and
    have them redirected. It asks the node that failed last for the slots, if at all, when no other answers: all other
    commands wait for the slots, and a silent node would be waited for by everybody.

    valkey-py's takes one redirection of several to the same primary for news.
    """
    client: Any = getattr(import_module(f"{library}.asyncio" if asynchronous else library), f"{library.title()}Cluster")
    timeout = import_module(f"{library}.exceptions").TimeoutError
    changes: dict[str, Any] = {
        "ERRORS_ALLOW_RETRY": tuple(each for each in client.ERRORS_ALLOW_RETRY if not issubclass(each, timeout))
    }
    if library == "valkey":

        def __init__(self: Any, *args: Any, **options: Any) -> None:  # noqa: N807  # it is one
            client.__init__(self, *args, **options)
            manager: Any = type(self.nodes_manager)
            # The library has no argument for it.
            self.nodes_manager.__class__ = _heeding_news_alone(manager)

        changes["__init__"] = __init__
    elif asynchronous:

        async def execute_command(self: Any, *args: Any, **options: Any) -> Any:
            await self.initialize()
            try:
                return await client.execute_command(self, *args, **options)
            except Exception as error:
                # The library keeps it for a command's own retries, and a timeout has none.
                self._last_failed = getattr(error, "last_failed_node_name", None) or self._last_failed
                raise

        async def initialize(self: Any, *args: Any, **options: Any) -> Any:
            if self._initialize:
                options["last_failed_node_name"] = options.get("last_failed_node_name") or self._last_failed
            return await client.initialize(self, *args, **options)

        changes |= {"_last_failed": None, "execute_command": execute_command, "initialize": initialize}
    # Else it would be that of a metaclass of the library.
    return type(client.__name__, (client,), {**changes, "__module__": client.__module__})


@cache
def _heeding_news_alone(manager: Any) -> Any:
    """valkey-py's knowledge of slots, which takes a second redirection to a primary for a failover.

    It would hold that primary for a replica from then on, and leave it out of what goes to all primaries.
    """

    def _update_moved_slots(self: Any) -> None:
        moved = self._moved_exception
        nodes = self.slots_cache.get(moved.slot_id)
        if nodes and nodes[0] is self.get_node(host=moved.host, port=moved.port):
            self._moved_exception = None
        else:
            manager._update_moved_slots(self)  # noqa: SLF001  # the one that is gone round

    return type(manager.__name__, (manager,), {"__slots__": (), "_update_moved_slots": _update_moved_slots})
