"""The causes of a failure are what the emulated account refused meanwhile."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rehearsal import causes

if TYPE_CHECKING:
    from pathlib import Path

ROLE = "arn:aws:iam::000000000000:role/leaderboard"


def journal(path: Path, *entries: dict[str, Any]) -> Path:
    """A journal with an entry for each second."""
    file = path / "journal.jsonl"
    file.write_text("".join(json.dumps({"time": number, **entry}) + "\n" for number, entry in enumerate(entries)))
    return file


def test_refusals_are_told_with_who_what_and_why(tmp_path: Path) -> None:
    """Each refusal is one line with its reason; what was allowed is no cause."""
    path = journal(
        tmp_path,
        {"kind": "grant", "role": ROLE, "action": "s3:GetObject", "resource": "*", "allowed": True, "reason": ""},
        {
            "kind": "grant",
            "role": ROLE,
            "action": "elasticache:Connect",
            "allowed": False,
            "reason": "no statement allows it",
        },
        {
            "kind": "connection",
            "client": "board",
            "endpoint": "redis-001",
            "allowed": False,
            "reason": "no inbound rule",
        },
        {"kind": "function", "function": "board", "failed": True, "error": "SettingsError: ELASTICACHE_HOST"},
        {"kind": "engine", "cache": "files", "missing": "memcached is not installed"},
        {"kind": "function", "function": "board", "failed": False},
    )
    assert causes.since(path, 0) == (
        "no statement allows it",
        "connection of board redis-001: no inbound rule",
        "function of board: SettingsError: ELASTICACHE_HOST",
        "engine of files: memcached is not installed",
    )


def test_what_was_refused_before_is_no_cause(tmp_path: Path) -> None:
    """Only what happened since the moment counts, and the same refusal counts once."""
    old = {"kind": "grant", "role": ROLE, "action": "old", "allowed": False, "reason": "old"}
    intended = {**old, "role": "arn:aws:iam::000000000000:role/rehearsal-sites-1", "reason": "a drill's own"}
    new = {**old, "reason": "new"}
    assert causes.since(journal(tmp_path, old, intended, new, new), 1) == ("new", "a drill's own")
    assert causes.since(tmp_path / "absent", 0) == ()


class Logs:
    """An account with one log group.

    Args:
        messages: What was logged.
    """

    def __init__(self, *messages: str) -> None:
        self._messages = messages

    def client(self, _service: str) -> Logs:
        """The client of CloudWatch Logs."""
        return self

    def filter_log_events(self, **_arguments: Any) -> dict[str, Any]:
        """All events."""
        return {"events": [{"message": message} for message in self._messages]}


def test_errors_in_a_functions_log_are_causes() -> None:
    """The last line of a traceback, and what is logged as an error; each once, and nothing else."""
    account: Any = Logs(
        "START RequestId: 1",
        'Traceback (most recent call last):\n  File "x.py", line 1\nredis.exceptions.NoPermissionError: NOPERM no\n',
        "redis.exceptions.NoPermissionError: NOPERM no",
        "[ERROR] the cache refused",
        "INFO no error here",
    )
    assert causes.in_logs(account, {"board": "/board"}, 0) == (
        "log of board: redis.exceptions.NoPermissionError: NOPERM no",
        "log of board: [ERROR] the cache refused",
    )
