"""Write the tables of ``docs/caching.md`` from the stored results; the compared libraries are not needed."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_ROOT = Path(__file__).parents[2]
DOCUMENT = _ROOT / "docs" / "caching.md"
_RESULTS = _ROOT / "benchmarks" / "results"

OURS = "ours"


def results(part: str) -> dict[str, Any]:
    """The results of one part of the measurements."""
    found: dict[str, Any] = json.loads(_path(part).read_text())
    return found


def plot(part: str) -> Path:
    """The path of a part's plot."""
    return DOCUMENT.parent / "images" / f"caching-{part}.png"


def fingerprint(part: str) -> str:
    """A hash of the results, which the plot that is drawn from them has as metadata."""
    return hashlib.sha256(_path(part).read_bytes()).hexdigest()


def findings(part: str) -> dict[str, Any]:
    """The findings of one part, without the description of the machine."""
    found: dict[str, Any] = results(part)["findings"]
    return found


def is_ours(library: str) -> bool:
    """Whether a row is about this project's own client."""
    return library.startswith(OURS)


def with_tables(text: str) -> str:
    """Replace the tables of a document, each between the two comments that name it.

    Raises:
        KeyError: If a comment names no table.
    """
    return re.sub(
        r"(<!-- (\w+): begin -->\n).*?(<!-- \2: end -->)",
        lambda found: f"{found[1]}{_TABLES[found[2]]()}{found[3]}",
        text,
        flags=re.DOTALL,
    )


def _promises() -> str:
    crowds = [
        each
        for name, crowds in findings("stampede")["libraries"].items()
        if is_ours(name)
        for crowd in crowds.values()
        for each in crowd.values()
    ]
    races = [each for name, each in findings("races")["libraries"].items() if is_ours(name)]
    hits, load = findings("hits"), findings("stampede")["load_ms"]
    last = findings("zipf")["points"][-1]
    return _table(
        ("promised", "measured"),
        [
            ("1 query for 200 callers, in one process and in four", max(max(each["queries"]) for each in crowds)),
            (
                f"no caller waits longer than the load and 250 ms: {load + 250} ms",
                f"{max(each['longest_ms']['worst'] for each in crowds)} ms",
            ),
            ("1 query of a failing database in a lease", max(each["failing_database"]["queries"] for each in races)),
            (
                f"a killed loader delays others by its lease: {findings('races')['lease_seconds']} s",
                f"{max(each['killed_loader_seconds']['worst'] for each in races):.2f} s",
            ),
            ("no stale value after a write and an invalidation", sum(each["stale_after_write"] for each in races)),
            (
                "a hit costs at most 1.25 times the CPU of a GET and the deserialisation on the same client",
                f"{hits['threads'][OURS]['ratio']:.2f}, asyncio {hits['asyncio'][f'{OURS}, asyncio']['ratio']:.2f}",
            ),
            ("queries of a Zipf run within 1 % of the formula", f"{last['difference_percent']:+.2f} %"),
        ],
    )


def _hits() -> str:
    tables = []
    for kind in ("threads", "asyncio"):
        rows = [
            (
                name,
                f"{each['cpu_microseconds']:.0f} µs",
                f"{each['ratio']:.2f}",
                "{:.2f} to {:.2f}".format(*each["ratio_middle_half"]),
            )
            for name, each in findings("hits")[kind].items()
        ]
        tables.append(_table((kind, "CPU time of a hit", "ratio", "middle half of the rounds"), rows))
    return "\n".join(tables)


def _queries() -> str:
    return _crowds(lambda each: _range(each["queries"]))


def _waits() -> str:
    return _crowds(lambda each: f"{each['longest_ms']['median']} ({each['longest_ms']['worst']})")


def _crowds(cell: Any) -> str:
    libraries = findings("stampede")["libraries"]
    columns = [(crowd, state) for state in ("cold", "expired") for crowd in next(iter(libraries.values()))]
    return _table(
        ("", *(f"{state}, {crowd}" for crowd, state in columns)),
        [
            (name, *(cell(crowds[crowd][state]) + _failed(crowds[crowd][state]) for crowd, state in columns))
            for name, crowds in libraries.items()
        ],
    )


def _races() -> str:
    found = findings("races")
    calls = found["callers"] * found["calls_of_each"]
    rows = []
    for name, each in found["libraries"].items():
        failing, killed = each["failing_database"], each["killed_loader_seconds"]
        rows.append(
            (
                name,
                f"{each['stale_after_write']} of {found['races']}",
                failing["queries"],
                f"{failing['slowest_seconds']:.2f} s",
                f"over {found['give_up_seconds']:.0f} s" if killed is None else f"{killed['worst']:.2f} s",
            )
        )
    columns = ("stale after a write", f"queries of {calls} failing calls", "slowest of them", "after a killed loader")
    return _table(("", *columns), rows)


def _zipf() -> str:
    return _table(
        ("reads", "keys drawn", "queries", "formula", "difference", "of any draw", "hits", "reads for a query"),
        [
            (
                f"{each['reads']:,}",
                f"{each['distinct_keys']:,}",
                f"{each['queries']:,}",
                f"{each['formula']:,}",
                f"{each['difference_percent']:+.2f} %",
                f"± {each['deviation_percent']:.2f} %",
                f"{each['hit_percent']:.1f} %",
                f"{each['reduction']:.1f}",
            )
            for each in findings("zipf")["points"]
        ],
    )


def _ranks() -> str:
    return _table(
        ("", "ours: median (95th percentile)", "PostgreSQL", "ratio of the medians"),
        [
            (
                question,
                *("{median:.2f} ({p95:.2f}) ms".format(**each[side]) for side in ("ours", "postgresql")),
                f"{each['ratio']:g}",
            )
            for question, each in findings("ranks")["milliseconds"].items()
        ],
    )


def _circumstances() -> str:
    rows = []
    for part in ("hits", "stampede", "races", "zipf", "ranks"):
        found = results(part)
        on = found["measured_on"]
        rows.append(
            (
                f"`caching-{part}`",
                on["date"],
                f"{on['cores']}, {on['system']}",
                on["python"],
                found["findings"]["load_average"]["before"],
            )
        )
    versions = findings("hits")["versions"]
    listed = ", ".join(f"{package} {version}" for package, version in versions.items())
    return f"{_table(('', 'date', 'cores', 'Python', 'load before it'), rows)}\n{listed}.\n"


def _path(part: str) -> Path:
    return _RESULTS / f"caching-{part}.json"


def _failed(crowd: dict[str, Any]) -> str:
    return f"; {crowd['failed']} failed" if crowd["failed"] else ""


def _range(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f"{low} to {high}"


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(str(cell) for cell in line)} |\n" for line in lines)


_TABLES = {
    "circumstances": _circumstances,
    "hits": _hits,
    "promises": _promises,
    "queries": _queries,
    "races": _races,
    "ranks": _ranks,
    "waits": _waits,
    "zipf": _zipf,
}
