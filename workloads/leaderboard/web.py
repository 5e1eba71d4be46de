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
    """Take a score; where the player stands now in each window."""
    result = await read(request, Result)
    return Json(await storage.submit(str(result.player), result.score))


async def board(request: Request) -> Json:
    """One window, as one player sees it."""
    window = checked(request.path_params["window"], Window, "window")
    player = checked(request.query_params.get("player", "?"), Player, "player")
    return Json(await storage.board(window, str(player)))


app = application(
    Path(__file__).parent,
    [
        # Not POST: of the same score twice one counts, so a client may repeat it. The name is in the body: an HTTP API
        # decodes a path before a function gets it, and Mangum once more, which would make another name of "a%41".
        Route("/api/scores", submit, methods=["PUT"]),
        Route("/api/boards/{window}", board),
    ],
)
