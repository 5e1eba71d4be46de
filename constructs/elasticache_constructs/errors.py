"""The one exception of this package, and how an app shows it."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from typing import TYPE_CHECKING

from jsii.errors import JavaScriptError

if TYPE_CHECKING:
    from collections.abc import Iterator


class ConfigurationError(ValueError):
    """A configuration that ElastiCache, or the promises of this package, would refuse.

    It is raised by the constructor that was given the bad value, so before anything is written. Its text is one
    line: what was got, what is allowed, and the change that fixes it.

    Args:
        got: The value received, as its author wrote it, for example ``port=70000``.

        allowed: What would have been accepted, as a sentence without its full stop.

        fix: The change to make, as a sentence without its full stop.

        page: The AWS page that the rule comes from.
    """

    def __init__(self, *, got: str, allowed: str, fix: str, page: str | None = None) -> None:
        self.got = got
        self.allowed = allowed
        self.fix = fix
        self.page = page
        super().__init__(f"{got}: {allowed}. {fix}." + (f" See {page}" if page else ""))

    def __reduce__(self) -> tuple[object, ...]:
        """Copied and pickled by its parts, since they are keywords."""
        again = functools.partial(ConfigurationError, got=self.got, allowed=self.allowed, fix=self.fix, page=self.page)
        return again, ()


@contextlib.contextmanager
def one_line_errors() -> Iterator[None]:
    """End the program with one line on standard error, and exit code 1, when the app's configuration is refused.

    Put an app's whole body into it: ``with one_line_errors(): ...``. Refusals by this package and by the CDK itself
    lose their stack traces; any other exception is a bug and keeps its own. With ``CDK_DEBUG=true`` in the
    environment (``cdk synth --debug`` sets it) everything keeps its trace.

    Raises:
        SystemExit: With code 1, in place of a `ConfigurationError` or of an error that the CDK raised.
    """
    try:
        yield
    except (ConfigurationError, RuntimeError) as error:
        refused = isinstance(error, ConfigurationError) or isinstance(error.__cause__, JavaScriptError)
        if not refused or os.environ.get("CDK_DEBUG") == "true":
            raise
        lines = (line.strip() for line in str(error).splitlines())
        sys.stderr.write(f"error: {'; '.join(line for line in lines if line)}\n")
        raise SystemExit(1) from None
