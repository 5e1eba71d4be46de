"""Where sessions are kept: one class that blocks, one for asyncio, and between them what both of them do."""

from __future__ import annotations

import datetime as dt
import logging
import secrets
import time
from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from elasticache_client.failures import Failure, kind_of
from elasticache_client.messages import refusal
from elasticache_client.scripting import Script
from elasticache_client.sessions import scripts
from elasticache_client.sessions.cookie import CookieChange
from elasticache_client.sessions.ids import SessionId, grant_key
from elasticache_client.sessions.session import Record, Session
from elasticache_client.sessions.values import Values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from elasticache_client.sessions.values import Encoded

T = TypeVar("T")

Steps = Generator[Callable[[], Any], Any, T]
"""Yields calls of the client, is sent their replies, and returns its result."""

Secret = str | bytes | Sequence[str | bytes] | None

_logger = logging.getLogger(__name__)

_IDLE = dt.timedelta(minutes=30)
_LIFETIME = dt.timedelta(hours=12)
_TOUCHES = 10
_GRANT_BYTES = 16
_LOGIN_MILLISECONDS = 600_000
_SHORTEST_SECRET = 16
_FORGET = CookieChange("", 0)


class SessionsUnavailable(Exception):  # noqa: N818  # a state of the cache, not a mistake
    """The cache did not answer, so nobody knows whose request this is; its cause is the client's own error.

    Answer with status 503. To go on as if nobody had logged in would be wrong in two ways: what the user does is lost,
    and whoever can make the cache fail decides what the application believes.
    """


class Sessions:
    """Sessions in Redis or Valkey, on one node or in a cluster.

    A session that is unknown, expired, revoked or tampered with is a new one, never an error. Reading is one round
    trip. Writing is another, for the values that have changed, if any have. Expiry slides along with reads, in the same
    round trip, and is written at most ten times in the time that it spans.

    The cache holds no id, only its hash. Values are JSON. Whoever may write to the cache may write sessions, so
    give no other application's user these keys. Revocations are as lasting as the cache's writes: a failover may lose
    those of its last moment.

    Args:
        client: a client of redis-py or valkey-py, as ``connect()`` makes it.
        idle: how long a session lasts without a request, or up to a tenth less. Default: 30 minutes.
        lifetime: how long it lasts at most, from its login on. Default: 12 hours. Both are what NIST SP 800-63B asks
            for at AAL2.
        types: the types of the values, by name, that are not JSON's own, as msgspec reads them: ``{"seen": datetime}``.
            Default: none. A value that is there and does not fit, as one of another release, is left out and stays as
            it is until it is replaced; the rest of the session and its user hold.
        prefix: what the keys begin with, for the user's permissions: ``session:*``. Default: ``session``.
        clock: seconds since 1970.
        secret: the application's own secret, 16 bytes or more and the same in all of its processes, as Flask's
            ``secret_key`` or Django's ``SECRET_KEY``. Users' names are in the names of keys as hashes with it, so that
            nobody who sees those finds a user by guessing. Several: the first is used, and the others are of earlier
            releases. Setting or changing it ends no session. Until every process has it, revoke a user again. Default:
            none; whoever may list the cache's keys can tell whether a user that can be guessed has a session.

    Raises:
        ValueError: the times are not positive, ``idle`` is longer than ``lifetime``, or a secret is short.
        TypeError: a secret is neither a text nor bytes.
    """

    def __init__(
        self,
        client: Any,
        *,
        idle: dt.timedelta = _IDLE,
        lifetime: dt.timedelta = _LIFETIME,
        types: Mapping[str, Any] | None = None,
        prefix: str = "session",
        clock: Callable[[], float] = time.time,
        secret: Secret = None,
    ) -> None:
        self._store = _Store(
            client, idle=idle, lifetime=lifetime, types=types, prefix=prefix, clock=clock, secret=secret
        )

    def load(self, cookie: str | None) -> Session:
        """The session of a request.

        Args:
            cookie: the value that the browser has sent. None: it has sent none, and nothing is asked of the cache.

        Raises:
            SessionsUnavailable: the cache did not answer.
        """
        return self._run(self._store.load(cookie))

    def save(self, session: Session) -> CookieChange | None:
        """Keep what has changed. A session that has ended meanwhile is not kept, and is empty afterwards.

        Returns:
            What to tell the browser. None: nothing.

        Raises:
            SessionsUnavailable: the cache did not answer; the changes may have been kept or not.
            TypeError: a value is none that would come back as it is; nothing has been kept.
        """
        return self._run(self._store.save(session))

    def revoke(self, user: str) -> None:
        """End all sessions of a user, however many, at once. Requests that are under way cannot save them any more.

        To keep the present one, ``renew(user)`` it afterwards.

        Raises:
            SessionsUnavailable: the cache did not answer; sessions may go on.
            ValueError: the user is not a text, or is empty.
        """
        self._run(self._store.revoke(user))

    def grant(self, user: str) -> str:
        """For ``Session.renew``: the user's grant before a password is looked at. It is good for ten minutes.

        Raises:
            SessionsUnavailable: the cache did not answer.
            ValueError: the user is not a text, or is empty.
        """
        return self._run(self._store.grant(user))

    @property
    def idle(self) -> dt.timedelta:
        """How long a session lasts without a request."""
        return dt.timedelta(seconds=self._store.idle)

    def add_types(self, types: Mapping[str, Any]) -> None:
        """Declare the types of further values, of a framework's own for instance; ``types`` of the store prevail."""
        self._store.values.add_types(types)

    def _run(self, steps: Steps[T]) -> T:
        reply = None
        while True:
            try:
                call = steps.send(reply)
            except StopIteration as end:
                result: T = end.value
                return result
            try:
                reply = call()
            except UnicodeDecodeError:
                reply = None  # a client that decodes has met what no session holds
            except Exception as error:
                if kind_of(error) is Failure.OTHER:
                    raise
                raise _unavailable() from error


class AsyncSessions:
    """The same for asyncio, on a client as ``connect_async()`` makes it; arguments and errors are those above."""

    def __init__(
        self,
        client: Any,
        *,
        idle: dt.timedelta = _IDLE,
        lifetime: dt.timedelta = _LIFETIME,
        types: Mapping[str, Any] | None = None,
        prefix: str = "session",
        clock: Callable[[], float] = time.time,
        secret: Secret = None,
    ) -> None:
        self._store = _Store(
            client, idle=idle, lifetime=lifetime, types=types, prefix=prefix, clock=clock, secret=secret
        )

    async def load(self, cookie: str | None) -> Session:
        """The session of a request."""
        return await self._run(self._store.load(cookie))

    async def save(self, session: Session) -> CookieChange | None:
        """Keep what has changed, and say what to tell the browser."""
        return await self._run(self._store.save(session))

    async def revoke(self, user: str) -> None:
        """End all sessions of a user."""
        await self._run(self._store.revoke(user))

    async def grant(self, user: str) -> str:
        """The user's grant as it is now."""
        return await self._run(self._store.grant(user))

    async def _run(self, steps: Steps[T]) -> T:
        reply = None
        while True:
            try:
                call = steps.send(reply)
            except StopIteration as end:
                result: T = end.value
                return result
            try:
                reply = await call()
            except UnicodeDecodeError:
                reply = None
            except Exception as error:
                if kind_of(error) is Failure.OTHER:
                    raise
                raise _unavailable() from error


class _Store:
    """What is asked of the cache and in which order, without waiting for anything."""

    def __init__(
        self,
        client: Any,
        *,
        idle: dt.timedelta,
        lifetime: dt.timedelta,
        types: Mapping[str, Any] | None,
        prefix: str,
        clock: Callable[[], float],
        secret: Secret,
    ) -> None:
        if not dt.timedelta() < idle <= lifetime:
            raise ValueError(
                refusal(
                    got=f"idle={idle}, lifetime={lifetime}",
                    allowed="idle must be more than zero and at most lifetime",
                    fix="Pass a lifetime that is at least as long as idle",
                )
            )
        self._client = client
        self._lifetime = lifetime.total_seconds()
        self.idle = idle.total_seconds()
        self.values = Values(types or {})
        self._told: set[str] = set()
        self._prefix = prefix
        self._clock = clock
        self._secret, *self._former = _secrets(secret)
        self._read = Script(client, scripts.READ)
        self._create = Script(client, scripts.CREATE)
        self._update = Script(client, scripts.UPDATE)
        self._grant = Script(client, scripts.GRANT)

    def load(self, cookie: str | None) -> Steps[Session]:
        """One call, or none without a cookie that could be ours."""
        session_id = SessionId.parse(cookie)
        if session_id is None:
            return Session()
        times = [_ms(self._clock()), _ms(self.idle), _ms(self.idle / _TOUCHES)]
        reply = yield partial(self._read, keys=session_id.keys(self._prefix), args=times)
        return self._session(session_id, reply) if reply else Session()

    def save(self, session: Session) -> Steps[CookieChange | None]:
        """One call where something has changed, two where a former session has to go."""
        record = session.record
        values = self.values.write(session, record.values)
        if record.id is not None:
            yield from self._update_session(session, record.id.keys(self._prefix), values)
            return None
        if record.former is not None:
            # First, so that a failure in between leaves nobody with the old one.
            existed = yield partial(self._client.delete, record.former.keys(self._prefix)[0])
            if record.continues and not existed:
                session.lose()
                return None
        if session or session.user is not None or record.wanted:
            return (yield from self._create_session(session, values))
        session.record = Record()
        return None if record.former is None else _FORGET

    def revoke(self, user: str) -> Steps[None]:
        """One call for each secret there has been, however many sessions the user has."""
        for secret in (self._secret, *self._former):
            yield partial(self._client.delete, grant_key(self._prefix, user, secret))

    def grant(self, user: str) -> Steps[str]:
        """One call; a grant is made where there is none, and lasts at least as long as a login may take."""
        args = [secrets.token_hex(_GRANT_BYTES), _LOGIN_MILLISECONDS]
        reply = yield partial(self._grant, keys=[grant_key(self._prefix, user, self._secret)], args=args)
        return _bytes(reply).decode()

    def _session(self, session_id: SessionId, reply: list[Any]) -> Session:
        fields = {_bytes(name): _bytes(value) for name, value in zip(reply[::2], reply[1::2], strict=True)}
        session = Session()
        try:
            values = {name[1:].decode(): json for name, json in fields.items() if name.startswith(b":")}
            found, unread = self.values.read_fit(values)
            session.update(found)
            session.user = None if session_id.owner is None else fields[b"user"].decode()
            session.deadline = min(float(fields[b"deadline"]) / 1000, self._clock() + self._lifetime)
            expires = fields.get(b"expires")
            session.record = Record(
                id=session_id,
                grant=fields.get(b"grant", b"").decode(),
                values={name: json for name, json in values.items() if name not in unread},
                unread=unread,
                expires=None if expires is None else float(expires) / 1000,
                is_bounded=expires is not None,
            )
        except Exception:  # noqa: BLE001  # somebody else's content; reading it may raise anything
            return Session()
        self._tell_of(unread)
        return session

    def _tell_of(self, unread: Encoded) -> None:
        for name in unread.keys() - self._told:
            self._told.add(name)
            _logger.warning("session[%r] cannot be read as its type, and is left out: another release wrote it", name)

    def _create_session(self, session: Session, values: Encoded) -> Steps[CookieChange | None]:
        now = self._clock()
        deadline = now + self._lifetime if session.deadline is None else session.deadline
        left = max(deadline - now, 0)
        session_id = self._new_id(session)
        times = [self._life(session, left), _ms(self._lifetime)]
        facts: list[str | int] = ["deadline", _ms(deadline)]
        facts += [] if session.user is None else ["user", session.user]
        expires, unread = session.record.expires, session.record.unread
        facts += [] if expires is None else ["expires", _ms(expires)]
        kept = unread | values
        args = [*times, session.record.grant, secrets.token_hex(_GRANT_BYTES), *facts, *_fields(kept)]
        grant = yield partial(self._create, keys=session_id.keys(self._prefix), args=args)
        if grant is None:
            session.lose()
            return None
        session.deadline = deadline
        unread = {name: json for name, json in unread.items() if name not in values}
        session.record = Record(
            id=session_id,
            grant=_bytes(grant).decode(),
            values=values,
            unread=unread,
            expires=expires,
            is_bounded=expires is not None,
        )
        return CookieChange(session_id.text, int(left))

    def _new_id(self, session: Session) -> SessionId:
        record = session.record
        if record.continues and record.former is not None:
            # The user's grant is under the mark that it began with, whatever the secret is by now.
            return record.former.another()
        return SessionId.new(session.user, self._secret)

    def _update_session(self, session: Session, keys: list[str], values: Encoded) -> Steps[None]:
        record = session.record
        changed = {name: json for name, json in values.items() if json != record.values.get(name)}
        removed = [f":{name}" for name in record.values if name not in values]
        facts: list[str | int] = []
        expiry: str | int = ""
        if record.expires is not None:
            facts = ["expires", _ms(record.expires)]
        elif record.is_bounded:
            removed.append("expires")
        if record.expires is not None or record.is_bounded:
            left = self._lifetime if session.deadline is None else session.deadline - self._clock()
            expiry = self._life(session, left)
        if changed or removed or facts:
            args = [record.grant, len(removed), expiry, *removed, *facts, *_fields(changed)]
            if (yield partial(self._update, keys=keys, args=args)):
                record.values = values
                record.is_bounded = record.expires is not None
                record.unread = {name: json for name, json in record.unread.items() if name not in values}
            else:
                session.lose()

    def _life(self, session: Session, left: float) -> int:
        """For how many milliseconds it is kept without a request."""
        expires = session.record.expires
        until = left if expires is None else min(left, expires - self._clock())
        return _ms(max(min(self.idle, until), 0))


def _secrets(given: Secret) -> list[bytes | None]:
    """The secret that marks are made with, those of earlier releases, and none at all, with which it began."""
    # What is none of these is looked at below.
    several: Sequence[object] = given if isinstance(given, list | tuple) else () if given is None else (given,)
    return [*map(_checked_secret, several), None]


def _checked_secret(given: object) -> bytes:
    secret = given.encode() if isinstance(given, str) else given
    if not isinstance(secret, bytes):
        raise TypeError(
            refusal(
                got=f"secret= of type {type(secret).__name__}",
                allowed="must be a string, bytes, or several of these",
                fix="Pass the secret that the application already has, as in secret=app.secret_key",
            )
        )
    if len(secret) < _SHORTEST_SECRET:
        raise ValueError(
            refusal(
                got=f"secret= of {len(secret)} bytes",
                allowed=f"must have at least {_SHORTEST_SECRET} bytes",
                fix='Make one with python -c "import secrets; print(secrets.token_hex())"',
            )
        )
    return secret


def _fields(values: Encoded) -> list[str | bytes]:
    return [part for name, json in values.items() for part in (f":{name}", json)]


def _ms(seconds: float) -> int:
    return int(seconds * 1000)


def _bytes(value: bytes | str) -> bytes:
    return value.encode() if isinstance(value, str) else value


def _unavailable() -> SessionsUnavailable:
    return SessionsUnavailable(
        "The cache that keeps the sessions did not answer. Answer with status 503, and see this error's cause."
    )
