"""TLS with one SSL context for all connections, because creating a context costs more than a connection."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def tls_context(ca_bundle: str | Path | None = None) -> ssl.SSLContext:
    """An SSL context that verifies the certificate and the host name, with TLS 1.2 or newer.

    Args:
        ca_bundle: A file of certificate authorities to trust instead of the system's. Default: the system's, which
            include Amazon's.

    Raises:
        OSError: If the file is missing or contains no certificate.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/in-transit-encryption.html
    """
    context = ssl.create_default_context(cafile=ca_bundle)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
