"""Several mistakes in one configuration are reported together, one line each."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import aws_ec2 as ec2

from elasticache_constructs import (
    Access,
    Backups,
    ConfigurationError,
    DefaultUser,
    Engine,
    IamUser,
    LogDelivery,
    MemcachedCluster,
    NodeType,
    Permissions,
    ReplicationGroup,
    Snapshot,
    Topology,
)
from elasticache_constructs.checks.errors import reference
from elasticache_constructs.values.parameters import check_parameters
from tests.conftest import ROOT, new_bench

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_NOBODY = Permissions("off ~app:* +@read")
_PARAMETERS = {"maxmemory-polic": "noeviction", "timeout": "19", "maxclients": "1", "cluster-enabled": "yes"}


def _replication_group() -> object:
    bench = new_bench()
    return ReplicationGroup(
        bench.stack,
        "Redis",
        vpc=bench.vpc,
        vpc_subnets=ec2.SubnetSelection(subnets=bench.vpc.isolated_subnets[:1]),
        engine=Engine.REDIS_6_2,
        node_type=NodeType("cache.r8g.large"),
        access=Access.users(default=DefaultUser.with_token(), users=[IamUser("app", Permissions.read_only("app:*"))]),
        port=0,
        maintenance_window="sun:01:30-sun:02:30",
        parameters={"timeout": "19"},
    )


def _memcached_cluster() -> object:
    bench = new_bench()
    return MemcachedCluster(
        bench.stack,
        "Memcached",
        vpc=bench.vpc,
        vpc_subnets=ec2.SubnetSelection(subnets=bench.vpc.isolated_subnets[:1]),
        engine=Engine("memcached", "1.6.6"),
        node_type=NodeType("cache.r6gd.xlarge"),
        nodes=61,
        port=70000,
        maintenance_window="sunday",
        parameters={"maxmemory": "1"},
    )


@pytest.mark.parametrize(
    ("configuration", "rules"),
    [
        pytest.param(
            lambda: Topology(shards=0, replicas_per_shard=6, node_quota=1),
            ["TOP-19", "TOP-03", "TOP-19"],
            id="topology",
        ),
        pytest.param(
            lambda: Access.users(
                default=DefaultUser.disabled(),
                users=[
                    IamUser("app", _NOBODY),
                    *(IamUser(f"user-{n}", _NOBODY) for n in range(98)),
                    IamUser("app", _NOBODY),
                ],
            ),
            ["RBC-05", "RBC-22", "RBC-11"],
            id="access",
        ),
        pytest.param(
            lambda: Permissions("app:* nopass +@reads +config"),
            ["RBC-10", "RBC-12", "RBC-10", "RBC-14", "RBC-11"],
            id="permissions",
        ),
        pytest.param(
            lambda: check_parameters(_PARAMETERS, engine=Engine.REDIS_7_1, node_type=NodeType("cache.r7g.large")),
            ["PGR-04", "PGR-06", "PGR-05", "PGR-07"],
            id="parameters",
        ),
        pytest.param(lambda: Backups(retention_days=36, window="2-3"), ["SNP-02", "SNP-01"], id="backups"),
        pytest.param(
            lambda: LogDelivery(log_format=_any("yaml"), firehose_stream="a b"), ["LOG-01", "LOG-07"], id="logs"
        ),
        pytest.param(lambda: Snapshot.rdb_files(["a", "b"]), ["SNP-10", "SNP-10"], id="snapshot"),
        pytest.param(
            _replication_group, ["NOD-04", "IAM-01", "NET-12", "SNP-03", "PGR-06", "TOP-10"], id="replication group"
        ),
        pytest.param(
            _memcached_cluster,
            ["NOD-03", "TLS-04", "MEM-01", "NET-12", "WIN-01", "PGR-04", "TOP-10"],
            id="Memcached cluster",
        ),
    ],
)
def test_every_mistake_is_reported(configuration: Callable[[], object], rules: list[str]) -> None:
    """A configuration with several mistakes is refused with all of them, each on its own line."""
    with pytest.raises(ConfigurationError) as refusal:
        configuration()

    lines = str(refusal.value).splitlines()
    assert rules == [error.rule for error in refusal.value.errors]
    assert rules == [line.rpartition("(")[2].rstrip(")") for line in lines]


def _any(value: object) -> Any:
    return value


@pytest.fixture(name="app")
def _app(tmp_path: Path) -> Path:
    """A copy of the app, to be broken."""
    directory = tmp_path / "app"
    directory.mkdir()
    for name in ("app.py", "stages.py", "cdk.json"):
        shutil.copy(ROOT / name, directory)
    shutil.copytree(ROOT / "stacks", directory / "stacks", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("workloads", "client"):
        (directory / name).symlink_to(ROOT / name)
    return directory


def _broken(app: Path, old: str, new: str) -> None:
    stages = app / "stages.py"
    text = stages.read_text(encoding="utf-8")
    assert old in text
    stages.write_text(text.replace(old, new), encoding="utf-8")


def _run(app: Path) -> tuple[int, list[str]]:
    """The app's exit code, and what it says."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_"))}
    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=app,
        env={**kept, "CDK_OUTDIR": str(app / "cdk.out")},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr.splitlines()


def test_mistakes_in_a_stage_end_the_app_with_a_line_each(app: Path) -> None:
    """Mistakes in stages.py are reported line by line: no traceback, nothing of jsii, and nothing is written."""
    _broken(app, "Topology(shards=1, replicas_per_shard=2)", "Topology(shards=0, replicas_per_shard=6)")
    code, lines = _run(app)

    assert 1 == code
    shards = "Topology(shards=0): a group has 1 to 500 shards. Use shards=1 for a group without cluster mode."
    replicas = (
        "Topology(replicas_per_shard=6): a shard has 0 to 5 replicas. Use replicas_per_shard=1, or 2 over three "
        "Availability Zones."
    )
    assert [f"error: {shards} {reference('TOP-19')}", f"error: {replicas} {reference('TOP-03')}"] == lines
    assert not (app / "cdk.out").exists()


def test_mistakes_in_a_construct_leave_what_was_synthesised_before(app: Path) -> None:
    """A refusal while stacks are built leaves the last assembly as it was, so that nothing half is deployed."""
    before = {"manifest.json": "{}", "assembly-dev/manifest.json": "{}", "assembly-dev/cache.template.json": "{}"}
    for name, text in before.items():
        file = app / "cdk.out" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    _broken(app, 'NodeType("cache.r7g.large")', 'NodeType("cache.r6gd.xlarge")')
    _broken(app, ", nodes=3)", ", nodes=61)")
    code, lines = _run(app)

    files = (app / "cdk.out").rglob("*.json")
    assert (1, ["NOD-03", "MEM-01"]) == (code, [line.rpartition("(")[2].rstrip(")") for line in lines])
    assert before == {file.relative_to(app / "cdk.out").as_posix(): file.read_text(encoding="utf-8") for file in files}
