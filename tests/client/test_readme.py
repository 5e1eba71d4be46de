"""The README's blocks run, and its table is the contract."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import elasticache_client
from elasticache_client import ConnectionSettings
from local_servers.certificates import HOST

if TYPE_CHECKING:
    import pytest

    from tests.client.engines import Engine

README = (Path(elasticache_client.__file__).parent.parent / "README.md").read_text()


def test_the_blocks_run(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """From top to bottom, in one namespace, against a real engine."""
    engine.admin.execute_command("ACL", "SETUSER", "default", "on", "nopass", "~*", "&*", "+@all")
    settings = ConnectionSettings(
        engine="redis", host=HOST, port=engine.port, tls=False, mode="standalone", auth="none"
    )
    for name, value in settings.to_environment().items():
        monkeypatch.setenv(name, value)
    namespace: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL):
        exec(compile(block, "README.md", "exec"), namespace)  # noqa: S102 - our own README
    assert namespace["settings"].user == "orders-app"


def test_the_table_is_the_contract() -> None:
    """Every variable is in it, and no other."""
    named = set(re.findall(r"^\| `(ELASTICACHE_\w+)` \|", README, re.MULTILINE))
    assert named == {
        "ELASTICACHE_CONTRACT",
        *(f"ELASTICACHE_{each.name.upper()}" for each in fields(ConnectionSettings)),
    }
