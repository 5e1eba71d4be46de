"""Why something failed in a live rehearsal: what the emulated account refused meanwhile, from its journal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from elasticache_rules.posture.reachability import closed_stores, unreachable
from rehearsal.live import journal
from verification.account import Account, ClientError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from verification.assembly import Stack

OF_DRILLS = ":role/rehearsal-"
MOST = 12  # lines; further ones seldom say more
LONGEST = 300  # characters of an error in a log
# The last line of a traceback, or a line that the program logs as an error.
ERROR = re.compile(r"^(?:[\w.]+(?:Error|Exception|Denied|Unavailable)\b:.*|\[?(?:ERROR|CRITICAL)\b.*)$", re.MULTILINE)
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


def in_logs(account: Account, functions: Mapping[str, str], moment: float) -> tuple[str, ...]:
    """The errors in the logs of functions since a moment, each once.

    Args:
        account: The account.
        functions: Names of functions with their log groups.
        moment: The moment, as `time.time` tells it.
    """
    client = account.client("logs")
    found = []
    for name, group in functions.items():
        try:
            events = client.filter_log_events(logGroupName=group, startTime=int(moment * 1000))["events"]
        except ClientError:
            continue  # it has not logged
        errors = [error for event in events for error in ERROR.findall(event["message"])]
        found += [f"log of {name}: {' '.join(error.split())[:LONGEST]}" for error in dict.fromkeys(errors)]
    return tuple(found[:MOST])


def in_templates(stacks: Sequence[Stack]) -> tuple[str, ...]:
    """What functions cannot reach, by the check of reachability at synth: no journal shows a connection that hangs.

    Args:
        stacks: The stacks of the stage.
    """
    templates = {stack.name: stack.template for stack in stacks}
    services = (
        f"{found.function.logical_id} cannot reach {service}, which its role allows: no endpoint or route leads there"
        for found in unreachable(templates)
        for service in found.services
    )
    stores = (
        f"{found.function.logical_id} cannot reach port {found.port} of {found.store.logical_id}: no security group "
        "allows it"
        for found in closed_stores(templates)
    )
    return (*services, *stores)


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
