"""Why something failed in a live rehearsal: what the emulated account refused meanwhile, from its journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.live import journal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

OF_DRILLS = ":role/rehearsal-"
MOST = 12  # lines; further ones seldom say more
SUBJECTS = ("client", "role", "function", "cache", "database", "secret", "topic", "source")
OBJECTS = ("action", "endpoint", "user", "step", "resource")


def since(path: Path, moment: float) -> tuple[str, ...]:
    """What was refused or failed since a moment, each once, oldest first.

    Args:
        path: The journal of the run.
        moment: The moment, as `time.time` tells it.
    """
    entries = [entry for entry in journal.read(path) if entry["time"] >= moment and _is_failure(entry)]
    entries.sort(key=_is_intended)
    return tuple(dict.fromkeys(_line(entry) for entry in entries))[:MOST]


def _is_failure(entry: Mapping[str, Any]) -> bool:
    return entry.get("allowed") is False or bool(entry.get("failed")) or bool(entry.get("missing"))


def _is_intended(entry: Mapping[str, Any]) -> bool:
    """Whether a role of a drill was refused, which is there to be refused; so it comes last."""
    return OF_DRILLS in str(entry.get("role", ""))


def _line(entry: Mapping[str, Any]) -> str:
    subject = next((str(entry[name]) for name in SUBJECTS if entry.get(name)), "")
    what = " ".join(str(entry[name]) for name in OBJECTS if entry.get(name))
    failed = entry["failed"] if isinstance(entry.get("failed"), str) else ""
    reason = entry.get("reason") or entry.get("error") or entry.get("missing") or failed or "refused"
    if entry["kind"] == "grant":
        return " ".join(str(reason).split())  # it names role, action and resource
    kind = str(entry["kind"]).replace("-", " ")
    return f"{' '.join(f'{kind} of {_short(subject)} {what}'.split())}: {' '.join(str(reason).split())}"


def _short(name: str) -> str:
    """The last part of an ARN, which tells things of one account apart."""
    return name.rpartition("/")[2] if name.startswith("arn:") and "/" in name else name
