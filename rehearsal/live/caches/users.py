"""Users and user groups: passwords are hashed, the engine judges access strings, and changes reach all nodes."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from rehearsal.extension.elasticache_users import Authentication
from rehearsal.extension.seam import REFUSED, Action, Private, Query, Response, elasticache, param
from rehearsal.live.caches import answers, registry
from rehearsal.live.caches.access import HASHES, CacheAccess
from rehearsal.live.edge.edge import CacheLogin
from rehearsal.live.engines.users import permissions
from rehearsal.live.engines.valkey import EngineRefusalError, hashed

if TYPE_CHECKING:
    from collections.abc import Callable

    from rehearsal.live.caches.registry import Caches
    from rehearsal.live.edge.edge import Endpoint

    Judgement = Callable[[Endpoint, str, str], CacheLogin]
    from rehearsal.live.run import Run

TOUCHES = (
    Private("services.elasticache", "_users"),
    Private("services.elasticache", "_user_groups"),
    Private("services.elasticache", "_create_user", ("p",)),
    Private("services.elasticache", "_modify_user", ("p",)),
    Private("services.elasticache", "_modify_user_group", ("p",)),
    Private("services.elasticache", "_delete_user", ("p",)),
)

APPENDED = "AppendAccessString"


def _refused(caches: Caches, query: Query) -> Response | None:
    """The error if the engine does not take the access string, or None."""
    access_string = param(query, "AccessString")
    if not access_string.strip():
        return None  # ElastiCache's own check
    try:
        caches.trial.check_user(permissions(access_string))
    except EngineRefusalError as fault:
        what = f"AccessString {access_string!r} of user {param(query, 'UserId')}"
        return answers.engine_error(what, fault, "Change the access string")
    return None


def _keep_passwords(query: Query) -> None:
    asked = Authentication.of(query)
    if asked.mode:
        elasticache._users[param(query, "UserId")][HASHES] = [hashed(password) for password in asked.passwords]


def _creating(caches: Caches, stock: Action) -> Action:
    def create_user(query: Query) -> Response:
        if fault := _refused(caches, query):
            return fault
        response = stock(query)
        if response[0] < REFUSED:
            _keep_passwords(query)
        return response

    return create_user


def _modifying(caches: Caches, stock: Action) -> Action:
    def modify_user(query: Query) -> Response:
        user = elasticache._users.get(param(query, "UserId"))
        if user is not None and (appended := param(query, APPENDED)):
            query = {**query, "AccessString": f"{user['AccessString']} {appended}"}
        if fault := _refused(caches, query):
            return fault
        response = stock(query)
        if response[0] < REFUSED:
            _keep_passwords(query)
            refresh(caches)
        return response

    return modify_user


def _deleting(caches: Caches, stock: Action) -> Action:
    def delete_user(query: Query) -> Response:
        response = stock(query)
        if response[0] < REFUSED:
            refresh(caches)
        return response

    return delete_user


def _modifying_group(caches: Caches, stock: Action) -> Action:
    def modify_user_group(query: Query) -> Response:
        group: dict[str, Any] | None = elasticache._user_groups.get(param(query, "UserGroupId"))
        before = copy.deepcopy(group)
        response = stock(query)
        if response[0] < REFUSED and group != before:
            refresh(caches)
        return response

    return modify_user_group


def _judging(judged: Judgement) -> Judgement:
    """Users who need no password get that of the engine."""

    def cache_login(endpoint: Endpoint, user: str, password: str) -> CacheLogin:
        access = endpoint.login
        if isinstance(access, CacheAccess) and user in access.open_users:
            return CacheLogin(access.open_users[user], "no password is required")
        return judged(endpoint, user, password)

    return cache_login


def _default_password(endpoint: Endpoint) -> str | None:
    return endpoint.login.default_password if isinstance(endpoint.login, CacheAccess) else None


def refresh(caches: Caches) -> None:
    """Let all caches with a user group have its users as they are now."""
    for cache in tuple(caches.groups.values()):
        if cache.record.get("UserGroupIds") or cache.record.get("UserGroupId"):
            cache.group.set_users(caches.users_of(cache))


def install(run: Run) -> None:
    """Replace creation, modification and deletion of users, and modification of user groups; decide on open logins."""
    caches = registry.of(run)
    elasticache._create_user = _creating(caches, elasticache._create_user)
    elasticache._modify_user = _modifying(caches, elasticache._modify_user)
    elasticache._modify_user_group = _modifying_group(caches, elasticache._modify_user_group)
    elasticache._delete_user = _deleting(caches, elasticache._delete_user)
    run.edge.decisions.cache_login = _judging(run.edge.decisions.cache_login)
    run.edge.decisions.default_password = _default_password
