"""Logins to caches and databases: IAM tokens and the grants that they need, and passwords.

A cache's login by IAM ends after 12 hours, unless the client authenticates again. A login needs `elasticache:Connect`
on the cache and on the user, or `rds-db:connect` on the database's user.
"""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from rehearsal.extension.seam import Private
from rehearsal.live import peer
from rehearsal.live.edge.edge import CacheLogin
from rehearsal.live.identity import tokens
from rehearsal.live.identity.decisions import Kind, Layer, decide
from rehearsal.live.identity.emulator import iam_evaluator, lambda_runtime, rds, rds_iam, sts
from rehearsal.live.identity.evaluator import request_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from rehearsal.live.edge.edge import Endpoint
    from rehearsal.live.identity.grants import Grants
    from rehearsal.live.run import Run

TOUCHES = (
    Private("core.iam_evaluator", "resolve_credential", ("access_key_id", "account_id", "session_token")),
    Private("core.iam_evaluator", "resolve_principal", ("access_key_id", "account_id", "credential")),
    Private(
        "core.rds_iam",
        "verify_rds_iam_token",
        ("token", "hostname", "port", "db_user", "region", "account_id"),
    ),
    Private("core.lambda_runtime", "execution_credentials", ("config",)),
    Private("services.sts", "_sessions"),
    Private("services.rds", "_instances"),
)

LOGIN_SECONDS = 12 * 3600.0  # after which a login by IAM ends
ROLE_SECONDS = 12 * 3600.0  # that Lambda's credentials of a function are valid

SERVERLESS = "serverlesscache:"


@runtime_checkable
class CacheUsers(Protocol):
    """What an endpoint's `login` is for a cache.

    Attributes:
        name: Name of the cache in tokens.
        resource: The end of its ARN, such as `replicationgroup:orders` or `serverlesscache:orders`.
        iam_users: The users who log in with IAM, each with its password of the engine, which only the edge sends.
    """

    name: str
    resource: str
    iam_users: dict[str, str]


@runtime_checkable
class DatabaseUsers(Protocol):
    """What an endpoint's `login` is for a database.

    Attributes:
        instance: Identifier of the RDS instance.
    """

    instance: str

    def uses_iam(self, user: str) -> bool:
        """Whether a user is a member of rds_iam, and so logs in with tokens only."""

    def accepts(self, user: str, password: str) -> bool:
        """Whether the engine knows a user with a password."""


def _is_token(password: str) -> bool:
    """Whether a password is the token of some login with IAM."""
    try:
        tokens.parse(password)
    except tokens.TokenError:
        return False
    return True


class Logins:
    """Decides about logins.

    Args:
        run: The rehearsal.
        grants: Records the decisions about grants.
    """

    def __init__(self, run: Run, grants: Grants) -> None:
        self.run = run
        self.grants = grants
        self._known: set[tuple[str | None, ...]] = set()

    def cache(self, endpoint: Endpoint, user: str, password: str) -> CacheLogin:
        """Decide on a login to a cache; the engine judges passwords itself.

        Args:
            endpoint: The endpoint.
            user: The user name; `default` if the client gave a password only.
            password: The password or the token.
        """
        users = endpoint.login
        engine_password = users.iam_users.get(user) if isinstance(users, CacheUsers) else None
        if not isinstance(users, CacheUsers):
            return CacheLogin(password, "the engine decides")
        if engine_password is None:
            if not _is_token(password):
                return CacheLogin(password, "the engine decides")
            unknown = f"no user {user} of this cache logs in with IAM"
            self._record("cache-login", endpoint, unknown, cache=users.name, user=user)
            return CacheLogin(None, unknown)
        with self.run.in_account():
            reason = self._cache_refusal(users, user, password)
        self._record("cache-login", endpoint, reason, cache=users.name, user=user)
        if reason is not None:
            return CacheLogin(None, reason)
        return CacheLogin(engine_password, "IAM", time.time() + LOGIN_SECONDS)

    def _record(self, kind: str, endpoint: Endpoint, reason: str | None, **facts: str) -> None:
        """Record a login: a refused one always, an accepted one once for each client, endpoint and user."""
        login = (kind, peer.connecting.get(), endpoint.name, *facts.values())
        if reason is None and login in self._known:
            return
        if reason is None:
            self._known.add(login)
        self.run.journal.write(kind, endpoint=endpoint.name, **facts, allowed=reason is None, reason=reason or "")

    def _cache_refusal(self, users: CacheUsers, user: str, text: str) -> str | None:
        now, serverless = dt.datetime.now(dt.UTC), users.resource.startswith(SERVERLESS)
        try:
            token = tokens.parse(text)
            tokens.verify(token, cache=users.name, user=user, region=self.run.region, serverless=serverless, now=now)
            credential = iam_evaluator.resolve_credential(
                token.access_key_id, self.run.account, token.session_token or ""
            )
            if isinstance(credential, iam_evaluator.CredentialResolutionError):
                return f"the token is signed with credentials that are not valid: {credential.message}"
            tokens.verify_signature(token, credential.secret_access_key)
        except tokens.TokenError as refused:
            return str(refused)
        prefix = f"arn:aws:elasticache:{self.run.region}:{self.run.account}"
        resources = (f"{prefix}:{users.resource}", f"{prefix}:user:{user}")
        return next(
            filter(None, (self._grant_refusal(credential, "elasticache:Connect", arn) for arn in resources)), None
        )

    def database(self, endpoint: Endpoint, user: str, password: str) -> str | None:
        """Why a login to a database is refused, or None.

        Args:
            endpoint: The endpoint.
            user: The user name.
            password: The password or the token.
        """
        users = endpoint.login
        if not isinstance(users, DatabaseUsers):
            return "the rehearsal does not know the users of this database"
        by_token = users.uses_iam(user)
        with self.run.in_account():
            if by_token:
                reason = self._database_refusal(users, user, password)
            else:
                reason = None if users.accepts(user, password) else f'password authentication failed for user "{user}"'
        by = "token" if by_token else "password"
        self._record("database-login", endpoint, reason, database=users.instance, user=user, by=by)
        return reason

    def _database_refusal(self, users: DatabaseUsers, user: str, text: str) -> str | None:
        instance: dict[str, Any] = rds._instances.get(users.instance) or {}
        if not instance.get("IAMDatabaseAuthenticationEnabled"):
            return f"IAM authentication of {users.instance} is off"
        host, port = instance["Endpoint"]["Address"], int(instance["Endpoint"]["Port"])
        verified = rds_iam.verify_rds_iam_token(
            text, hostname=host, port=port, db_user=user, region=self.run.region, account_id=self.run.account
        )
        if isinstance(verified, rds_iam.RdsIamTokenError):
            return f'PAM authentication failed for user "{user}": the token is refused ({verified.code})'
        credential = iam_evaluator.resolve_credential(verified.access_key_id, self.run.account)
        resource = f"arn:aws:rds-db:{self.run.region}:{self.run.account}:dbuser:{instance['DbiResourceId']}/{user}"
        return self._grant_refusal(credential, "rds-db:connect", resource)

    def _grant_refusal(self, credential: Any, action: str, resource: str) -> str | None:
        """Why a caller is not allowed an action to which no policy of a resource applies, or None."""
        principal = iam_evaluator.resolve_principal(credential.access_key_id, self.run.account, credential)
        if isinstance(principal, iam_evaluator.AuthError):
            return str(principal.message)
        if principal.policies is None:
            return None  # the root user
        request = request_of(
            iam_evaluator.EvalContext(
                principal_arn=principal.arn,
                principal_type=principal.type,
                principal_account=principal.account,
                action=action,
                resource_arn=resource,
                region=self.run.region,
                secure_transport=True,
                principal_keys=principal.keys,
            )
        )
        identity = Layer(Kind.IDENTITY, tuple(statement for policy in principal.policies for statement in policy))
        limits = [
            Layer(getattr(layer, "kind", Kind.BOUNDARY), tuple(statement for policy in layer for statement in policy))
            for layer in principal.limits
        ]
        decision = decide(request, identity, limits)
        self.grants.record(request, decision)
        return None if decision.allowed else decision.reason(request)


def _expiring(stock: Callable[[dict[str, Any]], dict[str, str]]) -> Callable[[dict[str, Any]], dict[str, str]]:
    def execution_credentials(config: dict[str, Any]) -> dict[str, str]:
        given = stock(config)
        if session := sts._sessions.get(given["AWS_ACCESS_KEY_ID"]):
            session["Expiration"] = time.time() + ROLE_SECONDS
        return given

    return execution_credentials


def install(run: Run, grants: Grants) -> None:
    """Decide about the logins of the edge, and let the credentials of functions expire, as tokens of RDS need.

    Args:
        run: The rehearsal.
        grants: Records the decisions about grants.
    """
    logins = Logins(run, grants)
    run.edge.decisions.cache_login = logins.cache
    run.edge.decisions.database_login = logins.database
    lambda_runtime.execution_credentials = _expiring(lambda_runtime.execution_credentials)
