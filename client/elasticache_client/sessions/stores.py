"""Where sessions are kept: one class that blocks, one for asyncio, and their base, which does the work as steps."""

from __future__ import annotations

import datetime as dt
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from elasticache_client.failures import Failure, denial, kind_of
from elasticache_client.messages import refusal
from elasticache_client.scripting import Script
from elasticache_client.sessions import scripts
from elasticache_client.sessions.cookie import CookieChange
from elasticache_client.sessions.ids import SessionId, grant_key
from elasticache_client.sessions.session import Record, Session
from elasticache_client.sessions.values import Values
from elasticache_client.steps import Asyncio, Blocking, operation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from elasticache_client.sessions.values import Encoded
    from elasticache_client.steps import Steps

Secret = str | bytes | Sequence[str | bytes] | None

_logger = logging.getLogger(__name__)

_IDLE = dt.timedelta(minutes=30)
_LIFETIME = dt.timedelta(hours=12)
_TOUCHES = 10
_GRANT_BYTES = 16
_LOGIN_MILLISECONDS = 600_000
_SHORTEST_SECRET = 16
_FORGET = CookieChange("", 0)


class SessionsUnavailable(Exception):  # noqa: N818 - a state of the cache, not a mistake
    """The cache did not answer, so it is not known whose request this is; the cause is the client's own error.

    Answer with status 503. To go on as if no user had logged in would be wrong in two ways: what the user does is lost,
    and an attacker who can make the cache fail decides what the application believes.
    """


class SessionsDenied(SessionsUnavailable):
    """The cache refused the application's login or one of its commands, and will refuse the next one as well.

    Answer with status 500 and without ``Retry-After``: a policy, a password or the access string of the user has to be
    changed first. The message says what to check.
    """


class _SessionStore:
    """The base of `Sessions`, which describes the arguments, and of `AsyncSessions`."""

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
        self._idle = idle.total_seconds()
        self._values = Values(types or {})
        self._logged: set[str] = set()
        self._prefix = prefix
        self._clock = clock
        self._secret, *self._former_secrets = _secrets(secret)
        self._read = Script(client, scripts.READ)
        self._create = Script(client, scripts.CREATE)
        self._update = Script(client, scripts.UPDATE)
        self._grant = Script(client, scripts.GRANT)

    @operation
    def load(self, cookie: str | None) -> Steps[Session]:
        """Return the session of a request, in one round trip.

        Args:
            cookie: The value that the browser has sent. None: it has sent none, and the cache is not asked.

        Raises:
            SessionsUnavailable: If the cache does not answer. ``SessionsDenied``, which derives from it: if the cache
                refuses the application's login or its command.
        """
        session_id = SessionId.parse(cookie)
        if session_id is None:
            return Session()
        times = [_ms(self._clock()), _ms(self._idle), _ms(self._idle / _TOUCHES)]
        reply = yield from self._answer(self._read(session_id.keys(self._prefix), times))
        return self._session(session_id, reply) if reply else Session()

    @operation
    def save(self, session: Session) -> Steps[CookieChange | None]:
        """Save what has changed. A session that has ended meanwhile is not saved, and is empty afterwards.

        It is one round trip if something has changed, two if a former session has to be deleted.

        Returns:
            What to tell the browser. None: nothing.

        Raises:
            SessionsUnavailable: If the cache does not answer; the changes may have been saved or not.
            TypeError: If a value would not come back as it is; nothing has been saved.
        """
        record = session.record
        values = self._values.write(session, record.values)
        if record.id is not None:
            yield from self._update_session(session, record.id.keys(self._prefix), values)
            return None
        if record.former is not None:
            # First, so that a failure in between does not leave the former session usable.
            existed = yield from self._delete(record.former.keys(self._prefix)[0])
            if record.continues and not existed:
                session.lose()
                return None
        if session or session.user is not None or record.wanted:
            return (yield from self._create_session(session, values))
        session.record = Record()
        return None if record.former is None else _FORGET

    @operation
    def revoke(self, user: str) -> Steps[None]:
        """End all sessions of a user, however many, at once. Requests that are under way cannot save them any more.

        To keep the present one, ``renew(user)`` it afterwards. It is one call for each secret.

        Args:
            user: The user's id.

        Raises:
            SessionsUnavailable: If the cache does not answer; sessions may go on.
            ValueError: If the user is not a text, or is empty.
        """
        for secret in (self._secret, *self._former_secrets):
            yield from self._delete(grant_key(self._prefix, user, secret))

    @operation
    def grant(self, user: str) -> Steps[str]:
        """Return the user's grant before a password is checked, for ``Session.renew``. It is good for ten minutes.

        Args:
            user: The user's id.

        Raises:
            SessionsUnavailable: If the cache does not answer. ``SessionsDenied``, which derives from it: if the cache
                refuses the application's login or its command.
            ValueError: If the user is not a text, or is empty.
        """
        args = [secrets.token_hex(_GRANT_BYTES), _LOGIN_MILLISECONDS]
        reply = yield from self._answer(self._grant([grant_key(self._prefix, user, self._secret)], args))
        return _bytes(reply).decode()

    @property
    def idle(self) -> dt.timedelta:
        """How long a session lasts without a request."""
        return dt.timedelta(seconds=self._idle)

    def add_types(self, types: Mapping[str, Any]) -> None:
        """Declare the types of further values, as a framework does for its own; ``types`` of the store prevail.

        Args:
            types: The types by the values' names.
        """
        self._values.add_types(types)

    def _delete(self, key: str) -> Steps[Any]:
        return (yield from self._answer(_step(self._client.delete, key)))

    def _answer(self, steps: Steps[Any]) -> Steps[Any]:
        """The cache's answer; None where a client that decodes has met something that is no session."""
        try:
            return (yield from steps)
        except UnicodeDecodeError:
            return None
        except Exception as error:
            if kind_of(error) is Failure.OTHER:
                raise
            raise _unavailable(error) from error

    def _session(self, session_id: SessionId, reply: list[Any]) -> Session:
        fields = {_bytes(name): _bytes(value) for name, value in zip(reply[::2], reply[1::2], strict=True)}
        session = Session()
        try:
            values = {name[1:].decode(): json for name, json in fields.items() if name.startswith(b":")}
            found, unread = self._values.read_fit(values)
            session.update(found)
            session.user = None if session_id.user_hash is None else fields[b"user"].decode()
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
        except (LookupError, ValueError, RecursionError, msgspec.DecodeError):  # another writer's content
            return Session()
        self._log_unread(unread)
        return session

    def _log_unread(self, unread: Encoded) -> None:
        for name in unread.keys() - self._logged:
            self._logged.add(name)
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
        grant = yield from self._answer(self._create(session_id.keys(self._prefix), args))
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
            # The user's grant is under the hash that it began with, even if the secret has changed.
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
            if (yield from self._answer(self._update(keys, args))):
                record.values = values
                record.is_bounded = record.expires is not None
                record.unread = {name: json for name, json in record.unread.items() if name not in values}
            else:
                session.lose()

    def _life(self, session: Session, left: float) -> int:
        """For how many milliseconds it is kept without a request."""
        expires = session.record.expires
        until = left if expires is None else min(left, expires - self._clock())
        return _ms(max(min(self._idle, until), 0))


class Sessions(_SessionStore, Blocking):
    """Sessions in Redis or Valkey, on one node or in a cluster.

    A session that is unknown, expired, revoked or tampered with is a new one, never an error. Reading is one round
    trip. Writing is another, if values have changed. Reads extend the idle time in the same round trip; the expiry is
    written at most ten times per idle time.

    The cache holds no session id, only its hash. Values are JSON. A user that may write to these keys may write
    sessions, so give no other application's user these keys. Revocations are as durable as the cache's writes: a
    failover may lose those of its last moment.

    Without ``secret``, the names of keys hold an unkeyed SHA-256 hash of the user's id. A user or tool that may list
    the cache's keys can then hash a guessed id, such as an e-mail address or a small number, and see whether that user
    has a session. With ``secret``, the hash is an HMAC, and a guess cannot be tested.

    Args:
        client: A client of redis-py or valkey-py, as ``connect()`` makes it.
        idle: How long a session lasts without a request, or up to a tenth less. Default: 30 minutes.
        lifetime: The maximum time that a session lasts, from its login on. Default: 12 hours. Both defaults are what
            NIST SP 800-63B asks for at AAL2.
        types: The types of the values, by name, that are not JSON's own, as msgspec reads them: ``{"seen": datetime}``.
            Default: none. A value that does not fit its type, as one of another release, is left out and stays as it is
            until it is replaced; the rest of the session and its user are kept.
        prefix: What the keys begin with, for the user's permissions: ``session:*``. Default: ``session``.
        clock: Seconds since 1970.
        secret: The application's own secret, at least 16 bytes and the same in all of its processes, as Flask's
            ``secret_key`` or Django's ``SECRET_KEY``. If several are given, the first is used, and the others are of
            earlier releases. Setting or changing it ends no session. Until every process has it, revoke a user again.
            Default: none; see above what that reveals.

    Raises:
        ValueError: If the times are not positive, ``idle`` is longer than ``lifetime``, or a secret is too short.
        TypeError: If a secret is neither a text nor bytes.

    See https://pages.nist.gov/800-63-4/sp800-63b.html
    """


class AsyncSessions(_SessionStore, Asyncio):
    """The same for asyncio: arguments and errors are those of `Sessions`, and each method is to be awaited.

    Args:
        client: A client as ``connect_async()`` makes it.
    """


def _step(command: Callable[..., Any], *arguments: Any) -> Steps[Any]:
    return (yield command(*arguments))


def _secrets(given: Secret) -> list[bytes | None]:
    """The secret that hashes of users are made with, those of earlier releases, and at last none at all."""
    # Values of other types are refused below.
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


def _unavailable(error: Exception) -> SessionsUnavailable:
    refused = denial(error)
    if refused:
        return SessionsDenied(
            f"The sessions cannot be used: {refused}. Answer with status 500, as a retry fails too, and see this "
            "error's cause."
        )
    return SessionsUnavailable(
        "The cache that keeps the sessions did not answer. Answer with status 503, and see this error's cause."
    )
