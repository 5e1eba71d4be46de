"""The pages of the examples: what each deploys, its picture and its code."""

from __future__ import annotations

import ast

from tests.docs.charges import kept
from website.places import IMAGES, ROOT

EXAMPLES = ROOT / "examples"


def pages() -> dict[str, str]:
    """The text of each page, by its name in the site."""
    return {f"examples/{file.stem}": _page(file.stem) for file in sorted(EXAMPLES.glob("*.py"))}


def _page(name: str) -> str:
    code = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")
    first, _, rest = (ast.get_docstring(ast.parse(code)) or "").partition("\n")
    picture = IMAGES / f"topology-{name}.svg"
    lines = [f"# `{name}.py`", "", first, ""]
    if picture.exists():
        lines += [f"![What {name}.py deploys](../images/{picture.name})", ""]
    if charged := kept().get(f"{name}.py"):
        lines += [f"Charged each month, whatever is used: {charged}. [What it costs](../cost.md) has the rest.", ""]
    if rest.strip():
        lines += ["```text", rest.strip(), "```", ""]
    return "\n".join([*lines, "```python", code.rstrip(), "```", ""])
