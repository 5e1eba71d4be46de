"""TLS of a replication group, which is turned on and off in steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from elasticache_rules import facts
from elasticache_rules.change_gate.changes import Effect
from elasticache_rules.change_gate.service_rules.engines import lacks
from elasticache_rules.change_gate.service_rules.update import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elasticache_rules.change_gate.service_rules.update import State, Update

_ENABLED, _MODE = "TransitEncryptionEnabled", "TransitEncryptionMode"
_RUNBOOK = "docs/runbooks/tls.md"


def mode(state: State) -> str | None:
    """``disabled``, ``preferred`` or ``required``; nothing when it is a function."""
    enabled = state.flag(_ENABLED)
    if not enabled:
        return None if enabled is None else "disabled"
    return (state.text(_MODE, "required") or "").lower() or None


def findings(update: Update) -> Iterator[Finding]:
    """What the service says about another mode."""
    old, new = mode(update.old), mode(update.new)
    if old is None or new is None or old == new:
        return
    name = _ENABLED if "disabled" in (old, new) else _MODE
    has_login = update.old.get("AuthToken") is not None or update.old.get("UserGroupIds")
    too_old = lacks(update.old, "transit_encryption_mode")
    if has_login:
        yield Finding(
            name,
            Effect.REJECTED,
            "TLS cannot be changed on a group with an AuthToken or users",
            "restore a snapshot into a new group: docs/runbooks/snapshot-and-restore.md",
            ("TLS-10",),
        )
    elif too_old:
        yield Finding(
            name,
            Effect.SEVERAL_DEPLOYMENTS,
            f"a change of TLS needs at least {facts.floors_in_words('transit_encryption_mode')}; the version that runs "
            "counts",
            f"deploy the engine upgrade, then preferred, then required: {_RUNBOOK}",
            ("TLS-18", "UPD-17"),
        )
    elif {old, new} == {"disabled", "required"}:
        yield Finding(
            name,
            Effect.SEVERAL_DEPLOYMENTS,
            f"the service goes from {old} to {new} by way of preferred only",
            f"deploy preferred, move the clients, then deploy {new}: {_RUNBOOK}",
            ("TLS-08" if new == "required" else "TLS-09", "UPD-17"),
        )
    else:
        yield from _step(name, old, new)


def _step(name: str, old: str, new: str) -> Iterator[Finding]:
    match old, new:
        case "disabled", "preferred":
            reason = "clients with and without TLS are served; endpoints for TLS are added to the old ones"
            yield Finding(name, Effect.IN_PLACE, reason, "", ("TLS-08",))
        case "preferred", "required":
            reason = "connections without TLS are closed for good, and their endpoints go"
            yield Finding(name, Effect.INTERRUPTION, reason, f"move every client to TLS first: {_RUNBOOK}", ("TLS-08",))
        case "preferred", _:
            reason = "connections with TLS are closed for good, and their endpoints go"
            yield Finding(name, Effect.INTERRUPTION, reason, f"move every client first: {_RUNBOOK}", ("TLS-09",))
        case _:
            reason = "clients without TLS are served again; AWS does not document this way back"
            yield Finding(name, Effect.IN_PLACE, reason, "", ("TLS-09",))
