"""What pictures have in common: one style for light and dark, in the picture itself, and a ground to be read on."""

from __future__ import annotations

import re
from pathlib import Path

STYLE = Path(__file__).with_suffix(".css")
_HEAD = re.compile(r'<svg ([^>]*viewBox="0 0 (\d+) (\d+)"[^>]*)>')


def standalone(svg: str) -> str:
    """A document of an SVG element: with its size, the style and a ground.

    Raises:
        ValueError: If the element has no view box that begins at 0.
    """
    head = _HEAD.match(svg)
    if head is None:
        message = "a picture begins with <svg and has a viewBox from 0 0"
        raise ValueError(message)
    attributes, width, height = head.groups()
    style = "\n".join(line.strip() for line in STYLE.read_text(encoding="utf-8").splitlines())
    ground = f'<rect class="paper" width="{width}" height="{height}" rx="12"/>'
    body = svg[head.end() :].replace("><", ">\n<")
    return f'<svg {attributes} width="{width}" height="{height}">\n<style>\n{style}\n</style>\n{ground}\n{body}\n'
