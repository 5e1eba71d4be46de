"""Whether a route of an HTTP API admits unsigned requests, as the account is configured.

The emulator executes nothing for unsigned requests, which other users of this machine could send too. So an unsigned
request to a route that admits it is not answered as a refusal, but as what a rehearsal does not do.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from rehearsal.extension.seam import Private

if TYPE_CHECKING:
    from rehearsal.live.run import Run

app: Any = importlib.import_module("ministack.app")

TOUCHES = (
    Private("app", "_parse_execute_api_url", ("host", "path")),
    Private("app", "_resolve_stage_and_path", ("api_id", "tentative_stage", "execute_path")),
    Private("app", "_execute_api_authorization_type", ("api_id", "stage", "method", "execute_path")),
)

OPEN = "NONE"  # the authorization type of such a route


def admits_unsigned(host: str, method: str, path: str) -> bool:
    """Whether a request without a signature would reach an integration on AWS.

    Args:
        host: Host name of the request.
        method: Its method.
        path: Its path, as it was sent.
    """
    parsed = app._parse_execute_api_url(host, unquote(path))
    if parsed is None:
        return False
    api, tentative, rest = parsed
    stage, rest = app._resolve_stage_and_path(api, tentative, rest)
    return bool(app._execute_api_authorization_type(api, stage, method, rest) == OPEN)


def install(_run: Run) -> None:
    """Change nothing: `rehearsal.server` asks it."""
