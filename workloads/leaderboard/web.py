"""The leaderboard over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from starlette.routing import Route

from elasticache_client.leaderboard import Window
from workloads.leaderboard import storage
from workloads.leaderboard.domain import Player, Result
from workloads.web import Json, application, checked, read

if TYPE_CHECKING:
    from starlette.requests import Request


async def submit(request: Request) -> Json:
    """Record a score, and return the player's standing in each window."""
    result = await read(request, Result)
    return Json(await storage.submit(str(result.player), result.score))


async def board(request: Request) -> Json:
    """Return one window as one player sees it."""
    window = checked(request.path_params["window"], Window, "window")
    player = checked(request.query_params.get("player", "?"), Player, "player")
    return Json(await storage.board(window, str(player)))


app = application(
    Path(__file__).parent,
    [
        # PUT, because sending the same score twice has no further effect. The name is in the body, because an HTTP API
        # decodes the path, and Mangum decodes it again, so that "a%41" would become another name.
        Route("/api/scores", submit, methods=["PUT"]),
        Route("/api/boards/{window}", board),
    ],
)
