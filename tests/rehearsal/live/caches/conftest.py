"""The emulator's ElastiCache in this process with real engines, in a separate account."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from local_servers.ports import free_port
from local_servers.waiting import wait_until
from rehearsal.extension import seam
from rehearsal.live import identity
from rehearsal.live.caches import MODULES, registry
from rehearsal.live.control import Controller
from rehearsal.live.run import Run
from tests.rehearsal.live import restored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.live.caches.registry import Cache, Caches

ACCOUNT, REGION = "700000000000", "eu-west-1"
NAMESPACE = "{http://elasticache.amazonaws.com/doc/2015-02-02/}"
PASSWORD = "correct-horse-battery"
EVERYTHING = "on ~* &* +@all"


class ApiError(Exception):
    """The API refused a request; the arguments are its code and its message."""


@dataclass
class Service:
    """ElastiCache of one account, its API and its engines."""

    run: Run
    caches: Caches

    def __call__(self, action: str, **parameters: Any) -> ET.Element:
        """Call the API."""
        body = urlencode({"Action": action, **flat(parameters)}).encode()
        status, _, answer = asyncio.run(seam.elasticache.handle_request("POST", "/", {}, body, {}))
        root = ET.fromstring(answer.decode())  # noqa: S314 - our own server's answer
        if status >= seam.REFUSED:
            raise ApiError(*(root.findtext(f".//{NAMESPACE}{name}") for name in ("Code", "Message")))
        return root

    def texts(self, root: ET.Element, name: str) -> list[str | None]:
        """The texts of all elements of a name."""
        return [element.text for element in root.iter(f"{NAMESPACE}{name}")]

    def group(self, name: str, **parameters: Any) -> Cache:
        """Create a replication group of two nodes, unless the parameters say otherwise."""
        asked = {
            "ReplicationGroupDescription": "x",
            "Engine": "valkey",
            "CacheNodeType": "cache.t4g.small",
            "TransitEncryptionEnabled": "true",
            "AutomaticFailoverEnabled": "true",
            "NumCacheClusters": "2",
        }
        self("CreateReplicationGroup", ReplicationGroupId=name, **{**asked, **parameters})
        return self.caches.groups[name]

    def sharded(self, name: str, shards: int, replicas: int = 0, **parameters: Any) -> Cache:
        """Create a replication group with cluster mode."""
        more = {"CacheParameterGroupName": "default.valkey8.cluster.on", "NumNodeGroups": str(shards)}
        return self.group(name, NumCacheClusters="", ReplicasPerNodeGroup=str(replicas), **more, **parameters)

    def delete(self, name: str) -> None:
        """Delete a replication group."""
        self("DeleteReplicationGroup", ReplicationGroupId=name)

    def user(self, name: str, *, access_string: str = EVERYTHING, **mode: Any) -> str:
        """Create a user."""
        asked = mode or {"AuthenticationMode": {"Type": "password", "Passwords": [PASSWORD]}}
        self("CreateUser", UserId=name, UserName=name, Engine="valkey", AccessString=access_string, **asked)
        return name

    def connect(self, host: str, port: int = 6379, *, tls: bool = True, **more: Any) -> Any:
        """A client at the address of a host name, which verifies the authority of the run and repeats nothing."""
        address = self.run.addresses.address_of(host)
        assert address is not None, host
        security = {"ssl": True, "ssl_ca_certs": str(self.run.authority.ca_file), "ssl_check_hostname": False}
        # redis-py waits five seconds by default, which a busy machine takes for a login.
        waits = {"socket_timeout": 60, "socket_connect_timeout": 60, "retry": Retry(NoBackoff(), 0)}
        settings = {**(security if tls else {}), **waits, "decode_responses": True, **more}
        return redis.Redis(host=address, port=port, **settings)

    def events(self, source: str) -> list[str | None]:
        """The messages of the events of a source."""
        return self.texts(self("DescribeEvents", SourceIdentifier=source), "Message")

    def available(self, name: str) -> None:
        """Wait until a replication group is available."""
        cache = self.caches.groups[name]
        wait_until(lambda: cache.record["Status"] == "available", f"{name} is available")

    def journal(self, kind: str) -> list[dict[str, Any]]:
        """Entries of the journal."""
        from rehearsal.live import journal  # noqa: PLC0415 - the name is taken

        return journal.read(self.run.journal.path, kind)

    @property
    def control(self) -> Controller:
        """A client of the control socket."""
        return Controller(self.run.control.path)


def flat(parameters: dict[str, Any]) -> dict[str, str]:
    """Parameters of the query protocol."""
    found: dict[str, str] = {}
    for key, value in parameters.items():
        if isinstance(value, dict):
            found |= flat({f"{key}.{name}": each for name, each in value.items()})
        elif isinstance(value, list):
            found |= flat({f"{key}.member.{number}": each for number, each in enumerate(value, 1)})
        else:
            found[key] = str(value)
    return {key: value for key, value in found.items() if value}


@pytest.fixture(scope="module")
def hooked(_mended: None) -> Iterator[tuple[Run, Caches]]:
    """The hooks for one module; afterwards the emulator in this process is as it was."""
    directory = Path(tempfile.mkdtemp(prefix="live-"))
    run = Run.create(directory, account=ACCOUNT, region=REGION, gateway_port=free_port())
    with restored.emulator():
        for module in (identity, *MODULES):
            module.install(run)
        caches = registry.of(run)
        try:
            yield run, caches
        finally:
            with run.in_account():
                caches.stop()
            run.close()
            shutil.rmtree(directory)


@pytest.fixture
def service(hooked: tuple[Run, Caches]) -> Iterator[Service]:
    """ElastiCache with engines; what a test leaves is deleted."""
    run, caches = hooked
    with run.in_account():
        made = Service(run, caches)
        yield made
        for name in tuple(caches.groups):
            cache = caches.groups[name]
            if cache.record is seam.elasticache._replication_groups.get(name):
                made.available(name)
                made.delete(name)
            elif name in seam.elasticache._serverless_caches:
                made("DeleteServerlessCache", ServerlessCacheName=name)
            else:
                made("DeleteCacheCluster", CacheClusterId=name)
        for name in tuple(caches.memcached):
            made("DeleteCacheCluster", CacheClusterId=name)
        for table in ("_users", "_user_groups", "_snapshots", "_events"):
            for key in tuple(getattr(seam.elasticache, table)):
                getattr(seam.elasticache, table).pop(key)
