"""The drill of the endpoints: each answers by its name over TLS, to clients that log in, and to no other."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from elasticache_client import ConnectionSettings, ParameterSettings, memcached
from rehearsal.drills import accounts
from rehearsal.drills.logins import ACCEPTED, REFUSED, login
from rehearsal.drills.scene import NotApplicableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rehearsal.drills.scene import Scene
    from rehearsal.drills.stage import LoginEndpoint

KEYS = 50
OUTSIDE = "elasticache.example.com"
KNOWN = "of a cache of the stage"
WRONG = "a-password-that-no-user-has"


def endpoints(scene: Scene) -> None:
    """Connect to each cache rightly, and in each way that must fail."""
    found = scene.stage.login_endpoints()
    memcached_clusters = list(scene.stage.all_of("AWS::ElastiCache::CacheCluster"))
    if not found and not memcached_clusters:
        raise NotApplicableError("the stage has no cache to log in to, and no Memcached cluster")
    scene.expect("a name outside the account", "not found", _lookup(OUTSIDE))
    for endpoint in found:
        scene.require_engine(endpoint.cache)
        _log_in(scene, endpoint)
    reached = [endpoint.settings for endpoint in found]
    for deployment, resource, _asked in memcached_clusters:
        scene.require_engine(deployment.physical_id(resource))
        reached.append(_memcached(scene, deployment.physical_id(resource), resource.name))
    _parameters(scene, {_where(settings) for settings in reached})


def _log_in(scene: Scene, endpoint: LoginEndpoint) -> None:
    settings = endpoint.settings
    with _right_login(scene, endpoint) as (kind, user, password):
        scene.expect(kind, ACCEPTED, login(settings, user, password), of=endpoint.resource)
        if user:
            scene.expect("a wrong password", REFUSED, login(settings, user, WRONG), of=endpoint.resource)
            scene.expect("a client that does not log in", REFUSED, login(settings, None, None), of=endpoint.resource)
        if settings.tls:
            plain = login(settings, user, password, ssl=False)
            scene.expect("a client without TLS", REFUSED, _outcome(plain), of=endpoint.resource)
            address = socket.getaddrinfo(settings.host, settings.port, socket.AF_INET)[0][4][0]
            unnamed = login(settings, user, password, host=address)
            scene.expect("a certificate of another name", REFUSED, _outcome(unnamed), of=endpoint.resource)


@contextmanager
def _right_login(scene: Scene, endpoint: LoginEndpoint) -> Iterator[tuple[str, str | None, str | None]]:
    """What a login that must be accepted is called, with its user and password: of a secret, by IAM, or without any."""
    if secret := endpoint.settings.secret_arn:
        yield "the login of its secret", endpoint.settings.user, scene.stage.password(secret)
    elif endpoint.iam_users:
        user = next(iter(endpoint.iam_users))
        with accounts.role(scene, accounts.connect_grant(endpoint, user)) as role:
            yield "a login with IAM", user, accounts.iam_token(scene, role, endpoint, user)
    else:
        yield "a client without a login", None, None


def _outcome(told: str) -> str:
    """How a login ended that fails before the server judges it."""
    return ACCEPTED if told == ACCEPTED else REFUSED


def _memcached(scene: Scene, cluster: str, resource: str) -> ConnectionSettings:
    described = scene.stage.member(cluster)
    endpoint = described["ConfigurationEndpoint"]
    settings = ConnectionSettings(
        engine="memcached",
        host=endpoint["Address"],
        port=int(endpoint["Port"]),
        tls=bool(described.get("TransitEncryptionEnabled")),
        mode="standalone",
        auth="none",
    )
    with memcached.connect(settings, key_prefix="drill:") as cache:
        for number in range(KEYS):
            cache.set(f"key-{number}", number)
        found: list[Any] = [cache.get(f"key-{number}", type=int) for number in range(KEYS)]
        scene.expect("nodes that auto discovery finds", described["NumCacheNodes"], len(cache.nodes), of=resource)
    right = sum(value == number for number, value in enumerate(found))
    scene.expect("values that its nodes return", KEYS, right, of=resource)
    return settings


def _parameters(scene: Scene, reached: Iterable[str]) -> None:
    """Read settings that are parameters of Systems Manager, as a client does: they lead to a cache of the stage."""
    for _deployment, resource, asked in scene.stage.all_of("AWS::SSM::Parameter"):
        path, _, name = str(asked["Name"]).rpartition("/")
        if name == "contract":
            read = _where(ParameterSettings(path, client=scene.client("ssm")).settings())
            told = KNOWN if read in reached else read
            scene.expect("the settings that are parameters", KNOWN, told, of=resource.name)


def _where(settings: ConnectionSettings) -> str:
    tls = "with" if settings.tls else "without"
    return f"{settings.engine} at {settings.host}:{settings.port}, {settings.mode}, {tls} TLS"


def _lookup(name: str) -> str:
    try:
        socket.getaddrinfo(name, 443)
    except socket.gaierror:
        return "not found"
    return "found"
