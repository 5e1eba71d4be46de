"""Creates the users of a PostgreSQL database that log in by IAM, and a schema for each."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CONNECT_TIMEOUT_SECONDS = 10


def handle(event: Mapping[str, Any], context: object) -> dict[str, list[str]]:  # noqa: ARG001 - Lambda passes both
    """Create the users that the environment names.

    Raises:
        psycopg.Error: If the administrator cannot log in, or the database refuses. The deployment then fails.
    """
    import boto3  # type: ignore[import-untyped]  # noqa: PLC0415 - Lambda's own, not shipped with the function

    users = os.environ["DATABASE_USERS"].split(",")
    with connect(os.environ, secretsmanager=boto3.client("secretsmanager"), rds=boto3.client("rds")) as connection:
        create_users(connection, users)
    return {"users": users}


def connect(environment: Mapping[str, str], *, secretsmanager: Any, rds: Any) -> psycopg.Connection:
    """Log in as the administrator: with the password in the secret, else with an IAM token.

    Since version 16, PostgreSQL makes the creator of a role a member of it. Once that role is an IAM user, the
    administrator indirectly is one too, and RDS then requires a token instead of the password.

    Raises:
        psycopg.OperationalError: If neither is accepted.

    See https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html
    """
    secret = json.loads(secretsmanager.get_secret_value(SecretId=environment["DATABASE_SECRET_ARN"])["SecretString"])
    host, port, user = environment["DATABASE_HOST"], environment["DATABASE_PORT"], secret["username"]
    arguments: dict[str, Any] = {
        "host": host,
        "port": port,
        "dbname": environment["DATABASE_NAME"],
        "user": user,
        "sslmode": "verify-full",
        "sslrootcert": environment["DATABASE_CA_FILE"],
        "connect_timeout": _CONNECT_TIMEOUT_SECONDS,
    }
    try:
        return psycopg.connect(**arguments, password=secret["password"])
    except psycopg.OperationalError:
        token = rds.generate_db_auth_token(DBHostname=host, Port=int(port), DBUsername=user)
        return psycopg.connect(**arguments, password=token)


def create_users(connection: psycopg.Connection, users: Sequence[str]) -> None:
    """Let each user log in by IAM, and give it a schema that is named after it, the default for its tables.

    The schemas belong to the administrator, who could give one away only as a member of its user. What is there already
    stays as it is; nothing is ever dropped. All is one transaction, which ends with the connection's ``with`` block.
    """
    for user in users:
        name = sql.Identifier(user)
        known = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [user]).fetchone() is not None
        if not known:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
        connection.execute(sql.SQL("GRANT rds_iam TO {}").format(name))
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(name))
        connection.execute(sql.SQL("GRANT USAGE, CREATE ON SCHEMA {0} TO {0}").format(name))
