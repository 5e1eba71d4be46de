"""A PostgreSQL database for the reference applications."""

from application_constructs.database.construct import CERTIFICATES, Database
from application_constructs.database.users import DatabaseUser

__all__ = ["CERTIFICATES", "Database", "DatabaseUser"]
