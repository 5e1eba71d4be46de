"""The private names of the emulator that the extension uses: a version without them must fail here."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rehearsal import admission, extension, server
from rehearsal.extension import settled_stacks
from rehearsal.extension.settled_stacks import STACK_WORK
from rehearsal.live import caches, databases, modules, network

if TYPE_CHECKING:
    from types import ModuleType

    from rehearsal.extension.seam import Private

TOUCHED = sorted(
    {
        private
        for module in (*extension.MODULES, *modules.MODULES, *caches.HELPERS, admission)
        for private in module.TOUCHES
    },
    key=lambda private: (private.module, private.name),
)


@cache
def _functions(module: str) -> dict[str, tuple[str, ...]]:
    """The parameters of a module's functions, from its source: the extension may have replaced the functions."""
    source = Path(inspect.getfile(importlib.import_module(f"ministack.{module}"))).read_text()
    return {
        node.name: tuple(argument.arg for argument in (*node.args.args, *node.args.kwonlyargs))
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


@pytest.mark.parametrize("private", TOUCHED, ids=lambda private: f"{private.module}.{private.name}")
def test_private_name_is_as_relied_on(private: Private) -> None:
    """The emulator has the name: data is a mapping, a set or a lock; a function has the parameters."""
    if private.parameters is None:
        data = getattr(importlib.import_module(f"ministack.{private.module}"), private.name)
        assert hasattr(data, "get") or isinstance(data, set) or hasattr(data, "acquire")
    else:
        assert private.parameters == _functions(private.module)[private.name]


@pytest.mark.parametrize(
    "module",
    [*extension.MODULES, admission, network, databases, *caches.MODULES, *caches.HELPERS],
    ids=lambda module: module.__name__.rsplit(".", 1)[1],
)
def test_every_private_name_in_use_is_listed(module: ModuleType) -> None:
    """A module uses exactly the private names that it lists."""
    source = inspect.getsource(module)
    used = set(
        re.findall(
            r"\b(?:ec2|elasticache|lambda_service|rds|cloudwatch|cloudwatch_logs|secretsmanager|sns|provisioners|custom_resource|drift|sessions"
            r"|changesets|cloudformation|cloudformation_handlers)\.(_\w+)",
            source,
        )
    )
    used |= STACK_WORK if module is settled_stacks else set()
    used |= {"_RESOURCE_HANDLERS"} if re.search(r"(?<![.\w])(handlers|register)\(", source) else set()
    assert used == {private.name for private in module.TOUCHES}


def test_the_installed_emulator_is_the_supported_one() -> None:
    """The pinned version is the one that the extension supports."""
    assert server.SUPPORTED == version("ministack")
    assert server.refusal(server.SUPPORTED) is None


def test_another_version_is_refused() -> None:
    """Any other version is refused with a fix."""
    assert (
        "ministack 1.5.34: must be 1.5.33, because the rehearsal replaces private functions of it. "
        "Run `pip install ministack==1.5.33`, or `make clean` and then `make rehearse`."
    ) == server.refusal("1.5.34")
