"""An exception between any two bytecodes, as a signal handler raises it, leaves no lock acquired."""

from __future__ import annotations

import gc
import sys
import threading
from functools import partial
from queue import Empty, Full
from typing import TYPE_CHECKING, Any
from weakref import ref

import pytest

from elasticache_client.signal_safe import ConnectionStack, Event, LiveConnections

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

_HANGS_SECONDS = 60.0


class _Interrupt(Exception):  # noqa: N818
    pass


def _interrupted_after(byte_codes: int, call: Callable[[], Any]) -> bool:
    """Make a call and interrupt it after a number of bytecodes. Returns whether it had finished before."""
    left = byte_codes

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal left
        frame.f_trace_opcodes = True
        if event == "opcode":
            left -= 1
            if left < 0:
                raise _Interrupt
        return trace

    over: list[bool] = []

    def run() -> None:
        sys.settrace(trace)
        try:
            call()
        except _Interrupt:
            over.append(False)
        else:
            over.append(True)
        finally:
            sys.settrace(None)

    # In a separate thread, because Python treats the exception as still being handled afterwards.
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return over[0]


@pytest.fixture(autouse=True)
def _only_calls_of_the_test() -> Iterator[None]:
    """Objects that other tests left may be finalized in a traced thread, where Python ignores the exception."""
    gc.disable()
    yield
    gc.enable()


def _ends(call: Callable[[], Any]) -> bool:
    """Whether a call returns in another thread."""
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(_HANGS_SECONDS)
    return not thread.is_alive()


def _stack() -> ConnectionStack:
    stack = ConnectionStack(4)
    stack.put_nowait("a")
    stack.put_nowait("b")
    return stack


@pytest.mark.parametrize(
    ("make", "use"),
    [
        (_stack, lambda stack: stack.get(timeout=1)),
        (_stack, lambda stack: stack.put_nowait("c")),
        (Event, lambda event: event.set()),
    ],
    ids=["get", "put", "set"],
)
def test_an_interrupt_leaves_no_lock(make: Callable[[], Any], use: Callable[[Any], Any]) -> None:
    """After it, another thread can do the same. ``queue.LifoQueue`` and the locks of ``threading`` hang here."""
    byte_codes = 0
    while True:
        thing = make()
        over = _interrupted_after(byte_codes, partial(use, thing))
        assert _ends(partial(use, thing)), f"interrupted after {byte_codes} byte codes"
        if over:
            assert byte_codes > 0
            return
        byte_codes += 1


def test_the_last_connection_is_the_next() -> None:
    """No more connections are opened than are in use at once."""
    stack = _stack()
    assert [stack.get(block=False), stack.get(block=False)] == ["b", "a"]
    with pytest.raises(Empty):
        stack.get(block=False)
    with pytest.raises(Empty):
        stack.get(timeout=0.001)


def test_a_full_stack_takes_no_more() -> None:
    """Pools fill it until it is full."""
    stack = ConnectionStack(1)
    stack.put_nowait(None)
    with pytest.raises(Full):
        stack.put_nowait(None)


def test_connections_are_listed_while_others_are_returned() -> None:
    """The libraries list the free connections, to close those of a server that failed, while threads return others."""
    stack = _stack()

    for connection in stack.queue:
        if len(stack.queue) < stack.maxsize:
            stack.put_nowait(connection)

    assert 4 == len(stack.queue)


def test_a_ticket_that_was_lost_costs_no_connection() -> None:
    """Each connection of an interrupted thread is found again."""
    stack = _stack()
    stack._tickets.get()
    assert {stack.get(timeout=1), stack.get(timeout=1)} == {"a", "b"}


class Connection:
    """What a pool hands out."""


def test_a_dead_connection_takes_no_place() -> None:
    """A signal handler's exception that comes while its reference is removed leaves the reference behind."""
    lost, kept = Connection(), Connection()
    connections = LiveConnections([kept])
    connections.data.add(ref(lost))  # without a callback, as after one that was interrupted
    assert 2 == len(connections)
    del lost
    assert 1 == len(connections)


def test_waiting_threads_go_on() -> None:
    """All waiting threads continue, and so do later ones."""
    event = Event()
    waited: list[bool] = []
    threads = [threading.Thread(target=lambda: waited.append(event.wait(_HANGS_SECONDS))) for _ in range(5)]
    for thread in threads:
        thread.start()
    event.set()
    for thread in threads:
        thread.join()
    assert waited == [True] * 5
    assert event.wait(0)
    assert not Event().wait(0.001)
