"""Every scenario under every rotator, with five kinds of clients at work; and the table of it in docs/rotation.md.

``python -m tests.rotation.scenarios`` measures and writes the table.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from elasticache_constructs.rotation.runtime.rotate_secret.configuration import Kind
from elasticache_constructs.rotation.runtime.rotate_secret.errors import RotationError, RotationTooSoon
from tests.rotation.clients import CACHE_SECONDS, POLICIES, Tally, start
from tests.rotation.engine import Engines, make_certificates
from tests.rotation.published import OfficialUser, Published, RotateOnly, SetFirst
from tests.rotation.rig import FOUR, GRACE, KeptLogins, Rig
from tests.rotation.twin import Crash, Knobs

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from tests.rotation.engine import Server

DOCUMENT = Path(__file__).parents[2] / "docs" / "rotation.md"
BEGIN, END = "<!-- table: begin -->\n", "<!-- table: end -->\n"

_LATENCY_SECONDS = 0.2
_SWEEP_SECONDS = 2.0
# The last sweep begins when the grace time is certainly over: the record of a promotion has whole seconds.
_SWEEPING_SECONDS = GRACE + 10.0


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What happens, to the service or to the function."""

    name: str
    knobs: Knobs
    busy: bool = False
    times: int = 1
    pause: bool = False
    """Whether the second rotation waits for the grace time."""
    before_test: Callable[[Rig, Server], None] = lambda _rig, _spare: None
    of_nodes: bool = False
    """Whether it is about nodes, which a serverless cache does not show."""
    dies: bool = False
    """Whether the function dies right after its last change to the cache, for good."""


def _add_node(rig: Rig, spare: Server) -> None:
    rig.cache.add_node(spare, rig.secrets.peek("AWSCURRENT") or "", for_seconds=10)


PROMPT = Knobs(status_for=1, applied_after=1)
SCENARIOS = (
    Scenario(name="nothing unusual", knobs=PROMPT),
    Scenario(name="status changes late", knobs=Knobs(status_after=8, status_for=2, applied_after=10)),
    Scenario(name="applied after the status says so", knobs=Knobs(status_for=1, applied_after=10)),
    Scenario(name="never applied", knobs=Knobs(status_for=1, never=True)),
    Scenario(name="one node lags", knobs=Knobs(status_for=1, applied_after=1, lag=10)),
    Scenario(name="throttled, then in an invalid state", knobs=PROMPT, busy=True),
    Scenario(
        name="failover between set and test",
        knobs=PROMPT,
        before_test=lambda rig, _spare: rig.cache.fail_over(),
        of_nodes=True,
    ),
    Scenario(name="node added between set and test", knobs=PROMPT, before_test=_add_node, of_nodes=True),
    Scenario(name="twice, back to back", knobs=PROMPT, times=2),
    Scenario(name="twice, with the grace time between", knobs=PROMPT, times=2, pause=True),
    Scenario(name="dies after its last change to the cache", knobs=PROMPT, dies=True),
)


class Ours:
    """This project's function, driven as Secrets Manager and the sweep's rule drive it."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig

    def steps(self, token: str) -> list[Callable[[], None]]:
        """The four steps."""
        return [lambda step=step: self._rig.step(step, token) for step in FOUR]  # type: ignore[misc]


@dataclass(frozen=True)
class Rotator:
    """One order of operations, on one kind of credential."""

    name: str
    kind: Kind
    make: type[Ours | Published]
    changes: int = 1
    """How often it changes the cache before it promotes."""
    serverless: bool = False
    """Whether the cache is a serverless one: no nodes are seen, and the user logs in at its endpoints."""

    @property
    def ours(self) -> bool:
        """Whether zero failed logins are promised."""
        return self.make is Ours


ROTATORS = (
    Rotator("this project, user", Kind.USER, Ours),
    Rotator("this project, user, serverless", Kind.USER, Ours, serverless=True),
    Rotator("AWS's, user", Kind.USER, OfficialUser),
    Rotator("this project, AuthToken", Kind.AUTH_TOKEN, Ours),
    Rotator("SET before promotion, AuthToken", Kind.AUTH_TOKEN, SetFirst, changes=2),
    Rotator("ROTATE without SET, AuthToken", Kind.AUTH_TOKEN, RotateOnly),
)
PAIRS = [
    (scenario.name, rotator.name)
    for scenario in SCENARIOS
    for rotator in ROTATORS
    if not (scenario.of_nodes and rotator.serverless)
]


@dataclass(frozen=True)
class Result:
    """What came of one scenario under one rotator."""

    scenario: str
    rotator: Rotator
    outcome: str
    old_accepted: bool
    current_accepted: bool
    tallies: dict[str, Tally]


def play(scenario: Scenario, rotator: Rotator, engines: Engines) -> Result:
    """Let clients work while the secret is rotated, through the grace time, and a cache time more."""
    with engines.group() as servers:
        authority = engines.certificates.authority
        rig = Rig(rotator.kind, servers[:2], authority, knobs=scenario.knobs, serverless=rotator.serverless)
        rig.account.latency = _LATENCY_SECONDS
        tallies = start(rig)
        outcome = _rotations(scenario, rotator, rig, servers[2])
        rig.clock.sleep(CACHE_SECONDS)
        return Result(scenario.name, rotator, outcome, any(rig.cache.accepts(rig.first)), rig.current_works(), tallies)


def _rotations(scenario: Scenario, rotator: Rotator, rig: Rig, spare: Server) -> str:
    outcome = ""
    for number in range(scenario.times):
        outcome = _rotation(scenario, rotator, rig, spare)
        if number + 1 == scenario.times or scenario.pause:
            _pass_grace_time(rig, sweeps=rotator.ours)
    return outcome


def _rotation(scenario: Scenario, rotator: Rotator, rig: Rig, spare: Server) -> str:
    modify = "elasticache:ModifyUser" if rotator.kind is Kind.USER else "elasticache:ModifyReplicationGroup"
    if scenario.busy:
        rig.account.fail(modify, "Throttling", 3)
        rig.account.fail(modify, f"Invalid{'User' if rotator.kind is Kind.USER else 'ReplicationGroup'}State", 3)
    if scenario.dies:
        rig.account.watch = lambda: _die(rig, modify, rotator.changes)
    token = rig.secrets.rotate()
    for number, step in enumerate(rotator.make(rig).steps(token)):
        if number == FOUR.index("testSecret"):
            scenario.before_test(rig, spare)
        try:
            step()
        except RotationTooSoon:
            return "second refused as too soon"
        except (RotationError, ClientError):
            return f"{FOUR[number]} fails"
        except Crash:
            return f"dies in {FOUR[number]}"
    return "promoted"


def _die(rig: Rig, modify: str, changes: int) -> None:
    if rig.account.calls.count(modify) == changes:
        rig.account.watch = lambda: None
        raise Crash


def _pass_grace_time(rig: Rig, *, sweeps: bool) -> None:
    """Let the grace time pass, with sweeps or without."""
    end = rig.clock() + _SWEEPING_SECONDS
    while rig.clock() < end:
        rig.clock.sleep(_SWEEP_SECONDS)
        # A sweep that fails is counted by its clients' failures, and by the outcome.
        with contextlib.suppress(RotationError):
            if sweeps:
                rig.step("retire")


def measure(engines: Engines, wanted: Container[tuple[str, str]] = PAIRS) -> list[Result]:
    """All scenarios under all rotators, or those that are wanted, by their names."""
    with contextlib.redirect_stdout(io.StringIO()):
        return [
            play(scenario, rotator, engines)
            for scenario in SCENARIOS
            for rotator in ROTATORS
            if (scenario.name, rotator.name) in wanted
        ]


def table(results: list[Result]) -> str:
    """The results as Markdown."""
    head = ["scenario", "rotator", *(policy.name for policy in POLICIES), "outcome", "old password afterwards"]
    lines = [head, ["---"] * len(head)]
    for result in results:
        cells = [f"{tally.failed} of {tally.total}" for tally in result.tallies.values()]
        old = "accepted" if result.old_accepted else "refused"
        lines.append([result.scenario, result.rotator.name, *cells, result.outcome, old])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def write(results: list[Result], document: Path = DOCUMENT) -> None:
    """Put the table between its markers."""
    before, rest = document.read_text().split(BEGIN)
    document.write_text(before + BEGIN + "\n" + table(results) + "\n" + END + rest.split(END)[1])


def _main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        engines = Engines(make_certificates(Path(directory)))
        try:
            write(measure(engines))
        finally:
            KeptLogins.close()
            engines.stop()


if __name__ == "__main__":
    _main()
