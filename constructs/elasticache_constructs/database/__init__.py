"""A PostgreSQL database for the applications beside a cache."""

from elasticache_constructs.database.construct import CERTIFICATES, Database
from elasticache_constructs.database.users import DatabaseUser

__all__ = ["CERTIFICATES", "Database", "DatabaseUser"]
