"""The migrations of ``docs/runbooks/``: what the Python block of each sets, phase by phase, as templates."""

from __future__ import annotations

import functools
import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sybil.document import Document
from sybil.parsers.markdown import PythonCodeBlockParser

from elasticache_constructs import GlobalDatastore, NodeType, SecondaryReplicationGroup, UserGroup
from tests.conftest import ROOT, new_bench
from tests.unit.builders import NO_ALARMS, USERS, replication_group

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.change_gate.builders import Template

RUNBOOKS = ROOT / "docs" / "runbooks"
PHASES = ("today", "first", "second", "third", "fourth")
"""Names of the states before and after each deployment, as far as a runbook goes."""
AT_ONCE = "at_once"
"""The name of the change in one deployment that the runbook warns of."""

_DEFAULT_PRIMARY = {
    "node_type": NodeType("cache.r7g.large"),
    "auto_minor_version_upgrade": False,
    "manual_upgrades_reason": "All members of the global datastore are upgraded together.",
}

Settings = dict[str, Any]
"""What a group is given, by argument; or what several are given, by construct id."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One runbook, synthesised.

    Args:
        phases: The state before and after each deployment.
        at_once: The state that a change in one deployment would lead to.
        allowed: Logical ids whose changes the runbook has allowed in the last deployment.
    """

    phases: tuple[Template, ...]
    at_once: Template
    allowed: frozenset[str]


def runbooks() -> list[str]:
    """The runbooks that have phases."""
    return sorted(file.stem for file in RUNBOOKS.glob("*.md") if "## Phases" in file.read_text())


@functools.cache
def migration(runbook: str) -> Migration:
    """What a runbook says, built with the constructs; each phase once."""
    file = RUNBOOKS / f"{runbook}.md"
    settings = _settings(file)
    phases = tuple(template_of(settings[name]) for name in PHASES if name in settings)
    return Migration(phases, template_of(settings[AT_ONCE]), _allowed(file.read_text()))


def template_of(settings: Settings) -> Template:
    """A stack of one group, ``Redis``, or of those that are named. Every stack has the same path, as in an app.

    ``GlobalDatastore`` makes the group the primary of one, with the secondaries of ``state_members`` in another Region;
    a group with a ``global_datastore`` is a secondary. ``Users`` makes a `UserGroup`, which is given to an ``access``
    that is a function.
    """
    if "GlobalDatastore" in settings or "global_datastore" in settings.get("Redis", {}):
        return _global(settings)
    groups: Mapping[str, Settings] = (
        settings if "Redis" in settings or "RedisSecond" in settings else {"Redis": settings}
    )
    bench = new_bench()
    users = UserGroup(bench.stack, "Users", access=groups["Users"]["access"]) if "Users" in groups else None
    for construct_id, each in groups.items():
        if construct_id != "Users":
            access = {"access": each["access"](users)} if callable(each.get("access")) else {}
            replication_group(bench, construct_id, **{**each, **access})
    return bench.template()


def _global(settings: Settings) -> Template:
    here = new_bench("eu-west-1")
    there = new_bench("eu-central-1", other=here)
    benches = (there, here) if "GlobalDatastore" not in settings else (here, there)
    primary = replication_group(benches[0], "Redis", **{**_DEFAULT_PRIMARY, **_primary(settings)})
    store = GlobalDatastore(
        benches[0].stack, "GlobalDatastore", primary=primary, **settings.get("GlobalDatastore", {"suffix": "shop"})
    )
    names = settings.get("state_members", []) if benches[0] is here else ["Redis"]
    made = [
        SecondaryReplicationGroup(
            benches[1].stack, name, global_datastore=store, vpc=benches[1].vpc, access=USERS, alarms=NO_ALARMS
        )
        for name in names
    ]
    if benches[0] is here and made:
        store.state_members(made)
    return here.template()


def _primary(settings: Settings) -> Settings:
    found: Settings = settings["Redis"]
    return {} if "global_datastore" in found else found


def phases_of(runbook: str, group: str) -> list[Template]:
    """The states of another group that a runbook has, whose names begin with their own word: ``sharded_today``.

    The last is the change in one deployment that it warns of.
    """
    found = _namespace(RUNBOOKS / f"{runbook}.md")
    names = [f"{group}_{name}" for name in (*PHASES, AT_ONCE)]
    return [template_of(found[name]) for name in names if name in found]


def _settings(file: Path) -> dict[str, Settings]:
    found = _namespace(file)
    return {name: found[name] for name in (*PHASES, AT_ONCE) if name in found}


def _namespace(file: Path) -> dict[str, Any]:
    document = Document.parse(str(file), PythonCodeBlockParser())
    document.namespace["stack"] = new_bench().stack
    for example in document.examples():
        example.evaluate()
    return dict(document.namespace)


def _allowed(text: str) -> frozenset[str]:
    tables = [tomllib.loads(block) for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL)]
    return frozenset(name for table in tables for reasons in table.values() for name in reasons)
