"""Self-signed certificates for `localhost`."""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from local_servers.ports import LOOPBACK

if TYPE_CHECKING:
    from pathlib import Path

HOST = "localhost"


@dataclass(frozen=True)
class Certificate:
    """Files of a self-signed certificate, which is its own certificate authority.

    Attributes:
        certificate: The certificate, in PEM.
        key: Its private key, in PEM without a password.
    """

    certificate: Path
    key: Path


def make_certificate(directory: Path, name: str = "localhost", *, with_address: bool = True) -> Certificate:
    """Write a certificate for `localhost` that is valid for a day.

    Args:
        directory: Directory for both files.
        name: Name of the files, without extension.
        with_address: Whether the certificate is for 127.0.0.1 too. ElastiCache's name no address.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = dt.datetime.now(dt.UTC)
    names: list[x509.GeneralName] = [x509.DNSName(HOST)]
    if with_address:
        names.append(x509.IPAddress(ipaddress.ip_address(LOOPBACK)))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    made = Certificate(directory / f"{name}.crt", directory / f"{name}.key")
    made.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    made.key.touch(mode=0o600)
    made.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return made
