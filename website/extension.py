"""What Sphinx does not know: entries of rules, links from names, and public names without a docstring."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

import furo
from docutils import nodes
from sphinx import addnodes
from sphinx.directives import ObjectDescription
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.nodes import make_refnode

from website.places import ROOT
from website.reference import exported
from website.staging import page_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.addnodes import desc_signature
    from sphinx.application import Sphinx

_RULE = re.compile(r"\b[A-Z]{2,4}-\d{2,3}\b")
_DOCUMENT = re.compile(r"\bdocs(?:/[\w-]+)+(?:\.md)?")


class RuleEntry(ObjectDescription[str]):  # type: ignore[misc]
    """A rule: its id is its anchor, and search finds it."""

    kind: ClassVar = "rule"

    def handle_signature(self, sig: str, signode: desc_signature) -> str:
        """Show the id."""
        signode += addnodes.desc_name(sig, sig)
        return sig

    def add_target_and_index(self, name: str, sig: str, signode: desc_signature) -> None:  # noqa: ARG002 - Sphinx's
        """Make the id an anchor."""
        anchor = name.lower()
        signode["ids"].append(anchor)
        self.env.domains.standard_domain.note_object(self.kind, name, anchor, location=signode)


class GuardRuleEntry(RuleEntry):
    """A Guard rule, found by its name."""

    kind: ClassVar = "guard-rule"


class Links(SphinxPostTransform):  # type: ignore[misc]
    """Make links of the ids of rules, of public names in code marks, and of documents that are named by their path.

    Each leads to another page: a page does not link to itself.
    """

    default_priority = 5

    def run(self, **_: Any) -> None:
        """Replace the texts of one page."""
        for node in list(self.document.findall(nodes.Text)):
            above = list(_above(node))
            if any(isinstance(each, nodes.reference | nodes.title | addnodes.desc_signature) for each in above):
                continue
            text, parent = node.astext(), node.parent
            if isinstance(parent, nodes.literal):
                if target := self._name(text):
                    parent.replace_self(self._link(target, nodes.literal(text, text)))
                    continue
            elif isinstance(parent, nodes.literal_block) and parent.get("language", "text") != "text":
                continue
            if replaced := list(self._replaced(text)):
                parent.replace(node, replaced)

    def _replaced(self, text: str) -> Iterator[nodes.Node]:
        found = [(match, self._target(match[0])) for match in _MENTIONS.finditer(text)]
        targets = [(match, target) for match, target in found if target]
        if not targets:
            return
        start = 0
        for match, target in targets:
            yield nodes.Text(text[start : match.start()])
            yield self._link(target, nodes.Text(match[0]))
            start = match.end()
        yield nodes.Text(text[start:])

    def _target(self, mention: str) -> tuple[str, str] | None:
        if _RULE.fullmatch(mention):
            found = self.env.domains.standard_domain.objects.get(("rule", mention))
            return found if found and found[0] != self.env.docname else None
        file = ROOT / mention
        file = file / "README.md" if file.is_dir() else file
        page = page_of(file) if file.is_file() else ""
        return (page, "") if page and page != self.env.docname else None

    def _name(self, text: str) -> tuple[str, str] | None:
        path = _public().get(text.removesuffix("()"))
        objects = self.env.domains.python_domain.objects
        if path is None or path not in objects:
            return None
        entry = objects[path]
        return (entry.docname, entry.node_id) if entry.docname != self.env.docname else None

    def _link(self, target: tuple[str, str], child: nodes.Node) -> nodes.reference:
        page, anchor = target
        return make_refnode(self.app.builder, self.env.docname, page, anchor, child)


_MENTIONS = re.compile(f"{_RULE.pattern}|{_DOCUMENT.pattern}")


@cache
def _public() -> dict[str, str]:
    """The path of each public name, by the name and by its path. A name of two packages is no link by itself."""
    paths = exported()
    by_name: dict[str, list[str]] = {}
    for path in paths:
        by_name.setdefault(path.rpartition(".")[2], []).append(path)
    short = {name: found[0] for name, found in by_name.items() if len(found) == 1}
    return {**short, **{path: path for path in paths}}


def _above(node: nodes.Node) -> Iterator[nodes.Node]:
    while (parent := node.parent) is not None:
        yield parent
        node = parent


def _once_for_many_pages(
    app: Sphinx, page: str, _template: str, context: dict[str, Any], _doctree: nodes.document | None
) -> None:
    """Make the navigation once for all pages that are not in it, instead of once for each."""
    if page in app.env.toctree_includes or any(page in below for below in app.env.toctree_includes.values()):
        return
    make = context["toctree"]
    up = "../" * (page.count("/") + 1)

    def made_once(**options: Any) -> str:
        key = (up, *sorted(options.items()))
        if key not in _kept:
            _kept[key] = make(**options)
        return _kept[key]

    context["toctree"] = made_once


_kept: dict[tuple[Any, ...], str] = {}


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    for entry in (RuleEntry, GuardRuleEntry):
        app.add_object_type(entry.kind, entry.kind)
        app.add_directive_to_domain("std", entry.kind, entry, override=True)
    app.add_post_transform(Links)
    app.connect("html-page-context", _once_for_many_pages, priority=100)
    # The same text for each page with the same navigation, which takes longer than to write the page.
    furo.get_navigation_tree = cache(furo.get_navigation_tree)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
