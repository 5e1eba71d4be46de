"""Users of a database."""

from __future__ import annotations

import re
from dataclasses import dataclass

from elasticache_constructs.checks.argument_types import Kind, check_kind
from elasticache_constructs.checks.errors import ConfigurationError

_LONGEST_NAME = 63
_TAKEN = re.compile(r"(administrator|postgres|public|user|rdsadmin|rdsrepladmin|(rds|pg)_.*)")


@dataclass(frozen=True, slots=True)
class DatabaseUser:
    """A user that logs in with a short-lived token signed by its IAM role; there is no password to keep.

    It owns what it creates, in a schema that is named after it. The role needs `Database.grant_connect`.

    Args:
        name: Its name in the database.

    Raises:
        ConfigurationError: If the name is not of lower-case letters, digits and underscores, is longer than 63
            characters, or is one that PostgreSQL, RDS or the administrator has.
    """

    name: str

    def __post_init__(self) -> None:
        """Refuse names that the database would refuse, or that would need quotes."""
        check_kind("DatabaseUser", "name", self.name, Kind(of=str, example="'catalogue'", literal=True))
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name) or len(self.name) > _LONGEST_NAME:
            raise ConfigurationError(
                got=f"DatabaseUser({self.name!r})",
                allowed="a name begins with a letter and has lower-case letters, digits and underscores, "
                f"{_LONGEST_NAME} at most",
                fix="Use a name like 'catalogue'",
            )
        if _TAKEN.fullmatch(self.name):
            raise ConfigurationError(
                got=f"DatabaseUser({self.name!r})",
                allowed="PostgreSQL, RDS and the administrator have that name, or all that begin like it",
                fix="Use the name of the application, for example 'catalogue'",
                page="https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.PostgreSQL.CommonDBATasks.Roles.html",
            )
