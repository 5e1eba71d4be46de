"""One rotation, step by step, on a primary and a replica."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from elasticache_constructs.rotation.runtime.rotate_secret.configuration import Kind
from elasticache_constructs.rotation.runtime.rotate_secret.errors import (
    Busy,
    CallFailed,
    Drift,
    NotYet,
    Refused,
    RotationTooSoon,
)
from elasticache_constructs.rotation.runtime.rotate_secret.record import TAG
from tests.rotation.rig import FOUR, GRACE
from tests.rotation.twin import SECRET, Knobs

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.rotation.rig import Rig


def test_each_step_says_what_it_did(rig: Rig) -> None:
    """The four steps and the sweeps before, in and after the grace time come to the ends they are named for."""
    token = rig.secrets.rotate()
    outcomes = [rig.step("retire"), *(rig.step(step, token) for step in FOUR), rig.step("retire")]
    rig.clock.sleep(GRACE + 1)
    outcomes += [rig.step("retire"), rig.step("retire")]

    assert ["steady", "created", "set", "tested", "promoted", "grace", "retired", "steady"] == outcomes


def test_both_passwords_work_until_the_previous_is_retired(rig: Rig) -> None:
    """The previous password works on every node through the grace time, and on none after it."""
    rig.rotate()
    in_grace = rig.cache.accepts(rig.first)
    rig.clock.sleep(GRACE + 1)
    rig.step("retire")

    assert ([True, True], [False, False]) == (in_grace, rig.cache.accepts(rig.first))
    assert rig.current_works()


def test_the_secret_keeps_its_shape(rig: Rig) -> None:
    """A new version has the user name, a password of 64 letters and digits, and every other key of the old one."""
    token = rig.rotate()
    value = json.loads(rig.secrets.versions[token].value or "")

    assert ["username", "password", "note"] == list(value)
    assert (rig.user_name, "kept") == (value["username"], value["note"])
    assert (64, True) == (len(value["password"]), value["password"].isalnum())


def test_second_rotation_waits_for_the_grace_time(rig: Rig) -> None:
    """A rotation in the grace time is refused before anything is made, and goes through after it."""
    rig.rotate()
    token = rig.secrets.rotate()
    with pytest.raises(RotationTooSoon, match="clients may use the previous password for another 60 s"):
        rig.step("createSecret", token)
    assert rig.secrets.versions[token].value is None

    rig.clock.sleep(GRACE + 1)
    with pytest.raises(RotationTooSoon, match="still accepted by orders-001, orders-002"):
        rig.step("createSecret", token)
    assert "retired" == rig.step("retire")
    assert ["created", "set", "tested", "promoted"] == [rig.step(step, token) for step in FOUR]


def test_repeated_steps_change_nothing(rig: Rig) -> None:
    """A step that is invoked twice makes no second change."""
    token = rig.secrets.rotate()
    outcomes = [(rig.step(step, token), rig.step(step, token)) for step in FOUR]
    changes = [call for call in rig.account.calls if "Modify" in call or "Put" in call or "Update" in call]

    assert [
        ("created", "already-created"),
        ("set", "already-set"),
        ("tested", "tested"),
        ("promoted", "already-current"),
    ] == outcomes
    assert 4 == len(changes)


def test_late_steps_of_a_promoted_version_do_nothing(rig: Rig) -> None:
    """Every step of the version that is current already ends well and calls nothing that changes."""
    token = rig.rotate()
    before = len(rig.account.calls)

    assert {"already-current"} == {rig.step(step, token) for step in FOUR}
    assert {"secretsmanager:DescribeSecret"} == set(rig.account.calls[before:])


def test_never_applied_is_not_promoted(rig: Rig) -> None:
    """While a node refuses the pending password, testSecret and finishSecret both end in an error."""
    rig.cache.knobs = Knobs(never=True)
    rig.seconds = 5.0
    token = rig.secrets.rotate()
    rig.step("createSecret", token)
    rig.step("setSecret", token)
    for step in ("testSecret", "finishSecret"):
        with pytest.raises(NotYet, match="not every login is accepted by orders-001, orders-002"):
            rig.step(step, token)

    assert rig.first == rig.secrets.peek("AWSCURRENT")


def test_proof_is_three_looks_running(rig: Rig) -> None:
    """A node that forgets the pending password between two looks makes testSecret count from the start."""
    token = rig.secrets.rotate()
    rig.step("createSecret", token)
    rig.step("setSecret", token)
    both = [rig.first, rig.password(token)]
    looks = 0.0

    def flap() -> None:
        nonlocal looks
        if "DescribeCacheClusters" in rig.account.calls[-1]:
            looks += 1 / len(rig.cache.servers)
        rig.cache.servers[1].accept(rig.user_name, both[:1] if looks == 2 else both, rig.cache.rules)

    rig.account.watch = flap
    rig.step("testSecret", token)

    assert 5 == looks


def test_finish_alone_promotes_nothing_unproven(rig: Rig) -> None:
    """A finishSecret straight after createSecret is refused: its own proof does not rely on the steps before it."""
    rig.seconds = 5.0
    token = rig.secrets.rotate()
    rig.step("createSecret", token)
    with pytest.raises(NotYet):
        rig.step("finishSecret", token)

    assert rig.first == rig.secrets.peek("AWSCURRENT")


def test_lost_record_starts_the_grace_time_again(rig: Rig) -> None:
    """Without the record of its promotion a version counts as promoted now, so nothing is retired early."""
    rig.rotate()
    rig.clock.sleep(GRACE + 1)
    rig.secrets.tags.clear()

    assert "grace" == rig.step("retire")
    rig.clock.sleep(GRACE + 1)
    assert "retired" == rig.step("retire")


def forge(rig: Rig, state: str, promoted: float) -> None:
    """Write a record about the current version, as any identity that may tag the secret can."""
    rig.secrets.tags[TAG] = f"{rig.secrets.labelled('AWSCURRENT')} {state} {int(promoted)}"


@pytest.mark.parametrize(
    ("state", "hours"), [("promoted", -100), ("promoted", 100), ("retired", -100), ("retired", 100), ("retired", 0)]
)
def test_forged_record_is_believed_no_further_than_it_can_be_true(rig: Rig, state: str, hours: int) -> None:
    """Neither does the grace time end early, nor does an old password stay."""
    rig.rotate()
    forge(rig, state, rig.clock() + hours * 3600)

    assert "grace" == rig.step("retire")
    assert [True, True] == rig.cache.accepts(rig.first)
    rig.clock.sleep(GRACE + 1)
    assert "retired" == rig.step("retire")
    assert [False, False] == rig.cache.accepts(rig.first)


def test_forged_record_lets_no_rotation_begin_early(rig: Rig) -> None:
    """A record that says too soon that a password is gone does not let the next one push it out."""
    rig.rotate()
    forge(rig, "retired", rig.clock() - 10 * GRACE)
    with pytest.raises(RotationTooSoon):
        rig.step("createSecret", rig.secrets.rotate())


def test_user_with_two_passwords_is_not_steady(rig: Rig) -> None:
    """Where the service counts passwords, a record that says that the old one is gone is not enough."""
    if rig.kind is not Kind.USER:
        pytest.skip("an AuthToken's passwords are not counted")
    rig.rotate()
    rig.clock.sleep(GRACE + 1)
    forge(rig, "retired", rig.clock() - GRACE)

    assert "retired" == rig.step("retire")
    assert [False, False] == rig.cache.accepts(rig.first)


def test_record_that_is_written_again_and_again_is_told(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    """A grace time that is prolonged is told, once it is longer than a day from the making of the version."""
    rig.rotate()
    for _ in range(5):
        rig.clock.sleep(6 * 3600)
        forge(rig, "promoted", rig.clock())
        told = capsys.readouterr().out.count('"RetireOverdue": 1')
        assert ("grace", 0) == (rig.step("retire"), told)

    assert 1 == capsys.readouterr().out.count('"RetireOverdue": 1')


def test_grace_time_is_never_shortened_by_rounding(rig: Rig) -> None:
    """The record has whole seconds and rounds them up: a password is not retired a fraction of a second early."""
    rig.clock.sleep(0.9)
    rig.rotate()
    rig.clock.sleep(GRACE - 0.5)

    assert "grace" == rig.step("retire")


def test_promotion_by_hand_gets_its_grace_time(rig: Rig) -> None:
    """A version that another process promoted has its grace time from the first sweep that sees it."""
    rig.rotate()
    rig.clock.sleep(GRACE + 1)
    rig.step("retire")
    password = "by-hand" * 9
    rig.cache.passwords = [rig.secrets.peek("AWSCURRENT") or "", password]
    rig.cache.seed()
    rig.secrets.add({"username": rig.user_name, "password": password}, "AWSCURRENT")

    assert "grace" == rig.step("retire")
    rig.clock.sleep(GRACE + 1)
    assert "retired" == rig.step("retire")


def test_retire_keeps_the_previous_password_when_the_current_fails(rig: Rig) -> None:
    """When a node refuses AWSCURRENT, the sweep leaves the previous password alone and says so."""
    rig.rotate()
    rig.clock.sleep(GRACE + 1)
    rig.cache.servers[1].accept(rig.user_name, [rig.first], rig.cache.rules)
    with pytest.raises(Drift, match="AWSCURRENT is refused by orders-002; the previous password stays"):
        rig.step("retire")

    assert [True, True] == rig.cache.accepts(rig.first)


def test_retire_goes_on_beside_an_empty_pending_version(rig: Rig) -> None:
    """A rotation refused as too soon leaves an empty pending version, which does not stop the sweep it waits for."""
    rig.rotate()
    rig.secrets.rotate()
    rig.clock.sleep(GRACE + 1)

    assert "retired" == rig.step("retire")


def test_retire_waits_for_a_rotation_under_way(rig: Rig) -> None:
    """A pending version with a value stops the sweep."""
    rig.rotate()
    rig.secrets.add({"username": rig.user_name, "password": "by-hand" * 9}, "AWSPENDING")
    rig.clock.sleep(GRACE + 1)

    assert "rotation-under-way" == rig.step("retire")


def test_retire_that_is_not_applied_stays_due(rig: Rig) -> None:
    """A previous password that a node still accepts is an error, and the next sweep tries again."""
    rig.rotate()
    rig.clock.sleep(GRACE + 1)
    rig.cache.knobs = Knobs(never=True)
    rig.seconds = 5.0
    with pytest.raises(NotYet, match="a removed password is still accepted by orders-001, orders-002"):
        rig.step("retire")
    rig.cache.knobs = Knobs()

    assert "retired" == rig.step("retire")
    assert [False, False] == rig.cache.accepts(rig.first)


@pytest.mark.parametrize(
    ("late", "counted"), [(GRACE - 10, 0), (GRACE + 10, 1)], ids=["late by less than the grace time", "late by more"]
)
def test_overdue_is_counted_once_a_sweep(rig: Rig, capsys: pytest.CaptureFixture[str], late: int, counted: int) -> None:
    """A sweep that fails to retire a password counts it as overdue, once, when it is late by the grace time again."""
    rig.rotate()
    rig.clock.sleep(GRACE + late)
    rig.seconds = 5.0
    rig.account.fail("elasticache:DescribeReplicationGroups", "Throttling", 1000)
    with pytest.raises((Busy, NotYet)):
        rig.step("retire")

    assert counted == capsys.readouterr().out.count('"RetireOverdue": 1')


def test_late_sweep_is_not_overdue(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    """A sweep that comes late and retires the password has nothing to complain of."""
    rig.rotate()
    rig.clock.sleep(10 * GRACE)

    assert "retired" == rig.step("retire")
    assert "RetireOverdue" not in capsys.readouterr().out


@pytest.mark.parametrize(("hours", "counted"), [(-1, 0), (23, 0), (25, 1)])
def test_rotation_that_does_not_come_is_counted(
    rig: Rig, capsys: pytest.CaptureFixture[str], hours: int, counted: int
) -> None:
    """A sweep tells of a password that should have rotated a day ago, and of none before."""
    rig.secrets.due = rig.clock() - hours * 3600
    rig.step("retire")

    assert counted == capsys.readouterr().out.count('"RotationOverdue": 1')


def test_configuration_test_of_secrets_manager(rig: Rig) -> None:
    """On an empty pending version, which RotateSecret makes to try a configuration, testSecret proves AWSCURRENT."""
    token = rig.secrets.rotate()

    assert "configuration-tested" == rig.step("testSecret", token)
    with pytest.raises(Refused, match=r"version \S+ without a value"):
        rig.step("finishSecret", token)


def test_abort_leaves_the_current_password_alone(rig: Rig) -> None:
    """Abort leaves AWSCURRENT as it was and working, the pending password refused, and room for another rotation."""
    token = rig.secrets.rotate()
    rig.step("createSecret", token)
    rig.step("setSecret", token)
    pending = rig.password(token)

    assert "aborted" == rig.step("abort")
    assert (rig.first, None) == (rig.secrets.peek("AWSCURRENT"), rig.secrets.labelled("AWSPENDING"))
    assert ([True, True], [False, False]) == (rig.cache.accepts(rig.first), rig.cache.accepts(pending))
    assert rig.rotate() == rig.secrets.labelled("AWSCURRENT")


def test_abort_does_not_cut_the_grace_time_short(rig: Rig) -> None:
    """Abort refuses what another process put as pending in the grace time; the previous password keeps working."""
    rig.rotate()
    rig.secrets.add({"username": rig.user_name, "password": "by-hand" * 9}, "AWSPENDING")
    with pytest.raises(RotationTooSoon, match="abort when its grace time is over"):
        rig.step("abort")

    assert [True, True] == rig.cache.accepts(rig.first)


def test_abort_mends_drift(rig: Rig) -> None:
    """After the password was changed by hand, abort has the cache accept AWSCURRENT again."""
    rig.cache.passwords = ["by-hand" * 9]
    rig.cache.seed()
    token = rig.secrets.rotate()
    with pytest.raises(Drift, match="AWSCURRENT is refused by orders-001, orders-002"):
        rig.step("createSecret", token)

    assert "aborted" == rig.step("abort")
    assert rig.current_works()


def test_drift_after_create_is_found_by_set(rig: Rig) -> None:
    """No change is made to a cache that accepts neither password when setSecret comes."""
    token = rig.secrets.rotate()
    rig.step("createSecret", token)
    rig.cache.passwords = ["by-hand" * 9]
    rig.cache.seed()
    with pytest.raises(Drift):
        rig.step("setSecret", token)

    assert [] == [call for call in rig.account.calls if "Modify" in call]


def test_status_tells_labels_and_times(rig: Rig) -> None:
    """The operator's status event says which versions there are and when the previous password goes."""
    first = rig.secrets.labelled("AWSCURRENT")
    token = rig.rotate()
    promoted = rig.clock()
    rig.clock.sleep(20)
    status = rig.step("status")

    assert (token, None, first) == (status["current"], status["pending"], status["previous"])
    assert (promoted, GRACE - 20) == (status["promoted"], status["retire_in_seconds"])


def test_stray_token_makes_room_first(new_rig: Callable[[Kind], Rig]) -> None:
    """A token of a rotation whose label was taken away by hand does not push the current one out at the next ROTATE."""
    rig = new_rig(Kind.AUTH_TOKEN)
    given_up = rig.secrets.rotate()
    rig.step("createSecret", given_up)
    rig.step("setSecret", given_up)
    rig.secrets.versions[given_up].labels.clear()
    rig.account.watch = lambda: _require(rig.current_works())

    rig.rotate()
    assert [False, False] == rig.cache.accepts(rig.password(given_up))


def test_harmless_strays_cost_no_change(new_rig: Callable[[Kind], Rig]) -> None:
    """Versions without a label that hold the current password, or nothing readable, are not taken for stray tokens."""
    rig = new_rig(Kind.AUTH_TOKEN)
    rig.secrets.add({"username": "default", "password": rig.first})
    rig.secrets.add({"another": "shape"})
    rig.rotate()

    assert 1 == rig.account.calls.count("elasticache:ModifyReplicationGroup")


def test_cache_without_nodes_proves_nothing(rig: Rig) -> None:
    """When every node is being deleted nothing is promoted: no refusal is not yet an acceptance."""
    token = rig.secrets.rotate()
    for step in FOUR[:3]:
        rig.step(step, token)
    rig.seconds = 5.0
    rig.cache.member_status = {0: "deleting", 1: "deleting"}
    with pytest.raises(NotYet, match="a cache without nodes"):
        rig.step("finishSecret", token)

    assert rig.first == rig.secrets.peek("AWSCURRENT")


def test_lagging_token_is_not_added_twice(new_rig: Callable[[Kind], Rig]) -> None:
    """Once a node knows the pending token, setSecret does not ROTATE again."""
    rig = new_rig(Kind.AUTH_TOKEN)
    token = rig.secrets.rotate()
    rig.step("createSecret", token)
    rig.step("setSecret", token)
    rig.cache.servers[1].accept("default", [rig.first], rig.cache.rules)

    assert "already-set" == rig.step("setSecret", token)


def _require(promise: bool) -> None:  # noqa: FBT001
    assert promise


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"Step": "sleep"}, "Step='sleep': one of createSecret, "),
        ({"Step": "createSecret", "SecretId": "another"}, "SecretId='another': SECRET_ARN is "),
        ({"Step": "setSecret", "SecretId": SECRET, "ClientRequestToken": "gone"}, "version gone, which is neither"),
    ],
    ids=["an unknown step", "another secret", "a version that is not pending"],
)
def test_foreign_events_are_refused(new_rig: Callable[[Kind], Rig], event: dict[str, str], message: str) -> None:
    """An event that is not about this function's secret and its pending version is refused."""
    with pytest.raises(Refused) as refusal:
        new_rig(Kind.USER).step(**{"step": event["Step"], **{k: v for k, v in event.items() if k != "Step"}})

    assert str(refusal.value).startswith(message)


def test_secret_of_another_user_is_refused_by_every_step(rig: Rig) -> None:
    """A secret that was edited to name another user stops every step before the cache is asked to change."""
    token = rig.secrets.rotate()
    rig.secrets.add({"username": "another", "password": rig.first}, "AWSCURRENT")
    for step in (*FOUR, "retire", "abort"):
        with pytest.raises(Refused, match="for the user 'another'"):
            rig.step(step, None if step in ("retire", "abort") else token)

    assert [] == [call for call in rig.account.calls if "Modify" in call or "Update" in call]


@pytest.mark.parametrize("value", ["not JSON", "[]", '{"username": "app"}', '{"username": "app", "password": 7}'])
def test_secret_of_another_shape_is_refused(new_rig: Callable[[Kind], Rig], value: str) -> None:
    """A value that is not an object with a user name and a password is refused without being quoted."""
    rig = new_rig(Kind.USER)
    token = rig.secrets.rotate()
    rig.secrets.versions[rig.secrets.labelled("AWSCURRENT") or ""].value = value
    with pytest.raises(Refused, match=r"^a secret of another shape: "):
        rig.step("createSecret", token)


def test_iam_user_is_refused(new_rig: Callable[[Kind], Rig]) -> None:
    """A user that logs in by IAM has nothing to rotate."""
    rig = new_rig(Kind.USER)
    rig.cache.authentication = "iam"
    with pytest.raises(Refused, match="user orders-prod-app with authentication 'iam'"):
        rig.step("createSecret", rig.secrets.rotate())


def test_user_of_another_name_is_refused(new_rig: Callable[[Kind], Rig]) -> None:
    """USER_ID of another user than the secret's is refused by what ElastiCache says, not by what the secret says."""
    rig = new_rig(Kind.USER)
    rig.cache.user_name = "another"
    with pytest.raises(Refused, match="user orders-prod-app named 'another'"):
        rig.step("createSecret", rig.secrets.rotate())


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        ("REPLICATION_GROUP_ID", "on ['orders']: REPLICATION_GROUP_ID is 'orders,reports'. Attach the user's group to"),
        ("SERVERLESS_CACHE_NAME", "on ['orders']: SERVERLESS_CACHE_NAME is 'reports'. Attach the user's group to"),
    ],
)
def test_cache_that_lacks_the_user_is_refused(new_rig: Callable[[Kind], Rig], variable: str, message: str) -> None:
    """Every cache that the function is configured for has the user."""
    rig = new_rig(Kind.USER)
    rig.environment[variable] = ",".join((*filter(None, [rig.environment.get(variable)]), "reports"))
    with pytest.raises(Refused, match=re.escape(f"{message} reports, or set {variable}.")):
        rig.step("createSecret", rig.secrets.rotate())


def test_group_with_users_has_no_token_to_rotate(new_rig: Callable[[Kind], Rig]) -> None:
    """KIND=auth-token is refused on a group whose users carry the passwords."""
    rig = new_rig(Kind.AUTH_TOKEN)
    rig.cache.user_name = "app"
    with pytest.raises(Refused, match="group orders without an AuthToken, or with users"):
        rig.step("createSecret", rig.secrets.rotate())


def test_user_without_whoami_is_told_what_to_allow(new_rig: Callable[[Kind], Rig]) -> None:
    """A user whose access string forbids the proof is refused with the rule to add."""
    rig = new_rig(Kind.USER)
    rig.cache.rules = "on ~* -@all +get"
    rig.cache.seed()
    with pytest.raises(Refused, match=r"Add \+acl\|whoami \+ping to its access string"):
        rig.step("createSecret", rig.secrets.rotate())


@pytest.mark.parametrize("action", ["kms:Decrypt", "kms:GenerateDataKey"])
def test_denied_key_stops_create(rig: Rig, action: str) -> None:
    """Without its key the function makes no version, and AWSCURRENT works on."""
    token = rig.secrets.rotate()
    rig.account.fail(action, "AccessDeniedException", 1)
    with pytest.raises(CallFailed, match="failed with AccessDeniedException"):
        rig.step("createSecret", token)

    assert rig.secrets.versions[token].value is None
    assert rig.current_works()
