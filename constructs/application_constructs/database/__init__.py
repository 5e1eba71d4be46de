"""A PostgreSQL database for the applications beside a cache."""

from application_constructs.database.construct import CERTIFICATES, Database
from application_constructs.database.users import DatabaseUser

__all__ = ["CERTIFICATES", "Database", "DatabaseUser"]
