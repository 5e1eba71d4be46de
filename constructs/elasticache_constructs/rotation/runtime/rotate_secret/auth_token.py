"""The AuthToken of a replication group without users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .calls import call
from .credential import State
from .errors import Refused

if TYPE_CHECKING:
    from .configuration import Configuration
    from .deadline import Deadline
    from .secret import Login


class AuthToken:
    """ModifyReplicationGroup: ROTATE adds a token and drops the older of two, SET keeps the one added last.

    DELETE is never used: it removes authentication.
    """

    keeps_abandoned = True

    def __init__(self, client: Any, configuration: Configuration, deadline: Deadline) -> None:
        self._client = client
        (self._group,) = configuration.replication_group_ids
        self._deadline = deadline

    def state(self) -> State:
        """Read the group's state.

        Raises:
            Refused: If it has no token, or has users.
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
        """Drop every other token. SET keeps the newest one, so an older one is added again first."""
        if not newest:
            self._modify(login, "ROTATE")
            self._deadline.until(lambda: self.state().changing)
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
