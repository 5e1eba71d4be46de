"""Steps besides those of Secrets Manager: retire the previous password, abort a rotation, report its status."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from .errors import Drift, RotationTooSoon
from .log import Metric

if TYPE_CHECKING:
    from .secret import Login, Versions
    from .steps import Rotation

_DAY_SECONDS = 24 * 3600


class Retirement:
    """Retires, aborts and reports."""

    def __init__(self, rotation: Rotation) -> None:
        self.rotation = rotation
        self._overdue_seconds = 0.0
        self._late_seconds = 0.0

    def retire(self) -> str:
        """Remove the previous password once its grace time is over; an EventBridge rule invokes it every hour.

        Raises:
            Drift: If the current password is not accepted everywhere: the previous one may be all that works.
            NotYet: If some node still accepts the previous one.
        """
        outcome = ""
        try:
            outcome = self.rotation.deadline.run(self._retire)
        finally:
            # A sweep may run late. A password is overdue when it outlives its grace time by the same time again.
            if outcome != "retired" and self._overdue_seconds >= self.rotation.configuration.grace_seconds:
                self.rotation.log.count(Metric.OVERDUE, "retire-overdue", seconds=round(self._overdue_seconds))
            # Secrets Manager retries by itself for a day.
            if self._late_seconds >= _DAY_SECONDS:
                self.rotation.log.count(Metric.LATE, "rotation-overdue", seconds=round(self._late_seconds))
        return outcome

    def abort(self) -> str:
        """Make the cache accept only AWSCURRENT, and drop the pending version. Also repairs drift.

        Raises:
            RotationTooSoon: If clients may use the previous password.
        """
        rotation = self.rotation
        versions = rotation.secret.versions()
        current = rotation.current(versions)
        pending = rotation.secret.login(versions.pending) if versions.pending else None
        (answers,) = rotation.cache.ask(current)
        if pending or not answers.everywhere:
            if self._in_grace(versions, current):
                raise RotationTooSoon("clients may use the previous password: abort when its grace time is over")
            rotation.deadline.until(rotation.cache.changing)
            rotation.cache.credential.keep_only(current, newest=False)
            rotation.deadline.until(lambda: self._remains(current, pending))
        if versions.pending:
            rotation.secret.drop_pending(versions.pending)
        return "aborted"

    def status(self) -> dict[str, str | float | None]:
        """The state of the rotation, from labels and record alone."""
        versions = self.rotation.secret.versions()
        record = versions.record
        return {
            "current": versions.current,
            "pending": versions.pending,
            "previous": versions.previous,
            "promoted": record.promoted if record else None,
            "retire_in_seconds": round(self.rotation.grace_left(record)) if record and not record.retired else None,
        }

    def _retire(self) -> str:
        rotation = self.rotation
        versions = rotation.secret.versions()
        self._late_seconds = 0.0 if versions.due is None else rotation.clock() - versions.due
        current = rotation.current(versions)
        believed = rotation.believed(versions, current)
        if believed and believed.retired and not self._two_passwords(versions):
            return "steady"
        previous = rotation.predecessor(versions, current)
        if previous is None:
            return "steady"
        record = rotation.record(versions, current)
        grace_left = rotation.grace_left(record)
        self._overdue_seconds = max(-grace_left, self._hidden_seconds(current))
        if grace_left > 0:
            return "grace"
        if self._under_way(versions) or not self._dropped(versions, current, previous):
            return "rotation-under-way"
        rotation.secret.write(replace(record, retired=True))
        rotation.log.count(Metric.RETIRED, "retired", version=versions.previous)
        return "retired"

    def _in_grace(self, versions: Versions, current: Login) -> bool:
        rotation = self.rotation
        previous = rotation.predecessor(versions, current)
        record = rotation.believed(versions, current)
        if previous is None or (record and rotation.grace_left(record) <= 0):
            return False
        (answers,) = rotation.cache.ask(previous)
        return answers.anywhere

    def _two_passwords(self, versions: Versions) -> bool:
        """Whether the service knows a second password, though the record says that it is gone."""
        passwords = self.rotation.cache.credential.state().passwords
        return passwords is not None and passwords > 1 and not self._under_way(versions)

    def _hidden_seconds(self, current: Login) -> float:
        """How long the previous password is overdue, without the record; a promotion takes less than a day."""
        if current.created is None:
            return -math.inf
        rotation = self.rotation
        return rotation.clock() - current.created - _DAY_SECONDS - rotation.configuration.grace_seconds

    def _under_way(self, versions: Versions) -> bool:
        # A pending version without a value is a rotation that createSecret refused as too soon: it waits for this.
        return versions.pending is not None and self.rotation.secret.login(versions.pending) is not None

    def _dropped(self, versions: Versions, current: Login, previous: Login) -> bool:
        """Remove the previous password; False if another rotation began meanwhile."""
        rotation = self.rotation
        rotation.deadline.until(rotation.cache.changing)
        with_current, with_previous = rotation.cache.ask(current, previous)
        if not with_current.everywhere:
            raise Drift(
                f"AWSCURRENT is refused by {', '.join(with_current.refused)}; the previous password stays, "
                "until the secret or the cache, which was changed by hand, is repaired"
            )
        if not with_previous.anywhere:
            return True
        now = rotation.secret.versions()
        if (now.current, now.previous) != (versions.current, versions.previous) or self._under_way(now):
            return False
        rotation.cache.credential.keep_only(current, newest=True)
        rotation.deadline.until(lambda: self._remains(current, previous))
        return True

    def _remains(self, current: Login, other: Login | None) -> str | None:
        """Why it is not yet proven that only the current password works; None once it is."""
        if missing := self.rotation.cache.misses(current):
            return missing
        if other is None:
            return None
        (answers,) = self.rotation.cache.ask(other)
        return f"a removed password is still accepted by {', '.join(answers.accepted)}" if answers.anywhere else None
