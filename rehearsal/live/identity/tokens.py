"""Verify the tokens by which applications log in to a cache with IAM.

A token is a presigned URL without its scheme. See
https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote

MAX_LENGTH = 16_384  # characters
MAX_SECONDS = 900  # that a token is valid
MAX_SKEW_SECONDS = 300  # that the clock of a client may be ahead
SERVICE = "elasticache"
ALGORITHM = "AWS4-HMAC-SHA256"
TOKEN = re.compile(r"(?P<cache>[^/?#\s]+)/\?(?P<query>[^\s#]+)")
REQUIRED = frozenset(
    {
        *("Action", "User", "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires"),
        *("X-Amz-SignedHeaders", "X-Amz-Signature"),
    }
)
OPTIONAL = frozenset({"ResourceType", "X-Amz-Security-Token"})


class TokenError(Exception):
    """A token is refused; the message says why, without any part of the token that is secret."""


@dataclass(frozen=True)
class Token:
    """A token as its text says, not yet verified.

    Attributes:
        cache: The name of the cache, which is the host of the URL.
        parameters: The parameters of the URL.
    """

    cache: str
    parameters: dict[str, str]

    @property
    def access_key_id(self) -> str:
        """The access key that it claims to be signed with."""
        return self.parameters["X-Amz-Credential"].partition("/")[0]

    @property
    def session_token(self) -> str | None:
        """The session token of temporary credentials."""
        return self.parameters.get("X-Amz-Security-Token")

    @property
    def signed_at(self) -> dt.datetime:
        """When it was signed."""
        return dt.datetime.strptime(self.parameters["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)


def parse(text: str) -> Token:
    """Read a token.

    Args:
        text: What a client sends in place of a password.

    Raises:
        TokenError: If it is not a token, or lacks a parameter, or has another one.
    """
    found = TOKEN.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if found is None:
        raise TokenError("the password is no token: it must be a presigned URL without `https://`")
    try:
        pairs = parse_qsl(found["query"], keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        raise TokenError("the token's parameters cannot be read") from None
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise TokenError("the token has a parameter twice")
    if missing := sorted(REQUIRED - set(parameters)):
        raise TokenError(f"the token lacks {', '.join(missing)}")
    if unknown := sorted(set(parameters) - REQUIRED - OPTIONAL):
        raise TokenError(f"the token has {', '.join(unknown)}, which ElastiCache does not know")
    return Token(found["cache"], parameters)


def verify(token: Token, *, cache: str, user: str, region: str, serverless: bool, now: dt.datetime) -> None:
    """Compare what a token says with what it is used for; its signature is not compared.

    Args:
        token: The token.
        cache: Name of the cache that the client logs in to.
        user: The user name of the login.
        region: The Region of the cache.
        serverless: Whether the cache is serverless.
        now: The present time.

    Raises:
        TokenError: If it is for something else, or not valid now.
    """
    given = token.parameters
    if token.cache != cache:
        raise TokenError(f"the token is for the cache {token.cache!r}, and this is {cache!r}")
    if given["Action"] != "connect":
        raise TokenError(f"the token's action is {given['Action']!r}, and must be 'connect'")
    if given["User"] != user:
        raise TokenError(f"the token is for the user {given['User']!r}, and the login is for {user!r}")
    kind = given.get("ResourceType")
    if serverless and kind != "ServerlessCache":
        raise TokenError("the token lacks ResourceType=ServerlessCache, which a serverless cache needs")
    if not serverless and kind is not None:
        raise TokenError("the token has ResourceType, which is for serverless caches only")
    if given["X-Amz-Algorithm"] != ALGORITHM or given["X-Amz-SignedHeaders"] != "host":
        raise TokenError(f"the token must be signed by {ALGORITHM} with the header host only")
    _verify_scope(token, region)
    _verify_time(token, now)


def _verify_scope(token: Token, region: str) -> None:
    key, *scope = token.parameters["X-Amz-Credential"].split("/")
    wanted = [token.parameters["X-Amz-Date"][:8], region, SERVICE, "aws4_request"]
    if not key or scope != wanted:
        raise TokenError(f"the token is signed for {'/'.join(scope)}, and must be for {'/'.join(wanted)}")


def _verify_time(token: Token, now: dt.datetime) -> None:
    try:
        signed_at, seconds = token.signed_at, int(token.parameters["X-Amz-Expires"])
    except ValueError:
        raise TokenError("the token's X-Amz-Date or X-Amz-Expires cannot be read") from None
    if not 0 < seconds <= MAX_SECONDS:
        raise TokenError(f"the token's X-Amz-Expires is {seconds}: must be from 1 to {MAX_SECONDS} seconds")
    age = (now - signed_at).total_seconds()
    if age < -MAX_SKEW_SECONDS:
        raise TokenError(f"the token was signed {-age:.0f} s in the future")
    if age >= seconds:
        raise TokenError(f"the token expired {age - seconds:.0f} s ago")


def verify_signature(token: Token, secret: str) -> None:
    """Compare the signature of a token.

    Args:
        token: The token.
        secret: The secret access key.

    Raises:
        TokenError: If it was signed with another key, or changed.
    """
    if not hmac.compare_digest(_signature(token, secret), token.parameters["X-Amz-Signature"]):
        raise TokenError("the token's signature does not match")


def _signature(token: Token, secret: str) -> str:
    given = token.parameters
    query = "&".join(
        f"{_quoted(name)}={_quoted(value)}" for name, value in sorted(given.items()) if name != "X-Amz-Signature"
    )
    empty = hashlib.sha256(b"").hexdigest()
    canonical = "\n".join(["GET", "/", query, f"host:{token.cache}\n", "host", empty])
    scope = given["X-Amz-Credential"].partition("/")[2]
    signed = "\n".join([ALGORITHM, given["X-Amz-Date"], scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, signed.encode(), hashlib.sha256).hexdigest()


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")
