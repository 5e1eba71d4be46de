"""The drill of the endpoints: each answers by its name over TLS, to clients that log in, and to no other."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from elasticache_client import ConnectionSettings, memcached
from rehearsal.drills.logins import ACCEPTED, REFUSED, login
from rehearsal.drills.scene import NotApplicableError

if TYPE_CHECKING:
    from rehearsal.drills.scene import Scene
    from rehearsal.drills.stage import Group

KEYS = 50
OUTSIDE = "elasticache.example.com"
WRONG = "a-password-that-no-user-has"


def endpoints(scene: Scene) -> None:
    """Connect to each cache rightly, and in each way that must fail."""
    memcached_clusters = list(scene.stage.all_of("AWS::ElastiCache::CacheCluster"))
    if not scene.stage.groups and not memcached_clusters:
        raise NotApplicableError("the stage has no cache with nodes")
    scene.expect("a name outside the account", "not found", _lookup(OUTSIDE))
    for group in scene.stage.groups:
        scene.require_engine(group.name)
        _replication_group(scene, group)
    for deployment, resource, _asked in memcached_clusters:
        scene.require_engine(deployment.physical_id(resource))
        _memcached(scene, deployment.physical_id(resource), resource.name)


def _replication_group(scene: Scene, group: Group) -> None:
    settings = scene.stage.settings(group)
    user, password = (group.user, scene.stage.password(group.secret)) if group.secret else (None, None)
    scene.expect("the login of its secret", ACCEPTED, login(settings, user, password), of=group.resource)
    if group.secret:
        scene.expect("a wrong password", REFUSED, login(settings, user, WRONG), of=group.resource)
        scene.expect("a client that does not log in", REFUSED, login(settings, None, None), of=group.resource)
    if settings.tls:
        plain = login(settings, user, password, ssl=False)
        scene.expect("a client without TLS", REFUSED, _outcome(plain), of=group.resource)
        address = socket.getaddrinfo(settings.host, settings.port, socket.AF_INET)[0][4][0]
        unnamed = login(settings, user, password, host=address)
        scene.expect("a certificate of another name", REFUSED, _outcome(unnamed), of=group.resource)


def _outcome(told: str) -> str:
    """How a login ended that fails before the server judges it."""
    return ACCEPTED if told == ACCEPTED else REFUSED


def _memcached(scene: Scene, cluster: str, resource: str) -> None:
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


def _lookup(name: str) -> str:
    try:
        socket.getaddrinfo(name, 443)
    except socket.gaierror:
        return "not found"
    return "found"
