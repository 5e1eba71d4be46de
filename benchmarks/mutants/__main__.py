"""Record which tests run which lines, then try a sample of mistakes: ``python -m benchmarks.mutants record|run``."""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coverage import CoverageData

from benchmarks.mutants.mistakes import Mutant, mutants
from benchmarks.mutants.names import FOLDER, SOURCES, TESTS

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
_START_SECONDS = 300
"""What a run may take before its first test on a loaded machine: imports, Node, servers."""


@dataclass(frozen=True)
class Record:
    """What the recorded run saw."""

    by_line: dict[tuple[str, int], set[str]]
    by_file: dict[str, set[str]]
    seconds: dict[str, float]
    """Of each test, without what it shares."""
    fixtures: dict[str, list[str]]
    """Of each test."""
    shared: dict[str, float]
    """The seconds that fixtures take which tests share."""

    def of(self, mutant: Mutant, budget: float) -> list[str]:
        """The tests that run the mutant's line, those of quick files first, as far as the budget goes.

        A line that runs when its file is imported is that of all tests that run something of the file.
        """
        found = self.by_line.get((mutant.file, mutant.line)) or self.by_file.get(mutant.file, set())
        files: dict[str, list[str]] = defaultdict(list)
        for test in found:
            files[test.partition("::")[0]].append(test)
        chosen: list[str] = []
        fixtures: set[str] = set()
        seconds = 0.0
        for file in sorted(files, key=lambda file: (self._cost(files[file]), file)):
            for test in sorted(files[file], key=lambda test: (self._cost([test]), test)):
                new = {*self.fixtures.get(test, ())} - fixtures
                seconds += self.seconds.get(test, 0) + sum(self.shared.get(fixture, 0) for fixture in new)
                if chosen and seconds > budget:
                    return chosen
                fixtures |= new
                chosen.append(test)
        return chosen

    def _cost(self, tests: Sequence[str]) -> float:
        """The seconds of tests that run together."""
        fixtures = {fixture for test in tests for fixture in self.fixtures.get(test, ())}
        alone = sum(self.seconds.get(test, 0) for test in tests)
        return alone + sum(self.shared.get(fixture, 0) for fixture in fixtures)


def recorded(folder: Path) -> Record:
    """Read what a run with the recorder has written."""
    seconds: dict[str, float] = {}
    fixtures: dict[str, list[str]] = {}
    shared: dict[str, float] = defaultdict(float)
    users: dict[str, set[str]] = defaultdict(set)
    for file in folder.glob("tests-*.json"):
        found = json.loads(file.read_text())
        seconds |= found["seconds"]
        fixtures |= found["fixtures"]
        for fixture, taken in found["shared"].items():
            shared[fixture] = max(shared[fixture], taken)
        for test, used in found["fixtures"].items():
            for fixture in used:
                users[f"fixture {fixture}"].add(test)
    by_line: dict[tuple[str, int], set[str]] = defaultdict(set)
    by_file: dict[str, set[str]] = defaultdict(set)
    for file in folder.glob("lines-*"):
        data = CoverageData(str(file))
        data.read()
        for name in data.measured_files():
            path = Path(name).relative_to(ROOT).as_posix()
            for line, contexts in data.contexts_by_lineno(name).items():
                for context in filter(None, contexts):
                    tests = {test for test in users.get(context, {context}) if test in seconds}
                    by_line[path, line] |= tests
                    by_file[path] |= tests
    return Record(dict(by_line), dict(by_file), seconds, fixtures, shared)


def sample(size: int, seed: int, record: Record, sources: Sequence[str] = SOURCES) -> list[Mutant]:
    """As many mutants of each kind, each of a line that some test runs."""
    by_kind: dict[str, list[Mutant]] = defaultdict(list)
    for source in sources:
        for path in sorted((ROOT / source).rglob("*.py")):
            for mutant in mutants(path, ROOT):
                if mutant.file in record.by_file:
                    by_kind[mutant.kind].append(mutant)
    drawn = random.Random(seed)  # noqa: S311 - a sample, no secret
    for kind in sorted(by_kind):
        drawn.shuffle(by_kind[kind])
    chosen: list[Mutant] = []
    while len(chosen) < size and any(by_kind.values()):
        chosen += [by_kind[kind].pop() for kind in sorted(by_kind) if by_kind[kind]]
    return chosen[:size]


def attempt(mutant: Mutant, tests: list[str], tree: Path, budget: float) -> dict[str, Any]:
    """Put the mistake into a copy of the project, and run the tests until one fails that passes without the mistake."""
    path = tree / mutant.file
    source = path.read_bytes()
    while tests:
        path.write_bytes(mutant.applied(source))
        try:
            failed = first_failure(tests, tree, budget)
        except subprocess.TimeoutExpired:
            return {"caught": True, "by": "time"}
        finally:
            path.write_bytes(source)
        if failed is None:
            break
        if failed not in tests or first_failure([failed], tree, budget) is None:
            return {"caught": True, "by": failed}
        tests = [test for test in tests if test != failed]
    return {"caught": False, "by": None}


def first_failure(tests: list[str], tree: Path, budget: float) -> str | None:
    """The first test that fails; what pytest printed, if it came to no test."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as chosen:
        chosen.write(json.dumps(tests))
        chosen.flush()
        environment = {**_environment(tree), "PYTHONDONTWRITEBYTECODE": "1", TESTS: chosen.name}
        options = ["-x", "-q", "--no-header", "-p", "no:cacheprovider", "-p", "benchmarks.mutants.chosen"]
        files = sorted({test.partition("::")[0] for test in tests})
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, "-n", "0", *files],
            cwd=tree,
            env=environment,
            capture_output=True,
            text=True,
            timeout=4 * budget + _START_SECONDS,
            check=False,
        )
    if done.returncode == 0:
        return None
    lines = [line for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    return lines[0].partition(" ")[2].partition(" - ")[0] if lines else done.stdout[-300:] + done.stderr[-300:]


def _environment(tree: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (tree, tree / "constructs", tree / "client")))}


def _compile(tree: Path) -> None:
    """Write byte code once, of the tests too: each run then compiles the file with the mistake and no other."""
    environment = _environment(tree)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    collected = [
        sys.executable,
        "-m",
        "pytest",
        "--collect-only",
        "-q",
        "--snapshot-warn-unused",
        "-p",
        "no:cacheprovider",
    ]
    subprocess.run(collected, cwd=tree, env=environment, stdout=subprocess.DEVNULL, check=True)


def main() -> None:
    """Record, or run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutants", description=__doc__)
    parser.add_argument("what", choices=["record", "run"])
    parser.add_argument("--folder", type=Path, default=ROOT / ".mutants", help="where the record is kept")
    parser.add_argument("--sample", type=int, default=200, help="how many mutants")
    parser.add_argument("--sources", nargs="+", default=SOURCES, help="folders whose code gets mistakes")
    parser.add_argument("--seed", type=int, default=1, help="which sample")
    parser.add_argument("--budget", type=float, default=60, help="seconds of tests for each mutant")
    parser.add_argument(
        "--tree", type=Path, help="the copy of the project that mutants are put into; never the checkout"
    )
    parser.add_argument("--out", type=Path, help="where the results go, one line of JSON each; known ones are kept")
    arguments, rest = parser.parse_known_args()
    folder: Path = arguments.folder.resolve()
    folder.mkdir(exist_ok=True)
    if arguments.what == "record":
        command = [sys.executable, "-m", "pytest", "-p", "benchmarks.mutants.recorder", *rest]
        sys.exit(subprocess.run(command, cwd=ROOT, env={**os.environ, FOLDER: str(folder)}, check=False).returncode)
    if arguments.tree is None or arguments.tree.resolve() == ROOT:
        parser.error("--tree is missing: make a copy of the checkout first, for example with `git worktree add`")
    _compile(arguments.tree.resolve())
    record = recorded(folder)
    known = {}
    if arguments.out.exists():
        known = {each["name"]: each for each in map(json.loads, arguments.out.read_text().splitlines())}
    with arguments.out.open("a") as out:
        for mutant in sample(arguments.sample, arguments.seed, record, arguments.sources):
            if mutant.name not in known:
                chosen = record.of(mutant, arguments.budget)
                found = attempt(mutant, chosen, arguments.tree.resolve(), arguments.budget)
                known[mutant.name] = {"name": mutant.name, "line": mutant.line, "tests": len(chosen), **found}
                out.write(json.dumps(known[mutant.name]) + "\n")
                out.flush()
    print(Counter(each["caught"] for each in known.values()))


if __name__ == "__main__":
    main()
