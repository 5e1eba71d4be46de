"""Mistakes that a programmer makes, put into a source file one at a time."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake at one place. `name` stays the same while other functions of the file change."""

    file: str
    kind: str
    function: str
    number: int
    line: int
    start: int
    end: int
    replacement: str

    @property
    def name(self) -> str:
        """Which mutant it is: file, function, kind, and the number of the place in the function."""
        return f"{self.file}::{self.function}::{self.kind}::{self.number}"

    def applied(self, source: bytes) -> bytes:
        """The source with the mistake in it."""
        return source[: self.start] + self.replacement.encode() + source[self.end :]


class _Finder(ast.NodeVisitor):
    def __init__(self) -> None:
        self.found: list[tuple[str, str, Any, str]] = []
        self._function: list[str] = []

    def _add(self, kind: str, node: ast.expr | ast.stmt, replacement: ast.AST | str) -> None:
        text = replacement if isinstance(replacement, str) else f"({ast.unparse(replacement)})"
        self.found.append((kind, ".".join(self._function), node, text))

    def _body(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        # Not the decorators, the annotations and the docstring.
        self._function.append(node.name)
        if not isinstance(node, ast.ClassDef):
            for default in [*node.args.defaults, *(each for each in node.args.kw_defaults if each)]:
                self.visit(default)
        has_docstring = ast.get_docstring(node, clean=False) is not None
        for statement in node.body[int(has_docstring) :]:
            self.visit(statement)
        self._function.pop()

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = _body  # noqa: N815

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_If(self, node: ast.If) -> None:
        if ast.unparse(node.test) == "TYPE_CHECKING":
            return
        self._add("condition", node.test, ast.UnaryOp(ast.Not(), node.test))
        self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._add("condition", node.test, ast.UnaryOp(ast.Not(), node.test))
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        other = [_COMPARISONS[type(node.ops[0])](), *node.ops[1:]]
        self._add("comparison", node, ast.Compare(node.left, other, node.comparators))
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        self._add("boolean", node, ast.BoolOp(other, node.values))
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if other := _ARITHMETIC.get(type(node.op)):
            self._add("arithmetic", node, ast.BinOp(node.left, other(), node.right))
        self.generic_visit(node)

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None and not isinstance(node.value, ast.Constant):
            self._add("return", node.value, "None")
        self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> None:
        self._add("raise", node, "pass")
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Constant):
            return  # the docstring of a module or an attribute
        if isinstance(node.value, ast.Call | ast.Await):
            self._add("call", node, "pass")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        for index, keyword in enumerate(node.keywords):
            if keyword.arg is not None:
                rest = [*node.keywords[:index], *node.keywords[index + 1 :]]
                self._add("keyword", node, ast.Call(node.func, node.args, rest))
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        match node.value:
            case bool():
                self._add("flag", node, str(not node.value))
            case int() | float():
                self._add("number", node, f"({node.value + 1!r})")
            case str():
                self._add("text", node, repr(f"{node.value}x"))

    def visit_match_case(self, node: ast.match_case) -> None:
        """A pattern takes no expression."""
        for each in filter(None, [node.guard, *node.body]):
            self.visit(each)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """What is inside a text is too small a piece of source to replace."""


def mutants(path: Path, root: Path) -> Iterator[Mutant]:
    """Every mistake that can be put into a file."""
    source = path.read_bytes()
    lines = [0]
    for line in source.splitlines(keepends=True):
        lines.append(lines[-1] + len(line))
    finder = _Finder()
    finder.visit(ast.parse(source))
    numbers: dict[tuple[str, str], int] = {}
    for kind, function, node, replacement in finder.found:
        numbers[kind, function] = number = numbers.get((kind, function), 0) + 1
        yield Mutant(
            file=path.relative_to(root).as_posix(),
            kind=kind,
            function=function,
            number=number,
            line=node.lineno,
            start=lines[node.lineno - 1] + node.col_offset,
            end=lines[node.end_lineno - 1] + node.end_col_offset,
            replacement=replacement,
        )
