"""The page of an application: one HTML document that makes requests only to its own application."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse

if TYPE_CHECKING:
    from starlette.requests import Request

_SHARED = Path(__file__).parent


@dataclass(frozen=True)
class Page:
    """A document with inline style and script, and the content security policy that allows only these two."""

    document: str
    policy: str

    @classmethod
    def load(cls, folder: Path) -> Page:
        """Combine a folder's ``page.html`` and ``page.js`` with what all pages share."""
        style = _text(_SHARED / "style.css")
        # One module in one element, because imports would need a second request.
        script = f"{_text(_SHARED / 'shared.js')}\n{_text(folder / 'page.js')}"
        document = _text(_SHARED / "shell.html")
        parts = {"title": folder.name.title(), "style": style, "main": _text(folder / "page.html"), "script": script}
        for name, text in parts.items():
            document = document.replace(f"{{{name}}}", text)
        policy = (
            f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; connect-src 'self'; "
            "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        return cls(document, policy)

    def respond(self, _: Request) -> HTMLResponse:
        """Return the document, as an endpoint."""
        return HTMLResponse(self.document)


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8").strip()


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
