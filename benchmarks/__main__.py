"""Run every benchmark, print its findings and write them to ``benchmarks/results``."""

from __future__ import annotations

import argparse
import json

from benchmarks import client, groups, synth, validation
from benchmarks.caching.parts import PARTS
from benchmarks.report import write
from benchmarks.storm import run as storm

QUICK = {**PARTS, "storm": storm.run}
BENCHMARKS = {"synth": synth.run, "groups": groups.run, "validation": validation.run, "client": client.run, **QUICK}


def main() -> None:
    """Run the benchmarks named on the command line, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    known = " or ".join(BENCHMARKS)
    parser.add_argument("names", nargs="*", metavar="name", help=f"{known}, or how several begin; default: all")
    parser.add_argument(
        "--quick", action="store_true", help="those of caching and the storm, smaller; nothing is written"
    )
    arguments = parser.parse_args()
    chosen = []
    for name in arguments.names or BENCHMARKS:
        named = [each for each in BENCHMARKS if each == name or each.startswith(f"{name}-")]
        if not named:
            parser.error(f"no benchmark is named {name}: there are {', '.join(BENCHMARKS)}")
        chosen += named
    for name in chosen:
        if arguments.quick and name not in QUICK:
            parser.error(f"{name} has no quick form: name one of {', '.join(QUICK)}")
    for name in chosen:
        print(f"{name} ...", flush=True)
        if arguments.quick:
            print(json.dumps(QUICK[name](quick=True), indent=2))
        else:
            write(name, BENCHMARKS[name]())


if __name__ == "__main__":
    main()
