"""If a signal handler raises an exception while a value is written or read, the caller gets it.

The timeouts of RQ and Celery are raised in this way. If they counted as a sign that the value does not fit, they would
be lost: the job would continue, its value would not be cached, and the session would be a new one.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from elasticache_client.caching.entries import policy
from elasticache_client.memcached.values import ItemSerde, UnreadableError, decode, encode
from elasticache_client.sessions.values import Values
from elasticache_client.values import UnfitError, pack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Interrupted(Exception):  # noqa: N818 - as RQ's JobTimeoutException or Celery's SoftTimeLimitExceeded
    """Raised by a signal handler, anywhere."""


class CheckError(Exception):
    """Raised by a value's class."""


@dataclass
class Product:
    """A value whose check is interrupted once, or rejects the value, as the test says."""

    name: str

    refuses: ClassVar[bool] = False
    interrupts: ClassVar[int] = 0

    def __post_init__(self) -> None:
        """Check the name in several lines of Python."""
        if Product.interrupts:
            Product.interrupts -= 1
            signal.raise_signal(signal.SIGALRM)
        if Product.refuses:
            raise CheckError


class Order:
    """A model, in the eyes of the library, that cannot be written. One attempt to write it is interrupted."""

    attempts_left: ClassVar[int] = 0
    model_fields: ClassVar[dict[str, Any]] = {}

    def model_dump(self, **_: Any) -> Any:
        """Refuse."""
        Order.attempts_left -= 1
        if Order.attempts_left == 0:
            signal.raise_signal(signal.SIGALRM)
        raise CheckError

    model_validate_json = model_json_schema = model_dump


@pytest.fixture(name="error", params=[Interrupted, TimeoutError])
def _error(request: pytest.FixtureRequest) -> Iterator[type[Exception]]:
    """The exception that the handler raises: its own class, or one of Python's."""
    error: type[Exception] = request.param

    def interrupt(*_: Any) -> None:
        raise error

    before = signal.signal(signal.SIGALRM, interrupt)
    yield error
    signal.signal(signal.SIGALRM, before)
    Product.interrupts, Product.refuses = 0, False


_PEAR = Product("pear")
_POLICY = policy(Product, 60, None, 0)
_CONTENT, _ = _POLICY.encode(_PEAR, 0, 0)
_SESSION = Values({"it": Product})
_JSON = _SESSION.write({"it": _PEAR}, {})
_ITEM = encode(_PEAR)

WRITERS: dict[str, Callable[[], Any]] = {
    "pack": lambda: pack(_PEAR, _POLICY.value, lambda plain: ["", 0.0, 0.0, plain]),
    "a cached value": lambda: _POLICY.encode(_PEAR, 0, 0),
    "an item of Memcached": lambda: encode(_PEAR),
    "a session": lambda: _SESSION.write({"it": _PEAR}, {}),
}
READERS: dict[str, Callable[[], Any]] = {
    "a cached value": lambda: _POLICY.decode(_CONTENT),
    "an item of Memcached": lambda: decode(ItemSerde().deserialize(b"", *_ITEM), Product),
    "a session": lambda: _SESSION.read_fit(_JSON),
}


@pytest.mark.parametrize("way", WRITERS)
def test_an_interrupted_write_is_no_unfit_value(way: str, error: type[Exception]) -> None:
    """The caller gets the exception, and the next write succeeds. A value that its class rejects is still unfit."""
    Product.interrupts = 1
    with pytest.raises(error):
        WRITERS[way]()
    assert WRITERS[way]()
    Product.refuses = True
    with pytest.raises(TypeError) as refused:
        WRITERS[way]()
    assert isinstance(refused.value, UnfitError) or way == "a session"


@pytest.mark.parametrize("attempt", range(1, 7))
def test_an_interrupted_explanation_is_no_explanation(attempt: int, error: type[Exception]) -> None:
    """What cannot be written is tried twice, by itself and part by part; each time the caller gets the exception."""
    value = {"order": Order()}
    Order.attempts_left = 0
    with pytest.raises(UnfitError, match=r"the value\['order'\] is of type Order and cannot be written"):
        pack(value, _POLICY.value)
    Order.attempts_left = attempt
    with pytest.raises(error):
        pack(value, _POLICY.value)


@pytest.mark.parametrize("way", READERS)
def test_an_interrupted_read_is_no_miss(way: str, error: type[Exception]) -> None:
    """The caller gets the exception, and the next read succeeds. A value that its class rejects is still a miss."""
    Product.interrupts = 1
    with pytest.raises(error):
        READERS[way]()
    assert READERS[way]() in (_PEAR, ({"it": _PEAR}, {})) or READERS[way]().value == _PEAR
    Product.refuses = True
    if way == "an item of Memcached":
        with pytest.raises(UnreadableError):
            READERS[way]()
    else:
        assert READERS[way]() in (None, ({}, _JSON))
