"""One line for an application: the library's own client, set up from the environment."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, overload

from elasticache_client.cluster import CLUSTER_DEFAULTS, cluster_class
from elasticache_client.connections import Wiring, connection_class
from elasticache_client.contract import ConnectionSettings, SettingsError
from elasticache_client.forks import after_fork, renew_locks
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
"""The age at which a connection logs in again: ElastiCache cuts an IAM user's after twelve hours."""

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
    """A client of the library's own class, ``Redis`` or ``RedisCluster``, ``Valkey`` or ``ValkeyCluster``.

    It logs in as the settings say, again before ElastiCache would cut the connection, and with a fresh password after a
    rotation. Connection errors, and writes to a primary that a failover has made a replica, are retried three times
    within about a second, each on a new connection; refused logins never, and timeouts only of pipelines in cluster
    mode. At most 100 connections are opened, per node in cluster mode; whoever finds none free waits for a second,
    except in the asyncio cluster clients, which raise at once. Sockets time out after 5 seconds, 2 for opening them.
    Idle ones are checked after 30 seconds, except in the synchronous cluster clients, which have no such check.

    In cluster mode a slot that has moved to another shard costs one redirection, and no connection. All slots are read
    again when a node cannot be reached. Until then slots that have moved are read from their primary alone, and
    replicas that have been added are not noticed; ``reinitialize_steps`` says after how many redirections to read all
    slots instead, which renews all connections.

    Args:
        settings: which cache. Default: what the environment says.
        library: ``redis`` for redis-py, ``valkey`` for valkey-py; both speak to both engines.
        credentials: where logins come from. Default: IAM tokens or the secret, as the settings say, with the region and
            the AWS credentials of the environment.
        tls: the context for all connections, from ``tls_context(ca_bundle)`` for authorities of your own. Default: one
            that trusts the system's.
        login_seconds: the age at which a connection logs in again, less up to a tenth by chance. Default: 11 hours.
        overrides: arguments for the library's client, such as ``decode_responses=True``.

    Raises:
        SettingsError: the settings are wrong, name a Memcached, or an override belongs to this package; for asyncio,
            ``library="valkey"`` in cluster mode.
        ModuleNotFoundError: the library is not installed.

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
        # Of all its constructor's ways, only a URL lets the cluster client keep a connection class of one's own. The
        # scheme is that of plain connections: the other one would put the library's TLS class in its place.
        url = f"{library}://{setup.settings.host}:{setup.settings.port}"
        options = {"connection_class": setup.connection_class, "connection_pool_class": setup.pool_class}
        client = setup.client_class(url=url, **setup.options, **options)
        after_fork(client, _start_afresh)
        return client
    return setup.client_class.from_pool(setup.pool())


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
    """The same for asyncio; call it where the event loop runs.

    The client belongs to the loop on which it is used first; on any other, a command raises `EventLoopError`. A program
    that calls ``asyncio.run`` again and again, as some do for each invocation of a Lambda function, keeps one
    ``asyncio.Runner`` instead.

    In cluster mode, as every serverless cache has it, the library is redis-py: valkey-py's asyncio cluster client does
    not come back after a node was away (valkey-io/valkey-py #327).

    Making the client reads files for some tens of milliseconds; after that, nothing that may block runs on the loop.
    Arguments and errors are those of ``connect``.
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
        return setup.client_class.from_pool(setup.pool())
    client = setup.client_class(host=setup.settings.host, port=setup.settings.port, **setup.options)
    # Its constructor takes no connection class; nothing is connected before the first command.
    client.connection_kwargs["connection_class"] = setup.connection_class
    for node in client.nodes_manager.startup_nodes.values():
        node.connection_class = setup.connection_class
    return client


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
            # Without it valkey-py retries the opening of a connection, but no command.
            "retry_on_error": list(worth_retrying(library)),
        }
        maintenance = {} if library == "valkey" else {"maint_notifications_config": _no_maintenance()}
        defaults = {**_DEFAULTS, **(CLUSTER_DEFAULTS if self.cluster else {}), **maintenance}
        self.options = {**defaults, **retries, **overrides}
        if asynchronous or not self.cluster:
            self.options.setdefault("health_check_interval", _HEALTH_CHECK_SECONDS)

    def pool(self) -> Any:
        """A pool of the library's own class."""
        return self.pool_class(
            host=self.settings.host,
            port=self.settings.port,
            connection_class=self.connection_class,
            **self.options,
        )


def default_credentials(settings: ConnectionSettings) -> Credentials | None:
    """Where logins come from when nobody says otherwise; None for a cache that asks for none."""
    if settings.auth == "iam":
        from elasticache_client.iam import IamCredentials  # noqa: PLC0415  # botocore takes a while

        assert settings.user is not None  # noqa: S101  # the settings see to it
        assert settings.cache_name is not None  # noqa: S101
        return IamCredentials(user=settings.user, cache_name=settings.cache_name, serverless=settings.serverless)
    if settings.auth == "secret":
        from elasticache_client.secret import SecretCredentials  # noqa: PLC0415

        assert settings.user is not None  # noqa: S101
        assert settings.secret_arn is not None  # noqa: S101
        return SecretCredentials(secret_arn=settings.secret_arn, user=settings.user)
    return None


def _start_afresh(cluster: Any) -> None:
    """In a forked child: a thread of its parent may have been reading the slots."""
    manager = cluster.nodes_manager
    for part in (cluster, manager, manager.read_load_balancer):
        renew_locks(part)


def _no_maintenance() -> Any:
    """ElastiCache announces no maintenance to clients; to ask for it is a command and an error in each connection.

    And redis-py's pools look for no reply that was left unread while they expect announcements.
    """
    from redis.maint_notifications import MaintNotificationsConfig  # noqa: PLC0415  # a library that may not be there

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
