"""The errors that this package raises, and how an app reports them."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import signal
import sys
import unicodedata
from typing import TYPE_CHECKING, ParamSpec, Protocol, TypeVar, cast

from jsii.errors import JavaScriptError

from elasticache_constructs.checks.calls import location, mistaken_call, unknown_name
from elasticache_rules.rules import page_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


TOKEN_IN_WORDS = "<a token, known at deployment only>"  # noqa: S105 - of the CDK

# How the CDK writes into texts, lists and numbers what is known at deployment only.
_TOKEN = re.compile(r"'?[$#]\{Token\[[^\]]*\]\}'?|-1\.888154589\d*e\+289")
# Controls, line ends among them; what turns the direction of writing or has no width; halves of characters.
_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))


def is_unseen(character: str) -> bool:
    """Whether a character is invisible, for example CR, NUL, a direction mark or a zero-width space."""
    return unicodedata.category(character) in _UNSEEN


def in_words(text: str) -> str:
    """A part of a message for people: CDK tokens in words, invisible characters escaped."""
    spoken = _TOKEN.sub(TOKEN_IN_WORDS, text)
    return "".join(ascii(each)[1:-1] if is_unseen(each) and each != "\n" else each for each in spoken)


def reference(rule: str) -> str:
    """Where a rule stands, as messages end: ``See <page> (<rule>)``."""
    return f"See {page_of(rule)} ({rule})"


class ConfigurationError(ValueError):
    """A configuration that ElastiCache or this package refuses.

    The constructor that received the value raises it, before anything is written. Its text has one line for each
    mistake: what was received, what is allowed, the change that fixes it, and the source of the rule.

    Args:
        got: The value received, as its author wrote it, for example ``port=70000``.
        allowed: What would have been accepted, as a sentence without its full stop.
        fix: The change to make, as a sentence without its full stop.
        page: The AWS page behind a promise that has no rule. The page of a rule is looked up.
        rule: The rule's id in ``docs/service-rules.md``. Default: no rule, for what this package itself requires.
    """

    def __init__(self, *, got: str, allowed: str, fix: str, page: str | None = None, rule: str | None = None) -> None:
        self.got = in_words(got)
        self.allowed = in_words(allowed)
        self.fix = in_words(fix)
        self.page = (page_of(rule) if rule else None) or page
        self.rule = rule
        source = [f"See {self.page}"] if self.page else []
        number = [f"({rule})"] if rule else []
        super().__init__(" ".join([f"{self.got}: {self.allowed}. {self.fix}.", *source, *number]))

    @property
    def errors(self) -> tuple[ConfigurationError, ...]:
        """Each mistake by itself: this one alone."""
        return (self,)

    def __reduce__(self) -> tuple[object, ...]:
        """Copied and pickled by its parts, since they are keywords."""
        again = functools.partial(
            ConfigurationError, got=self.got, allowed=self.allowed, fix=self.fix, page=self.page, rule=self.rule
        )
        return again, ()


class CombinedConfigurationError(ConfigurationError):
    """Several mistakes in one configuration. Its parts are those of the first; `errors` has them all."""

    def __init__(self, errors: Sequence[ConfigurationError]) -> None:
        first = errors[0]
        super().__init__(got=first.got, allowed=first.allowed, fix=first.fix, page=first.page, rule=first.rule)
        self.args = ("\n".join(str(error) for error in errors),)
        self._errors = tuple(errors)

    @property
    def errors(self) -> tuple[ConfigurationError, ...]:
        """Each mistake by itself, in the order in which they were found."""
        return self._errors

    def __reduce__(self) -> tuple[object, ...]:
        """Copied and pickled by its errors."""
        return CombinedConfigurationError, (self._errors,)


class Check(Protocol):
    """Calls a function that raises a `ConfigurationError` or returns. Its result is valid once all checks are over."""

    def __call__(
        self, rule: Callable[_Arguments, _Result], /, *args: _Arguments.args, **keywords: _Arguments.kwargs
    ) -> _Result:
        """Call it with its arguments."""


@contextlib.contextmanager
def reported_together() -> Iterator[Check]:
    """Run several checks and raise all mistakes at once, so that a configuration is corrected in one go.

    ``with reported_together() as check: check(checked_port, 0, default=6379)``: each check is a function that raises
    a `ConfigurationError` or returns, with its arguments. Equal mistakes are reported once. A check returns the
    result of its function, or None if that raised. Errors that the rest of the block raises because of such a None
    are replaced by the mistakes.

    Raises:
        ConfigurationError: If there is one mistake.
        CombinedConfigurationError: If there are several.
    """
    found: dict[str, ConfigurationError] = {}

    def check(rule: Callable[_Arguments, _Result], /, *args: _Arguments.args, **keywords: _Arguments.kwargs) -> _Result:
        try:
            return rule(*args, **keywords)
        except ConfigurationError as error:
            found.update({str(each): each for each in error.errors})
            return cast("_Result", None)

    try:
        yield check
    except Exception as error:
        if not found:
            raise
        if isinstance(error, ConfigurationError):
            found.update({str(each): each for each in error.errors})
    match list(found.values()):
        case []:
            return
        case [mistake]:
            raise mistake from None
        case several:
            raise CombinedConfigurationError(several) from None


@contextlib.contextmanager
def one_line_errors() -> Iterator[None]:
    """End the program with one line for each mistake, and exit code 1, if the app's configuration is refused.

    Put an app's whole body into it: ``with one_line_errors(): ...``. Errors of this package and of the CDK are printed
    without a stack trace, with the line of the app that they come from. So are calls of either whose arguments do not
    fit, names that a class does not have, and Ctrl-C. Any other exception is a bug and keeps its trace. With
    ``CDK_DEBUG=true`` in the environment (``cdk synth --debug`` sets it) everything keeps it.

    Raises:
        SystemExit: If a `ConfigurationError` or an error of the CDK is raised, or if a call's arguments do not fit; the
            exit code is 1. If Ctrl-C ends the program; it is 130.
    """
    try:
        yield
    except KeyboardInterrupt:
        if os.environ.get("CDK_DEBUG") == "true":
            raise
        sys.stderr.write("Interrupted by SIGINT\n")
        raise SystemExit(128 + signal.SIGINT) from None
    except (ConfigurationError, RuntimeError, TypeError, AttributeError) as error:
        told = [] if os.environ.get("CDK_DEBUG") == "true" else _told(error)
        if not told:
            raise
        sys.stderr.write("".join(f"error: {line}\n" for line in told))
        raise SystemExit(1) from None


def _told(error: ConfigurationError | RuntimeError | TypeError | AttributeError) -> list[str]:
    """What a refusal says, in one line for each mistake; nothing of a bug."""
    mistakes: Sequence[Exception] = (error,)
    where = location(error)
    if isinstance(error, ConfigurationError):
        mistakes = error.errors
    elif isinstance(error, TypeError | AttributeError):
        refused = mistaken_call(error) if isinstance(error, TypeError) else unknown_name(error)
        if refused is None:
            return []
        got, allowed, fix, where = refused
        mistakes = (ConfigurationError(got=got, allowed=allowed, fix=fix),)
    elif not isinstance(error.__cause__, JavaScriptError):
        return []
    lines = ("; ".join(filter(None, map(str.strip, str(mistake).splitlines()))) for mistake in mistakes)
    return [f"{line} [{where}]" if where else line for line in lines]
