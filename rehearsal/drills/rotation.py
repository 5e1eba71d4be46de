"""The drill of a rotation: a new password comes in, and the old one goes, while clients work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rehearsal.drills.logins import ACCEPTED, REFUSED, login
from rehearsal.drills.scene import NotApplicableError

if TYPE_CHECKING:
    from rehearsal.drills.scene import Scene
    from rehearsal.drills.stage import Group, Rotated

CURRENT = "AWSCURRENT"
DAY = 24  # hours, which no grace time of the project's default outlasts


def rotate(scene: Scene) -> None:
    """Rotate each secret under load, then let hours pass until its previous password is retired."""
    groups = {group.name: group for group in scene.stage.groups}
    rotated = [secret for secret in scene.stage.rotated if secret.group in groups]
    if not rotated:
        raise NotApplicableError("the stage rotates no secret of a replication group")
    for secret in rotated:
        _rotate(scene, secret, groups[secret.group])


def _rotate(scene: Scene, secret: Rotated, group: Group) -> None:
    settings = scene.stage.settings(group)
    old = scene.stage.password(secret.secret)
    # The load logs in with the login of the group; for another user's secret, that is another password.
    with scene.cache_load(group) as load:
        load.event("RotateSecret")
        version = scene.client("secretsmanager").rotate_secret(SecretId=secret.secret)["VersionId"]
        scene.until(lambda: CURRENT in _stages(scene, secret, version), "the new password becomes AWSCURRENT")
        load.event("promoted")
        new = scene.stage.password(secret.secret)
        scene.expect("the password has changed", "yes", "yes" if new != old else "no", of=secret.resource)
        scene.expect(
            "new password after the promotion", ACCEPTED, login(settings, secret.user, new), of=secret.resource
        )
        grace = login(settings, secret.user, old)
        scene.expect("old password within its grace time", ACCEPTED, grace, of=secret.resource)
        hours = 0
        while hours < DAY and login(settings, secret.user, old) == ACCEPTED:
            hours += 1
            load.event("an hour passes")
            scene.control("pass-hour")
        scene.expect(
            "old password after its grace time", REFUSED, login(settings, secret.user, old), of=secret.resource
        )
        scene.expect(
            "new password after the grace time", ACCEPTED, login(settings, secret.user, new), of=secret.resource
        )
    scene.expect_right_answers(of=secret.resource)


def _stages(scene: Scene, secret: Rotated, version: str) -> list[str]:
    described = scene.client("secretsmanager").describe_secret(SecretId=secret.secret)
    stages: list[str] = described["VersionIdsToStages"].get(version, [])
    return stages
