"""The rules that the package's own code names: found in its source, so that nothing about them is written twice."""

from __future__ import annotations

import ast
import functools
import itertools
import re
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import elasticache_constructs
from elasticache_constructs.posture import RULES_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE_ROOT = Path(elasticache_constructs.__file__).parents[1]
_GATE = ("elasticache_rules", "change_gate")
_ID = re.compile(r"[A-Z]{3}-\d{2}")


@functools.cache
def refused() -> dict[str, tuple[str, ...]]:
    """Rules that values and constructs refuse to break, with the files below the package that do so."""
    return _places(gate=False, warns=False)


@functools.cache
def warned() -> dict[str, tuple[str, ...]]:
    """Rules that constructs warn of, with the files."""
    return _places(gate=False, warns=True)


@functools.cache
def gated() -> dict[str, tuple[str, ...]]:
    """Rules that the change gate knows, with the files."""
    return _places(gate=True, warns=False)


@functools.cache
def guarded() -> dict[str, tuple[str, ...]]:
    """Rules that posture rules enforce, with the names of those: they stand in a comment right above."""
    found: dict[str, list[str]] = defaultdict(list)
    lines = RULES_FILE.read_text(encoding="utf-8").splitlines()
    for above, line in itertools.pairwise(lines):
        rule = re.match(r"rule (\w+)", line)
        if rule and above.startswith("#"):
            for each in _ID.findall(above):
                found[each].append(rule[1])
    return {each: tuple(names) for each, names in found.items()}


def _places(*, gate: bool, warns: bool) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = defaultdict(list)
    for file, rules in _read(gate=gate):
        for each in {rule for rule, warning in rules if warning == warns}:
            found[each].append(file)
    return {each: tuple(files) for each, files in found.items()}


@functools.cache
def _read(*, gate: bool) -> list[tuple[str, list[tuple[str, bool]]]]:
    """What each file names. Most name nothing and are not parsed: every worker reads them while it collects tests."""
    found = []
    for path in sorted(SOURCE_ROOT.rglob("*.py")):
        file = path.relative_to(SOURCE_ROOT)
        if (file.parts[:2] == _GATE) == gate and _ID.search(text := path.read_text(encoding="utf-8")):
            found.append((file.as_posix().removeprefix("elasticache_constructs/"), [*_named(ast.parse(text))]))
    return found


def _named(tree: ast.AST, *, warns: bool = False) -> Iterator[tuple[str, bool]]:
    """Every constant that is a rule's id and nothing else, and whether only a warning comes of it."""
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.Constant(value=str(text)) if _ID.fullmatch(text):
                yield text, warns
            case ast.FunctionDef():
                yield from _named(node, warns=_calls(node, "add_warning_v2"))
            case _:
                yield from _named(node, warns=warns)


def _calls(function: ast.FunctionDef, method: str) -> bool:
    return any(isinstance(node, ast.Attribute) and node.attr == method for node in ast.walk(function))
