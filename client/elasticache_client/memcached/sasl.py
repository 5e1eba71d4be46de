"""SASL, for Memcached that you run yourself: ElastiCache has none."""

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
    """python-binary-memcached's client, logged in to Memcached servers of your own that run with ``-S``.

    **Not for ElastiCache**, which offers neither SASL nor IAM nor AUTH for Memcached: there, security groups and TLS
    are all that keeps others out, and ``connect`` is the function to use.

    Keys are spread over the servers, each thread has connections of its own, and a server that is down makes reads miss
    and writes return False. Values other than bytes, text and whole numbers are MessagePack, where the library alone
    would pickle them; one that was pickled by somebody else raises ``msgspec.DecodeError`` and is not run.

    Args:
        nodes: ``host:port`` of each server.
        username: with the realm where the server wants it, as in ``app@example.com``.
        password: sent as it is, by SASL's PLAIN.
        tls: the context for all connections, from ``tls_context()``. None: not encrypted; the password can be read by
            everybody on the way.

    Raises:
        ModuleNotFoundError: python-binary-memcached is not installed.

    See https://github.com/memcached/memcached/wiki/SASLHowto and
    https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/in-transit-encryption-mc.html
    """
    from bmemcached import DistributedClient  # noqa: PLC0415  # an extra of its own

    return DistributedClient(tuple(nodes), username, password, tls_context=tls, pickler=_Packer, unpickler=_Unpacker)


class _Packer:
    """Stands where the library wants a pickler."""

    def __init__(self, file: IO[bytes], _protocol: int) -> None:
        self._file = file

    def dump(self, value: object) -> None:
        self._file.write(msgspec.msgpack.encode(value))


class _Unpacker:
    """Stands where the library wants an unpickler."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def load(self) -> Any:
        return msgspec.msgpack.decode(self._file.read())
