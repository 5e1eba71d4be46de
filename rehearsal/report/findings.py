"""What a live rehearsal has seen besides its checks: drills, grants and engines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rehearsal.live.client_side import names
from rehearsal.live.control import Controller
from rehearsal.report.results import EngineFact, RoleGrants
from rehearsal.workspace import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from rehearsal.drills.outcome import Outcome
    from verification.account import Account

# Names in the directory of a run, as `rehearsal.live` has them.
CONTROL, JOURNAL, NAMES, CA = "control", "journal.jsonl", "names/person", "tls/ca.pem"
VALKEY, MEMCACHED = "valkey", "memcached"
NOT_OF_THE_STAGE = ("cdk-", "rehearsal-")  # roles of the bootstrap stack and of the drills


@dataclass(frozen=True)
class Findings:
    """What a live rehearsal has seen.

    Attributes:
        drills: How the drills ended.
        grants: What each role used.
        engines: What ran behind the endpoints.
        not_judged: Where the emulator's IAM is known to differ from AWS's.
    """

    drills: tuple[Outcome, ...] = ()
    grants: tuple[RoleGrants, ...] = ()
    engines: tuple[EngineFact, ...] = ()
    not_judged: tuple[str, ...] = ()


@dataclass(frozen=True)
class Live:
    """The live layer of a running emulator, as its clients see it.

    Attributes:
        directory: Directory of the run.
    """

    directory: Path

    @property
    def control(self) -> Path:
        """Its control socket."""
        return self.directory / CONTROL

    @property
    def journal(self) -> Path:
        """Its journal."""
        return self.directory / JOURNAL

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """The environment of a client that uses names and TLS of the account.

        Args:
            base: The environment of a client of the emulator.
        """
        trust = {"SSL_CERT_FILE": str(self.directory / CA)}
        return {**base, **trust, "PYTHONPATH": str(ROOT), names.VARIABLE: str(self.directory / NAMES)}

    def findings(self, drills: tuple[Outcome, ...], account: Account) -> Findings:
        """What the emulator has seen so far.

        Args:
            drills: How the drills ended.
            account: The account that the stage is deployed to.
        """
        engines = (*self._caches(account), *self._databases(), *self._functions())
        return Findings(drills, tuple(self._grants()), engines, tuple(self._asked("not-judged")["not_judged"]))

    def _grants(self) -> Iterator[RoleGrants]:
        for arn, role in sorted(self._asked("grants").items()):
            name = arn.rpartition("/")[2]
            if not name.startswith(NOT_OF_THE_STAGE) and role["granted"]:
                yield RoleGrants(name, *(_actions(role[kind]) for kind in ("used", "unused", "refused")))

    def _caches(self, account: Account) -> Iterator[EngineFact]:
        facts = self._asked("engine-versions")
        clusters = account.client("elasticache").describe_cache_clusters()["CacheClusters"]
        asked = {
            cluster.get("ReplicationGroupId") or cluster["CacheClusterId"]: (
                cluster["Engine"],
                cluster["EngineVersion"],
            )
            for cluster in clusters
        }
        for name, (engine, version) in sorted(asked.items()):
            program = MEMCACHED if engine == MEMCACHED else VALKEY
            ran = facts["versions"].get(program)
            missing = facts["without_engine"].get(name, "")
            dropped = ", ".join(facts["parameters_without_counterpart"].get(name, ()))
            note = missing or (f"parameters that it does not have: {dropped}" if dropped else "")
            yield EngineFact(name, f"{engine} {version}", "" if missing or not ran else f"{program} {ran}", note)

    def _databases(self) -> Iterator[EngineFact]:
        facts = self._asked("database-versions")
        for database in facts.get("databases", ()):
            dropped = ", ".join(database["without_counterpart"])
            note = f"parameters that it does not have: {dropped}" if dropped else ""
            yield EngineFact(
                database["instance"], f"PostgreSQL {database['wanted']}", f"PostgreSQL {database['version']}", note
            )
        for name, reason in facts.get("without_engine", {}).items():
            yield EngineFact(name, "database", "", str(reason))

    def _functions(self) -> Iterator[EngineFact]:
        facts = self._asked("function-environments")
        if facts.get("asked"):
            confined = () if facts["confined_by_the_kernel"] else ("the kernel has no Landlock to confine them",)
            note = "; ".join((*facts["differences"], *confined))
            yield EngineFact("functions", ", ".join(facts["asked"]), facts["ran"], note)

    def _asked(self, command: str) -> Mapping[str, Any]:
        return Controller(self.control)(command)


def _actions(grants: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    return tuple(sorted({grant["action"] for grant in grants}))
