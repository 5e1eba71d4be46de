"""The drill of a rotation: a new password comes in, and the old one goes, while clients work."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rehearsal.drills.logins import ACCEPTED, REFUSED, login
from rehearsal.drills.scene import Ability, NotApplicableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.drills.load import Load
    from rehearsal.drills.scene import Scene
    from rehearsal.drills.stage import Group, Rotated

CURRENT, PREVIOUS = "AWSCURRENT", "AWSPREVIOUS"
GRACE = "GRACE_SECONDS"
RETIRED_SECONDS = 60.0
PAUSE_SECONDS = 1.0


def rotate(scene: Scene) -> None:
    """Rotate each secret under load, then let its schedule fire until the previous password is retired."""
    groups = {group.name: group for group in scene.stage.groups}
    rotated = [secret for secret in scene.stage.rotated if secret.group in groups]
    if not rotated:
        raise NotApplicableError("the stage rotates no secret of a replication group")
    for secret in rotated:
        _rotate(scene, secret, groups[secret.group])


def _rotate(scene: Scene, secret: Rotated, group: Group) -> None:
    scene.settle_rotations()
    logins = (
        None if scene.lacks(Ability.CONNECT, "logins with the old and the new password") else _Logins(scene, secret)
    )
    waits = scene.lacks(Ability.SKIP_TIME, "the end of the old password, when its grace time is over")
    before = _current(scene, secret)
    # The load logs in with the login of the group; for another user's secret, that is another password.
    with scene.cache_load(group) as load:
        load.event("RotateSecret")
        began = time.monotonic()
        version = scene.client("secretsmanager").rotate_secret(SecretId=secret.secret)["VersionId"]
        scene.wait_for_rotation(secret, version)
        promoted = CURRENT if _current(scene, secret) == version else f"not {CURRENT}"
        if not scene.expect("the new password when the rotation ends", CURRENT, promoted, of=secret.resource):
            return
        load.event("promoted")
        scene.measure(f"seconds until the new password of {secret.user} was promoted", time.monotonic() - began)
        previous = PREVIOUS if before in _with_stage(scene, secret, PREVIOUS) else f"not {PREVIOUS}"
        scene.expect("the old password when the rotation ends", PREVIOUS, previous, of=secret.resource)
        _expect_both_passwords(scene, secret)
        if logins is not None:
            logins.expect_promoted()
        if logins is not None and not waits:
            _retire(scene, secret, logins, load)
    scene.expect_right_answers(of=secret.resource)


def _retire(scene: Scene, secret: Rotated, logins: _Logins, load: Load) -> None:
    """Let the schedule fire within the grace time, and after it."""
    load.event("the schedule fires")
    scene.pass_hour()
    logins.expect("old password when the schedule fires within the grace time", ACCEPTED, logins.old)
    with _short_grace(scene, secret):
        load.event("grace time over")
        scene.until(lambda: _is_retired(scene, logins), "the old password is retired", RETIRED_SECONDS)
    logins.expect("old password after its grace time", REFUSED, logins.old)
    logins.expect("new password after the grace time", ACCEPTED, logins.new)


class _Logins:
    """Logins with the passwords of a secret, before and after its rotation.

    Args:
        scene: What the drill acts with.
        secret: The secret, before its rotation.
    """

    def __init__(self, scene: Scene, secret: Rotated) -> None:
        self._scene, self._secret = scene, secret
        [group] = [group for group in scene.stage.groups if group.name == secret.group]
        self._settings = scene.stage.settings(group)
        self.old = self.new = scene.stage.password(secret.secret)

    def expect_promoted(self) -> None:
        """Check that the password has changed, and that both are accepted."""
        self.new = self._scene.stage.password(self._secret.secret)
        changed = "yes" if self.new != self.old else "no"
        self._scene.expect("the password has changed", "yes", changed, of=self._secret.resource)
        self.expect("new password after the promotion", ACCEPTED, self.new)
        self.expect("old password within its grace time", ACCEPTED, self.old)

    def expect(self, promise: str, asked: str, password: str) -> None:
        """Check how a login with a password ends."""
        self._scene.expect(promise, asked, self.outcome(password), of=self._secret.resource)

    def outcome(self, password: str) -> str:
        """How a login with a password ends."""
        return login(self._settings, self._secret.user, password)


def _expect_both_passwords(scene: Scene, secret: Rotated) -> None:
    """Check that the user has both passwords in its grace time, as far as the API tells: not of an AUTH token."""
    client = scene.client("elasticache")
    groups = scene.stage.describe(secret.group).get("UserGroupIds", [])
    members = [
        user for name in groups for user in client.describe_user_groups(UserGroupId=name)["UserGroups"][0]["UserIds"]
    ]
    described = [client.describe_users(UserId=user)["Users"][0] for user in members]
    for user in (user for user in described if user["UserName"] == secret.user):
        count = user["Authentication"].get("PasswordCount", 0)
        scene.expect("passwords of the user within the grace time", 2, count, of=secret.resource)


def _is_retired(scene: Scene, logins: _Logins) -> bool:
    """Let the schedule fire, and look whether the old password is refused."""
    time.sleep(PAUSE_SECONDS)
    scene.pass_hour()
    return logins.outcome(logins.old) == REFUSED


@contextmanager
def _short_grace(scene: Scene, secret: Rotated) -> Iterator[None]:
    """The function's grace time shortened to a second, because the time of this machine does not pass in hours."""
    functions = scene.client("lambda")
    variables = dict(secret.function.environment)
    functions.update_function_configuration(
        FunctionName=secret.function.name, Environment={"Variables": {**variables, GRACE: "1"}}
    )
    try:
        yield
    finally:
        functions.update_function_configuration(FunctionName=secret.function.name, Environment={"Variables": variables})


def _current(scene: Scene, secret: Rotated) -> str:
    """The id of the current version."""
    [version] = _with_stage(scene, secret, CURRENT)
    return version


def _with_stage(scene: Scene, secret: Rotated, stage: str) -> list[str]:
    """The ids of the versions with a staging label."""
    described = scene.client("secretsmanager").describe_secret(SecretId=secret.secret)
    return [version for version, stages in described["VersionIdsToStages"].items() if stage in stages]
