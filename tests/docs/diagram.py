"""The picture of docs/architecture.md, drawn from what the modules import."""

from __future__ import annotations

import ast
from functools import cache
from typing import TYPE_CHECKING

import grimp

from tests.conftest import ROOT
from website.pictures import layers
from website.places import IMAGES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

DOCUMENT = ROOT / "docs" / "architecture.md"
PICTURE = IMAGES / "architecture.svg"
ROOMS = (
    "elasticache_constructs",
    "elasticache_rules",
    "elasticache_tools",
    "application_constructs",
    "elasticache_client",
)
"""Packages that are drawn with the folders in them."""
WHOLE = ("stacks", "workloads", "operations", "rehearsal", "verification", "cost", "local_servers")
SCRIPTS = ("app.py", "stages.py")

Edge = tuple[str, str]


@cache
def edges() -> frozenset[Edge]:
    """Which room imports from which, for the type checker only or to run."""
    graph = grimp.build_graph(*ROOMS, *WHOLE, cache_dir=None)
    found = {
        (_room(module), _room(imported))
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
    }
    found |= {(script, _room(module)) for script in SCRIPTS for module in _imports(script) if _room(module)}
    return frozenset((room, other) for room, other in found if room != other and other and room)


def _imports(script: str) -> Iterator[str]:
    for node in ast.walk(ast.parse((ROOT / script).read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _room(module: str) -> str:
    """The room of a module: its package, or the folder in it. A module at the top of a package is the package's own."""
    package, _, rest = module.partition(".")
    if package in WHOLE:
        return package
    if package in ROOMS:
        folder = rest.partition(".")[0]
        return f"{package}.{folder}" if folder in _folders(package) else package
    return f"{package}.py" if f"{package}.py" in SCRIPTS else ""


@cache
def _folders(package: str) -> frozenset[str]:
    source = "client" if package == "elasticache_client" else "constructs"
    return frozenset(
        folder.name for folder in (ROOT / source / package).iterdir() if any(folder.glob("*.py")) and folder.is_dir()
    )


def drawn() -> str:
    """The picture, as SVG. An arrow that follows from others is left out."""
    return layers.drawn("What imports what", _reduced(edges()), _described)


def _described(node: str) -> tuple[str, str]:
    """The name of a room and of its package."""
    package, _, room = node.partition(".")
    return (room, package) if package in ROOMS and room else (node, "")


def _reduced(all_edges: Iterable[Edge]) -> set[Edge]:
    """The arrows without those that a longer way stands for."""
    direct: dict[str, set[str]] = {}
    for one, other in all_edges:
        direct.setdefault(one, set()).add(other)
    return {
        (one, other)
        for one, others in direct.items()
        for other in others
        if not any(other in _reached(direct, between) for between in others - {other})
    }


def _reached(direct: dict[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for other in direct.get(waiting.pop(), set()) - found:
            found.add(other)
            waiting.append(other)
    return found
