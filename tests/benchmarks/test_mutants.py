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
        fixtures={},
        shared={},
    )
    (condition,) = (each for each in found if each.kind == "condition")
    limit = next(each for each in found if each.kind == "number")
    assert record.of(condition, 60) == [quick, slow]
    assert record.of(condition, 1) == [quick]
    assert record.of(limit, 60) == [quick, other, slow]


def test_what_tests_share_counts_once(found: list[Mutant]) -> None:
    """A file whose fixture takes long comes last, and all its tests fit into the budget that the fixture fits into."""
    first, second, plain = "tests/test_a.py::test_one", "tests/test_a.py::test_two", "tests/test_b.py::test_plain"
    record = Record(
        by_line={("module.py", 7): {first, second, plain}},
        by_file={},
        seconds={first: 0.1, second: 0.2, plain: 5.0},
        fixtures={first: ["synthesised"], second: ["synthesised", "tmp_path"], plain: ["tmp_path"]},
        shared={"synthesised": 50.0},
    )
    (condition,) = (each for each in found if each.kind == "condition")
    assert [plain, first, second] == record.of(condition, 60)
    assert [plain] == record.of(condition, 50)


def test_a_pattern_is_left_alone(tmp_path: Path) -> None:
    """It takes no expression; what it guards and what it leads to do."""
    (tmp_path / "module.py").write_text("match x:\n    case 1 if y < 2:\n        z = 3\n")
    assert {"(3)", "(4)", "(y <= 2)"} == {each.replacement for each in mutants(tmp_path / "module.py", tmp_path)}
