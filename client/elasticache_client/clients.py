"""Functions that return the library's own client, set up from environment variables."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, overload

from elasticache_client.cluster import CLUSTER_DEFAULTS, cluster_class
from elasticache_client.connections import Wiring, connection_class
from elasticache_client.contract import ConnectionSettings, SettingsError
from elasticache_client.forks import after_fork
from elasticache_client.messages import refusal
from elasticache_client.retries import retry, worth_retrying
from elasticache_client.signal_safe import ConnectionStack, pool_class
from elasticache_client.tls import tls_context

if TYPE_CHECKING:
    import ssl

    import redis
    import redis.asyncio
    import valkey
    import valkey.asyncio

    from elasticache_client.credentials import Credentials

Library = Literal["redis", "valkey"]

LOGIN_SECONDS = 11 * 3600
"""The age at which a connection authenticates again. ElastiCache closes an IAM user's connection after 12 hours."""

_MAX_CONNECTIONS = 100
_WAIT_SECONDS = 1.0
_DEFAULTS = {
    "max_connections": _MAX_CONNECTIONS,
    "socket_timeout": 5.0,
    "socket_connect_timeout": 2.0,
    "socket_keepalive": True,
}
_HEALTH_CHECK_SECONDS = 30
_NO_CLIENT_CACHE = "Leave it out, because redis-py's cache needs Redis 7.4, which ElastiCache does not offer"
_MADE_HERE = "Leave it out, because connect() makes it"
_FIX_BY_ARGUMENT = {
    "cache": _NO_CLIENT_CACHE,
    "cache_config": _NO_CLIENT_CACHE,
    "connection_class": _MADE_HERE,
    "connection_pool": _MADE_HERE,
    "credential_provider": "Pass credentials=",
    "host": "Pass settings=",
    "password": "Pass credentials=",
    "port": "Pass settings=",
    "startup_nodes": "Pass settings=",
    "url": "Pass settings=",
    "username": "Pass credentials=",
}


@overload
def connect(
    settings: ConnectionSettings | None = None,
    *,
    library: Literal["redis"] = "redis",
    credentials: Credentials | None = None,
    tls: ssl.SSLContext | None = None,
    login_seconds: float = LOGIN_SECONDS,
    **overrides: Any,
) -> redis.Redis | redis.RedisCluster: ...


@overload
def connect(
    settings: ConnectionSettings | None = None,
    *,
    library: Literal["valkey"],
    credentials: Credentials | None = None,
    tls: ssl.SSLContext | None = None,
    login_seconds: float = LOGIN_SECONDS,
    **overrides: Any,
) -> valkey.Valkey | valkey.ValkeyCluster: ...


def connect(
    settings: ConnectionSettings | None = None,
    *,
    library: Library = "redis",
    credentials: Credentials | None = None,
    tls: ssl.SSLContext | None = None,
    login_seconds: float = LOGIN_SECONDS,
    **overrides: Any,
) -> Any:
    """Return a client of the library's own class: ``Redis``, ``RedisCluster``, ``Valkey`` or ``ValkeyCluster``.

    The client authenticates as the settings say. It authenticates again before ElastiCache would close the connection,
    and with the new password after a rotation.

    Connection errors are retried three times within about a second, each time on a new connection. So are writes to a
    primary that a failover has made a replica. Rejected logins are not retried, and timeouts only for pipelines in
    cluster mode.

    The pool opens at most 100 connections, per node in cluster mode. If all are in use, a caller waits for one second;
    the asyncio cluster clients raise at once. Socket timeouts are 5 seconds, and 2 seconds to connect. Connections that
    were idle for 30 seconds are checked before use, except in the synchronous cluster clients, which have no health
    check.

    In cluster mode, a slot that has moved to another shard costs one redirection and no connection. The client reads
    the slot map again if a node cannot be reached. Until then, reads of a moved slot go to its primary only, and new
    replicas are not used. To read the slot map after a number of redirections instead, pass ``reinitialize_steps``; the
    client then renews all connections.

    Args:
        settings: The cache to connect to. Default: read from the environment.
        library: ``redis`` for redis-py, ``valkey`` for valkey-py. Both support both engines.
        credentials: The source of logins. Default: IAM tokens or the secret, as the settings say, with the Region and
            the AWS credentials of the environment.
        tls: The SSL context of all connections, for example ``tls_context(ca_bundle)``. Default: one that trusts the
            system's certificate authorities.
        login_seconds: The age at which a connection authenticates again, minus a random part of up to a tenth. Default:
            11 hours.
        overrides: Arguments of the library's client, for example ``decode_responses=True``.

    Raises:
        SettingsError: If the settings are wrong or name Memcached, or if connect() sets an override itself. For
            asyncio, also if ``library="valkey"`` is used in cluster mode.
        ModuleNotFoundError: If the library is not installed.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/BestPractices.Clients.html
    """
    setup = _Setup(
        settings,
        asynchronous=False,
        library=library,
        credentials=credentials,
        tls=tls,
        login_seconds=login_seconds,
        overrides=overrides,
    )
    if setup.cluster:
        # The cluster client keeps a custom connection class only if it is constructed from a URL. The scheme is that of
        # connections without TLS, because the other scheme selects the library's own TLS class.
        url = f"{library}://{setup.settings.host}:{setup.settings.port}"
        options = {"connection_class": setup.connection_class, "connection_pool_class": setup.pool_class}
        client = setup.client_class(url=url, **setup.options, **options)
    else:
        client = setup.client_class.from_pool(setup.pool())
    return _renewed_in_children(client)


@overload
def connect_async(
    settings: ConnectionSettings | None = None,
    *,
    library: Literal["redis"] = "redis",
    credentials: Credentials | None = None,
    tls: ssl.SSLContext | None = None,
    login_seconds: float = LOGIN_SECONDS,
    **overrides: Any,
) -> redis.asyncio.Redis | redis.asyncio.RedisCluster: ...


@overload
def connect_async(
    settings: ConnectionSettings | None = None,
    *,
    library: Literal["valkey"],
    credentials: Credentials | None = None,
    tls: ssl.SSLContext | None = None,
    login_seconds: float = LOGIN_SECONDS,
    **overrides: Any,
) -> valkey.asyncio.Valkey: ...


def connect_async(
    settings: ConnectionSettings | None = None,
    *,
    library: Library = "redis",
    credentials: Credentials | None = None,
    tls: ssl.SSLContext | None = None,
    login_seconds: float = LOGIN_SECONDS,
    **overrides: Any,
) -> Any:
    """Return an asyncio client. Call it on the event loop that will use the client.

    The client belongs to the loop on which it is first used. On any other loop, a command raises `EventLoopError`. A
    program that calls ``asyncio.run`` repeatedly, for example in each invocation of a Lambda function, should keep one
    ``asyncio.Runner`` instead.

    In cluster mode, and so for every serverless cache, the library must be redis-py. The asyncio cluster client of
    valkey-py does not recover when a node has been unavailable (valkey-io/valkey-py #327).

    Making the client reads files for some tens of milliseconds. Afterwards nothing blocks the loop. The arguments and
    errors are those of ``connect``.
    """
    setup = _Setup(
        settings,
        asynchronous=True,
        library=library,
        credentials=credentials,
        tls=tls,
        login_seconds=login_seconds,
        overrides=overrides,
    )
    if not setup.cluster:
        return _renewed_in_children(setup.client_class.from_pool(setup.pool()))
    client = setup.client_class(host=setup.settings.host, port=setup.settings.port, **setup.options)
    # The constructor takes no connection class. Nothing connects before the first command.
    client.connection_kwargs["connection_class"] = setup.connection_class
    for node in client.nodes_manager.startup_nodes.values():
        node.connection_class = setup.connection_class
    return _renewed_in_children(client)


class _Setup:
    """What the four kinds of client have in common."""

    def __init__(
        self,
        settings: ConnectionSettings | None,
        *,
        asynchronous: bool,
        library: Library,
        credentials: Credentials | None,
        tls: ssl.SSLContext | None,
        login_seconds: float,
        overrides: dict[str, Any],
    ) -> None:
        self.settings = settings or ConnectionSettings.from_environment()
        _check_overrides(overrides)
        if self.settings.engine == "memcached":
            raise SettingsError(
                refusal(
                    got="ELASTICACHE_ENGINE='memcached'",
                    allowed="must be redis or valkey for this function",
                    fix="Use elasticache_client.memcached.connect()",
                )
            )
        self.cluster = self.settings.mode == "cluster"
        if self.cluster and asynchronous and library == "valkey":
            raise SettingsError(
                refusal(
                    got="connect_async(library='valkey') in cluster mode",
                    allowed="must be library='redis', because valkey-py's asyncio cluster client does not recover when "
                    "a node has been unavailable",
                    fix="Leave library= out, as redis-py supports Valkey too, or use connect(library='valkey') in "
                    "threads",
                )
            )
        wiring = Wiring(
            credentials=credentials or default_credentials(self.settings),
            tls=(tls or tls_context()) if self.settings.tls else None,
            login_seconds=login_seconds,
        )
        self.connection_class = connection_class(library, wiring, asynchronous=asynchronous, cluster=self.cluster)
        module = _module(library, asynchronous=asynchronous)
        self.client_class = (
            cluster_class(library, asynchronous=asynchronous) if self.cluster else getattr(module, library.title())
        )
        blocking = {} if asynchronous else {"queue_class": ConnectionStack}
        pool = module.BlockingConnectionPool if asynchronous else pool_class(module)
        self.pool_class = partial(pool, timeout=_WAIT_SECONDS, **blocking)
        retries = {
            "retry": retry(library, asynchronous=asynchronous),
            # Without this, valkey-py retries opening a connection, but not commands.
            "retry_on_error": list(worth_retrying(library)),
        }
        maintenance = {} if library == "valkey" else {"maint_notifications_config": _no_maintenance()}
        defaults = {**_DEFAULTS, **(CLUSTER_DEFAULTS if self.cluster else {}), **maintenance}
        self.options = {**defaults, **retries, **overrides}
        if asynchronous or not self.cluster:
            self.options.setdefault("health_check_interval", _HEALTH_CHECK_SECONDS)

    def pool(self) -> Any:
        """A connection pool of the library's own class."""
        return self.pool_class(
            host=self.settings.host,
            port=self.settings.port,
            connection_class=self.connection_class,
            **self.options,
        )


def default_credentials(settings: ConnectionSettings) -> Credentials | None:
    """The source of logins that the settings imply, or None if the cache has no authentication."""
    if settings.auth == "iam":
        from elasticache_client.iam import IamCredentials  # noqa: PLC0415 - importing botocore is slow

        assert settings.user is not None  # noqa: S101 - checked by the settings
        assert settings.cache_name is not None  # noqa: S101
        return IamCredentials(user=settings.user, cache_name=settings.cache_name, serverless=settings.serverless)
    if settings.auth == "secret":
        from elasticache_client.secret import SecretCredentials  # noqa: PLC0415

        assert settings.user is not None  # noqa: S101
        assert settings.secret_arn is not None  # noqa: S101
        return SecretCredentials(secret_arn=settings.secret_arn, user=settings.user)
    return None


def _renewed_in_children(client: Any) -> Any:
    after_fork(client)
    pool = getattr(client, "connection_pool", None)
    if pool is not None:
        # Pipelines, subscribers and further clients use it, also when the client itself is gone.
        after_fork(pool)
    return client


def _no_maintenance() -> Any:
    """Turn off redis-py's maintenance notifications, which ElastiCache does not send.

    Asking for them costs a command and an error on each connection. While they are on, redis-py's pools also do not
    check for unread replies.
    """
    from redis.maint_notifications import MaintNotificationsConfig  # noqa: PLC0415 - redis-py may not be installed

    return MaintNotificationsConfig(enabled=False)


def _module(library: Library, *, asynchronous: bool) -> Any:
    return import_module(f"{library}.asyncio" if asynchronous else library)


def _check_overrides(overrides: dict[str, Any]) -> None:
    for name in overrides:
        fix = "Pass tls=" if name == "ssl" or name.startswith("ssl_") else _FIX_BY_ARGUMENT.get(name)
        if fix is not None:
            # Without its value, which may be a password.
            allowed = "connect() does not take this argument of the library's client"
            raise SettingsError(refusal(got=f"{name}=…", allowed=allowed, fix=fix))
