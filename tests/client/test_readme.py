"""The README's blocks run, and its table is the contract."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import elasticache_client
from elasticache_client import ConnectionSettings
from local_servers.certificates import HOST, make_certificate
from tests.client.memcached.servers import Endpoint, Server, reply, says

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.client.engines import Engine

README = (Path(elasticache_client.__file__).parent.parent / "README.md").read_text()


def test_every_block_is_python() -> None:
    """Blocks in other languages would not run."""
    assert set(re.findall(r"^```(.*)\n(?:.*\n)*?```$", README, re.MULTILINE)) == {"python"}


@pytest.fixture(name="cluster")
def _cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ConnectionSettings]:
    """A Memcached cluster of one node, with a certificate that this process trusts."""
    certificate = make_certificate(tmp_path, with_address=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.certificate))
    server, endpoint = Server(certificate), Endpoint(certificate)
    endpoint.answer = says(reply(1, server.name))
    yield ConnectionSettings(
        engine="memcached", host=HOST, port=endpoint.port, tls=True, mode="standalone", auth="none"
    )
    endpoint.stop()
    server.stop()


def test_the_blocks_run(engine: Engine, cluster: ConnectionSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks run from top to bottom, in one namespace, against a real engine."""
    engine.admin.execute_command("ACL", "SETUSER", "default", "on", "nopass", "~*", "&*", "+@all")
    settings = ConnectionSettings(
        engine="redis", host=HOST, port=engine.port, tls=False, mode="standalone", auth="none"
    )
    namespace: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL):
        for name, value in (cluster if "import memcached" in block else settings).to_environment().items():
            monkeypatch.setenv(name, value)
        exec(compile(block, "README.md", "exec"), namespace)  # noqa: S102 - our own README
    assert namespace["settings"].user == "orders-app"


def test_the_table_is_the_contract() -> None:
    """The table has every variable and no other."""
    named = set(re.findall(r"^\| `(ELASTICACHE_\w+)` \|", README, re.MULTILINE))
    assert named == {
        "ELASTICACHE_CONTRACT",
        *(f"ELASTICACHE_{field.name.upper()}" for field in fields(ConnectionSettings)),
    }
