"""The four steps that Secrets Manager invokes. Each reads the state again and may be repeated at any time."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .errors import CallFailed, Drift, Refused, RotationTooSoon
from .log import Log, Metric
from .record import Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from .configuration import Configuration
    from .credential import Credential, State
    from .deadline import Deadline
    from .login import Answers, LoginProbe
    from .nodes import Nodes
    from .secret import Login, Secret, Versions

# Require three consecutive passes: one may succeed by chance while nodes converge.
_ROUNDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """The credential of the cache, as the service reports it and as the nodes accept it."""

    credential: Credential
    nodes: Nodes
    login_probe: LoginProbe

    def ask(self, *logins: Login) -> list[Answers]:
        """Try logins on every node that there is now."""
        return self._ask(self.credential.state(), *logins)

    def changing(self) -> str | None:
        """Why the credential cannot be changed now."""
        return self.credential.state().changing

    def misses(self, *logins: Login) -> str | None:
        """Why some node does not accept one of these logins; None if all do."""
        state = self.credential.state()
        if state.changing:
            return state.changing
        found = self._ask(state, *logins)
        if all(answers.everywhere for answers in found):
            return None
        refused = sorted({node for answers in found for node in answers.refused})
        return f"not every login is accepted by {', '.join(refused) or 'a cache without nodes'}"

    def _ask(self, state: State, *logins: Login) -> list[Answers]:
        nodes = self.nodes.of(state)
        return [self.login_probe.ask(nodes, login) for login in logins]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """One invocation's view of the rotation."""

    configuration: Configuration
    secret: Secret
    cache: Cache
    deadline: Deadline
    log: Log
    clock: Callable[[], float] = field(default=time.time)

    def create(self, token: str) -> str:
        """Generate the new password and store it in the pending version; the cache is not changed.

        Raises:
            RotationTooSoon: If the password before the current one may be in use.
            Drift: If the current password is not accepted everywhere.
        """
        versions = self.versions_for(token)
        if versions.current == token:
            return "already-current"
        current = self.current(versions)
        if pending := self.login(token):
            _check_differs(pending, current)
            return "already-created"
        self._check_time(versions, current)
        (answers,) = self.cache.ask(current)
        if not answers.everywhere:
            raise _drift(answers)
        return "created" if self.secret.put(token, current.renewed()) else "already-created"

    def set(self, token: str) -> str:
        """Make the cache accept the pending password as well as the current one.

        Raises:
            Drift: If no node accepts either.
        """
        versions = self.versions_for(token)
        if versions.current == token:
            return "already-current"
        current, pending = self.current(versions), self._needed(token)
        _check_differs(pending, current)
        self.deadline.until(self.cache.changing)
        with_pending, with_current = self.cache.ask(pending, current)
        if with_pending.everywhere and with_current.everywhere:
            return "already-set"
        if not with_pending.anywhere and not with_current.anywhere:
            raise _drift(with_current)
        credential = self.cache.credential
        if credential.keeps_abandoned:
            if with_pending.anywhere:
                # It was added and has not reached every node. Adding it again might remove the current one.
                return "already-set"
            self._make_room(versions, current)
        if self.secret.versions().pending != token:
            raise _not_pending(token)
        credential.accept_both(pending, current)
        return "set"

    def test(self, token: str) -> str:
        """Prove that both passwords log in on every node.

        Raises:
            NotYet: If they do not within the invocation's time.
        """
        versions = self.versions_for(token)
        if versions.current == token:
            return "already-current"
        current, pending = self.current(versions), self.login(token)
        if pending is None:
            # Secrets Manager tries a new configuration by this step alone, on a version that it takes away again.
            self.deadline.until(lambda: self.cache.misses(current))
            return "configuration-tested"
        rounds = 0

        def unmet() -> str | None:
            nonlocal rounds
            # A look that ends in Busy breaks the run too.
            before, rounds = rounds, 0
            if missing := self.cache.misses(pending, current):
                return missing
            rounds = before + 1
            return None if rounds == _ROUNDS else f"proven {rounds} of {_ROUNDS} times"

        self.deadline.until(unmet)
        return "tested"

    def finish(self, token: str) -> str:
        """Make the pending version current, after one more proof on every node.

        Raises:
            NotYet: If some node does not accept it.
        """
        versions = self.versions_for(token)
        if versions.current == token:
            self._tidy(versions)
            return "already-current"
        self.current(versions)  # refuses a secret that now names another user
        pending = self._needed(token)
        self.deadline.until(lambda: self.cache.misses(pending))
        try:
            self.secret.promote(token, over=versions.current)
        except CallFailed as error:
            if error.code != "InvalidParameterException" or self.secret.versions().current != token:
                raise
        self.log.count(Metric.PROMOTED, "promoted", version=token)
        self._tidy(self.secret.versions())
        return "promoted"

    def versions_for(self, token: str) -> Versions:
        """The versions, of which this one is pending or already current.

        Raises:
            Refused: If it is neither.
        """
        versions = self.secret.versions()
        if token not in (versions.pending, versions.current):
            raise _not_pending(token)
        return versions

    def current(self, versions: Versions) -> Login:
        """The login that is current."""
        return self._needed(versions.current)

    def login(self, version: str) -> Login | None:
        """The login of a version, or None if the version has no value.

        Raises:
            Refused: If it names another user.
        """
        login = self.secret.login(version)
        if login and login.username != self.configuration.user_name:
            raise Refused(
                got=f"version {version} for the user {login.username!r}",
                allowed=f"USER_NAME is {self.configuration.user_name!r}",
                fix="Restore the secret's username; one function rotates one user",
            )
        return login

    def predecessor(self, versions: Versions, current: Login) -> Login | None:
        """The login before the current one, where it has another password."""
        login = self.login(versions.previous) if versions.previous else None
        return login if login and login.password != current.password else None

    def believed(self, versions: Versions, current: Login) -> Record | None:
        """What can be true of the record of the current version."""
        if versions.record is None:
            return None
        grace_seconds = self.configuration.grace_seconds
        return versions.record.believed(created=current.created, now=self.clock(), grace_seconds=grace_seconds)

    def record(self, versions: Versions, current: Login) -> Record:
        """The record of the current version; without one that can be true, its time begins now."""
        return self.believed(versions, current) or self._begun(versions)

    def grace_left(self, record: Record) -> float:
        """Seconds until the predecessor may go; negative when it should have gone."""
        return record.promoted + self.configuration.grace_seconds - self.clock()

    def _begun(self, versions: Versions) -> Record:
        record = Record(versions.current, math.ceil(self.clock()))
        self.secret.write(record)
        return record

    def _tidy(self, versions: Versions) -> None:
        if versions.record is None:
            self._begun(versions)
        if versions.labelled_pending == versions.current:
            # A leftover label would look like a rotation in progress as soon as AWSCURRENT is moved by hand.
            self.secret.drop_pending(versions.current)

    def _needed(self, version: str) -> Login:
        login = self.login(version)
        if login is None:
            raise Refused(
                got=f"version {version} without a value",
                allowed="a version that is used has a value",
                fix="Run createSecret first",
            )
        return login

    def _check_time(self, versions: Versions, current: Login) -> None:
        record = self.believed(versions, current)
        if record and record.retired:
            return
        predecessor = self.predecessor(versions, current)
        if predecessor is None:
            return
        if record and (left := self.grace_left(record)) > 0:
            raise RotationTooSoon(f"clients may use the previous password for another {left:.0f} s")
        (answers,) = self.cache.ask(predecessor)
        if answers.anywhere:
            raise RotationTooSoon(f"the previous password is still accepted by {', '.join(answers.accepted)}")

    def _make_room(self, versions: Versions, current: Login) -> None:
        """Drop tokens of aborted rotations: the next ROTATE might otherwise drop the current one."""
        abandoned = [
            login for login in self.secret.abandoned(since=versions.current) if login.password != current.password
        ]
        if predecessor := self.predecessor(versions, current):
            abandoned.append(predecessor)
        if any(answers.anywhere for answers in self.cache.ask(*abandoned)):
            self.cache.credential.keep_only(current, newest=False)
            self.deadline.until(self.cache.changing)


def _check_differs(pending: Login, current: Login) -> None:
    if pending.password == current.password:
        raise Refused(
            got="a pending version with the current password",
            allowed="a rotation brings a new password",
            fix='Invoke the function with {"Step": "abort"} and rotate again',
        )


def _drift(answers: Answers) -> Drift:
    return Drift(
        f"AWSCURRENT is refused by {', '.join(answers.refused)}: the secret or the cache was changed by hand. "
        'Restore either; {"Step": "abort"} gives the cache the password of AWSCURRENT.'
    )


def _not_pending(token: str) -> Refused:
    return Refused(
        got=f"version {token}, which is neither AWSPENDING nor AWSCURRENT",
        allowed="a step is about the pending version",
        fix="Start a rotation with RotateSecret",
    )
