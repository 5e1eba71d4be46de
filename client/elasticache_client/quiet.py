"""Keeps secrets out of botocore's debug log, which contains signatures and response bodies."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOGGERS_WITH_SECRETS = ("botocore.auth", "botocore.parsers")
_quiet = threading.local()


def _passes(_: logging.LogRecord) -> bool:
    return not getattr(_quiet, "now", False)


for _name in _LOGGERS_WITH_SECRETS:
    logging.getLogger(_name).addFilter(_passes)


@contextmanager
def no_secrets_logged() -> Iterator[None]:
    """Drop the log records of botocore's signers and parsers in this thread. Other threads still log."""
    _quiet.now = True
    try:
        yield
    finally:
        _quiet.now = False
