"""Functions whose results are cached."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import inspect
import string
import sys
import uuid
from functools import partial, update_wrapper
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, get_type_hints

if sys.version_info >= (3, 14):
    import annotationlib

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from elasticache_client.caching.entries import Policy
    from elasticache_client.caching.patterns import Patterns
    from elasticache_client.caching.steps import Steps

P = ParamSpec("P")
Result = TypeVar("Result")
Nothing = TypeVar("Nothing")

_PLAIN = (str, int, uuid.UUID, dt.date, decimal.Decimal)
_ESCAPE = "%"
_BRACES = "{}"
_NONE = _ESCAPE
_FREE = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_STARRED = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class Lazy(Generic[P, Result, Nothing]):
    """A function that answers from the cache where it can; the methods of an ``AsyncCache``'s are to be awaited."""

    def __init__(
        self,
        function: Callable[P, Result],
        template: str,
        *,
        patterns: Patterns,
        policy: Policy[Any],
        run: Callable[[Steps[Any]], Any],
        look_up: Callable[[str, Callable[[], Any], Policy[Any]], Any],
    ) -> None:
        update_wrapper(self, function)
        self._function = function
        self._key = KeyTemplate(template, function).key
        self._patterns = patterns
        self._policy = policy
        self._run = run
        self._look_up = look_up

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Result:
        """The cached result, else the function's own.

        Raises:
            LoadFailed: somebody else has just called the function in vain.
            Overloaded: the cache does not answer, and too many calls run without it.
            Exception: what the function raised.
        """
        load = partial(self._function, *args, **kwargs)
        result: Result = self._look_up(self._key(args, kwargs), load, self._policy)
        return result

    def invalidate(self, *args: P.args, **kwargs: P.kwargs) -> Nothing:
        """Forget the result for these arguments; a call that is running cannot bring it back."""
        nothing: Nothing = self._run(self._patterns.invalidate([self._key(args, kwargs)]))
        return nothing

    def refresh(self, *args: P.args, **kwargs: P.kwargs) -> Result:
        """Forget the result, and call the function anew. Errors are those of a call."""
        load = partial(self._function, *args, **kwargs)
        result: Result = self._run(self._patterns.reload(self._key(args, kwargs), load, self._policy))
        return result

    def write(self, *args_and_value: Any, **kwargs: Any) -> Nothing:
        """Put the last argument in the place of the result for the others.

        Raises:
            TypeError: the value is not of the type that the function is declared to return.
        """
        *args, value = args_and_value
        nothing: Nothing = self._run(self._patterns.write(self._key(args, kwargs), value, self._policy))
        return nothing

    def write_through(self, *args_and_value: Any, store: Callable[[Any], Any], **kwargs: Any) -> Any:
        """Call ``store`` with the last argument, then put it in the result's place, as `Cache.write_through` does."""
        *args, value = args_and_value
        return self._run(self._patterns.write_through(self._key(args, kwargs), value, store, self._policy))


class KeyTemplate:
    """How a function's arguments make a key.

    Args:
        template: a text with each parameter's name in braces, as in ``product:{product_id}``.
        function: whose parameters they are.

    Raises:
        ValueError: a name is not a parameter, a parameter is not named, or nothing separates two of them: different
            calls would share a key.
    """

    def __init__(self, template: str, function: Callable[..., Any]) -> None:
        self._signature = _signature(function)
        parameters = self._signature.parameters
        self._names = tuple(parameters)
        self._by_position = all(each.kind in _FREE for each in parameters.values())
        pieces = list(string.Formatter().parse(template))
        fields = [tuple(field) for _, *field in pieces if field[0] is not None]
        separators = [text for text, name, *_ in pieces if name is not None][1:]
        if (
            {field[0] for field in fields} != set(parameters)
            or any(field[1:] != ("", None) for field in fields)
            or any(each.kind in _STARRED for each in parameters.values())
            or any(text.isalnum() or not text or _ESCAPE in text for text in separators)
            or any(brace in text for text, *_ in pieces for brace in _BRACES)
        ):
            raise ValueError(
                f"The key {template!r} was given for {function.__qualname__}{self._signature}. Allowed: a text that "
                "names each of its parameters as {parameter}, with a sign such as : (not %) between two, and has no "
                "other braces; no *args, no **kwargs. Correct the key, or cache inside the function with get_or_load."
            )
        # A value must not reach into its neighbour's part of the key, nor move the key to another slot.
        signs = {each for text in (_ESCAPE, _BRACES, *separators) for each in text if not each.isalnum()}
        self._escapes = str.maketrans({each: f"%{ord(each):02X}" for each in signs})
        # Formatting by position is what costs a hit least.
        self._pattern = "".join(text.replace("%", "%%") + ("" if name is None else "%s") for text, name, *_ in pieces)
        order = [self._names.index(field[0]) for field in fields]
        self._reordered = None if order == list(range(len(self._names))) else order

    def key(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
        """The key for these arguments.

        Raises:
            TypeError: the function would not take them, or one does not tell itself from others in a text.
        """
        if kwargs or not self._by_position or len(args) != len(self._names):
            bound = self._signature.bind(*args, **kwargs)
            bound.apply_defaults()
            args = list(bound.arguments.values())
        parts = tuple([_part(each, self._escapes) for each in args])
        if self._reordered is not None:
            parts = tuple(parts[place] for place in self._reordered)
        return self._pattern % parts


def _part(value: Any, escapes: dict[int, str]) -> str:
    if type(value) is int and value >= 0:
        return str(value)
    if isinstance(value, enum.Enum):
        value = value.value
    if isinstance(value, _PLAIN):
        return str(value).translate(escapes)
    if value is None:
        return _NONE
    raise TypeError(
        f"An argument of type {type(value).__name__} was given. Allowed in a key: str, int, bool, UUID, date, "
        "datetime, Decimal, an Enum of these, or None. Pass what identifies the value, or cache inside the function "
        "with get_or_load."
    )


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    """A function's parameters; since Python 3.14 annotations are worked out when asked for, and may be unknown then."""
    if sys.version_info >= (3, 14):
        return inspect.signature(function, annotation_format=annotationlib.Format.FORWARDREF)
    return inspect.signature(function)


def _annotations(function: Callable[..., Any]) -> dict[str, Any]:
    """A function's annotations, the unknown ones as references."""
    if sys.version_info >= (3, 14):
        return inspect.get_annotations(function, format=annotationlib.Format.FORWARDREF)
    return function.__annotations__


def returned_type(function: Callable[..., Any]) -> Any:
    """What a function is declared to return.

    Raises:
        TypeError: it does not say, or what it says cannot be found where the function is defined.
    """
    annotations = {name: each for name, each in _annotations(function).items() if name == "return"}
    namespace = getattr(inspect.unwrap(function), "__globals__", {})
    try:
        # Its return alone: what parameters are may be known to type checkers only.
        return get_type_hints(SimpleNamespace(__annotations__=annotations), namespace, include_extras=True)["return"]
    except (KeyError, NameError) as error:
        raise TypeError(
            f"{function.__qualname__} is annotated to return {annotations.get('return', 'nothing')!r}. Allowed: a type "
            "that is known in its module when the function is defined. Annotate it, import the type outside of "
            "TYPE_CHECKING, or pass type=."
        ) from error
