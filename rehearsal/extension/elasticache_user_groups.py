"""ElastiCache user groups: the emulator accepts users that do not exist, and Redis groups without a default user."""

from __future__ import annotations

from rehearsal.extension.seam import Action, Private, Query, Response, elasticache, param, params

TOUCHES = (
    Private("services.elasticache", "_users"),
    Private("services.elasticache", "_user_groups"),
    Private("services.elasticache", "_create_user_group", ("p",)),
    Private("services.elasticache", "_modify_user_group", ("p",)),
    Private("services.elasticache", "_error", ("code", "message", "status")),
)


def membership_fault(engine: str, user_ids: list[str]) -> Response | None:
    """The error of ElastiCache for a group with these users, or None."""
    unknown = [user_id for user_id in user_ids if user_id not in elasticache._users]
    if unknown:
        return _refuse("UserNotFound", f"User {', '.join(unknown)} not found", 404)
    names = [elasticache._users[user_id]["UserName"] for user_id in user_ids]
    if len(set(names)) < len(names):
        return _refuse("DuplicateUserName", f"User names in a group must differ: got {', '.join(names)}", 400)
    if engine == "redis" and "default" not in names:
        return _refuse("DefaultUserRequired", "User group needs to contain a user with the user name default.", 400)
    return None


def _refuse(code: str, message: str, status: int) -> Response:
    refusal: Response = elasticache._error(code, message, status)
    return refusal


def _creating(stock: Action) -> Action:
    def create_user_group(query: Query) -> Response:
        fault = membership_fault(param(query, "Engine") or "redis", params(query, "UserIds"))
        return fault or stock(query)

    return create_user_group


def _modifying(stock: Action) -> Action:
    def modify_user_group(query: Query) -> Response:
        group = elasticache._user_groups.get(param(query, "UserGroupId"))
        if group is None:
            return stock(query)
        removed = params(query, "UserIdsToRemove")
        after = [user for user in group["UserIds"] if user not in removed]
        after += [user for user in params(query, "UserIdsToAdd") if user not in after]
        return membership_fault(group["Engine"], after) or stock(query)

    return modify_user_group


def install() -> None:
    """Check the users of a group before it is created or modified."""
    elasticache._create_user_group = _creating(elasticache._create_user_group)
    elasticache._modify_user_group = _modifying(elasticache._modify_user_group)
