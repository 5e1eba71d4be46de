"""The function's configuration, read from its environment and checked before anything else happens."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

# An hour, which is what AWS's caching clients keep a secret for, and five minutes to log in.
_GRACE_SECONDS = 3900
_LONGEST_GRACE_SECONDS = 7 * 24 * 3600
_DEFAULT_USER = "default"


class Kind(StrEnum):
    """What holds the password."""

    USER = "user"
    AUTH_TOKEN = "auth-token"  # noqa: S105 - a kind, not a token


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The one secret that this function rotates, and where its password is used."""

    secret_arn: str
    kind: Kind
    user_id: str
    """Empty for an AuthToken."""
    user_name: str
    replication_group_ids: tuple[str, ...]
    serverless_cache_names: tuple[str, ...]
    grace_seconds: int
    ca_file: str | None
    """Trusted in place of the system's authorities."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Configuration:
        """Read and check the environment.

        Raises:
            Refused: If a variable is missing, empty or out of its range.
        """
        kind = _kind(_required(environment, "KIND"))
        user_name = _required(environment, "USER_NAME")
        user_id = environment.get("USER_ID", "")
        if kind is Kind.USER and not user_id:
            raise Refused(got="USER_ID is not set", allowed="KIND=user names the user", fix="Set USER_ID")
        if kind is Kind.AUTH_TOKEN and user_id:
            raise Refused(
                got=f"USER_ID={user_id!r} with KIND=auth-token",
                allowed="a group's own AuthToken belongs to no user",
                fix="Leave USER_ID out, or set KIND=user",
            )
        if kind is Kind.AUTH_TOKEN and user_name != _DEFAULT_USER:
            raise Refused(
                got=f"USER_NAME={user_name!r} with KIND=auth-token",
                allowed="an AuthToken logs in as the user default",
                fix="Set USER_NAME=default, or KIND=user",
            )
        groups = _listed(environment.get("REPLICATION_GROUP_ID", ""))
        serverless = _listed(environment.get("SERVERLESS_CACHE_NAME", ""))
        if kind is Kind.AUTH_TOKEN and (len(groups) != 1 or serverless):
            raise Refused(
                got=f"REPLICATION_GROUP_ID={','.join(groups)!r}, SERVERLESS_CACHE_NAME={','.join(serverless)!r} "
                "with KIND=auth-token",
                allowed="an AuthToken is that of one replication group",
                fix="Name one group in REPLICATION_GROUP_ID, or set KIND=user",
            )
        if not groups and not serverless:
            raise Refused(
                got="neither REPLICATION_GROUP_ID nor SERVERLESS_CACHE_NAME is set",
                allowed="the caches that accept the password are named",
                fix="Set one of the two in the function's environment, with commas between several caches",
            )
        return cls(
            secret_arn=_required(environment, "SECRET_ARN"),
            kind=kind,
            user_id=user_id,
            user_name=user_name,
            replication_group_ids=groups,
            serverless_cache_names=serverless,
            grace_seconds=_grace(environment.get("GRACE_SECONDS", str(_GRACE_SECONDS))),
            ca_file=_file(environment.get("CA_FILE")),
        )


def _required(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise Refused(
            got=f"{name} is not set",
            allowed="SECRET_ARN, KIND and USER_NAME are needed",
            fix=f"Set {name} in the function's environment",
        )
    return value


def _listed(value: str) -> tuple[str, ...]:
    return tuple(each for each in value.split(",") if each)


def _kind(value: str) -> Kind:
    try:
        return Kind(value)
    except ValueError:
        raise Refused(got=f"KIND={value!r}", allowed="user or auth-token", fix="Set KIND to one of the two") from None


def _grace(value: str) -> int:
    if not value.isdecimal() or not 1 <= int(value) <= _LONGEST_GRACE_SECONDS:
        raise Refused(
            got=f"GRACE_SECONDS={value!r}",
            allowed=f"a whole number from 1 to {_LONGEST_GRACE_SECONDS}",
            fix="Set it to the longest time a client caches the secret, and five minutes more",
        )
    return int(value)


def _file(value: str | None) -> str | None:
    if value and not Path(value).is_file():
        raise Refused(got=f"CA_FILE={value!r}", allowed="a file of certificates", fix="Ship the file, or unset CA_FILE")
    return value or None
