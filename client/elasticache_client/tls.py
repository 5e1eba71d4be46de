"""TLS: one context for all connections, because making one costs more than a connection."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def tls_context(ca_bundle: str | Path | None = None) -> ssl.SSLContext:
    """A context that verifies the certificate and the host's name, with TLS 1.2 or newer.

    Args:
        ca_bundle: a file of the authorities to trust instead of the system's, which know Amazon's.

    Raises:
        OSError: the file is missing or holds no certificate.

    See https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/in-transit-encryption.html
    """
    context = ssl.create_default_context(cafile=ca_bundle)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
