"""ElastiCache users: authentication as asked for, and the refusals of the service.

The emulator ignores AuthenticationMode, counts one password whatever was sent, accepts any number of any length, and
answers DescribeUsers with broken XML as soon as an access string contains `&`, as every `&*` does.
"""

import re
from dataclasses import dataclass
from typing import Any, Self
from xml.sax.saxutils import escape

from rehearsal.extension.seam import REFUSED, Action, Private, Query, Response, elasticache, is_true, param, params

TOUCHES = (
    Private("services.elasticache", "_users"),
    Private("services.elasticache", "_create_user", ("p",)),
    Private("services.elasticache", "_modify_user", ("p",)),
    Private("services.elasticache", "_user_xml", ("u",)),
    Private("services.elasticache", "_xml", ("status", "root_tag", "inner")),
    Private("services.elasticache", "_error", ("code", "message", "status")),
)

MODES = ("password", "no-password-required", "iam")
MOST_PASSWORDS = 2
PASSWORD = re.compile(r"""[!-~]{16,128}""")
NOT_IN_PASSWORDS = frozenset(',"/@')
# The service keeps passwords out of access strings: they would be readable in DescribeUsers.
NOT_IN_ACCESS_STRINGS = re.compile(r"(?:^|\s)([><#!]\S*|nopass|resetpass|reset)(?=\s|$)", re.IGNORECASE)


@dataclass(frozen=True)
class Authentication:
    """How a request wants the user to log in; an empty mode says nothing about it."""

    mode: str
    passwords: tuple[str, ...]

    @classmethod
    def of(cls, query: Query) -> Self:
        """Read it from whichever of the three arguments carries it."""
        passwords = params(query, "AuthenticationMode.Passwords") or params(query, "Passwords")
        if is_true(param(query, "NoPasswordRequired")):
            return cls("no-password-required", tuple(passwords))
        return cls(param(query, "AuthenticationMode.Type") or ("password" if passwords else ""), tuple(passwords))

    def fault(self) -> str | None:
        """Why the service refuses it, if it does."""
        if self.mode not in MODES:
            return f"Input Authentication type: got {self.mode!r}, allowed: {', '.join(MODES)}. Set AuthenticationMode."
        if self.mode != "password":
            return f"Password field is not allowed with authentication type: {self.mode}" if self.passwords else None
        if not 1 <= len(self.passwords) <= MOST_PASSWORDS or len(set(self.passwords)) < len(self.passwords):
            return f"got {len(self.passwords)} passwords, allowed: 1 or {MOST_PASSWORDS} that differ"
        if not all(PASSWORD.fullmatch(p) and NOT_IN_PASSWORDS.isdisjoint(p) for p in self.passwords):
            return 'Passwords must be 16 to 128 printable characters without spaces and without any of , " / @'
        return None

    def record(self) -> dict[str, Any]:
        """As DescribeUsers reports it."""
        return {"Type": self.mode.removesuffix("-required"), "PasswordCount": len(self.passwords)}


def _refuse(message: str, code: str = "InvalidParameterValue") -> Response:
    refusal: Response = elasticache._error(code, escape(message), REFUSED)
    return refusal


def _access_string_fault(query: Query) -> str | None:
    if found := NOT_IN_ACCESS_STRINGS.search(param(query, "AccessString")):
        return f"AccessString: got {found[1]!r}; passwords belong in AuthenticationMode. Take it out of the string."
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
            return _refuse("AccessString is required; `off -@all` is a user that can do nothing")
        if asked.mode == "iam" and user_id != user_name:
            return _refuse(f"UserId {user_id!r} and UserName {user_name!r} must match for IAM authentication")
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


def install() -> None:
    """Replace creation, modification and the XML of a user."""
    elasticache._create_user = _creating(elasticache._create_user)
    elasticache._modify_user = _modifying(elasticache._modify_user)
    stock = elasticache._user_xml

    def user_xml(user: dict[str, Any]) -> str:
        xml: str = stock({**user, "AccessString": escape(user["AccessString"])})
        return xml

    elasticache._user_xml = user_xml
