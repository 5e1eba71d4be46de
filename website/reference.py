"""The reference: a page for each public name, from its docstrings. What a package exports has a page by that."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from typing import Any

from sphinx.pycode import ModuleAnalyzer


@dataclass(frozen=True)
class Package:
    """A package that is imported by its users.

    Args:
        name: Name of the package.
        title: Title of its index.
        modules: Its modules that are public, itself among them.
    """

    name: str
    title: str
    modules: tuple[str, ...]

    @property
    def folder(self) -> str:
        """Where its pages are in the site."""
        return f"reference/{self.name}"


PACKAGES = (
    Package(
        "elasticache_constructs",
        "Constructs",
        (
            "elasticache_constructs",
            "elasticache_constructs.access",
            "elasticache_constructs.posture",
            "elasticache_constructs.posture.reachability",
        ),
    ),
    Package("elasticache_rules", "Change gate, in Python", ("elasticache_rules.change_gate",)),
    Package(
        "elasticache_client",
        "Client",
        (
            "elasticache_client",
            "elasticache_client.caching",
            "elasticache_client.leaderboard",
            "elasticache_client.memcached",
            "elasticache_client.sessions",
            "elasticache_client.sessions.django",
            "elasticache_client.sessions.flask",
            "elasticache_client.sessions.starlette",
        ),
    ),
)
INDEXES = [f"{package.folder}/index" for package in PACKAGES]
_ROOMS = {
    "replication_group": "Caches",
    "memcached_cluster": "Caches",
    "serverless_cache": "Caches",
    "access": "Users and access",
    "rotation": "Rotation",
    "network": "Network",
    "shared": "Keys, alarms and topics",
    "values": "Values of arguments",
    "checks": "Errors and acknowledgements",
    "posture": "Checks of templates",
}


def public_names(module: str) -> list[str]:
    """The names that a module exports: its ``__all__``, or what it defines without an underscore."""
    found = import_module(module)
    if hasattr(found, "__all__"):
        return sorted(found.__all__)
    return sorted(
        name
        for name, value in vars(found).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module
    )


@cache
def exported() -> dict[str, str]:
    """The module that each public object is documented under, by its name there: the first that exports it."""
    names: dict[str, str] = {}
    seen: set[int] = set()
    for package in PACKAGES:
        for module in package.modules:
            for name in public_names(module):
                value = getattr(import_module(module), name)
                if inspect.ismodule(value) or (_is_own(value) and id(value) in seen):
                    continue
                seen.add(id(value))
                names[f"{module}.{name}"] = module
    return names


def pages() -> dict[str, str]:
    """The text of each page, by its name in the site."""
    found = {_page(path): _text(path) for path in exported()}
    found.update({f"{package.folder}/index": _index(package) for package in PACKAGES})
    return found


def _page(path: str) -> str:
    package, _, name = path.partition(".")
    return f"reference/{package}/{name}"


def _text(path: str) -> str:
    module, _, name = path.rpartition(".")
    value = getattr(import_module(module), name)
    if inspect.isclass(value):
        directive = [f".. autoclass:: {path}{_signature(value)}", "   :inherited-members:", *_members_option(value)]
    elif callable(value):
        directive = [f".. autofunction:: {path}"]
    else:
        directive = [f".. autodata:: {path}"]
    # The line that a reader copies.
    statement = f"from {module} import {name}"
    return "\n".join(
        [
            f"# {name}",
            "",
            f"[{_package(path).title}](index.md)",
            "",
            "```python",
            statement,
            "```",
            "",
            "```{eval-rst}",
            *directive,
            "```",
            "",
        ]
    )


def _package(path: str) -> Package:
    return next(package for package in PACKAGES if path.startswith(package.name))


def _index(package: Package) -> str:
    lines = [f"# {package.title}", "", _summary(import_module(package.name)), ""]
    for heading, paths in _grouped(package).items():
        lines += [f"## {heading}", "", "| name | |", "| --- | --- |"]
        for path in paths:
            module, _, name = path.rpartition(".")
            value = getattr(import_module(module), name)
            summary = _summary(value) if _is_own(value) else f"`{value!r}`"
            lines.append(f"| [`{name}`]({path.partition('.')[2]}.md) | {summary} |")
        lines.append("")
    return "\n".join(lines)


def _grouped(package: Package) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {heading: [] for heading in _ROOMS.values()}
    for path, module in exported().items():
        if module.startswith(package.name):
            groups.setdefault(_heading(path, module), []).append(path)
    return {heading: paths for heading, paths in groups.items() if paths}


def _heading(path: str, module: str) -> str:
    home = getattr(getattr(import_module(module), path.rpartition(".")[2]), "__module__", module) or module
    package, _, rest = home.partition(".")
    if package != "elasticache_constructs":
        return f"`{module}`"
    return _ROOMS.get(rest.partition(".")[0], "Values of arguments")


def _is_own(value: Any) -> bool:
    return inspect.isclass(value) or inspect.isroutine(value)


def _summary(value: Any) -> str:
    """The first paragraph of a docstring in one line of Markdown."""
    first = (inspect.getdoc(value) or "").split("\n\n")[0]
    return " ".join(re.sub(r"``(.+?)``", r"`\1`", first).split()).replace("|", "\\|")


def _signature(value: type) -> str:
    """The arguments of a class that jsii makes objects of, which hides them; nothing for others."""
    if not hasattr(type(value), "__jsii_type__") and type(value).__call__ is type.__call__:
        return ""
    written: list[str] = []
    own = inspect.signature(value.__init__)  # type: ignore[misc]  # of this class, not of a subclass
    for argument in list(own.parameters.values())[1:]:
        if argument.kind is argument.KEYWORD_ONLY and "*" not in written:
            written.append("*")
        default = "" if argument.default is argument.empty else f" = {_constant(argument.default)}"
        written.append(f"{argument.name}: {argument.annotation}{default}")
    return f"({', '.join(written)})"


def _constant(value: Any) -> str:
    """A default as code has it: by its name if it is a constant of its class."""
    names = [name for name, each in vars(type(value)).items() if each is value and _is_ours(type(value))]
    return f"{type(value).__name__}.{names[0]}" if names else repr(value)


def _members_option(value: type) -> list[str]:
    names = members(value)
    return [f"   :members: {', '.join(names)}"] if names else []


def members(value: type) -> list[str]:
    """The public members of a class that are this project's own, in the order in which they are defined.

    Those of the CDK's, a framework's and Python's classes are in their documentation, and arguments of a data class are
    with its arguments.
    """
    fields = getattr(value, "__dataclass_fields__", {})
    found: dict[str, None] = {}
    for owner in value.__mro__:
        if not _is_ours(owner):
            continue
        described = _described(owner)
        for name in [*vars(owner), *described]:
            defined = vars(owner).get(name)
            if not name.startswith("_") and name not in fields and (name in described or _has_docstring(defined)):
                found[name] = None
    return list(found)


def undocumented() -> list[str]:
    """Public names, and public members of public classes, without a docstring."""
    silent = []
    for path in exported():
        module, _, name = path.rpartition(".")
        value = getattr(import_module(module), name)
        if _is_own(value) and not inspect.getdoc(value):
            silent.append(path)
        if inspect.isclass(value):
            silent += [
                f"{path}.{member}"
                for owner in value.__mro__
                if _is_ours(owner)
                for member, defined in vars(owner).items()
                if not member.startswith("_") and _has_docstring(defined) and not inspect.getdoc(getattr(value, member))
            ]
    return silent


def _is_ours(owner: type) -> bool:
    return owner.__module__.partition(".")[0] in {package.name for package in PACKAGES}


def _has_docstring(defined: object) -> bool:
    """Whether it is of a kind that has a docstring: a method, a property or a class. Others are described by a text."""
    return inspect.isroutine(defined) or inspect.isclass(defined) or isinstance(defined, property | cached_property)


@cache
def _described(owner: type) -> list[str]:
    """Attributes that a text below their assignment describes."""
    texts = ModuleAnalyzer.for_module(owner.__module__).find_attr_docs()
    return [name for of, name in texts if of == owner.__qualname__]
