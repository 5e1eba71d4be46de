"""Functions whose results are cached."""

from __future__ import annotations

import asyncio
import datetime as dt
import decimal
import enum
import inspect
import string
import sys
import uuid
from functools import partial, update_wrapper
from operator import attrgetter
from types import FunctionType, MethodType, SimpleNamespace, UnionType
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    NewType,
    ParamSpec,
    Protocol,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    overload,
)

if sys.version_info >= (3, 14):
    import annotationlib

from elasticache_client.messages import refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from elasticache_client.caching.entries import Policy
    from elasticache_client.caching.lookups import Lookups
    from elasticache_client.caching.writes import Writes
    from elasticache_client.steps import Steps

P = ParamSpec("P")
Rest = ParamSpec("Rest")
Result = TypeVar("Result", covariant=True)  # noqa: PLC0105 - seen in signatures
Nothing = TypeVar("Nothing", covariant=True)  # noqa: PLC0105 - seen in signatures

_ESCAPE = "%"
_BRACES = "{}"
_NONE = _ESCAPE
_FREE = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_STARRED = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_RECEIVERS = ("self", "cls")
# The mark of a type after the escape; no mark is a digit of an escaped sign. Subclasses come before their bases.
_MARKS = {bool: "b", int: "i", str: "s", uuid.UUID: "u", dt.datetime: "t", dt.date: "d", decimal.Decimal: "n"}
_ENUM_MARK = "e"


class Lazy(Protocol[P, Result, Nothing]):
    """A function that answers from the cache if it can; with an ``AsyncCache`` its methods are to be awaited.

    It is a function of the same kind as the decorated one, with these methods in addition. If it is a method, the key
    leaves ``self`` or ``cls`` out: all objects of the class share results, unless the key names ``{self.attribute}``.
    """

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Result:
        """Return the cached result, or the function's own.

        Raises:
            LoadFailed: If another caller has just called the function, and it failed.
            Overloaded: If the cache does not answer, and too many calls run without it.
            Exception: If the function raises it.
        """

    @overload
    def __get__(self, instance: None, owner: type | None = None) -> Lazy[P, Result, Nothing]: ...

    @overload
    def __get__(
        self: Lazy[Concatenate[Any, Rest], Result, Nothing], instance: object, owner: type | None = None
    ) -> Lazy[Rest, Result, Nothing]: ...

    def invalidate(self, *args: P.args, **kwargs: P.kwargs) -> Nothing:
        """Delete the result for these arguments. A call that is running cannot bring it back."""

    def refresh(self, *args: P.args, **kwargs: P.kwargs) -> Result:
        """Delete the result, and call the function again. Errors are those of a call."""

    def write(self, *args_and_value: Any, **kwargs: Any) -> Nothing:
        """Replace the result for all arguments but the last with the last one.

        Raises:
            TypeError: If the value is not of the type that the function is declared to return.
        """

    def write_through(self, *args_and_value: Any, store: Callable[[Any], Any], **kwargs: Any) -> Any:
        """Call ``store`` with the last argument, then replace the result with it, as `Cache.write_through` does."""


def lazy(
    function: Callable[..., Any],
    key: KeyTemplate,
    *,
    lookups: Lookups,
    writes: Writes,
    policy: Policy[Any],
    run: Callable[[Steps[Any]], Any],
    look_up: Callable[[str, Callable[[], Any], Policy[Any]], Any],
) -> Any:
    """The cached function: a `Lazy` that is a function, or a `LazyMethod`, which makes one for each object."""
    make_key = key.key
    called: Callable[..., Any]
    # Frameworks recognise functions for asyncio by their code, and pickle finds functions by their names.
    if inspect.iscoroutinefunction(function):

        async def call_later(*args: Any, **kwargs: Any) -> Any:
            return await look_up(make_key(args, kwargs), partial(function, *args, **kwargs), policy)

        called = call_later
    else:

        def call(*args: Any, **kwargs: Any) -> Any:
            return look_up(make_key(args, kwargs), partial(function, *args, **kwargs), policy)

        called = call

    def invalidate(*args: Any, **kwargs: Any) -> Any:
        return run(writes.invalidate([make_key(key.with_class(args), kwargs)]))

    def refresh(*args: Any, **kwargs: Any) -> Any:
        args = key.with_class(args, is_read=True)
        return run(lookups.reload(make_key(args, kwargs), partial(function, *args, **kwargs), policy))

    def write(*args_and_value: Any, **kwargs: Any) -> Any:
        *args, value = args_and_value
        return run(writes.write(make_key(key.with_class(args), kwargs), value, policy))

    def write_through(*args_and_value: Any, store: Callable[[Any], Any], **kwargs: Any) -> Any:
        *args, value = args_and_value
        return run(writes.write_through(make_key(key.with_class(args), kwargs), value, store, policy))

    update_wrapper(called, function)
    extras = {each.__name__: each for each in (invalidate, refresh, write, write_through)}
    vars(called).update(extras)
    return called if key.receiver is None else LazyMethod(called, extras)


class LazyMethod:
    """A cached method in its class: for each object it gives a method that has ``invalidate`` and the others.

    Args:
        called: The cached function, with the object as its first argument.
        extras: The functions that change its results, likewise.
    """

    def __init__(self, called: Callable[..., Any], extras: dict[str, Callable[..., Any]]) -> None:
        update_wrapper(self, called)
        self._called: Any = called
        self._extras = extras
        if inspect.iscoroutinefunction(called):  # for decorators that are applied to this one
            self._is_coroutine = getattr(asyncio.coroutines, "_is_coroutine", None)
            if sys.version_info >= (3, 12):
                inspect.markcoroutinefunction(self)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it as a function, with the object as its first argument."""
        return self._called(*args, **kwargs)

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        if instance is None:
            return self._called
        called = self._called
        bound = FunctionType(called.__code__, called.__globals__, called.__name__, None, called.__closure__)
        update_wrapper(bound, called)
        vars(bound).update({name: partial(each, instance) for name, each in self._extras.items()})
        return MethodType(bound, instance)


class LazyClassMethod:
    """The same for a class method: its first argument is the class, whatever it is called on."""

    def __init__(self, method: LazyMethod) -> None:
        update_wrapper(cast("Any", self), method)
        self._method = method

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        return self._method.__get__(type(instance) if owner is None else owner)


class KeyTemplate:
    """How a function's arguments make a key.

    An argument of its parameter's declared type is written as it is. If no single type is declared, so are whole
    numbers, and texts that do not look like one. Any other argument begins with a mark of its type, so that no two
    values share a key.

    Args:
        template: A text with each parameter's name in braces, as in ``product:{product_id}``; not ``self`` and ``cls``,
            but their attributes may be named.
        function: The function with these parameters.

    Attributes:
        receiver: The name of the parameter that is the method's object: ``self``, ``cls`` or None.
        pattern: The template without the names; two functions with the same pattern share keys.

    Raises:
        ValueError: If a name is not a parameter, a parameter is not named, or nothing separates two of them: different
            calls would share a key.
    """

    def __init__(self, template: str, function: Callable[..., Any]) -> None:
        self._name = getattr(function, "__qualname__", repr(function))
        self._signature = _signature(function)
        parameters = list(self._signature.parameters.values())
        self._count = len(parameters)
        self._by_position = all(each.kind in _FREE for each in parameters)
        pieces = list(string.Formatter().parse(template))
        fields = [tuple(field) for _, *field in pieces if field[0] is not None]
        names = [str(field[0]) for field in fields]
        separators = [text for text, name, *_ in pieces if name is not None][1:]
        first = parameters[0].name if parameters and self._by_position else None
        self.receiver = first if first in _RECEIVERS else None
        own = parameters if self.receiver is None else parameters[1:]
        order = [each.name for each in own]
        attributes = [name for name in names if name not in order]
        if (
            set(names) - set(attributes) != set(order)
            or not all(self._is_attribute(name) for name in attributes)
            or any(field[1:] != ("", None) for field in fields)
            or any(each.kind in _STARRED for each in own)
            or any(text.isalnum() or not text or _ESCAPE in text for text in separators)
            or any(brace in text for text, *_ in pieces for brace in _BRACES)
        ):
            of_receiver = "" if self.receiver is None else f", leave {self.receiver} out or name {{{first}.attribute}}"
            raise ValueError(
                refusal(
                    got=f"key {template!r} of {self._name}{self._signature}",
                    allowed=f"must name each parameter as {{parameter}}{of_receiver}, with a character such as : (not "
                    "%) between two, and no other braces; the function must have no *args or **kwargs",
                    fix="Correct the key, or cache inside the function with get_or_load",
                )
            )
        # A value must not extend into the next part of the key, nor move the key to another slot.
        signs = {each for text in (_ESCAPE, _BRACES, *separators) for each in text if not each.isalnum()}
        self._escapes = str.maketrans({each: f"%{ord(each):02X}" for each in signs})
        # Formatting by position is the fastest.
        self.pattern = "".join(text.replace("%", "%%") + ("" if name is None else "%s") for text, name, *_ in pieces)
        self._plain = [*(_declared(function, each) for each in order), *(None for _ in attributes)]
        self._attributes = [attrgetter(name.partition(".")[2]) for name in attributes]
        self._same_escapes = [self._escapes] * len(self._plain)
        # The most common kind of key has a fast path.
        self._is_of_one_number = self.receiver is None and self._by_position and self._plain == [int]
        places = [[*order, *attributes].index(name) for name in names]
        self._reordered = None if places == list(range(len(self._plain))) else places

    def key(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
        """The key for these arguments.

        Args:
            args: The positional arguments.
            kwargs: The keyword arguments.

        Raises:
            TypeError: If the function does not accept them, or one is of a type that has no text to identify it.
        """
        if self._is_of_one_number and len(args) == 1 and not kwargs and type(args[0]) is int and args[0] >= 0:
            return self.pattern % args[0]
        if kwargs or not self._by_position or len(args) != self._count:
            bound = self._signature.bind(*args, **kwargs)
            bound.apply_defaults()
            args = list(bound.arguments.values())
        if self.receiver is not None:
            args = [*args[1:], *[get(args[0]) for get in self._attributes]]
        parts = tuple(map(_part, args, self._plain, self._same_escapes))
        if self._reordered is not None:
            parts = tuple(parts[place] for place in self._reordered)
        return self.pattern % parts

    def with_class(self, args: Sequence[Any], *, is_read: bool = False) -> tuple[Any, ...]:
        """The arguments, after the class if one is needed: since Python 3.13 ``@classmethod`` passes it to calls only.

        Args:
            args: The arguments of ``invalidate`` and the others.
            is_read: Whether it matters which class that is.

        Raises:
            TypeError: If it matters, and there is none.
        """
        if self.receiver != "cls" or (args and isinstance(args[0], type)):
            return tuple(args)
        if is_read or self._attributes:
            raise TypeError(
                refusal(
                    got=f"{self._name} was called without its class",
                    allowed="must be called with the class, then the arguments",
                    fix="Put lazy() above @classmethod, which passes the class",
                )
            )
        return (object, *args)

    def _is_attribute(self, name: str) -> bool:
        receiver, *path = name.split(".")
        return receiver == self.receiver and bool(path) and all(each.isidentifier() for each in path)


def _part(value: Any, plain: type | None, escapes: dict[int, str]) -> str:
    kind = type(value)
    if kind is int and value >= 0 and (plain is None or plain is int):
        return str(value)
    if kind is str and (plain is str or (plain is None and not _reads_as_number(value))):
        return str(value).translate(escapes)
    if value is None:
        return _NONE
    if isinstance(value, enum.Enum):
        part = _part(value.value, None, escapes)
        name = f"{kind.__module__}.{kind.__qualname__}".translate(escapes)
        return part if plain is kind and not part.startswith(_ESCAPE) else f"{_ESCAPE}{_ENUM_MARK}{name}={part}"
    base = next((each for each in _MARKS if isinstance(value, each)), None)
    if base is None:
        raise TypeError(
            refusal(
                got=f"An argument of type {kind.__name__} in a key",
                allowed="must be str, int, bool, UUID, date, datetime, Decimal, an Enum of these, or None",
                fix="Pass what identifies the value, or cache inside the function with get_or_load",
            )
        )
    text = str.__str__(value) if base is str else str(value)  # a subclass may show itself as anything
    stands = plain is base or (plain is None and (base is int or (base is str and not _reads_as_number(text))))
    return ("" if stands else f"{_ESCAPE}{_MARKS[base]}") + text.translate(escapes)


def _reads_as_number(text: str) -> bool:
    return text[:1] in _FIRST_OF_NUMBERS and text.removeprefix("-").isdecimal()


_FIRST_OF_NUMBERS = frozenset("-0123456789")


def _declared(function: Callable[..., Any], name: str) -> type | None:
    """The one type, apart from None, that a parameter is declared to have; None for several or an unknown one."""
    namespace = getattr(inspect.unwrap(function), "__globals__", {})
    try:
        annotations = {each: hint for each, hint in _annotations(function).items() if each == name}
        hint = get_type_hints(SimpleNamespace(__annotations__=annotations), namespace)[name]
    except Exception:  # noqa: BLE001 - known to type checkers only; evaluating it may raise anything
        return None
    several = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    kinds = [each for each in several if each is not type(None)]
    while kinds and isinstance(kinds[0], NewType):
        kinds[0] = kinds[0].__supertype__
    if len(kinds) != 1 or not isinstance(kinds[0], type):
        return None
    return kinds[0] if issubclass(kinds[0], enum.Enum) else next((e for e in _MARKS if issubclass(kinds[0], e)), None)


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    """A function's parameters; since Python 3.14 annotations are evaluated when asked for, and may be unknown."""
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
        TypeError: If it is not annotated, or the annotation cannot be resolved in the function's module.
    """
    annotations = {name: each for name, each in _annotations(function).items() if name == "return"}
    namespace = getattr(inspect.unwrap(function), "__globals__", {})
    try:
        # Only its return: the types of parameters may be known to type checkers only.
        return get_type_hints(SimpleNamespace(__annotations__=annotations), namespace, include_extras=True)["return"]
    except (KeyError, NameError) as error:
        raise TypeError(
            refusal(
                got=f"{function.__qualname__} is annotated to return {annotations.get('return', 'nothing')!r}",
                allowed="must be a type that its module knows when the function is defined",
                fix="Annotate it, import the type outside of TYPE_CHECKING, or pass type=",
            )
        ) from error
