"""docs/caching.md says what was measured: its tables are those of the results that are kept."""

from __future__ import annotations

import re

import pytest

from benchmarks.caching.tables import DOCUMENT, findings, fingerprint, plot, results, with_tables

PARTS = ("hits", "stampede", "races", "zipf", "ranks")
TEXT = DOCUMENT.read_text()


def test_tables_are_those_of_the_results() -> None:
    """`python -m benchmarks.caching` writes them, and nothing else does."""
    assert with_tables(TEXT) == TEXT


def test_no_table_is_written_by_hand() -> None:
    """Outside of the comments that name a table there is none."""
    rest = re.sub(r"<!-- (\w+): begin -->\n.*?<!-- \1: end -->", "", TEXT, flags=re.DOTALL)
    assert [line for line in rest.splitlines() if line.startswith("|")] == []


def test_every_plot_is_shown() -> None:
    """The document shows each plot that is drawn."""
    assert sorted(re.findall(r"\(images/caching-(\w+)\.png\)", TEXT)) == sorted(PARTS)


@pytest.mark.parametrize("part", PARTS)
def test_a_plot_is_of_the_results(part: str) -> None:
    """A plot carries the fingerprint of the results that it was drawn from."""
    assert fingerprint(part).encode() in plot(part).read_bytes()


@pytest.mark.parametrize("part", PARTS)
def test_a_part_says_what_it_was_measured_on(part: str) -> None:
    """Date, machine, versions, and who else was at work."""
    found = results(part)
    assert {"date", "cores", "system", "python"} <= set(found["measured_on"])
    assert {"versions", "load_average"} <= set(found["findings"])


def test_the_setting_is_the_one_described() -> None:
    """The numbers in the text are those of the run."""
    stampede, races, hits = findings("stampede"), findings("races"), findings("hits")
    described = [
        f"{stampede['callers']} callers in one process",
        f"The query takes {stampede['load_ms']} ms",
        f"value of {hits['value_bytes']} bytes",
        f"{races['callers']} callers in\nfour processes",
        f"`lock_timeout` of {races['lease_seconds']} seconds",
        f"reads {findings('zipf')['keys']:,} keys",
    ]
    assert [sentence for sentence in described if sentence not in TEXT] == []


def test_the_zipf_run_holds_against_the_formula() -> None:
    """Each key that was drawn cost one query, and their number is within 1 % of what is expected."""
    points = findings("zipf")["points"]
    assert [each["queries"] for each in points] == [each["distinct_keys"] for each in points]
    assert abs(points[-1]["difference_percent"]) <= 1
