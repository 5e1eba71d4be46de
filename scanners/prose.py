"""Check the words of docstrings, comments, messages and documents against prose.toml.

codespell finds misspelt words, not idioms. Vale would fit, but its Python wheel downloads an unpinned binary at its
first run, and proselint has rules for essays. So this reads the texts itself; the rules are data.

    python scanners/prose.py            everything that git knows
    python scanners/prose.py PATH ...   these files and folders
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).parents[1]
RULES = Path(__file__).with_suffix(".toml")

# Files of other kinds are data. Scripts and the Makefile have no suffix.
_SUFFIXES = {"", ".py", ".md", ".guard", ".html", ".toml", ".yml", ".yaml"}
# A word of a sentence stands where a message has a value.
_VALUE = "\N{HORIZONTAL ELLIPSIS}"
_ZONE = re.compile(r"(?<!time )(?<!hosted )(?<!local )\bzones?\b", re.IGNORECASE)
_AVAILABILITY_ZONE = re.compile(r"\bavailability\s+zones?\b", re.IGNORECASE)
_SECTION = re.compile(r"(Args|Attributes|Returns|Yields|Raises|Example|Examples|Note|Notes):")
_ENTRY = re.compile(r"( *)([*\w.\[\], ]+?)(?: \([^)]*\))?: ?(.*)")


@dataclass(frozen=True)
class Text:
    """One text of a file and the line it begins on."""

    line: int
    words: str
    docstring: bool = False
    literal: bool = False
    """Whether it is a string of the code."""


@dataclass(frozen=True)
class Finding:
    """A place that breaks a rule."""

    path: str
    line: int
    rule: str
    found: str
    instead: str

    def __str__(self) -> str:
        """The finding on one line."""
        return f"{self.path}:{self.line}: {self.rule}: {self.found!r}. Write {self.instead}."


@dataclass(frozen=True)
class Rule:
    """Words that are not used, and what to write instead."""

    name: str
    pattern: str
    instead: str
    bad: tuple[str, ...]
    good: tuple[str, ...]

    def __str__(self) -> str:
        """The rule's name."""
        return self.name

    def matches(self, words: str) -> Iterator[re.Match[str]]:
        """Where the words break the rule. A space in the pattern also matches the end of a line."""
        return re.finditer(self.pattern.replace(" ", r"\s"), words, re.IGNORECASE)


@dataclass
class Allowed:
    """A text that stays although a rule finds it."""

    path: str
    text: str
    reason: str
    used: bool = field(default=False, init=False)


def rules() -> list[Rule]:
    """The rules of prose.toml."""
    return [
        Rule(**{**rule, "bad": tuple(rule["bad"]), "good": tuple(rule["good"])}) for rule in _configuration()["rules"]
    ]


def allowed() -> list[Allowed]:
    """The texts that prose.toml exempts."""
    return [Allowed(**entry) for entry in _configuration()["allowed"]]


def _configuration() -> dict[str, Any]:
    return tomllib.loads(RULES.read_text())


# Texts of a file


def texts(path: Path) -> list[Text]:
    """The prose of a file: comments and strings of Python, a document without its code, anything else whole."""
    source = path.read_text()
    if path.suffix == ".py":
        return [*_comments(source), *_strings(source)]
    if path.suffix == ".md":
        return _document(source)
    return [Text(1, source)]


def _comments(source: str) -> Iterator[Text]:
    # Lines of one comment are one text, so that a phrase is found across its lines.
    block: list[str] = []
    start, previous = 0, -1
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        line = token.start[0]
        if line != previous + 1 and block:
            yield Text(start, "\n".join(block))
            block = []
        start = start if block else line
        block.append(token.string.lstrip("# "))
        previous = line
    if block:
        yield Text(start, "\n".join(block))


def _strings(source: str) -> Iterator[Text]:
    tree = ast.parse(source)
    docstrings = {
        id(node.body[0].value): node.body[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and ast.get_docstring(node, clean=False) is not None
        and isinstance(node.body[0], ast.Expr)
    }
    parts = {
        id(value) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for value in ast.walk(node)
    } - docstrings.keys()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield Text(node.lineno, "".join(_constant(value) for value in node.values), literal=True)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            in_docstring = id(node) in docstrings
            yield Text(node.lineno, node.value, docstring=in_docstring, literal=not in_docstring)


def _constant(value: ast.expr) -> str:
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else _VALUE


def _document(source: str) -> list[Text]:
    prose: list[str] = []
    code: list[str] = []
    found: list[Text] = []
    fence, python, start = "", False, 0
    for number, line in enumerate(source.splitlines(), 1):
        mark = re.match(r"\s*(`{3,}|~{3,})(\w*)", line)
        if mark and not fence:
            fence, python, start, code = mark[1], mark[2] == "python", number, []
        elif mark and fence and line.strip() == fence:
            fence = ""
            if python:
                found += [Text(start + text.line, text.words) for text in _comments("\n".join(code) + "\n")]
        elif fence:
            code.append(line)
        else:
            prose.append(line)
            continue
        prose.append("")
    return [Text(1, "\n".join(prose)), *found]


# Checks


def check(paths: Iterable[Path], exceptions: Iterable[Allowed] = ()) -> list[Finding]:
    """The findings in these files, and the exceptions that no text of them needs.

    Args:
        paths: Files below the root of the repository.
        exceptions: Texts that stay as they are.
    """
    every = rules()
    exempt = {(entry.path, entry.text): entry for entry in exceptions}
    findings = []
    for path in paths:
        name = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)
        prose = []
        for text in texts(path):
            broken = _findings(name, text, every)
            exception = exempt.get((name, text.words))
            if exception is None or not broken:
                findings += broken
                prose.append(text)
            else:
                exception.used = True
        findings += _zones(name, prose)
    return findings + [
        Finding(RULES.name, 1, "allowed", entry.text, "nothing: no rule finds this text any more, so delete its entry")
        for entry in exempt.values()
        if not entry.used
    ]


def _findings(path: str, text: Text, every: Iterable[Rule]) -> list[Finding]:
    words = _without_code(text.words)
    if text.literal and " " not in words:
        return []  # a name, not a sentence
    found = [
        Finding(path, _line(text, words, match.start()), rule.name, " ".join(match[0].split()), rule.instead)
        for rule in every
        for match in rule.matches(words)
    ]
    return [*found, *_sections(path, text)] if text.docstring else found


def _without_code(words: str) -> str:
    """The words on the same lines, without indentation, and with marks in place of code and addresses."""
    words = re.sub(r"`[^`]+`|\bhttps?://\S+|(?<=\])\([^)\s]+\)", lambda code: re.sub(r"[^\n]", "`", code[0]), words)
    return re.sub(r" *\n *", "\n", words)


def _line(text: Text, words: str, offset: int) -> int:
    return text.line + words.count("\n", 0, offset)


def _zones(path: str, prose: Iterable[Text]) -> list[Finding]:
    """The first "zone" of a file that never says which kind of zone it means."""
    first = None
    for text in sorted(prose, key=lambda text: text.line):
        words = _without_code(text.words)
        if _AVAILABILITY_ZONE.search(words):
            return []
        match = _ZONE.search(words) if " " in words else None
        if match and first is None:
            first = Finding(
                path, _line(text, words, match.start()), "zone", match[0], "Availability Zone where it is first met"
            )
    return [first] if first else []


def _sections(path: str, text: Text) -> list[Finding]:
    """What breaks the one dialect of `Args:` and `Raises:`: capitals, "If ...", no blank lines between entries."""
    found = []
    section, blank, indent, entries = "", False, 0, 0
    for number, line in enumerate(text.words.splitlines()):
        stripped = line.strip()
        heading = _SECTION.fullmatch(stripped)
        depth = len(line) - len(line.lstrip())
        if heading:
            section, indent, entries = heading[1], depth, 0
        elif stripped and section and depth <= indent:
            section = ""
        elif stripped and section in {"Args", "Attributes", "Raises"} and depth == indent + 4:
            entry = _ENTRY.fullmatch(line)
            words = entry[3] if entry else ""
            place = text.line + number
            if entries and blank:
                found.append(Finding(path, place, "section", stripped, "no blank line before this entry"))
            if section == "Raises" and not words.startswith("If "):
                found.append(Finding(path, place, "section", stripped, "`Error: If ...`"))
            elif section != "Raises" and not re.match(r"[^a-z]", words):
                found.append(Finding(path, place, "section", stripped, "`name: Sentence with a capital.`"))
            entries += 1
        blank = not stripped
    return found


# Command


def tracked(names: Iterable[str]) -> list[Path]:
    """The text files that git knows below these paths.

    Args:
        names: Paths of files and folders, from the root of the repository.

    Raises:
        FileNotFoundError: If git knows no file there.
    """
    found: list[Path] = []
    for name in names:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", name],
            cwd=ROOT, check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        files = [ROOT / file for file in listed.split("\0") if (ROOT / file).is_file()]
        if not files:
            raise FileNotFoundError(name)
        found += [file for file in files if file.suffix in _SUFFIXES and file.name != "LICENSE" and file != RULES]
    return sorted(set(found))


def main(arguments: list[str]) -> int:
    """Print the findings. Exit status 1 if there is one."""
    named = [Path(argument).resolve().relative_to(ROOT).as_posix() for argument in arguments]
    findings = check(tracked(named or ["."]), () if named else allowed())
    for finding in findings:
        print(finding)  # noqa: T201 - a command's output
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
