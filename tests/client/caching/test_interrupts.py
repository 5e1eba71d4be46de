"""A look-up that a signal handler's exception interrupts at any place keeps no other caller waiting."""

from __future__ import annotations

import dis
import gc
import sys
import threading
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import elasticache_client
from elasticache_client.caching import Cache, nesting
from elasticache_client.caching.nesting import Permit, Permits
from elasticache_client.steps import Threads, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType, FrameType

    from elasticache_client.steps import Steps
    from tests.client.caching.callers import Face
    from tests.client.sessions.caches import Cache as Place

_ENGINE = Path(elasticache_client.__file__).parent
_TRACED = (str(_ENGINE / "caching"), str(_ENGINE / "steps.py"), str(_ENGINE / "signal_safe.py"))
_CHECKED_AFTER = {"CALL", "CALL_FUNCTION_EX", "CALL_KW", "RESUME", "JUMP_BACKWARD"}
_HANGS_SECONDS = 60.0


class _Interrupt(Exception):  # noqa: N818 - as RQ's JobTimeoutException
    pass


@cache
def _operations(code: CodeType) -> dict[int, str]:
    return {each.offset: each.opname for each in dis.get_instructions(code)}


class _Interrupts:
    """Interrupts a thread at the nth place at which CPython runs signal handlers, in code of this package."""

    def __init__(self, number: int) -> None:
        self._left = number
        self._before: dict[FrameType, str] = {}

    def __call__(self, frame: FrameType, event: str, _argument: Any) -> Any:
        if not frame.f_code.co_filename.startswith(_TRACED):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            before = self._before.get(frame)
            self._before[frame] = _operations(frame.f_code)[frame.f_lasti]
            if before in _CHECKED_AFTER:
                self._left -= 1
                if self._left < 0:
                    sys.settrace(None)
                    frame.f_trace = None
                    raise _Interrupt
        return self

    def during(self, call: Callable[[], Any]) -> bool:
        """Make a call in a separate thread. Returns whether it was interrupted."""

        def traced() -> None:
            sys.settrace(self)
            try:
                call()
            except _Interrupt:
                pass
            finally:
                sys.settrace(None)

        thread = threading.Thread(target=traced)
        thread.start()
        thread.join()
        return self._left < 0


@pytest.fixture(autouse=True)
def _only_calls_of_the_test() -> Iterator[None]:
    """Objects that other tests left may be finalized in a traced thread, where Python ignores the exception."""
    gc.disable()
    yield
    gc.enable()


class _Published(dict[Any, Any]):
    """The flights that other callers could see, also those that have ended."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[Any] = []

    def setdefault(self, key: Any, default: Any = None) -> Any:
        found = super().setdefault(key, default)
        if found is default:
            self.all.append(default)
        return found


def test_no_caller_waits_for_an_interrupted_flight(place: Place, open_face: Callable[..., Face]) -> None:
    """Interrupted after any of its calls, in any of its functions, a look-up leaves no flight that goes on."""
    face = open_face(place)
    assert isinstance(face.cache, Cache)
    face.cache.get_or_load("connected", str, ttl=60)
    number, published = 0, 0
    while True:
        flights = face.cache._lookups.flights._flights = _Published()
        look_up = partial(face.cache.get_or_load, f"key-{number}", str, ttl=60)
        is_interrupted = _Interrupts(number).during(look_up)
        assert [] == [flight for flight in flights.all if not flight.done._is_set], f"interrupted at place {number}"
        published += bool(flights.all)
        if not is_interrupted:
            break
        number += 1
    assert published > number / 4


def _suspended(permits: Permits) -> Iterator[None]:
    permit = Permit([permits], Threads())
    try:
        assert run(permit.acquire(0))
        yield
    finally:
        permit.release()


def test_the_garbage_collector_may_end_a_load_in_a_thread_that_has_the_lock() -> None:
    """It runs at any allocation, such as those that are made with the lock."""
    permits = Permits(1)
    load = _suspended(permits)
    next(load)
    circle: list[Any] = [load]
    circle.append(circle)
    del load, circle

    def collect() -> None:
        with nesting._lock:
            gc.collect()

    thread = threading.Thread(target=collect, daemon=True)
    thread.start()
    thread.join(_HANGS_SECONDS)

    assert not thread.is_alive()
    assert run(Permit([permits], Threads()).acquire(0))


def test_an_interrupt_between_two_steps_ends_the_operation() -> None:
    """Not the garbage collector, which would run its last steps in any thread."""
    ended: list[str] = []

    def steps() -> Steps[None]:
        try:
            yield
            yield
        finally:
            ended.append("here")

    class Interrupted:
        def __init__(self) -> None:
            self.steps = steps()
            self.close = self.steps.close

        def send(self, answer: object) -> object:
            if answer is not None:
                raise _Interrupt
            self.steps.send(None)
            return "answer"

    kept = Interrupted()
    try:
        run(kept)  # type: ignore[arg-type]
    except _Interrupt:
        assert ["here"] == ended
    else:
        raise AssertionError
