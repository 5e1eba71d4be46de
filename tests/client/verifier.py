"""What ElastiCache does with an IAM token, written from the description of Signature Version 4, without AWS's code."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote

_LONGEST_SECONDS = 900
_SKEW_SECONDS = 300


class RefusedError(Exception):
    """The token is not valid. The message says why."""


@dataclass(frozen=True)
class Key:
    """An access key of an AWS principal, and whether a policy grants it elasticache:Connect."""

    secret: str
    session_token: str | None = None
    may_connect: bool = True


@dataclass(frozen=True)
class Verifier:
    """Decides which tokens may log in to one cache."""

    cache_name: str
    region: str
    keys: dict[str, Key]
    serverless: bool = False

    def check(self, user: str, token: str, now: datetime | None = None) -> None:
        """Reject a token that is not signed for this cache, this user and this time."""
        host, _, query = token.partition("/?")
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True)
        given = dict(pairs)
        key_id, day, *scope = given["X-Amz-Credential"].split("/")
        key = self.keys.get(key_id)
        signed = datetime.strptime(given["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        age = ((now or datetime.now(UTC)) - signed).total_seconds()
        lifetime = int(given["X-Amz-Expires"])
        wanted = {"Action": "connect", "User": user, **({"ResourceType": "ServerlessCache"} if self.serverless else {})}
        signing = {name: value for name, value in given.items() if name.startswith("X-Amz-")}
        rules = {
            "a parameter twice": len(given) == len(pairs),
            "another cache": host == self.cache_name,
            "another request": {name: given[name] for name in given.keys() - signing} == wanted,
            "another algorithm": given["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256",
            "other signed headers": given["X-Amz-SignedHeaders"] == "host",
            "another scope": scope == [self.region, "elasticache", "aws4_request"] and given["X-Amz-Date"][:8] == day,
            "too long a life": 0 < lifetime <= _LONGEST_SECONDS,
            "expired": age <= lifetime,
            "from the future": age >= -_SKEW_SECONDS,
            "unknown key": key is not None,
            "another session": key is None or given.get("X-Amz-Security-Token") == key.session_token,
            "wrong signature": key is None
            or hmac.compare_digest(given["X-Amz-Signature"], self._signature(host, pairs, key)),
            "not granted": key is None or key.may_connect,
        }
        broken = [rule for rule, kept in rules.items() if not kept]
        if broken:
            raise RefusedError(", ".join(broken))

    def _signature(self, host: str, pairs: list[tuple[str, str]], key: Key) -> str:
        given = dict(pairs)
        sent = sorted((_quoted(name), _quoted(value)) for name, value in pairs if name != "X-Amz-Signature")
        query = "&".join(f"{name}={value}" for name, value in sent)
        request = f"GET\n/\n{query}\nhost:{host}\n\nhost\n{hashlib.sha256(b'').hexdigest()}"
        _, _, scope = given["X-Amz-Credential"].partition("/")
        text = f"AWS4-HMAC-SHA256\n{given['X-Amz-Date']}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        derived = f"AWS4{key.secret}".encode()
        for part in scope.split("/"):
            derived = hmac.digest(derived, part.encode(), "sha256")
        return hmac.digest(derived, text.encode(), "sha256").hex()


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")
