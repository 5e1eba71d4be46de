"""The function may die after any call, come twice, or run twice at a time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from elasticache_constructs.rotation.runtime.rotate_secret.errors import Busy, NotYet, Refused, RotationError
from tests.rotation.rig import FOUR, GRACE, POLL_SECONDS, Rig
from tests.rotation.twin import Crash, Knobs

if TYPE_CHECKING:
    from collections.abc import Callable

    from elasticache_constructs.rotation.runtime.rotate_secret.configuration import Kind
    from tests.rotation.engine import Engines, Server

ABORTED = ("createSecret", "setSecret", "abort")


def _survive(rig: Rig, steps: tuple[str, ...]) -> None:
    """Take the steps; a step that dies is invoked again, as Secrets Manager and the sweep do."""
    token = rig.secrets.rotate()
    for step in steps:
        if step == "retire":
            rig.clock.sleep(GRACE + 1)
        argument = token if step in FOUR else None
        try:
            rig.step(step, argument)
        except Crash:
            rig.step(step, argument)


@pytest.mark.parametrize(
    ("steps", "survivor"), [((*FOUR, "retire"), "second"), (ABORTED, "first")], ids=["rotate and retire", "abort"]
)
def test_every_crash_is_survived(
    engines: Engines, servers: list[Server], kind: Kind, steps: tuple[str, ...], survivor: str
) -> None:
    """Whichever call the function dies after, AWSCURRENT logs in all along, and the end is the same."""
    healthy = Rig(kind, servers[:1], engines.certificates.authority)
    _survive(healthy, steps)
    total = len(healthy.account.calls)

    for dies_after in range(1, total + 1):
        rig = Rig(kind, servers[:1], engines.certificates.authority)
        outages: list[str] = []
        most = _watch(rig, outages)
        rig.account.crash_after = dies_after
        _survive(rig, steps)
        where = f"died after call {dies_after} of {total}, {rig.account.calls[dies_after - 1]}"
        current = rig.secrets.peek("AWSCURRENT") or ""

        assert (where, []) == (where, outages)
        assert (where, survivor == "first") == (where, current == rig.first)
        assert (where, [current]) == (where, rig.cache.passwords)
        assert (where, None) == (where, rig.secrets.labelled("AWSPENDING"))
        assert (where, True) == (where, max(most) <= 2)
    assert total > len(steps)


def _watch(rig: Rig, outages: list[str]) -> list[int]:
    """Look after every call that changes anything; returns how many passwords lived."""
    most = [1]

    def look() -> None:
        last = rig.account.calls[-1].split(":")[1]
        if last.startswith(("Modify", "Put", "Update")):
            most.append(len(rig.cache.passwords))
            if not rig.current_works():
                outages.append(last)

    rig.account.watch = look
    return most


@pytest.mark.parametrize("step", FOUR)
def test_concurrent_steps_come_to_one_end(rig: Rig, step: str) -> None:
    """Four invocations of a step at once: those that fail say so, and the rotation goes on to its end."""
    token = rig.secrets.rotate()
    for each in FOUR:
        if each == step:
            failures = _at_once([lambda: rig.step(step, token)] * 4)
            assert set() == {type(failure) for failure in failures} - {RotationError, Busy, NotYet}
        rig.step(each, token)
    rig.clock.sleep(GRACE + 1)

    assert "retired" == rig.step("retire")
    assert rig.current_works()


def test_concurrent_sweeps_come_to_one_end(rig: Rig) -> None:
    """Four sweeps at once retire the previous password and leave AWSCURRENT alone."""
    rig.rotate()
    rig.clock.sleep(GRACE + 1)

    assert [] == _at_once([lambda: rig.step("retire")] * 4)
    assert ([False, False], True) == (rig.cache.accepts(rig.first), rig.current_works())


def test_sweep_beside_every_step_harms_none(rig: Rig) -> None:
    """Sweeps that run while the steps do neither stop them nor take away a password in use."""
    rig.rotate()
    rig.clock.sleep(GRACE + 1)
    rig.step("retire")
    outages: list[str] = []
    rig.account.watch = lambda: None if rig.current_works() else outages.append(rig.account.calls[-1])
    token = rig.secrets.rotate()
    for step in FOUR:
        assert [] == _at_once([lambda step=step: rig.step(step, token), *[lambda: rig.step("retire")] * 2])  # type: ignore[misc]

    assert (token, []) == (rig.secrets.labelled("AWSCURRENT"), outages)


def _at_once(invocations: list[Callable[[], object]]) -> list[RotationError]:
    failures: list[RotationError] = []

    def invoke(invocation: Callable[[], object]) -> None:
        try:
            invocation()
        except RotationError as failure:
            failures.append(failure)

    threads = [threading.Thread(target=invoke, args=(invocation,)) for invocation in invocations]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def test_sweep_that_slept_sees_the_rotation_begun_meanwhile(rig: Rig) -> None:
    """A sweep looks at the labels again right before it takes the previous password away."""
    rig.rotate()
    rig.clock.sleep(GRACE + 1)

    def begin_another() -> None:
        rig.account.watch = lambda: None
        rig.secrets.add({"username": rig.user_name, "password": "by-hand" * 9}, "AWSPENDING")

    rig.account.watch = begin_another

    assert "rotation-under-way" == rig.step("retire")
    assert [True, True] == rig.cache.accepts(rig.first)


def test_finish_that_slept_sees_the_promotion_meanwhile(rig: Rig) -> None:
    """A finishSecret that finds its version promoted by another one ends well."""
    token = rig.secrets.rotate()
    for step in FOUR[:3]:
        rig.step(step, token)

    def promote() -> None:
        if "DescribeCacheClusters" in rig.account.calls[-1]:
            rig.secrets.move("AWSCURRENT", token)

    rig.account.watch = promote

    assert "promoted" == rig.step("finishSecret", token)
    assert (token, None) == (rig.secrets.labelled("AWSCURRENT"), rig.secrets.labelled("AWSPENDING"))


def test_set_that_slept_sees_the_abort_meanwhile(rig: Rig) -> None:
    """An abort while setSecret waits for the cache is not undone by it."""
    token = rig.secrets.rotate()
    rig.step("createSecret", token)
    modified = len(rig.account.calls)

    def give_up() -> None:
        if "DescribeCacheClusters" in rig.account.calls[-1]:
            rig.secrets.versions[token].labels.clear()

    rig.account.watch = give_up
    with pytest.raises(Refused, match="neither AWSPENDING nor AWSCURRENT"):
        rig.step("setSecret", token)
    assert [] == [call for call in rig.account.calls[modified:] if "Modify" in call]


@pytest.mark.parametrize("code", ["Throttling", "InvalidUserState", "InvalidReplicationGroupState"])
def test_busy_service_is_waited_for(rig: Rig, code: str) -> None:
    """Throttled calls and changes under way are tried again within the invocation."""
    for action in ("elasticache:ModifyUser", "elasticache:ModifyReplicationGroup", "secretsmanager:GetSecretValue"):
        rig.account.fail(action, code, 3)
    rig.rotate()

    assert rig.current_works()


@pytest.mark.parametrize("step", FOUR)
def test_busy_service_does_not_outlast_the_function(rig: Rig, step: str) -> None:
    """A step under endless throttling ends by itself, with a retriable error, before Lambda would end it."""
    token = rig.secrets.rotate()
    for before in FOUR[: FOUR.index(step)]:
        rig.step(before, token)
    rig.seconds = 5.0
    rig.account.fail("elasticache:DescribeCacheClusters", "Throttling", 1000)
    rig.account.fail("secretsmanager:PutSecretValue", "Throttling", 1000)
    with pytest.raises((Busy, NotYet)) as failure:
        rig.step(step, token)

    assert failure.value.retriable
    assert 30_000 <= rig.context.get_remaining_time_in_millis() < 30_000 + 1000 * POLL_SECONDS


def test_user_in_change_is_waited_for(rig: Rig) -> None:
    """While the status says modifying, testSecret and the next change wait for it to settle."""
    rig.cache.knobs = Knobs(status_for=20)
    started = rig.clock()
    rig.rotate()

    assert rig.clock() - started >= rig.cache.knobs.status_for


def test_node_in_the_making_is_waited_for(rig: Rig) -> None:
    """A node that has no endpoint yet holds the promotion back; one that is being deleted does not."""
    rig.seconds = 5.0
    rig.cache.member_status[1] = "creating"
    token = rig.secrets.rotate()
    with pytest.raises(Busy, match="orders-002 is creating and has no endpoint yet"):
        rig.step("createSecret", token)
    rig.cache.member_status[1] = "deleting"

    assert "created" == rig.step("createSecret", token)
