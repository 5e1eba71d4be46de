"""What a live rehearsal has seen besides its checks: drills, grants and engines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rehearsal.live.client_side import names
from rehearsal.live.control import ControlError, Controller
from rehearsal.report.results import EngineFact, RoleGrants
from rehearsal.workspace import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rehearsal.drills.outcome import Outcome

# Names in the directory of a run, as `rehearsal.live` has them.
CONTROL, NAMES, CA = "control", "names/person", "tls/ca.pem"


@dataclass(frozen=True)
class Findings:
    """What a live rehearsal has seen.

    Attributes:
        drills: How the drills ended.
        grants: What each role used.
        engines: What ran behind the endpoints.
    """

    drills: tuple[Outcome, ...] = ()
    grants: tuple[RoleGrants, ...] = ()
    engines: tuple[EngineFact, ...] = ()


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

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """The environment of a client that uses names and TLS of the account.

        Args:
            base: The environment of a client of the emulator.
        """
        trust = {"SSL_CERT_FILE": str(self.directory / CA)}
        return {**base, **trust, "PYTHONPATH": str(ROOT), names.VARIABLE: str(self.directory / NAMES)}

    def findings(self, drills: tuple[Outcome, ...]) -> Findings:
        """What the emulator has seen so far.

        Args:
            drills: How the drills ended.
        """
        return Findings(drills, tuple(self._grants()), tuple(self._engines()))

    def _grants(self) -> list[RoleGrants]:
        found = self._asked("grants").get("roles", [])
        return [RoleGrants(role["role"], *(tuple(role.get(kind, ())) for kind in KINDS)) for role in found]

    def _engines(self) -> list[EngineFact]:
        return [EngineFact(**engine) for engine in self._asked("engines").get("engines", [])]

    def _asked(self, command: str) -> Mapping[str, Any]:
        try:
            return Controller(self.control)(command)
        except ControlError:
            return {}  # a module that is not installed; the report has no such section then


KINDS = ("used", "unused", "refused")
