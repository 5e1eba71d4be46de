"""Self-managed Memcached servers, with SASL and TLS: one login, and a value that is written and read.

Not for ElastiCache, which has no SASL for Memcached. The servers run with `memcached --enable-sasl --enable-ssl`.

    MEMCACHED_USER=app@example.com MEMCACHED_PASSWORD=... python client/examples/memcached_sasl.py HOST:PORT ...

SSL_CERT_FILE names the certificate authority of the servers, if it is not one of the system's.
"""

from __future__ import annotations

import os
import sys

from elasticache_client import tls_context
from elasticache_client.memcached import connect_sasl


def main(nodes: list[str]) -> str:
    """Write a value to the servers, and read it."""
    client = connect_sasl(
        nodes,
        username=os.environ["MEMCACHED_USER"],
        password=os.environ["MEMCACHED_PASSWORD"],
        # SASL PLAIN sends the password as it is: never without TLS.
        tls=tls_context(os.environ.get("SSL_CERT_FILE")),
    )
    try:
        client.set("fruit:7", {"name": "pear", "cents": 250}, time=300)
        return str(client.get("fruit:7"))
    finally:
        client.disconnect_all()


if __name__ == "__main__":
    sys.stdout.write(main(sys.argv[1:]) + "\n")
