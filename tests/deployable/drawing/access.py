"""Who logs in, and over what: logins and encryption in transit depend on each other."""

from __future__ import annotations

import functools
import itertools

from hypothesis import strategies as st

from elasticache_constructs import (
    Access,
    DefaultUser,
    ExistingUser,
    ExistingUserGroup,
    IamUser,
    PasswordUser,
    TransitEncryption,
)
from tests.deployable.drawing import permissions
from tests.deployable.drawing.engines import Known
from tests.deployable.drawing.reasons import REASON
from tests.deployable.written import Call, call

EXISTING_USER, EXISTING_GROUP, EXISTING_VALKEY_GROUP = "shop-admin", "shop-users", "shop-valkey-users"
"""Ids of what exists outside the app."""
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
        return ("users", "users", "users", "group", "token", "open")
    if "transit_encryption" in slips:
        return ("users", "token", "open", "open")
    return (
        ("users", "users", "users", "users", "group", "token", "open")
        if known.supports("user_groups")
        else ("token", "open")
    )


@st.composite
def of_kind(draw: st.DrawFn, kind: str, known: Known, slips: set[str]) -> Call:
    """An access by ``users``, a ``group`` that exists, a ``token``, or ``open`` to every client."""
    if kind == "group":
        return draw(_existing_group(known, careless="access" in slips))
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
    if draw(st.integers(0, 9)) == 0 and (careless or known.supports("iam")):
        users.append(call(ExistingUser.iam, EXISTING_USER))
    default = draw(_default_user(known, slips, may_be_off=careless or len(users) > leaving))
    return call(Access.users, default=default, users=users[leaving:], removing=users[:leaving])


@st.composite
def _default_user(draw: st.DrawFn, known: Known, slips: set[str], *, may_be_off: bool) -> Call:
    if "permissions" in slips:
        return call(DefaultUser.with_token, draw(permissions.careless()))
    if may_be_off and draw(st.booleans()):
        none_at_all = (known.name == "valkey" or "access" in slips) and draw(st.integers(0, 3)) == 0
        return call(DefaultUser.absent if none_at_all else DefaultUser.disabled)
    if draw(st.booleans()):
        return call(DefaultUser.with_token)
    return call(DefaultUser.with_token, draw(permissions.careful(known)))


@st.composite
def _existing_group(draw: st.DrawFn, known: Known, *, careless: bool) -> Call:
    if careless and draw(st.booleans()):
        return call(Access.user_group, call(ExistingUserGroup, draw(st.sampled_from(("Shop_Users", "1st", "")))))
    of_valkey = draw(st.booleans()) and (careless or known.name == "valkey")
    name = EXISTING_VALKEY_GROUP if of_valkey else EXISTING_GROUP
    iam = careless or known.supports("iam")
    some = [call(ExistingUser.iam, EXISTING_USER)] if iam else []
    passwords = [call(ExistingUser.with_password, "shop-batch", name="batch")]
    users = draw(st.sampled_from((None, some, [*some, *passwords])))
    return call(Access.user_group, call(ExistingUserGroup, name, users, is_valkey=of_valkey))


@st.composite
def of_iam_only(draw: st.DrawFn) -> Call:
    """What a public endpoint takes: IAM users of Valkey alone, of the cache's own or of a group that exists."""
    names = draw(st.lists(st.sampled_from(_NAMES), min_size=1, max_size=2, unique=True))
    users = [call(IamUser, each, draw(permissions.careful(Known("valkey", "9.0")))) for each in names]
    own = call(Access.users, default=call(DefaultUser.absent), users=users)
    known = call(ExistingUserGroup, EXISTING_VALKEY_GROUP, [call(ExistingUser.iam, EXISTING_USER)], is_valkey=True)
    of_aws = call(ExistingUserGroup, "default.iam-user-group", is_valkey=True)
    return draw(st.sampled_from((own, own, call(Access.user_group, known), call(Access.user_group, of_aws))))


@functools.cache
def _any_names() -> st.SearchStrategy[list[str]]:
    odd = ("default", "App_User!!", "Orders", "1st", "two--hyphens", "ends-", "", "a" * 20, "a" * 41, "twice")
    some = st.lists(st.sampled_from((*_NAMES, *odd)), max_size=4)
    many = st.sampled_from((99, 100)).map(lambda number: [f"user-{each}" for each in range(number)])
    return st.integers(0, 3).flatmap(lambda number: many if number == 0 else some)
