"""The AuthToken of a replication group without users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .calls import call
from .credential import State
from .errors import Refused

if TYPE_CHECKING:
    from .configuration import Configuration
    from .patience import Patience
    from .secret import Login


class AuthToken:
    """ModifyReplicationGroup: ROTATE adds a token and drops the older of two, SET keeps the one added last.

    DELETE is not for this: it opens the cache to everybody.
    """

    keeps_strays = True

    def __init__(self, client: Any, configuration: Configuration, patience: Patience) -> None:
        self._client = client
        self._group = configuration.replication_group_id
        self._patience = patience

    def state(self) -> State:
        """Look at the group.

        Raises:
            Refused: When it has no token, or has users.
        """
        group = call(self._client.describe_replication_groups, ReplicationGroupId=self._group)["ReplicationGroups"][0]
        if not group.get("AuthTokenEnabled") or group.get("UserGroupIds"):
            raise Refused(
                got=f"group {self._group} without an AuthToken, or with users",
                allowed="KIND=auth-token rotates a group's own AuthToken",
                fix="Set KIND=user and the user that carries the password",
            )
        return State(self._changing(group), (self._group,))

    def accept_both(self, pending: Login, current: Login) -> None:  # noqa: ARG002 - the service keeps it
        """Add the pending token to the current one."""
        self._modify(pending, "ROTATE")

    def keep_only(self, login: Login, *, newest: bool) -> None:
        """Drop every other token; one that is not the newest is made so first, since SET takes no other."""
        if not newest:
            self._modify(login, "ROTATE")
            self._patience.until(lambda: self.state().changing)
        self._modify(login, "SET")

    def _modify(self, login: Login, strategy: str) -> None:
        call(
            self._client.modify_replication_group,
            ReplicationGroupId=self._group,
            AuthToken=login.password,
            AuthTokenUpdateStrategy=strategy,
            ApplyImmediately=True,
        )

    def _changing(self, group: dict[str, Any]) -> str | None:
        token = group.get("PendingModifiedValues", {}).get("AuthTokenStatus")
        if token:
            return f"the AuthToken of {self._group} is {token}"
        return None if group["Status"] == "available" else f"group {self._group} is {group['Status']}"
