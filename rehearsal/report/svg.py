"""Elements of SVG, as text."""

from __future__ import annotations

from html import escape

CHARACTER = 0.6  # average width of a character of the font, in its size


def element(name: str, content: str = "", **attributes: object) -> str:
    """One element. In names of attributes, `_` stands for `-`, and one at the end is left out.

    Args:
        name: Name of the element.
        content: What it contains, which is markup.
        attributes: Its attributes, whose values are escaped; None leaves one out.
    """
    text = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_number(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{text}>{content}</{name}>" if content else f"<{name}{text}/>"


def label(x: float, y: float, text: str, kind: str = "", *, anchor: str | None = None) -> str:
    """Text with its baseline at a point.

    Args:
        x: The point's distance from the left.
        y: The point's distance from the top.
        text: The text.
        kind: Its classes.
        anchor: `middle` or `end`. Default: it begins at the point.
    """
    return element("text", escape(text), x=x, y=y, class_=kind or None, text_anchor=anchor)


def title(text: str) -> str:
    """What a browser shows for an element under the pointer, and a screen reader reads."""
    return element("title", escape(text))


def clipped(text: str, width: float, size: float) -> str:
    """The text, shortened in the middle if it is wider.

    Args:
        text: The text.
        width: The width that it has.
        size: Its font size.
    """
    most = max(4, int(width / (size * CHARACTER)))
    if len(text) <= most:
        return text
    head = (most - 1) // 2
    return f"{text[:head]}…{text[len(text) - (most - 1 - head) :]}"


def _number(value: object) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
