"""Who may log in to a cache, and what they may do there."""

from elasticache_constructs.access.access import Access
from elasticache_constructs.access.permissions import Permissions
from elasticache_constructs.access.shared_group import ExistingUserGroup
from elasticache_constructs.access.user_group import UserGroup
from elasticache_constructs.access.users import DefaultUser, ExistingUser, IamUser, PasswordUser

__all__ = [
    "Access",
    "DefaultUser",
    "ExistingUser",
    "ExistingUserGroup",
    "IamUser",
    "PasswordUser",
    "Permissions",
    "UserGroup",
]
