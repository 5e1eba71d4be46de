"""The pages of the site, made of the repository's documents.

Each has its place, its links lead to pages, and indexes list what is below them.

The documents stay as GitHub shows them. What only the site can do is done here, on copies.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from website import commands, examples, guard, reference, rules
from website.places import DOCS, IMAGES, ROOT

CONTENTS = DOCS / "README.md"
"""Lists the documents by section: the navigation of the site."""
_MOVED = {
    "README.md": "index",
    "docs/README.md": "contents",
    "client/README.md": "client",
    "tests/README.md": "tests",
    "CONTRIBUTING.md": "contributing",
    "CHANGELOG.md": "changelog",
    "SECURITY.md": "security",
    "CODE_OF_CONDUCT.md": "code-of-conduct",
    "docs/service-rules.md": "reference/service-rules",
    "docs/change-gate.md": "reference/change-gate",
    "docs/ports.md": "reference/ports",
    "docs/glossary.md": "reference/glossary",
    "docs/facts.md": "reference/facts",
    "docs/commands.md": "reference/commands",
    "docs/properties.md": "reference/properties",
}
_SHOWN = ("examples", "runbooks")
"""Folders whose pages are in the navigation."""
_INDEXED = ("adr/", "reference/elasticache_", "runbooks/alarms/", "source/")
"""Pages that are found by the table of their index and by search: a navigation with all of them shows nothing."""
_SOURCES = {".py": "python", ".toml": "toml", ".yml": "yaml", ".json": "json", ".guard": "text"}
# A link or an image, but not what looks like one in code.
_LINK = re.compile(
    r"(```.*?^\s*```|`[^`\n]+`)|(?<=\]\()(?!\w+:|#)([^)\s#]*)(#[^)\s]*)?(?=\))", re.DOTALL | re.MULTILINE
)


class PageError(Exception):
    """A page that cannot be made as it is."""


@dataclass
class Site:
    """The pages, while they are made."""

    pages: dict[str, str] = field(default_factory=dict)
    """The text of each page, by its name in the site."""
    sources: set[Path] = field(default_factory=set)
    """Files that are no documents and that a document links to."""
    faults: list[str] = field(default_factory=list)


def stage(folder: Path) -> None:
    """Write the sources of the site. A file that stays the same is not written again, so that Sphinx leaves it alone.

    Raises:
        PageError: If a link leads nowhere, or a document is in no section of docs/README.md.
    """
    site = Site()
    for file in documents():
        site.pages[page_of(file)] = linked(site, file, file.read_text(encoding="utf-8"))
    site.pages.update(reference.pages())
    site.faults += [f"{name}: a public name has a docstring. Say what it does." for name in reference.undocumented()]
    site.pages.update(examples.pages())
    site.pages["reference/guard-rules"] = guard.page()
    site.pages["reference/commands"] += commands.targets()
    site.pages["reference/service-rules"] = rules.page(site.pages["reference/service-rules"])
    for file in sorted(site.sources):
        site.pages[page_of(file)] = _source(file)
    for index, entries in _below(site).items():
        site.pages[index] += _toctree(entries)
    shown = {page for entries in [*_below(site).values(), *_sections().values()] for page in entries} | {"index"}
    for page in {page for page in site.pages if page.startswith(_INDEXED)} - shown:
        site.pages[page] = f"---\norphan: true\n---\n\n{site.pages[page]}"
    site.pages["index"] += "".join(_toctree(entries, caption) for caption, entries in _sections().items())
    if site.faults:
        raise PageError("\n".join(dict.fromkeys(site.faults)))
    _write(site, folder)


def documents() -> list[Path]:
    """The documents that have a page."""
    elsewhere = [ROOT / name for name in _MOVED if not name.startswith("docs/")] + [ROOT / "examples" / "README.md"]
    return sorted([*elsewhere, *DOCS.rglob("*.md")])


def page_of(file: Path) -> str:
    """The name of the page that a file has in the site."""
    name = str(file.relative_to(ROOT))
    if name in _MOVED:
        return _MOVED[name]
    if file.suffix == ".md":
        return re.sub(r"(^|/)README$", r"\1index", name.removeprefix("docs/").removesuffix(".md"))
    if file.parent == ROOT / "examples":
        return name.removesuffix(".py")
    return f"source/{name}"


def linked(site: Site, file: Path, text: str) -> str:
    """A document whose links lead to pages of the site.

    Args:
        site: The site; a link that leads nowhere is added to its faults.
        file: The document.
        text: Its text.
    """
    here = Path(page_of(file)).parent

    def moved(match: re.Match[str]) -> str:
        code, path, anchor = match.groups()
        if code is not None or not path:
            return str(match[0])
        target = (file.parent / path).resolve()
        if target.is_dir() and (target / "README.md").exists():
            target /= "README.md"
        if not target.is_file():
            site.faults.append(
                f"{file.relative_to(ROOT)}: the link to {path} leads nowhere. Name a file that is there."
            )
            return str(match[0])
        if target.is_relative_to(IMAGES):
            return os.path.relpath(f"images/{target.relative_to(IMAGES)}", here)
        if target.suffix != ".md" and target.parent != ROOT / "examples":
            site.sources.add(target)
        return os.path.relpath(f"{page_of(target)}.md", here) + (anchor or "")

    return _LINK.sub(moved, text)


def _source(file: Path) -> str:
    """A page with the text of a file."""
    name = str(file.relative_to(ROOT))
    fence = "`" * 6
    language = _SOURCES.get(file.suffix, "text")
    return f"# `{name}`\n\n{fence}{language}\n{file.read_text(encoding='utf-8')}{fence}\n"


def _sections() -> dict[str, list[str]]:
    """The pages of each section, as docs/README.md lists them."""
    sections: dict[str, list[str]] = {}
    for section in CONTENTS.read_text(encoding="utf-8").split("\n## ")[1:]:
        caption, _, body = section.partition("\n")
        targets = [(CONTENTS.parent / path).resolve() for path in re.findall(r"\]\(([^)#:]+)\)", body)]
        sections[caption] = [page for target in targets if (page := page_of(target)) != "index"]
    sections["Reference"] = [*reference.INDEXES, *sections["Reference"], "reference/guard-rules"]
    sections["Project"].append("contents")
    return sections


def _below(site: Site) -> dict[str, list[str]]:
    """The pages below each index."""
    below: dict[str, list[str]] = {}
    for page in sorted(site.pages):
        folder, _, _ = page.rpartition("/")
        if folder in _SHOWN and page != f"{folder}/index":
            below.setdefault(f"{folder}/index", []).append(page)
    return below


def _toctree(pages: list[str], caption: str = "") -> str:
    option = f":caption: {caption}\n" if caption else ""
    return f"\n```{{toctree}}\n:hidden:\n{option}\n" + "".join(f"/{page}\n" for page in pages) + "```\n"


def _write(site: Site, folder: Path) -> None:
    kept = {folder / f"{page}.md" for page in site.pages}
    for page, text in site.pages.items():
        _write_changed(folder / f"{page}.md", text.encode())
    for image in IMAGES.iterdir():
        kept.add(folder / "images" / image.name)
        _write_changed(folder / "images" / image.name, image.read_bytes())
    for stale in {file for file in folder.rglob("*") if file.is_file()} - kept:
        stale.unlink()


def _write_changed(file: Path, content: bytes) -> None:
    if not file.exists() or file.read_bytes() != content:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
