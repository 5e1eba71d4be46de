"""Who may log in to a cache, and what they may do there."""

from elasticache_constructs.access.access import Access
from elasticache_constructs.access.permissions import Permissions
from elasticache_constructs.access.users import DefaultUser, IamUser, PasswordUser

__all__ = ["Access", "DefaultUser", "IamUser", "PasswordUser", "Permissions"]
