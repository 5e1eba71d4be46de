"""A fault of a page fails the build, and names itself."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from website.places import DOCS, ROOT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("[a](rotation.md#states)", "[a](rotation.md#states)"),
        ("[a](../client/README.md)", "[a](client.md)"),
        ("[a](adr/README.md)", "[a](adr/index.md)"),
        ("[a](adr)", "[a](adr/index.md)"),
        ("[a](../examples/memcached.py)", "[a](examples/memcached.md)"),
        ("[a](service-rules.md#top-06)", "[a](reference/service-rules.md#top-06)"),
        ("![a](images/rotation.svg)", "![a](images/rotation.svg)"),
        ("[a](https://example.com/b.md)", "[a](https://example.com/b.md)"),
        ("`[a](gone.md)`", "`[a](gone.md)`"),
    ],
)
def test_links_lead_to_pages(link: str, expected: str) -> None:
    """A link of a document leads to the page that the site makes of its target."""
    from website.staging import Site, linked  # noqa: PLC0415 - Sphinx may be missing

    site = Site()

    assert expected == linked(site, DOCS / "page.md", link)
    assert [] == site.faults


def test_a_dead_link_is_a_fault() -> None:
    """It is named with its document."""
    from website.staging import Site, linked  # noqa: PLC0415

    site = Site()
    linked(site, DOCS / "page.md", "[a](gone.md)")

    assert ["docs/page.md: the link to gone.md leads nowhere. Name a file that is there."] == site.faults


MODULE = '''"""A module."""
class Documented:
    """A class."""
    def documented(self):
        """A method."""
    def {method}(self): ...
def documented():
    """A function."""
{function}
'''


@pytest.mark.parametrize(
    ("method", "function", "expected"),
    [
        pytest.param("_private", "", [], id="all are documented"),
        pytest.param("silent", "", ["a_module.Documented.silent"], id="a method"),
        pytest.param("_private", "def silent(): ...", ["a_module.silent"], id="a function"),
        pytest.param("_private", "class Silent: ...", ["a_module.Silent"], id="a class"),
    ],
)
def test_a_public_name_without_a_docstring_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, function: str, expected: list[str]
) -> None:
    """Members of public classes too."""
    from website import reference  # noqa: PLC0415

    (tmp_path / "a_module.py").write_text(MODULE.format(method=method, function=function))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(reference, "PACKAGES", (reference.Package("a_module", "A module", ("a_module",)),))
    reference.exported.cache_clear()
    try:
        assert expected == reference.undocumented()
    finally:
        reference.exported.cache_clear()
        sys.modules.pop("a_module", None)


@pytest.mark.parametrize(
    ("file", "text", "count"),
    [
        ("a.html", '<script src="https://cdn.example.com/a.js"></script>', 1),
        ("a.html", '<link rel="stylesheet" href="//fonts.example.com/a.css">', 1),
        ("a.html", '<img alt="a" src="http://example.com/a.png">', 1),
        ("a.css", "@import 'https://example.com/a.css'; p { background: url(https://example.com/a.png) }", 2),
        ("a.html", '<a href="https://example.com">a</a> <img src="a.png"> <script src="a.js"></script>', 0),
        ("a.html", '<link rel="canonical" href="https://example.com/">', 0),
    ],
)
def test_what_is_fetched_from_another_host_is_found(tmp_path: Path, file: str, text: str, count: int) -> None:
    """Scripts, styles, fonts and images; links that a reader follows are no fetches."""
    from website.build import foreign_fetches  # noqa: PLC0415

    (tmp_path / file).write_text(text)

    assert count == len(foreign_fetches(tmp_path))


def test_every_rule_has_an_entry() -> None:
    """The page of rules has no row left that would be too wide for a phone."""
    from elasticache_rules.rules import rules  # noqa: PLC0415
    from website.rules import page  # noqa: PLC0415

    text = page((ROOT / "docs" / "service-rules.md").read_text())

    assert [*rules()] == [line.split()[1] for line in text.splitlines() if line.startswith(":::{rule}")]
    assert "<a id=" not in text
    assert "<br>" not in text


def test_every_guard_rule_has_an_entry_with_its_message() -> None:
    """Found, Allowed and Fix, as a finding prints them."""
    from elasticache_constructs.posture import rule_names  # noqa: PLC0415
    from website.guard import page  # noqa: PLC0415

    entries = page().split(":::{guard-rule} ")[1:]

    assert [*rule_names()] == [entry.split()[0] for entry in entries]
    assert [] == [entry.split()[0] for entry in entries if "Fix:" not in entry]
