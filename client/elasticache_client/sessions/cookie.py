"""The cookie that carries a session's id, with every protection that browsers have."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from elasticache_client.messages import refusal

SameSite = Literal["Lax", "Strict", "None"]

_NAME = re.compile(r"[A-Za-z0-9_-]+")
_DOMAIN = re.compile(r"[A-Za-z0-9.-]+")
_PATH = re.compile(r"/[^;\s]*")


@dataclass(frozen=True, slots=True)
class CookieChange:
    """What a response has to tell the browser.

    Attributes:
        value: The new id; empty to delete the one it has.
        max_age: For how many seconds the browser keeps it.
    """

    value: str
    max_age: int

    def __repr__(self) -> str:
        return f"<{type(self).__name__} max_age={self.max_age}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookie:
    """How the cookie is set. Scripts cannot read it, and it is kept for the maximum time that the session may last.

    Attributes:
        name: Its name. It gets the strictest prefix that the other attributes allow: ``__Host-``, which no subdomain
            can forge; with a domain or a path ``__Secure-``; without ``secure`` none.
        secure: Whether it is sent over HTTPS only. Browsers make an exception for localhost. Default: True.
        same_site: Whether other sites' requests carry it: with ``Lax`` plain links do, with ``Strict`` none, with
            ``None`` all. Default: ``Lax``.
        domain: The domain that shares it with its subdomains. Default: this host only.
        path: The path it is sent to. Default: all.

    Raises:
        ValueError: If a value is not allowed.

    See https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Set-Cookie
    """

    name: str = "session"
    secure: bool = True
    same_site: SameSite = "Lax"
    domain: str | None = None
    path: str = "/"

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name.startswith("__"):
            raise self._wrong("name", "letters, digits, hyphens and underscores", "Leave prefixes out")
        if self.same_site not in get_args(SameSite):
            raise self._wrong("same_site", "'Lax', 'Strict' or 'None'", "Use one of them")
        if self.same_site == "None" and not self.secure:
            raise self._wrong("same_site", "'Lax' or 'Strict' with secure=False", "Use secure=True")
        if self.domain is not None and not _DOMAIN.fullmatch(self.domain):
            raise self._wrong("domain", "a domain name", "Leave it out for this host only")
        if not _PATH.fullmatch(self.path):
            raise self._wrong("path", "a path that starts with /", "Use '/' for all paths")

    @property
    def full_name(self) -> str:
        """The name that the browser sees, with its prefix."""
        if not self.secure:
            return self.name
        return f"__Host-{self.name}" if self.domain is None and self.path == "/" else f"__Secure-{self.name}"

    def header(self, change: CookieChange) -> str:
        """The value of the ``Set-Cookie`` header."""
        parts = [f"{self.full_name}={change.value}", f"Max-Age={change.max_age}", f"Path={self.path}", "HttpOnly"]
        parts += [f"SameSite={self.same_site}", *(["Secure"] if self.secure else [])]
        return "; ".join(parts if self.domain is None else [*parts, f"Domain={self.domain}"])

    def _wrong(self, name: str, allowed: str, fix: str) -> ValueError:
        got = f"Cookie({name}={getattr(self, name)!r})"
        return ValueError(refusal(got=got, allowed=f"must be {allowed}", fix=fix))
