"""SASL with self-managed Memcached."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import bmemcached  # type: ignore[import-untyped]
import msgspec
import pytest
from bmemcached.exceptions import MemcachedException  # type: ignore[import-untyped]

from elasticache_client import tls_context
from elasticache_client.memcached import connect_sasl
from local_servers.certificates import HOST
from tests.client.engines import missing
from tests.client.memcached.servers import memcached
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from local_servers.certificates import Certificate
    from tests.client.memcached.servers import Server

EXAMPLE = ROOT / "client" / "examples" / "memcached_sasl.py"
USER = f"app@{HOST}"
PASSWORD = "planted-never-to-be-seen"

# Does what saslpasswd2 does, which is a separate package, with libsasl2, on which memcached depends.
CREATE_USER = """
import ctypes, sys
library = ctypes.CDLL("libsasl2.so.2")
user, realm = sys.argv[1].split("@")
password = sys.stdin.read().encode()
connection = ctypes.c_void_p()
assert library.sasl_server_init(None, b"memcached") == 0
assert library.sasl_server_new(b"memcached", None, realm.encode(), None, None, None, 0, ctypes.byref(connection)) == 0
sasl_set_create = 1
sys.exit(library.sasl_setpass(connection, user.encode(), password, len(password), None, 0, sasl_set_create))
"""


@pytest.fixture(name="server")
def _server(start_server: Callable[..., Server], dns_only: Certificate, tmp_path: Path) -> Server:
    usage = subprocess.run([memcached(), "--help"], capture_output=True, text=True, check=True).stdout
    if "--enable-sasl" not in usage:
        missing("memcached without SASL: it must have SASL. Install a package that is built with it, as Debian's is.")
    lines = ["mech_list: plain", "pwcheck_method: auxprop", "auxprop_plugin: sasldb", f"sasldb_path: {tmp_path}/users"]
    (tmp_path / "memcached.conf").write_text("\n".join(lines))
    environment = {"SASL_CONF_PATH": str(tmp_path)}
    create = [sys.executable, "-c", CREATE_USER, USER]
    subprocess.run(create, input=PASSWORD, text=True, check=True, env={**os.environ, **environment})
    return start_server(dns_only, "--enable-sasl", environment=environment)


def _connect(server: Server, dns_only: Certificate, password: str = PASSWORD) -> bmemcached.DistributedClient:
    return connect_sasl([server.name], username=USER, password=password, tls=tls_context(dns_only.certificate))


@pytest.mark.parametrize("value", [{"name": "pear", "prices": [1.5, 2]}, "pear", b"\x00pear", 7, None, True])
def test_values_go_through_a_login(server: Server, dns_only: Certificate, value: object) -> None:
    """With the right password, values of every kind are read unchanged."""
    client = _connect(server, dns_only)
    assert (client.set("key", value), client.get("key")) == (True, value)
    client.disconnect_all()


def test_the_example_runs(server: Server, dns_only: Certificate) -> None:
    """The example logs in, and reads what it wrote; with another password it ends with an error."""
    certificate = {"SSL_CERT_FILE": str(dns_only.certificate), "MEMCACHED_USER": USER}
    ended = [
        subprocess.run(
            [sys.executable, EXAMPLE, server.name],
            env={**os.environ, **certificate, "MEMCACHED_PASSWORD": password},
            capture_output=True,
            text=True,
            check=False,
        )
        for password in (PASSWORD, "another")
    ]
    assert "{'name': 'pear', 'cents': 250}\n" == ended[0].stdout
    assert "Auth failure" in ended[1].stderr


def test_a_wrong_password_is_refused(server: Server, dns_only: Certificate, caplog: pytest.LogCaptureFixture) -> None:
    """The error contains neither the wrong password nor the right one."""
    caplog.set_level("DEBUG")
    client = _connect(server, dns_only, password=f"not-{PASSWORD}")
    with pytest.raises(MemcachedException, match="Auth failure") as caught:
        client.set("key", "value")
    client.disconnect_all()
    shown = f"{caught.value!r} {client!r} {[str(server) for server in client.servers]} {caplog.text}"
    assert PASSWORD not in shown


def test_a_pickle_of_somebody_else_is_not_run(server: Server, dns_only: Certificate) -> None:
    """A value that the library alone would unpickle raises an error."""
    stranger = bmemcached.DistributedClient(
        (server.name,), USER, PASSWORD, tls_context=tls_context(dns_only.certificate)
    )
    stranger.set("planted", {"name": "pear"})
    stranger.disconnect_all()
    client = _connect(server, dns_only)
    with pytest.raises(msgspec.DecodeError):
        client.get("planted")
    client.disconnect_all()
