"""The drills on AWS, run on a small stage of the rehearsal with the commands that run on AWS."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.operations.stage import STAGE

if TYPE_CHECKING:
    from tests.operations.conftest import Operator

CHECKED = {
    "failover": {
        "the primary of shard 0001 after the failover",
        "roles of shard 0001",
        "the failover is among the events of the group",
    },
    "rotate": {
        "the new password when the rotation ends",
        "the old password when the rotation ends",
        "passwords of the user within the grace time",
    },
    "restore": {"a group from the snapshot", "a group from the final snapshot"},
}


@pytest.mark.parametrize("name", CHECKED)
def test_a_drill_passes_and_leaves_its_record(name: str, operator: Operator) -> None:
    """It checks what the API tells, says what it did not try, writes both files, and leaves nothing in the account."""
    ended = operator.drill(name, typed="small\n")
    assert ended.code == 0, ended.output
    [record] = operator.records
    assert {check["property"] for check in record["checks"]} == CHECKED[name]
    assert record["status"] == "passed"
    assert record["measured"]
    assert record["not_tried"]
    assert record["left"] == operator.made_by_drills() == []
    table = (operator.directory / ".drills" / "results.md").read_text()
    assert table.count("\n") == 3
    assert f"| small | 000000000000, eu-west-1 | {record['name']} | passed |" in table


@pytest.mark.each_value
@pytest.mark.parametrize("begun", ["making the snapshot", "making the replication group", "can be deleted"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_drill_deletes_what_it_has_made(number: int, begun: str, operator: Operator) -> None:
    """Wherever it is: the exit code names the signal, and no group and no snapshot is left."""
    process = operator.start("drill", "--stage", STAGE, "--name", "restore", "--yes")
    assert process.stdout is not None
    told = []
    for line in process.stdout:
        told.append(line)
        if begun in line:
            process.send_signal(number)
            break
    rest, _ = process.communicate(timeout=120)
    assert process.returncode == 128 + number, "".join(told) + rest
    assert "Everything that the drill had made is deleted" in rest
    assert operator.made_by_drills() == []
