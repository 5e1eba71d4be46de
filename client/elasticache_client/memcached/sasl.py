"""SASL, for self-managed Memcached. ElastiCache does not support it."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

    from bmemcached import DistributedClient  # type: ignore[import-untyped]


def connect_sasl(
    nodes: Sequence[str], *, username: str, password: str, tls: ssl.SSLContext | None
) -> DistributedClient:
    """Return python-binary-memcached's client, logged in to self-managed Memcached servers that run with ``-S``.

    **Not for ElastiCache**, which has no SASL, IAM or AUTH for Memcached. There, use ``connect``. Security groups and
    TLS protect the cache.

    Keys are spread over the servers, and each thread has its own connections. If a server is down, reads miss and
    writes return False. Values other than bytes, strings and whole numbers are stored as MessagePack, which the library
    alone would pickle. A pickled value of another client raises ``msgspec.DecodeError`` and is not executed.

    Args:
        nodes: ``host:port`` of each server.
        username: The user name, with the realm if the server requires it, for example ``app@example.com``.
        password: The password. SASL PLAIN sends it unencrypted.
        tls: The SSL context of all connections, for example ``tls_context()``. None: connections are not encrypted, and
            the password can be read on the network.

    Raises:
        ModuleNotFoundError: If python-binary-memcached is not installed.

    See https://github.com/memcached/memcached/wiki/SASLHowto and
    https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/in-transit-encryption-mc.html
    """
    from bmemcached import DistributedClient  # noqa: PLC0415 - a separate extra

    return DistributedClient(tuple(nodes), username, password, tls_context=tls, pickler=_Packer, unpickler=_Unpacker)


class _Packer:
    """Replaces the library's pickler."""

    def __init__(self, file: IO[bytes], _protocol: int) -> None:
        self._file = file

    def dump(self, value: object) -> None:
        self._file.write(msgspec.msgpack.encode(value))


class _Unpacker:
    """Replaces the library's unpickler."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def load(self) -> Any:
        return msgspec.msgpack.decode(self._file.read())
