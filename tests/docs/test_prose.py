"""The prose check finds what its rules name, in every kind of text, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scanners import prose

if TYPE_CHECKING:
    from pathlib import Path

RULES = prose.rules()
# Taken from the rules, so that this file keeps to them.
BAD = {str(rule): rule.bad[0] for rule in RULES}

MODULE = '''"""A module."""

PATTERN = "digits"


def refuse(port):
    """Refuse a port.

    Args:
        port: A number.
        host: A name.

    Raises:
        ValueError: If the port is not valid.
    """
    # A comment.
    raise ValueError(f"{port} is not valid")
'''

DOCUMENT = """# A document

Prose, and `{bad}` in code.

```console
$ echo {bad}
```

```python
print("{bad}")
```
"""


def found(tmp_path: Path, name: str, text: str) -> list[tuple[int, str]]:
    """The lines and rules of what is found in a file of that text."""
    file = tmp_path / name
    file.write_text(text)
    return [(finding.line, finding.rule) for finding in prose.check([file])]


def in_two_lines(words: str, prefix: str) -> str:
    """The words with their last one on a second line."""
    return f"{prefix} ".join(words.rsplit(" ", 1))


@pytest.mark.parametrize(("rule", "sentence"), [(rule, bad) for rule in RULES for bad in rule.bad], ids=str)
def test_a_rule_finds_its_bad_sentence(rule: prose.Rule, sentence: str) -> None:
    """Each rule finds each sentence that it gives as an example."""
    assert list(rule.matches(sentence))


@pytest.mark.parametrize(("rule", "sentence"), [(rule, good) for rule in RULES for good in rule.good], ids=str)
def test_no_rule_finds_a_good_sentence(rule: prose.Rule, sentence: str) -> None:
    """What a rule gives as the better sentence breaks none of the rules."""
    assert [] == [other.name for other in [rule, *RULES] if list(other.matches(sentence))]


@pytest.mark.parametrize(("name", "text"), [("clean.py", MODULE), ("clean.md", DOCUMENT.format(bad=BAD["own"]))])
def test_a_clean_file_has_no_finding(tmp_path: Path, name: str, text: str) -> None:
    """Names, code, and sentences that keep to the rules are left alone."""
    assert [] == found(tmp_path, name, text)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param("A module.", BAD["forever"], (1, "forever"), id="the docstring of a module"),
        pytest.param("Refuse a port.", f"Refuse.\n\n    {BAD['say']}", (9, "say"), id="a docstring, with its line"),
        pytest.param("A comment.", in_two_lines(BAD["forever"], "\n    #"), (16, "forever"), id="comment"),
        pytest.param('is not valid")', "is " + 'none")', (17, "none"), id="a message after a value"),
        pytest.param("digits", "one zone", (3, "zone"), id="a zone of a kind that is not said"),
        pytest.param("A name", "a name", (11, "section"), id="an argument without a capital"),
        pytest.param("        host", "\n        host", (12, "section"), id="a blank line between arguments"),
        pytest.param("If the port", "When the port", (14, "section"), id="an error without If"),
    ],
)  # fmt: skip
def test_each_kind_of_text_is_read(tmp_path: Path, before: str, after: str, expected: tuple[int, str]) -> None:
    """One change to a clean module is found in its place."""
    assert before in MODULE

    assert [expected] == found(tmp_path, "module.py", MODULE.replace(before, after))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param("Prose", in_two_lines(BAD["forever"], "\n"), (3, "forever"), id="prose over two lines"),
        pytest.param('print("', '# {bad}\nprint("', (10, "forever"), id="a comment in Python"),
    ],
)
def test_a_document_is_read(tmp_path: Path, before: str, after: str, expected: tuple[int, str]) -> None:
    """Of a document the prose is read and the comments of its Python, not its commands and code."""
    text = DOCUMENT.replace(before, after).format(bad=BAD["forever"])

    assert [expected] == found(tmp_path, "document.md", text)


def test_a_zone_is_an_availability_zone_once(tmp_path: Path) -> None:
    """A file that says once which zones it means may go on with the short word."""
    assert [] == found(tmp_path, "zones.md", "Two Availability Zones, one subnet in each zone.\n")


def test_an_exception_is_a_whole_text_that_a_rule_finds(tmp_path: Path) -> None:
    """An exempt text is not reported; one that is not needed any more is."""
    file = tmp_path / "module.py"
    file.write_text(f'DESCRIPTION = "{BAD["own"]}"\n')
    needed = prose.Allowed(str(file), BAD["own"], "part of a template")
    stale = prose.Allowed(str(file), "A group", "part of a template")

    assert [] == prose.check([file], [needed])
    assert ["allowed"] == [finding.rule for finding in prose.check([file], [needed, stale])]


def test_a_path_that_is_gone_is_an_error() -> None:
    """A path of the configuration cannot leave the check by being renamed."""
    with pytest.raises(FileNotFoundError, match="docs/gone"):
        prose.tracked(["docs/gone"])
