"""The whole rehearsal of the dev stage with the real CDK CLI, as `make rehearse` runs it."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from rehearsal.workspace import ROOT
from tests.rehearsal.watch import Watch

if TYPE_CHECKING:
    from pathlib import Path

# Settings of a user who works with AWS: none of them may reach what a rehearsal starts.
A_USERS_SETTINGS = {
    "AWS_PROFILE": "production",
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_ENDPOINT_URL": "http://192.0.2.1:1",
    "AWS_REGION": "us-gov-west-1",
    "HTTP_PROXY": "http://192.0.2.1:1",
    "HTTPS_PROXY": "http://192.0.2.1:1",
    "http_proxy": "http://192.0.2.1:1",
}


@dataclass(frozen=True)
class Finished:
    """A rehearsal that has ended."""

    code: int
    output: str
    results: dict[str, Any]
    watch: Watch


@pytest.fixture(scope="session")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """A rehearsal of the dev stage, and the processes that it started."""
    results = tmp_path_factory.mktemp("rehearsal") / "results.json"
    with subprocess.Popen(
        [sys.executable, "-m", "rehearsal", "--json", str(results)],
        cwd=ROOT,
        env={**os.environ, **A_USERS_SETTINGS, "LIVE": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        watch = Watch(process.pid)
        output, _ = process.communicate(timeout=600)
        watch.stop()
    read = json.loads(results.read_text()) if results.exists() else {}
    return Finished(process.returncode, output, read, watch)


def test_the_dev_stage_passes(rehearsal: Finished) -> None:
    """All checks of the dev stage pass, and the exit code is 0."""
    assert rehearsal.code == 0, rehearsal.output[-6000:]
    assert [] == [check for check in rehearsal.results["verdict"]["checks"] if not check["ok"]]
    assert rehearsal.results["ok"] is True


def test_it_looked_at_every_cache(rehearsal: Finished) -> None:
    """The table has the replication group, its users and the Memcached cluster, each with its encryption."""
    checks = {(check["stack"], check["property"]) for check in rehearsal.results["verdict"]["checks"]}
    assert ("dev-cache-redis", "must: encrypted in transit") in checks
    assert ("dev-cache-redis", "must: at rest, key") in checks
    assert ("dev-cache-redis", "AccessString") in checks
    assert ("dev-cache-memcached", "must: encrypted in transit") in checks
    assert ("dev-cache-network", "must: flow logs record") in checks


def test_only_retained_resources_are_left(rehearsal: Finished) -> None:
    """After the destroy only keys, logs and final snapshots exist, as the deletion policies ask."""
    leftovers = rehearsal.results["leftovers"]
    assert ([], []) == (leftovers["unexpected"], leftovers["vanished"])
    assert {"AWS::KMS::Key", "AWS::Logs::LogGroup", "AWS::ElastiCache::Snapshot", "AWS::RDS::DBSnapshot"} == {
        thing["type"] for thing in leftovers["retained"]
    }


def test_no_process_is_left(rehearsal: Finished) -> None:
    """The emulator, the CLI, the app and all they started have ended."""
    assert len(rehearsal.watch.seen) > 3
    assert [] == rehearsal.watch.alive()


def test_it_listened_on_loopback_only(rehearsal: Finished) -> None:
    """No process of the rehearsal ever accepted a connection from another machine."""
    assert {"127.0.0.1"} == {address for address, _port in rehearsal.watch.listened}


def test_it_says_what_it_does_not_prove(rehearsal: Finished) -> None:
    """The report names its own limits, in the output and in the results."""
    told = " ".join(rehearsal.output.split())
    for limit in rehearsal.results["not_proven"]:
        assert limit in told


def test_it_leaves_no_working_files(rehearsal: Finished) -> None:
    """A successful rehearsal removes its directory; the CLI's default output directory is not used."""
    own = [path for path in rehearsal.watch.directories if path.parent == ROOT / ".rehearsal"]
    assert len(own) == 1
    assert not own[0].exists()


def test_its_time_is_told_by_phase(rehearsal: Finished) -> None:
    """Each phase has its seconds, in order."""
    assert ["start the emulator", "synthesise and bootstrap", "deploy 7 stacks", "read everything back", "destroy"] == [
        phase["name"] for phase in rehearsal.results["phases"]
    ]


def test_an_unknown_stage_gets_the_apps_own_words(tmp_path: Path) -> None:
    """A stage that does not exist ends the rehearsal with the app's one line about it.

    The app is one without the CDK: tests/synth has that of this repository say as much.
    """
    results = tmp_path / "results.json"
    file = tmp_path / "app.py"
    file.write_text("import sys; sys.exit('stage=nope: it must be another one')")
    # The CLI takes a quote from both ends of a command that begins and ends with one.
    app = shlex.join([sys.executable, str(file)])
    ended = subprocess.run(
        [sys.executable, "-m", "rehearsal", "--stage", "nope", "--app", app, "--json", str(results)],
        cwd=ROOT,
        env={**os.environ, "LIVE": "0"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    lines = [line for line in ended.stdout.splitlines() if not line.startswith("[")]
    assert ended.returncode == 2
    assert len(lines) == 1
    assert "nope" in lines[0]
    assert not results.exists()
