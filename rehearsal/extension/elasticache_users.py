"""ElastiCache users: their authentication, and the errors of ElastiCache.

The emulator ignores AuthenticationMode, counts one password regardless of the request, and accepts any number of
passwords of any length. DescribeUsers returns invalid XML if an access string contains `&`, as `&*` does. Nor does
DescribeUserGroups name the serverless caches that have a group.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from xml.sax.saxutils import escape

from rehearsal.extension.seam import REFUSED, Action, Private, Query, Response, elasticache, is_true, param, params
from verification.messages import refusal

if TYPE_CHECKING:
    from collections.abc import Callable

TOUCHES = (
    Private("services.elasticache", "_users"),
    Private("services.elasticache", "_create_user", ("p",)),
    Private("services.elasticache", "_modify_user", ("p",)),
    Private("services.elasticache", "_user_xml", ("u",)),
    Private("services.elasticache", "_user_group_xml", ("g",)),
    Private("services.elasticache", "_serverless_caches"),
    Private("services.elasticache", "_xml", ("status", "root_tag", "inner")),
    Private("services.elasticache", "_error", ("code", "message", "status")),
)

MODES = ("password", "no-password-required", "iam")
MAX_PASSWORDS = 2
PASSWORD = re.compile(r"""[!-~]{16,128}""")
NOT_IN_PASSWORDS = frozenset(',"/@')
# ElastiCache refuses passwords in access strings, since DescribeUsers would return them.
NOT_IN_ACCESS_STRINGS = re.compile(r"(?:^|\s)([><#!]\S*|nopass|resetpass|reset)(?=\s|$)", re.IGNORECASE)


@dataclass(frozen=True)
class Authentication:
    """How a user logs in, according to a request.

    Attributes:
        mode: One of `MODES`; empty if the request does not name one.
        passwords: The passwords of the request.
    """

    mode: str
    passwords: tuple[str, ...]

    @classmethod
    def of(cls, query: Query) -> Self:
        """Read it from AuthenticationMode, Passwords or NoPasswordRequired."""
        passwords = params(query, "AuthenticationMode.Passwords") or params(query, "Passwords")
        if is_true(param(query, "NoPasswordRequired")):
            return cls("no-password-required", tuple(passwords))
        return cls(param(query, "AuthenticationMode.Type") or ("password" if passwords else ""), tuple(passwords))

    def fault(self) -> str | None:
        """Why ElastiCache refuses it, or None."""
        if self.mode not in MODES:
            return refusal(
                got=f"Input Authentication type {self.mode!r}",
                allowed=f"must be one of {', '.join(MODES)}",
                fix="Set AuthenticationMode",
            )
        if self.mode != "password":
            # AWS's own message.
            return f"Password field is not allowed with authentication type: {self.mode}" if self.passwords else None
        if not 1 <= len(self.passwords) <= MAX_PASSWORDS or len(set(self.passwords)) < len(self.passwords):
            return refusal(
                got=f"{len(self.passwords)} passwords",
                allowed=f"must be 1 or {MAX_PASSWORDS}, which differ",
                fix="Change AuthenticationMode.Passwords",
            )
        if not all(PASSWORD.fullmatch(p) and NOT_IN_PASSWORDS.isdisjoint(p) for p in self.passwords):
            return refusal(
                got="a password that is not valid",
                allowed='must be 16 to 128 printable characters without spaces and without any of , " / @',
                fix="Let Secrets Manager generate it with ExcludePunctuation",
            )
        return None

    def record(self) -> dict[str, Any]:
        """The form that DescribeUsers returns."""
        return {"Type": self.mode.removesuffix("-required"), "PasswordCount": len(self.passwords)}


def _refuse(message: str, code: str = "InvalidParameterValue") -> Response:
    refusal: Response = elasticache._error(code, escape(message), REFUSED)
    return refusal


def _access_string_fault(query: Query) -> str | None:
    if found := NOT_IN_ACCESS_STRINGS.search(param(query, "AccessString")):
        return refusal(
            got=f"AccessString with {found[1]!r}",
            allowed="passwords are set by AuthenticationMode",
            fix="Remove it from the access string",
        )
    return None


def _answer(action: str, user: dict[str, Any]) -> Response:
    inner = f"<{action}Result>{elasticache._user_xml(user)}</{action}Result>"
    response: Response = elasticache._xml(200, f"{action}Response", inner)
    return response


def _creating(stock: Action) -> Action:
    def create_user(query: Query) -> Response:
        asked = Authentication.of(query)
        user_id, user_name = param(query, "UserId"), param(query, "UserName")
        if fault := asked.fault() or _access_string_fault(query):
            return _refuse(fault)
        if not param(query, "AccessString").strip():
            return _refuse(
                refusal(
                    got="no AccessString",
                    allowed="it is required",
                    fix="Set it, for a disabled user without permissions to `off -@all`",
                )
            )
        if asked.mode == "iam" and user_id != user_name:
            return _refuse(
                refusal(
                    got=f"UserId {user_id!r} and UserName {user_name!r}",
                    allowed="must be equal for IAM authentication",
                    fix="Give both the same value",
                )
            )
        response = stock(query)
        if response[0] >= REFUSED:
            return response
        user = elasticache._users[user_id]
        user["Authentication"] = asked.record()
        return _answer("CreateUser", user)

    return create_user


def _modifying(stock: Action) -> Action:
    def modify_user(query: Query) -> Response:
        asked = Authentication.of(query)
        if fault := (asked.mode and asked.fault()) or _access_string_fault(query):
            return _refuse(fault)
        response = stock(query)
        if response[0] >= REFUSED:
            return response
        user = elasticache._users[param(query, "UserId")]
        if asked.mode:
            user["Authentication"] = asked.record()
        return _answer("ModifyUser", user)

    return modify_user


def _with_serverless_caches(stock: Callable[[dict[str, Any]], str]) -> Callable[[dict[str, Any]], str]:
    def user_group_xml(group: dict[str, Any]) -> str:
        caches = [
            name
            for name, cache in elasticache._serverless_caches.items()
            if cache.get("UserGroupId") == group["UserGroupId"]
        ]
        listed = "".join(f"<member>{name}</member>" for name in caches)
        return f"{stock(group)}<ServerlessCaches>{listed}</ServerlessCaches>"

    return user_group_xml


def install() -> None:
    """Replace CreateUser, ModifyUser and the XML of users and of user groups."""
    elasticache._create_user = _creating(elasticache._create_user)
    elasticache._modify_user = _modifying(elasticache._modify_user)
    stock = elasticache._user_xml

    def user_xml(user: dict[str, Any]) -> str:
        xml: str = stock({**user, "AccessString": escape(user["AccessString"])})
        return xml

    elasticache._user_xml = user_xml
    elasticache._user_group_xml = _with_serverless_caches(elasticache._user_group_xml)
