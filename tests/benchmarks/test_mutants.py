"""A mistake is one: it changes the code, which still is code; and the tests that are tried are those of its line."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from benchmarks.mutants.__main__ import Record
from benchmarks.mutants.mistakes import Mutant, mutants

if TYPE_CHECKING:
    from pathlib import Path

CODE = '''
"""A module."""
LIMIT = 5

def allowed(number: int = 3, *, name: "text" = "a") -> bool:
    """Whether it is."""
    if number < LIMIT and not name:
        raise ValueError(f"{number}: too small")
    check(number, strict=True)
    return number + 1 in (2, 3)
'''
MISTAKES = {
    "number": ["(6)", "(4)", "(2)", "(3)", "(4)"],
    "text": ["'ax'"],
    "condition": ["(not (number < LIMIT and (not name)))"],
    "boolean": ["(number < LIMIT or not name)"],
    "comparison": ["(number <= LIMIT)", "(number + 1 not in (2, 3))"],
    "raise": ["pass"],
    "call": ["pass"],
    "keyword": ["(check(number))"],
    "flag": ["False"],
    "return": ["None"],
    "arithmetic": ["(number - 1)"],
}


@pytest.fixture(name="found")
def _found(tmp_path: Path) -> list[Mutant]:
    (tmp_path / "module.py").write_text(CODE)
    return list(mutants(tmp_path / "module.py", tmp_path))


def test_mistakes_of_each_kind_are_found(found: list[Mutant]) -> None:
    """In values, conditions, calls and defaults; not in docstrings, annotations and texts that are put together."""
    by_kind: dict[str, list[str]] = {}
    for mutant in found:
        by_kind.setdefault(mutant.kind, []).append(mutant.replacement)
    assert {kind: sorted(each) for kind, each in by_kind.items()} == {
        kind: sorted(each) for kind, each in MISTAKES.items()
    }


def test_a_mistake_is_other_code(found: list[Mutant]) -> None:
    """Each one, and no two of one name."""
    source = CODE.encode()
    original = ast.dump(ast.parse(source))
    assert [] == [each.name for each in found if ast.dump(ast.parse(each.applied(source))) == original]
    assert len({each.name for each in found}) == len(found)


def test_a_mistake_is_tried_against_the_tests_of_its_line(found: list[Mutant]) -> None:
    """Those of quick files first, as far as the budget goes; of a line that runs at import, those of its file."""
    slow, quick, other = "tests/test_a.py::test_slow", "tests/test_b.py::test_quick", "tests/test_b.py::test_other"
    record = Record(
        by_line={("module.py", 7): {slow, quick}},
        by_file={"module.py": {slow, quick, other}},
        seconds={slow: 50.0, quick: 0.1, other: 0.2},
    )
    (condition,) = (each for each in found if each.kind == "condition")
    limit = next(each for each in found if each.kind == "number")
    assert record.of(condition, 60) == [quick, slow]
    assert record.of(condition, 1) == [quick]
    assert record.of(limit, 60) == [quick, other, slow]
