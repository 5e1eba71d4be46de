"""Who may speak to the emulator: the processes that hold the secret of its run, and no web page.

The emulator believes every caller and runs functions as the user who started it. Without this a page open in a browser,
or another user of the machine, could run code as that user: listening on the loopback address keeps neither out. So
nothing of the emulator sees a request before its signature (Signature Version 4, as AWS clients make it anyway) has
been verified with the secret of the run or with one that the emulator gave out in the run, of an assumed role say. What
a browser sends is refused whatever it carries, and so is a name that was bent to the loopback address.
"""

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

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

# The emulator's own arithmetic of signatures, and the credentials that it gave out.
sigv4: Any = importlib.import_module("ministack.core.sigv4")
credentials: Any = importlib.import_module("ministack.core.iam_evaluator")
sessions: Any = importlib.import_module("ministack.services.sts")

TOUCHES = (Private("services.sts", "_sessions"),)

LARGEST_BODY = 256 * 1024**2  # bytes; a function's code is at most 250 MB
HASH = re.compile(r"[0-9a-f]{64}")
ACCOUNT = re.compile(r"\d{12}")
MOST_TOLD = 1_000  # refusals in the log: nobody outside is to fill a disk with it
LONGEST_TOLD = 200  # characters of an address

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Request:
    """What a signature covers, but for the body."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]

    @classmethod
    def of(cls, scope: Scope) -> "_Request":
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            key, text = name.decode("latin-1").lower(), sigv4.decode_header_value(value)
            headers[key] = f"{headers[key]}, {text}" if key in headers else text
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        return cls(scope["method"], scope["raw_path"].decode("latin-1"), query, headers)

    @property
    def presigned(self) -> bool:
        """Whether the signature is part of the address."""
        return "authorization" not in self.headers

    def token(self) -> str:
        """The session token that came along."""
        if self.presigned:
            return self.query.get("X-Amz-Security-Token", [""])[0]
        return self.headers.get("x-amz-security-token", "")


class Admission:
    """An ASGI application that lets signed requests through to another one, and refuses everything else.

    Args:
        application: What is behind it.

        hosts: The values of ``Host`` under which it is addressed.

        secret: The secret access key of the run, which goes with every account's own id as access key.
    """

    def __init__(self, application: Application, hosts: frozenset[str], secret: str) -> None:
        self._application = application
        self._hosts = hosts
        self._secret = secret
        self._refused = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass it on."""
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
            return
        if scope["type"] != "http":
            self._tell("WebSocket", scope, "AWS clients of a rehearsal open none")
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        request = _Request.of(scope)
        refusal = self._stranger(request) or self._unsigned(request)
        body = b""
        if refusal is None:
            read = await _read(receive)
            body, refusal = read or b"", self._forged(request, read)
        if refusal is not None:
            self._tell(request.method, scope, refusal)
            await _refuse(send, refusal)
            return
        await self._application(scope, _replaying(body, receive), send)

    def _tell(self, method: str, scope: Scope, reason: str) -> None:
        self._refused += 1
        if self._refused <= MOST_TOLD:
            address = (scope["raw_path"] + b"?" + scope["query_string"])[:LONGEST_TOLD]
            logger.warning("refused %s %r: %s", method, address, reason)

    def _stranger(self, request: _Request) -> str | None:
        """Why the sender is no AWS client of this machine."""
        if any(name == "origin" or name.startswith("sec-fetch-") for name in request.headers):
            return "a browser sent it"
        if request.headers.get("host") not in self._hosts:
            return f"it is for another host than {' or '.join(sorted(self._hosts))}"
        return None

    def _unsigned(self, request: _Request) -> str | None:
        """Why the request cannot be of this run, as far as can be told without its body."""
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

    def _forged(self, request: _Request, body: bytes | None) -> str | None:
        """Why the signature is not that of this request with this body."""
        if body is None:
            return f"its body is incomplete, or longer than {LARGEST_BODY} bytes"
        stated = request.headers.get("x-amz-content-sha256", "")
        if HASH.fullmatch(stated) and not hmac.compare_digest(stated, hashlib.sha256(body).hexdigest()):
            return "its body is another than the one that was signed"
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
        """The secret that goes with an access key: an account's own, of a session, or of a user."""
        if ACCOUNT.fullmatch(access_key):
            return self._secret
        session = sessions._sessions.get(access_key)
        account = session.get("AccountId") if session else credentials.find_iam_access_key_account(access_key)
        if account is None:
            return None
        found = credentials.resolve_credential(access_key, account, token)
        return None if isinstance(found, credentials.CredentialResolutionError) else str(found.secret_access_key)


def _signature(request: _Request) -> Any:
    """The parts of the signature, or a pair that says what it lacks."""
    if request.presigned:
        return sigv4.parse_query_signature(request.query)
    return sigv4.parse_header_signature(request.headers)


async def _read(receive: Receive) -> bytes | None:
    """The whole body, if it came whole and is not too long."""
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > LARGEST_BODY:
            return None
    return bytes(body)


def _replaying(body: bytes, receive: Receive) -> Receive:
    """What hands out the body that has been read, and then whatever else arrives."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


async def _refuse(send: Send, reason: str) -> None:
    # As ASCII: a reason may quote what was sent.
    told = f"Refused: {reason}. This emulator answers requests that are signed with the secret of its run.\n"
    text = told.encode("ascii", "backslashreplace")
    headers = [
        (b"content-type", b"text/plain"),
        (b"x-content-type-options", b"nosniff"),
        (b"content-length", str(len(text)).encode()),
    ]
    await send({"type": "http.response.start", "status": HTTPStatus.FORBIDDEN, "headers": headers})
    await send({"type": "http.response.body", "body": text})
