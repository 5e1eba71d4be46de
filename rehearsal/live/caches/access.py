"""Who may log in to a cache, from the users and user groups of the emulator."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import Private, elasticache
from rehearsal.live.engines.users import DEFAULT, EVERYTHING, CacheUser
from rehearsal.live.engines.valkey import hashed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TOUCHES = (Private("services.elasticache", "_users"), Private("services.elasticache", "_user_groups"))

Record = dict[str, Any]
HASHES = "_password_hashes"  # of a user's record: the emulator does not keep passwords
IAM, OPEN = "iam", "no-password"


@dataclass
class CacheAccess:
    """Who may log in to a cache; what decides about logins gets it as `Endpoint.login`.

    Every user of the engine has a password, so that its port for replication is open to no client. Where clients need
    none, or a token of IAM, the edge sends one that no client knows.

    Attributes:
        name: Name of the cache in tokens.
        resource: The end of its ARN, such as `replicationgroup:orders` or `serverlesscache:orders`.
        iam_users: The users of type IAM with their passwords of the engine.
        open_users: The users who need no password, with theirs.
        default_password: That of the user `default` if clients need no login; None if they need one.
    """

    name: str
    resource: str
    iam_users: dict[str, str] = field(default_factory=dict, repr=False)
    open_users: dict[str, str] = field(default_factory=dict, repr=False)
    default_password: str | None = field(default=None, repr=False)

    def users(
        self, user_groups: Iterable[str], tokens: Iterable[str] = (), *, optional: bool = False
    ) -> list[CacheUser]:
        """The users for the engine; it renews the passwords that the edge sends.

        Args:
            user_groups: Ids of the user groups of the cache.
            tokens: Its AUTH tokens, if it has no user group.
            optional: Whether clients may also log in without a token.
        """
        groups = [elasticache._user_groups[name] for name in user_groups if name in elasticache._user_groups]
        if not groups:
            return [self._of_tokens(tuple(tokens), optional=optional)]
        records = [
            elasticache._users[user] for group in groups for user in group["UserIds"] if user in elasticache._users
        ]
        self.iam_users = self._passwords(records, IAM, self.iam_users)
        self.open_users = self._passwords(records, OPEN, self.open_users)
        users = [self._user(record) for record in records]
        # A default user who is off needs no password either, and yet no client is logged in as it.
        is_open = any(user.name == DEFAULT and user.is_on for user in users)
        self.default_password = self.open_users.get(DEFAULT) if is_open else None
        return users

    def _of_tokens(self, tokens: tuple[str, ...], *, optional: bool) -> CacheUser:
        is_open = optional or not tokens
        self.iam_users, self.open_users = {}, {}
        self.default_password = (self.default_password or secrets.token_hex(24)) if is_open else None
        accepted = (*tokens, self.default_password) if self.default_password else tokens
        return CacheUser(DEFAULT, EVERYTHING, tuple(hashed(token) for token in accepted))

    def _passwords(self, records: Iterable[Record], kind: str, known: Mapping[str, str]) -> dict[str, str]:
        names = [record["UserName"] for record in records if record["Authentication"]["Type"] == kind]
        return {name: known.get(name) or secrets.token_hex(24) for name in names}

    def _user(self, record: Record) -> CacheUser:
        name = record["UserName"]
        own = self.iam_users.get(name) or self.open_users.get(name)
        hashes = (hashed(own),) if own is not None else tuple(record.get(HASHES, ()))
        return CacheUser(name, record["AccessString"], hashes)
