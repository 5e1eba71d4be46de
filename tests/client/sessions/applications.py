"""One application, written for Flask and for Starlette, with the same addresses; as a program, one process of it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import flask
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from werkzeug.serving import run_simple

from elasticache_client import connect, connect_async
from elasticache_client.sessions import AsyncSessions, Sessions
from elasticache_client.sessions.flask import FLASHES, FlaskSession, FlaskSessions
from elasticache_client.sessions.starlette import SessionMiddleware

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.websockets import WebSocket

    from elasticache_client.sessions import Session


def act(session: FlaskSession | Session, deed: str, who: str) -> Any:
    """What a request does to a session, but for revocations."""
    match deed:
        case "log-in":
            session.renew(who)
        case "elevate":
            session.renew()
        case "put":
            session[who] = True
        case "log-out":
            session.end()
    return {"user": session.user, **session}


def flask_application(client: Any) -> flask.Flask:
    """For WSGI."""
    application = flask.Flask(__name__)
    sessions = Sessions(client, types=FLASHES)
    application.session_interface = FlaskSessions(sessions)

    @application.get("/plain")
    def plain() -> str:
        return "plain"

    @application.get("/<deed>/<who>")
    def serve(deed: str, who: str) -> Any:
        session: Any = flask.session
        if deed == "revoke":
            sessions.revoke(who)
        return act(session, deed, who)

    return application


def starlette_application(client: Any) -> Starlette:
    """For ASGI."""
    sessions = AsyncSessions(client)

    async def plain(_: Request) -> JSONResponse:
        return JSONResponse("plain")

    async def serve(request: Request) -> JSONResponse:
        deed, who = request.path_params["deed"], request.path_params["who"]
        if deed == "revoke":
            await sessions.revoke(who)
        session: Any = request.session
        return JSONResponse(act(session, deed, who))

    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        session: Any = websocket.session
        await websocket.send_json(session.user)
        await websocket.close()

    routes = [Route("/plain", plain), Route("/{deed}/{who}", serve), WebSocketRoute("/socket", socket)]
    middleware = [Middleware(SessionMiddleware, sessions=sessions)]
    return Starlette(routes=routes, middleware=middleware)


def main(framework: str, port: int) -> None:
    """Serve until the process is ended, with the cache that the environment names."""
    if framework == "flask":
        run_simple("127.0.0.1", port, flask_application(connect()), threaded=True)
    else:
        uvicorn.run(starlette_application(connect_async()), host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
