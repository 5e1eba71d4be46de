"""Who logs in, and over what: logins and encryption in transit depend on each other."""

from __future__ import annotations

import functools
import itertools
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from elasticache_constructs import Access, DefaultUser, IamUser, PasswordUser, TransitEncryption
from tests.deployable.drawing import permissions
from tests.deployable.drawing.reasons import REASON
from tests.deployable.written import Call, call

if TYPE_CHECKING:
    from tests.deployable.drawing.engines import Known

_NAMES = ("app", "orders-api", "reader", "batch-2", "a", "nineteen-characters")


@st.composite
def with_encryption(draw: st.DrawFn, known: Known, slips: set[str]) -> tuple[Call, Call]:
    """An access and the encryption that goes with it."""
    kind = draw(st.sampled_from(_kinds(known, slips)))
    preferred = known.supports("transit_encryption_mode")
    required, off = call(TransitEncryption.required), call(TransitEncryption.disabled, reason=REASON)
    ways = (required, off, call(TransitEncryption.preferred, reason=REASON)) if preferred else (required, off)
    if "transit_encryption" in slips:
        shortly = call(TransitEncryption.preferred, reason="soon")
        encryption = draw(st.sampled_from((off, call(TransitEncryption.preferred, reason=REASON), shortly)))
    else:
        encryption = draw(st.sampled_from(ways)) if kind == "open" else required
    return draw(of_kind(kind, known, slips)), encryption


def _kinds(known: Known, slips: set[str]) -> tuple[str, ...]:
    if "permissions" in slips:
        return ("users",)
    if "access" in slips:
        return ("users", "users", "users", "token", "open")
    if "transit_encryption" in slips:
        return ("users", "token", "open", "open")
    return ("users", "users", "users", "token", "open") if known.supports("user_groups") else ("token", "open")


@st.composite
def of_kind(draw: st.DrawFn, kind: str, known: Known, slips: set[str]) -> Call:
    """An access by ``users``, by a ``token``, or ``open`` to every client."""
    if kind == "token":
        return call(Access.auth_token)
    if kind == "open":
        return call(
            Access.without_login, reason=REASON if "access" not in slips else draw(st.sampled_from(("", REASON)))
        )
    careless = "access" in slips
    kinds = (IamUser, PasswordUser) if careless or known.supports("iam") else (PasswordUser,)
    names = draw(_any_names() if careless else st.lists(st.sampled_from(_NAMES), max_size=3, unique=True))
    # A hundred users need not differ.
    logins = [(draw(st.sampled_from(kinds)), draw(permissions.careful(known))) for _ in names[:4]]
    users = [call(kind, each, allowed) for each, (kind, allowed) in zip(names, itertools.cycle(logins), strict=False)]
    leaving = draw(st.integers(0, len(users))) if draw(st.integers(0, 9)) == 0 else 0
    default = draw(_default_user(known, slips, may_be_off=careless or len(users) > leaving))
    return call(Access.users, default=default, users=users[leaving:], removing=users[:leaving])


@st.composite
def _default_user(draw: st.DrawFn, known: Known, slips: set[str], *, may_be_off: bool) -> Call:
    if "permissions" in slips:
        return call(DefaultUser.with_token, draw(permissions.careless()))
    if may_be_off and draw(st.booleans()):
        return call(DefaultUser.disabled)
    if draw(st.booleans()):
        return call(DefaultUser.with_token)
    return call(DefaultUser.with_token, draw(permissions.careful(known)))


@functools.cache
def _any_names() -> st.SearchStrategy[list[str]]:
    odd = ("default", "App_User!!", "Orders", "1st", "two--hyphens", "ends-", "", "a" * 20, "a" * 41, "twice")
    some = st.lists(st.sampled_from((*_NAMES, *odd)), max_size=4)
    many = st.sampled_from((99, 100)).map(lambda number: [f"user-{each}" for each in range(number)])
    return st.integers(0, 3).flatmap(lambda number: many if number == 0 else some)
