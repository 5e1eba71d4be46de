"""Calls of an app: where one stands that was refused, and what is wrong with one that Python refused itself."""

from __future__ import annotations

import difflib
import inspect
import os
import re
import sys
import sysconfig
import traceback
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsii

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

_JSII = str(Path(jsii.__file__).parent)
_TYPES_OF_JSII = str(Path(_JSII, "_type_checking.py"))
# What Python says of arguments that do not fit: of `Topology.__init__()`, `Access.users()`, `checked_name()`.
_CALL = re.compile(r"((?:\w+\.)*\w+)\(\) (?=got an unexpected|missing \d+ required|takes |got multiple)")
_NAME = re.compile(r"'(\w+)'")
# With more arguments or names than this, a message does not list them.
_SHOWN = 12


def location(error: BaseException) -> str:
    """Where in the app the call stands that was refused, as ``stages.py:203``; empty if the app refused it itself.

    Args:
        error: The refusal.
    """
    frames = list(traceback.walk_tb(error.__traceback__))
    if not frames or _is_app_frame(frames[-1][0]):
        return ""
    return _app_location(frames)


def mistaken_call(error: TypeError) -> tuple[str, str, str, str] | None:
    """What is wrong with a call of this package or of the CDK: the call, what is allowed, the fix, and where it stands.

    Args:
        error: What Python or the CDK raised for the call's arguments. For another one there is no answer: it is a bug.
    """
    frames = list(traceback.walk_tb(error.__traceback__))
    if any(frame.f_code.co_filename == _TYPES_OF_JSII for frame, _ in frames):
        # One sentence for each type of a union.
        first = str(error).partition("\n")[0].rstrip(":")
        return f"an argument of {_cdk_class(frames)}", first, "Give it a value of that type", _app_location(frames)
    jsii_frame: FrameType | None = None
    while frames and frames[-1][0].f_code.co_filename.startswith(_JSII):
        jsii_frame = frames.pop()[0]
    call = _CALL.match(str(error))
    if call is None or not frames or not _is_app_frame(frames[-1][0]):
        return None
    name = call[1].removesuffix(".__init__")
    called: Any = _resolved(name, frames[-1][0]) if jsii_frame is None else jsii_frame.f_locals.get("cls")
    if not _is_from_library(called):
        return None
    return (*_in_words(name, str(error), _parameters(called)), _app_location(frames))


def unknown_name(error: AttributeError) -> tuple[str, str, str, str] | None:
    """What is wrong with a name that a class of this package does not have, such as `Engine.REDIS_8_4`.

    Args:
        error: What Python raised. If the app asked something else for it, there is no answer: it is a bug.
    """
    frames = list(traceback.walk_tb(error.__traceback__))
    kind = error.obj if inspect.isclass(error.obj) else type(error.obj)
    if error.name is None or not frames or not _is_app_frame(frames[-1][0]) or not _is_from_library(kind):
        return None
    names = sorted(each for each in dir(kind) if not each.startswith("_"))
    # Of names that are as near it takes the last in alphabetical order: of versions, the newest.
    near = difflib.get_close_matches(error.name, names, n=1)
    allowed = f"it has {', '.join(names)}" if len(names) <= _SHOWN else "it has no such name"
    fix = f"Use {kind.__name__}.{near[0]}" if near else f"Use another name of {kind.__name__}"
    return f"{kind.__name__}.{error.name}", allowed, fix, _app_location(frames)


def _in_words(name: str, said: str, parameters: Sequence[inspect.Parameter]) -> tuple[str, str, str]:
    names = [each.name for each in parameters]
    allowed = f"its arguments are {', '.join(names)}" if len(names) <= _SHOWN else "it has no such argument"
    given = _NAME.findall(said)
    if "got an unexpected" in said:
        near = difflib.get_close_matches(given[0], names, n=1)
        return f"{name}({given[0]}=...)", allowed, f"Use {near[0]}" if near else "Leave it out"
    if "missing" in said:
        needed = [each.name for each in parameters if each.default is inspect.Parameter.empty]
        return f"{name}(...) without {' and '.join(given)}", f"it needs {', '.join(needed)}", f"Add {', '.join(given)}"
    if "multiple values" in said:
        return f"{name}(...) with {given[0]} twice", "an argument is given once", f"Leave one {given[0]} out"
    return f"{name}(...) with values without a name", "its arguments are given by name", "Write each as name=value"


def _parameters(called: Callable[..., Any]) -> list[inspect.Parameter]:
    # The signature of a CDK class is that of jsii's metaclass.
    found = inspect.signature(called.__init__ if inspect.isclass(called) else called)
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [each for each in found.parameters.values() if each.name != "self" and each.kind not in variable]


def _resolved(name: str, frame: FrameType) -> Any:
    """What a name means where it is called, or in this package."""
    package = sys.modules[__package__.partition(".")[0]]  # which imports this module, so it is not imported here
    first, *rest = name.split(".")
    found = frame.f_locals.get(first, frame.f_globals.get(first, getattr(package, first, None)))
    for each in rest:
        found = getattr(found, each, None)
    return found


def _is_from_library(called: Any) -> bool:
    """Whether an installed package defines it, rather than the app or Python itself."""
    module = sys.modules.get(getattr(called, "__module__", ""))
    return str(getattr(module, "__file__", "")).startswith(_library_folders())


def _cdk_class(frames: Sequence[tuple[FrameType, int]]) -> str:
    """The class whose constructor or method checks its arguments."""
    names = [frame.f_code.co_qualname for frame, _ in frames if "aws_cdk" in frame.f_code.co_filename]
    return names[0].removesuffix(".__init__") if names else "the CDK"


def _app_location(frames: Sequence[tuple[FrameType, int]]) -> str:
    """File and line of the innermost frame in the app's own code; empty if there is none."""
    for frame, line in reversed(frames):
        if _is_app_frame(frame):
            file = Path(frame.f_code.co_filename)
            return f"{file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file}:{line}"
    return ""


def _is_app_frame(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    return not file.startswith("<") and not file.startswith(_library_folders())


@cache
def _library_folders() -> tuple[str, ...]:
    """Folders of code that is not the app's: this distribution, other installed packages, the standard library."""
    constructs = Path(__file__).parents[2]
    packages = [str(each) + os.sep for each in constructs.iterdir() if (each / "__init__.py").is_file()]
    return (*packages, *{str(Path(sysconfig.get_path(name))) + os.sep for name in ("purelib", "platlib", "stdlib")})
