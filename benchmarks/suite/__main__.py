"""Run the tests and print where the processor time goes: ``python -m benchmarks.suite [arguments of pytest]``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

from benchmarks.suite.names import FOLDER

ROOT = Path(__file__).parents[2]
_LONGEST = 40
_SHOWN_SECONDS = 0.5


def report(folder: Path) -> None:
    """Print what a recorded run took.

    Args:
        folder: Where the recorder wrote.
    """
    phases: Counter[str] = Counter()
    walls: Counter[str] = Counter()
    files: Counter[str] = Counter()
    waits: Counter[str] = Counter()
    tests: Counter[str] = Counter()
    fixtures: Counter[str] = Counter()
    ends: dict[str, float] = defaultdict(float)
    for path in sorted(folder.glob("*.json")):
        for name, phase, processor, wall, at in json.loads(path.read_text()):
            if phase == "fixture":
                fixtures[name] += processor
                continue
            phases[phase] += processor
            walls[phase] += wall
            ends[path.stem] = max(ends[path.stem], at)
            if name:
                file = name.partition("::")[0]
                files[file] += processor
                waits[file] += wall
                tests[name.partition("[")[0]] += processor
    print(f"processor {sum(phases.values()):.0f} s, wall {sum(walls.values()):.0f} s of {len(ends)} workers")
    last = max(ends.values())
    print("a worker ends before the last one:", ", ".join(f"{name} {last - end:.0f} s" for name, end in ends.items()))
    for title, counted in (("phase", phases), ("file", files), ("test", tests), ("shared fixture", fixtures)):
        print(f"\n{title}, processor seconds" + (", wall seconds" if counted is files else ""))
        for name, seconds in counted.most_common(_LONGEST):
            if seconds >= _SHOWN_SECONDS:
                print(f"{seconds:8.1f}", *([f"{waits[name]:8.1f}"] if counted is files else []), name)


def main() -> None:
    """Run the tests with the recorder."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pytest", "-p", "benchmarks.suite.recorder", *sys.argv[1:]]
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, FOLDER: folder}, check=False)
        report(Path(folder))
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
