"""Run every benchmark, print its findings and write them to ``benchmarks/results``."""

from __future__ import annotations

import argparse

from benchmarks import client, groups, synth
from benchmarks.report import write

BENCHMARKS = {"synth": synth.run, "groups": groups.run, "client": client.run}


def main() -> None:
    """Run the benchmarks named on the command line, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"{' or '.join(BENCHMARKS)}; default: all")
    names = parser.parse_args().names or list(BENCHMARKS)
    unknown = sorted(set(names) - set(BENCHMARKS))
    if unknown:
        parser.error(f"no benchmark is named {unknown[0]}: there are {', '.join(BENCHMARKS)}")
    for name in names:
        print(f"{name} ...", flush=True)
        write(name, BENCHMARKS[name]())


if __name__ == "__main__":
    main()
