"""The order of operations of published rotators, in as few lines as show it, for comparison.

* AWS's own for users (aws-samples/aws-secrets-manager-rotation-lambdas, SecretsManagerElasticacheUserRotation): both
  passwords are set, the status is waited for, no login is tried, the old password stays.
* SET before promotion (aws-samples/aws-cdk-examples, typescript/secrets-manager-rotation): the old token is dropped
  before AWSCURRENT moves.
* ROTATE without SET (Cimpress-MCP/ElastiCache-Auth-Token-Rotator): a login proves the new token, the old one stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from elasticache_constructs.rotation.runtime.rotate_secret.errors import NotYet
from elasticache_constructs.rotation.runtime.rotate_secret.secret import Login
from tests.rotation.rig import POLL_SECONDS
from tests.rotation.twin import GROUP, SECRET, USER_ID

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.rotation.rig import Rig


class Published:
    """What the three have in common: four steps, the second and third differ."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.secrets: Any = rig.secrets
        self.cache: Any = rig.cache

    def steps(self, token: str) -> list[Callable[[], None]]:
        """The steps of one rotation."""
        return [
            lambda: self.create(token),
            lambda: self.set(token),
            lambda: self.test(token),
            lambda: self.finish(token),
        ]

    def create(self, token: str) -> None:
        """Make a password."""
        new = self._login("AWSCURRENT").renewed()
        self.secrets.put_secret_value(
            SecretId=SECRET, ClientRequestToken=token, SecretString=new.text(), VersionStages=["AWSPENDING"]
        )

    def set(self, token: str) -> None:
        """Bring it to the cache."""
        raise NotImplementedError

    def test(self, token: str) -> None:
        """Find out whether it arrived."""

    def finish(self, token: str) -> None:
        """Promote it."""
        current = self.rig.secrets.labelled("AWSCURRENT")
        self.secrets.update_secret_version_stage(
            SecretId=SECRET, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=current
        )

    def _login(self, label: str) -> Login:
        return Login.parse(self.rig.secrets.versions[self.rig.secrets.labelled(label) or ""].value or "")

    def _wait(self, ready: Callable[[], bool]) -> None:
        end = self.rig.clock() + self.rig.seconds
        while not ready():
            if self.rig.clock() > end:
                raise NotYet("gave up waiting")
            self.rig.clock.sleep(POLL_SECONDS)


class OfficialUser(Published):
    """AWS's rotator for users."""

    def set(self, token: str) -> None:
        """Both passwords in one call."""
        del token
        self._wait(self._active)
        passwords = [self._login("AWSPENDING").password, self._login("AWSCURRENT").password]
        self.cache.modify_user(UserId=USER_ID, Passwords=passwords)

    def test(self, token: str) -> None:
        """The status, and no login."""
        del token
        self._wait(self._active)

    def _active(self) -> bool:
        return bool(self.cache.describe_users(UserId=USER_ID)["Users"][0]["Status"] == "active")


class _Token(Published):
    def _modify(self, strategy: str) -> None:
        self.cache.modify_replication_group(
            ReplicationGroupId=GROUP,
            AuthToken=self._login("AWSPENDING").password,
            AuthTokenUpdateStrategy=strategy,
            ApplyImmediately=True,
        )

    def _available(self) -> bool:
        group = self.cache.describe_replication_groups(ReplicationGroupId=GROUP)["ReplicationGroups"][0]
        return bool(group["Status"] == "available")


class SetFirst(_Token):
    """SET before AWSCURRENT moves."""

    def set(self, token: str) -> None:
        """Add the token."""
        del token
        self._modify("ROTATE")
        self._wait(self._available)

    def finish(self, token: str) -> None:
        """Drop the old one, then promote."""
        self._modify("SET")
        self._wait(self._available)
        super().finish(token)


class RotateOnly(_Token):
    """ROTATE, and never SET."""

    def set(self, token: str) -> None:
        """Add the token."""
        del token
        self._modify("ROTATE")
        self._wait(self._available)

    def test(self, token: str) -> None:
        """A login on the first node."""
        del token
        server = self.rig.cache.servers[0]
        self._wait(lambda: server.logs_in("default", self._login("AWSPENDING").password))
