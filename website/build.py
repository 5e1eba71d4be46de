"""One build: the pages are staged, and Sphinx makes HTML of them."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from sphinx.cmd.build import main as sphinx

from website.staging import PageError, stage

# What a browser fetches by itself. A link that a reader follows may lead anywhere.
_FETCHED = re.compile(
    r"""<(?:script|img|iframe|source|audio|video|embed|object)\b[^>]*\s(?:src|srcset|data)=["']?\s*(?:https?:)?//[^>]*>"""
    r"""|<link\b(?![^>]*rel=["']?(?:canonical|author|license|next|prev))[^>]*\shref=["']?\s*(?:https?:)?//[^>]*>""",
    re.IGNORECASE,
)
_FETCHED_BY_STYLE = re.compile(r"""(?:url\(\s*["']?|@import\s+["'])(?:https?:)?//[^)"']*""", re.IGNORECASE)


def build(folder: Path) -> int:
    """Build the site.

    Args:
        folder: Where to: its ``html`` is the site, and what else is in it makes the next build faster.

    Returns:
        The exit code: 1 if a page has a fault. Each is printed with its place.
    """
    try:
        stage(folder / "source")
    except PageError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    options = ["-q", "-W", "--keep-going", "-c", str(Path(__file__).parent), "-d", str(folder / "doctrees")]
    failed = sphinx([*options, "-b", "dirhtml", str(folder / "source"), str(folder / "html")])
    fetches = [] if failed else foreign_fetches(folder / "html")
    for line in fetches:
        sys.stderr.write(f"{line}\n")
    if failed or fetches:
        # Sphinx warns of a page when it reads it. Without what it remembers, the next build reads all again.
        shutil.rmtree(folder / "doctrees", ignore_errors=True)
        return 1
    sys.stdout.write(f"{folder / 'html' / 'index.html'}\n")
    return 0


def foreign_fetches(html: Path) -> list[str]:
    """What the pages and styles of a site would fetch from another host, with the file that it stands in."""
    patterns = {".html": _FETCHED, ".css": _FETCHED_BY_STYLE, ".svg": _FETCHED_BY_STYLE}
    return [
        f"{file.relative_to(html)}: {found}: the site fetches nothing from another host. Copy the file into the site."
        for file in sorted(html.rglob("*"))
        if file.suffix in patterns
        for found in patterns[file.suffix].findall(file.read_text(encoding="utf-8"))
    ]
