"""Who may log in to a cache, from the users and user groups of the emulator."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rehearsal.extension.seam import Private, elasticache
from rehearsal.live.engines.users import DEFAULT, EVERYTHING, CacheUser
from rehearsal.live.engines.valkey import hashed

if TYPE_CHECKING:
    from collections.abc import Iterable

TOUCHES = (Private("services.elasticache", "_users"), Private("services.elasticache", "_user_groups"))

Record = dict[str, Any]
HASHES = "_password_hashes"  # of a user's record: the emulator does not keep passwords
IAM = "iam"


@dataclass
class CacheAccess:
    """Who may log in to a cache by IAM; what decides about logins gets it as `Endpoint.login`.

    Attributes:
        name: Name of the cache in tokens.
        resource: The end of its ARN, such as `replicationgroup:orders` or `serverlesscache:orders`.
        iam_users: The users of type IAM, each with its password of the engine, which no client knows.
    """

    name: str
    resource: str
    iam_users: dict[str, str] = field(default_factory=dict, repr=False)

    def users(
        self, user_groups: Iterable[str], tokens: Iterable[str] = (), *, optional: bool = False
    ) -> list[CacheUser]:
        """The users for the engine; it renews `iam_users`.

        Args:
            user_groups: Ids of the user groups of the cache.
            tokens: Its AUTH tokens, if it has no user group.
            optional: Whether clients may also log in without a token.
        """
        groups = [elasticache._user_groups[name] for name in user_groups if name in elasticache._user_groups]
        records = [
            elasticache._users[user] for group in groups for user in group["UserIds"] if user in elasticache._users
        ]
        if not groups:
            self.iam_users = {}
            accepted = tuple(hashed(token) for token in tokens)
            return [CacheUser(DEFAULT, EVERYTHING, accepted, needs_password=bool(accepted) and not optional)]
        self.iam_users = {
            record["UserName"]: self.iam_users.get(record["UserName"]) or secrets.token_hex(24)
            for record in records
            if record["Authentication"]["Type"] == IAM
        }
        return [self._user(record) for record in records]

    def _user(self, record: Record) -> CacheUser:
        name, kind = record["UserName"], record["Authentication"]["Type"]
        hashes = (hashed(self.iam_users[name]),) if kind == IAM else tuple(record.get(HASHES, ()))
        return CacheUser(name, record["AccessString"], hashes, needs_password=kind != "no-password")
