"""Admit requests to the emulator that are signed with a secret of its run, and refuse those of web pages.

The emulator trusts every caller and runs functions as the user who started it. Without this module, a web page in a
browser or another user of the machine could run code as that user: the loopback address does not prevent it. So the
emulator gets a request only after its signature has been verified. The signature is Signature Version 4, which AWS
clients make anyway, with the secret of the run or with one that the emulator issued, for example for an assumed role.
Requests of browsers are refused even if they are signed, and so are those for a host name that an attacker resolves to
the loopback address.
"""

from __future__ import annotations

import hashlib
import hmac
import importlib
import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from rehearsal.extension.seam import Private
from verification.messages import refusal as refusal_message

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

# The emulator's own verification of signatures, and the credentials that it issued.
sigv4: Any = importlib.import_module("ministack.core.sigv4")
credentials: Any = importlib.import_module("ministack.core.iam_evaluator")
sessions: Any = importlib.import_module("ministack.services.sts")

TOUCHES = (Private("services.sts", "_sessions"),)

MAX_BODY = 256 * 1024**2  # bytes; a function's code is at most 250 MB
HASH = re.compile(r"[0-9a-f]{64}")
ACCOUNT = re.compile(r"\d{12}")
MAX_LOGGED = 1_000  # refusals in the log, so that a caller cannot fill the disk
MAX_LOGGED_ADDRESS = 200  # characters

UNSIGNED_ADMITTED = refusal_message(
    got="No signature",
    allowed="the route admits it, but a rehearsal executes signed requests only",
    fix="Sign the request, or give the route the authorization type AWS_IAM",
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Request:
    """What a signature covers, except for the body."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]

    @classmethod
    def of(cls, scope: Scope) -> _Request:
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            key, text = name.decode("latin-1").lower(), sigv4.decode_header_value(value)
            headers[key] = f"{headers[key]}, {text}" if key in headers else text
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        return cls(scope["method"], scope["raw_path"].decode("latin-1"), query, headers)

    @property
    def presigned(self) -> bool:
        """Whether the signature is part of the URL."""
        return "authorization" not in self.headers

    def token(self) -> str:
        """The session token of the request, or an empty string."""
        if self.presigned:
            return self.query.get("X-Amz-Security-Token", [""])[0]
        return self.headers.get("x-amz-security-token", "")


class Admission:
    """An ASGI application that passes signed requests on to another one and refuses all others.

    Args:
        application: The application that gets the admitted requests.
        hosts: Values of the header ``Host`` that are accepted.
        secret: Secret access key of the run; the access key of an account is its id.
        domain: Domain whose host names are accepted too, without a port. No attacker can have a name in Amazon's
            resolved to the loopback address. Default: none.
        admits_unsigned: Whether the account admits a request without a signature, by host, method and path. It is not
            executed, since other users of the machine could send it, and not answered as a refusal. Default: none is.
    """

    def __init__(
        self,
        application: Application,
        hosts: frozenset[str],
        secret: str,
        *,
        domain: str | None = None,
        admits_unsigned: Callable[[str, str, str], bool] | None = None,
    ) -> None:
        self._application = application
        self._hosts = hosts
        self._domain = domain
        self._admits_unsigned = admits_unsigned
        self._secret = secret
        self._refused = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse one request, or pass it on."""
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
            return
        if scope["type"] != "http":
            self._log("WebSocket", scope, "AWS clients do not open WebSockets in a rehearsal")
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        request = _Request.of(scope)
        refusal = self._not_a_client(request)
        if refusal is None and self._is_open_to(request):
            self._log(request.method, scope, "not executed: the account admits it without a signature")
            await _answer(send, HTTPStatus.NOT_IMPLEMENTED, UNSIGNED_ADMITTED)
            return
        refusal = refusal or self._not_signed(request)
        body = b""
        if refusal is None:
            read = await _read(receive)
            body, refusal = read or b"", self._wrong_signature(request, read)
        if refusal is not None:
            self._log(request.method, scope, refusal)
            await _refuse(send, refusal)
            return
        await self._application(scope, _replaying(body, receive), send)

    def _log(self, method: str, scope: Scope, reason: str) -> None:
        self._refused += 1
        if self._refused <= MAX_LOGGED:
            address = (scope["raw_path"] + b"?" + scope["query_string"])[:MAX_LOGGED_ADDRESS]
            logger.warning("refused %s %r: %s", method, address, reason)

    def _not_a_client(self, request: _Request) -> str | None:
        """Why the sender is not an AWS client on this machine, or None."""
        if any(name == "origin" or name.startswith("sec-fetch-") for name in request.headers):
            return "a browser sent it"
        if not self._is_host(request.headers.get("host", "")):
            return f"its Host is not {' or '.join(sorted(self._hosts))}"
        return None

    def _is_host(self, host: str) -> bool:
        return host in self._hosts or (self._domain is not None and host.endswith(f".{self._domain}"))

    def _is_open_to(self, request: _Request) -> bool:
        """Whether the request has no signature, and on AWS it would need none."""
        if self._admits_unsigned is None or not request.presigned or "X-Amz-Signature" in request.query:
            return False
        return self._admits_unsigned(request.headers.get("host", ""), request.method, request.path)

    def _not_signed(self, request: _Request) -> str | None:
        """Why the request is not one of this run, as far as its headers show, or None."""
        signature = _signature(request)
        if isinstance(signature, tuple):
            return f"{signature[0]}: {signature[1]}"
        if request.presigned:
            try:
                expired = sigv4.presigned_request_is_expired(
                    signature.amz_date, request.query.get("X-Amz-Expires", ["0"])[0]
                )
            except ValueError:
                expired = True
            if expired:
                return "it has expired"
        elif failure := sigv4.request_time_failure(signature):
            return f"{failure[0]}: {failure[1]}"
        if self._secret_of(signature.access_key_id, request.token()) is None:
            return "its access key is not one of this run"
        return None

    def _wrong_signature(self, request: _Request, body: bytes | None) -> str | None:
        """Why the signature does not match the request and its body, or None."""
        if body is None:
            return f"its body is incomplete, or longer than {MAX_BODY} bytes"
        stated = request.headers.get("x-amz-content-sha256", "")
        if HASH.fullmatch(stated) and not hmac.compare_digest(stated, hashlib.sha256(body).hexdigest()):
            return "its body is not the one that was signed"
        signature = _signature(request)
        failure = sigv4.header_signature_failure(
            signature,
            self._secret_of(signature.access_key_id, request.token()),
            request.method,
            request.path,
            request.query,
            request.headers,
            body,
            presigned=request.presigned,
        )
        return None if failure is None else f"{failure[0]}: {failure[1]}"

    def _secret_of(self, access_key: str, token: str) -> str | None:
        """The secret of an access key, which belongs to an account, a session or a user; None if it is unknown."""
        if ACCOUNT.fullmatch(access_key):
            return self._secret
        session = sessions._sessions.get(access_key)
        account = session.get("AccountId") if session else credentials.find_iam_access_key_account(access_key)
        if account is None:
            return None
        found = credentials.resolve_credential(access_key, account, token)
        return None if isinstance(found, credentials.CredentialResolutionError) else str(found.secret_access_key)


def _signature(request: _Request) -> Any:
    """The parts of the signature, or an error code and a message if a part is missing."""
    if request.presigned:
        return sigv4.parse_query_signature(request.query)
    return sigv4.parse_header_signature(request.headers)


async def _read(receive: Receive) -> bytes | None:
    """The body, or None if it is incomplete or too long."""
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MAX_BODY:
            return None
    return bytes(body)


def _replaying(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that returns the body that has been read, and then what else arrives."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


async def _refuse(send: Send, reason: str) -> None:
    # As ASCII, since a reason may quote the request.
    message = refusal_message(
        got=f"Refused: {reason}",
        allowed="requests must be signed with the secret of this run",
        fix="Use the credentials that the rehearsal has set or printed",
    )
    await _answer(send, HTTPStatus.FORBIDDEN, message)


async def _answer(send: Send, status: HTTPStatus, message: str) -> None:
    text = f"{message}\n".encode("ascii", "backslashreplace")
    headers = [
        (b"content-type", b"text/plain"),
        (b"x-content-type-options", b"nosniff"),
        (b"content-length", str(len(text)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
