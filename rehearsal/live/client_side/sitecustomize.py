"""Python imports this at its start in the processes of `python -m rehearsal run`, in which names are resolved."""

from __future__ import annotations

import importlib.util
import os
import sys
from importlib.machinery import PathFinder
from pathlib import Path


def _install() -> None:
    here = str(Path(__file__).parent)
    names = importlib.import_module("names") if here in sys.path else None
    if names is not None and names.VARIABLE in os.environ:
        names.install(os.environ[names.VARIABLE])


def _run_the_hidden_one() -> None:
    """Run the `sitecustomize` of the environment, which this one hides."""
    elsewhere = [path for path in sys.path if Path(path or ".").resolve() != Path(__file__).parent]
    spec = PathFinder.find_spec("sitecustomize", elsewhere)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


_run_the_hidden_one()
_install()
