"""The drill of a rotation: a new password comes in, and the old one goes, while clients work."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rehearsal.drills.logins import ACCEPTED, REFUSED, login
from rehearsal.drills.scene import PATIENCE_SECONDS, NotApplicableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elasticache_client import ConnectionSettings
    from rehearsal.drills.scene import Scene
    from rehearsal.drills.stage import Group, Rotated

CURRENT = "AWSCURRENT"
GRACE = "GRACE_SECONDS"
BEFORE_SECONDS = 20.0
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
    settings = scene.stage.settings(group)
    old = scene.stage.password(secret.secret)
    scene.control("wait-for-rotations", seconds=BEFORE_SECONDS)  # such as the test of a new schedule
    # The load logs in with the login of the group; for another user's secret, that is another password.
    with scene.cache_load(group) as load:
        load.event("RotateSecret")
        version = scene.client("secretsmanager").rotate_secret(SecretId=secret.secret)["VersionId"]
        scene.control("wait-for-rotations", seconds=PATIENCE_SECONDS)
        promoted = "AWSCURRENT" if CURRENT in _stages(scene, secret, version) else "not AWSCURRENT"
        if not scene.expect("the new password when the rotation ends", CURRENT, promoted, of=secret.resource):
            return
        load.event("promoted")
        new = scene.stage.password(secret.secret)
        scene.expect("the password has changed", "yes", "yes" if new != old else "no", of=secret.resource)
        scene.expect(
            "new password after the promotion", ACCEPTED, login(settings, secret.user, new), of=secret.resource
        )
        grace = login(settings, secret.user, old)
        scene.expect("old password within its grace time", ACCEPTED, grace, of=secret.resource)
        load.event("the schedule fires")
        scene.control("pass-hour")
        kept = login(settings, secret.user, old)
        scene.expect("old password when the schedule fires within the grace time", ACCEPTED, kept, of=secret.resource)
        with _short_grace(scene, secret):
            load.event("grace time over")
            scene.until(
                lambda: _is_retired(scene, settings, secret, old), "the old password is retired", RETIRED_SECONDS
            )
        gone = login(settings, secret.user, old)
        scene.expect("old password after its grace time", REFUSED, gone, of=secret.resource)
        held = login(settings, secret.user, new)
        scene.expect("new password after the grace time", ACCEPTED, held, of=secret.resource)
    scene.expect_right_answers(of=secret.resource)


def _is_retired(scene: Scene, settings: ConnectionSettings, secret: Rotated, old: str) -> bool:
    """Let the schedule fire, and look whether the old password is refused."""
    time.sleep(PAUSE_SECONDS)
    scene.control("pass-hour")
    return login(settings, secret.user, old) == REFUSED


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


def _stages(scene: Scene, secret: Rotated, version: str) -> list[str]:
    described = scene.client("secretsmanager").describe_secret(SecretId=secret.secret)
    stages: list[str] = described["VersionIdsToStages"].get(version, [])
    return stages
