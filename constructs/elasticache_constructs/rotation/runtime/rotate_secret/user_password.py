"""The password of a user in a user group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .calls import call
from .credential import State
from .errors import Refused

if TYPE_CHECKING:
    from .configuration import Configuration
    from .secret import Login


class UserPassword:
    """ModifyUser, which replaces all passwords at once, so that repeating it changes nothing."""

    keeps_abandoned = False

    def __init__(self, client: Any, configuration: Configuration) -> None:
        self._client = client
        self._configuration = configuration

    def state(self) -> State:
        """Read the state of the user and of the groups it can log in to.

        Raises:
            Refused: If it has another name or no password, or cannot log in to a cache that it should.
        """
        wanted = self._configuration
        user = call(self._client.describe_users, UserId=wanted.user_id)["Users"][0]
        if user["UserName"] != wanted.user_name:
            raise Refused(
                got=f"user {wanted.user_id} named {user['UserName']!r}",
                allowed=f"USER_NAME is {wanted.user_name!r}",
                fix="Set USER_ID and USER_NAME of the same user",
            )
        kind = user["Authentication"]["Type"]
        if kind != "password":
            raise Refused(
                got=f"user {wanted.user_id} with authentication {kind!r}",
                allowed="only a password can be rotated",
                fix="Take the rotation away, or give the user a password",
            )
        changing = None if user["Status"] == "active" else f"user {wanted.user_id} is {user['Status']}"
        count = user["Authentication"].get("PasswordCount")
        groups, serverless = self._caches(user["UserGroupIds"])
        return State(changing, groups, serverless, None if count is None else int(count))

    def accept_both(self, pending: Login, current: Login) -> None:
        """Give the user both passwords."""
        self._modify(pending.password, current.password)

    def keep_only(self, login: Login, *, newest: bool) -> None:  # noqa: ARG002 - it makes no difference here
        """Give the user this password alone."""
        self._modify(login.password)

    def _modify(self, *passwords: str) -> None:
        call(self._client.modify_user, UserId=self._configuration.user_id, Passwords=list(passwords))

    def _caches(self, user_groups: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The replication groups and the serverless caches that the user can log in to, whichever group it is by."""
        groups: set[str] = set()
        serverless: set[str] = set()
        for name in user_groups:
            group = call(self._client.describe_user_groups, UserGroupId=name)["UserGroups"][0]
            groups.update(group.get("ReplicationGroups", ()))
            serverless.update(group.get("ServerlessCaches", ()))
        wanted = self._configuration
        for variable, named, found in (
            ("REPLICATION_GROUP_ID", wanted.replication_group_ids, groups),
            ("SERVERLESS_CACHE_NAME", wanted.serverless_cache_names, serverless),
        ):
            if missing := sorted(set(named) - found):
                raise Refused(
                    got=f"user {wanted.user_id} on {sorted(groups | serverless)}",
                    allowed=f"{variable} is {','.join(named)!r}",
                    fix=f"Attach the user's group to {missing[0]}, or set {variable}",
                )
        return tuple(sorted(groups)), tuple(sorted(serverless))
