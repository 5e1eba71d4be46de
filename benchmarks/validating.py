"""Print the seconds that a synth spends in checking values as JSON: constants, stages and constructs."""

from __future__ import annotations

import dataclasses
import functools
import json
import runpy
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

start = time.perf_counter()
seconds = 0.0
values = 0
depth = 0


def timed(check: Callable[[Any], None]) -> Callable[[Any], None]:
    """A check that is timed; checks of the values within a value are part of it."""

    @functools.wraps(check)
    def timed_check(value: object) -> None:
        global seconds, values, depth  # noqa: PLW0603 - measured across calls
        values += 1
        depth += 1
        began = time.perf_counter()
        try:
            check(value)
        finally:
            depth -= 1
            if not depth:
                seconds += time.perf_counter() - began

    return timed_check


plain: Any = dataclasses.dataclass


def dataclass(cls: type | None = None, /, **options: Any) -> Any:
    """The dataclass decorator; it times the checks of this package's values."""
    if cls is None:
        return functools.partial(dataclass, **options)
    check = vars(cls).get("__post_init__")
    if check is not None and cls.__module__.startswith("elasticache_constructs."):
        setattr(cls, "__post_init__", timed(check))  # noqa: B010 - mypy refuses a plain assignment
    return plain(cls, **options)


# Before the package is imported, since its constants are values too.
setattr(dataclasses, "dataclass", dataclass)  # noqa: B010 - mypy refuses a plain assignment
runpy.run_path(str(Path(__file__).parent.parent / "app.py"))
print(json.dumps({"seconds": seconds, "of_seconds": time.perf_counter() - start, "values": values}))
