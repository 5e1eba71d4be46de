"""Run every benchmark, print its findings and write them to ``benchmarks/results``."""

from __future__ import annotations

import argparse
import json

from benchmarks import client, groups, synth, validation
from benchmarks.caching.parts import PARTS
from benchmarks.report import write
from benchmarks.storm import run as storm
from elasticache_rules import terminal
from local_servers.processes import MissingProgramError

QUICK = {**PARTS, "storm": storm.run}
BENCHMARKS = {"synth": synth.run, "groups": groups.run, "validation": validation.run, "client": client.run, **QUICK}


def main() -> int:
    """Run the benchmarks that the command line names, or all.

    Returns:
        0, or 1 if a program that they need is missing.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = " or ".join(BENCHMARKS)
    parser.add_argument(
        "names", nargs="*", metavar="name", help=f"{names}, or the common start of several; default: all"
    )
    parser.add_argument(
        "--quick", action="store_true", help="smaller runs of caching and the storm; nothing is written"
    )
    arguments = parser.parse_args()
    chosen = []
    for name in arguments.names or BENCHMARKS:
        named = [known for known in BENCHMARKS if known == name or known.startswith(f"{name}-")]
        if not named:
            parser.error(f"{name}: must be one of {', '.join(BENCHMARKS)}. Name one of them, or none for all")
        chosen += named
    for name in chosen:
        if arguments.quick and name not in QUICK:
            parser.error(f"{name} with --quick: must be one of {', '.join(QUICK)}. Omit --quick")
    try:
        for name in chosen:
            print(f"{name} ...", flush=True)
            if arguments.quick:
                print(json.dumps(QUICK[name](quick=True), indent=2))
            else:
                write(name, BENCHMARKS[name]())
    except MissingProgramError as error:
        terminal.fail(error)
        return 1
    return 0
