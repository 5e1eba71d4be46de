"""Keeps botocore's debug log from telling secrets: it prints signatures and the bodies of answers."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_TALKATIVE = ("botocore.auth", "botocore.parsers")
_quiet = threading.local()


def _passes(_: logging.LogRecord) -> bool:
    return not getattr(_quiet, "now", False)


for _name in _TALKATIVE:
    logging.getLogger(_name).addFilter(_passes)


@contextmanager
def no_secrets_logged() -> Iterator[None]:
    """Drop what botocore's signers and parsers log in this thread meanwhile; other threads log on."""
    _quiet.now = True
    try:
        yield
    finally:
        _quiet.now = False
