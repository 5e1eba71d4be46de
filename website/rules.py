"""The page of the service's rules: each rule is found by its id, and its anchor is the id in lower case."""

from __future__ import annotations

import html
import re

_ROW = re.compile(
    r'^\| <a id="(?P<anchor>[^"]+)"></a>(?:\[(?P<linked>[^\]]+)\]\((?P<page>[^)]+)\)|(?P<plain>\S+)) '
    r"\| (?P<wanted>.*) \| (?P<kept>.*) \|$",
    re.MULTILINE,
)
_HEAD = "| rule | what the service wants | how it is kept |\n| --- | --- | --- |\n"


def page(document: str) -> str:
    """docs/service-rules.md with an entry for each rule in place of its rows, which are too wide for a phone."""
    return _ROW.sub(_entry, document.replace(_HEAD, "")).replace(
        "is the\nanchor of its row", "is the\nanchor of its entry"
    )


def _entry(row: re.Match[str]) -> str:
    kept, _, message = row["kept"].partition("<br>")
    lines = [f":::{{rule}} {row['linked'] or row['plain']}", "", _cell(row["wanted"]), "", f"*Kept:* {_cell(kept)}"]
    if message:
        lines += ["", "```text", html.unescape(message.strip("`")).replace("\\|", "|"), "```"]
    if row["page"]:
        lines += ["", f"[AWS's page]({row['page']})"]
    return "\n".join([*lines, ":::", ""])


def _cell(text: str) -> str:
    return text.replace("\\|", "|")
