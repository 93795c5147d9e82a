"""What programs ask a hundred times a second: found before FastAPI looks for a page, with nothing between."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from commonplace.web.replies import replied
from commonplace.web.requests import NamedRoute


class Often:
    """The innermost of our layers. What none of its routes is for goes on to those that it is wrapped around."""

    def __init__(self, app: ASGIApp, routes: Sequence[NamedRoute]) -> None:
        self._app = app
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self._route_of(scope) if scope["type"] == "http" else None
        answer = await _answered(route, Request(scope, receive)) if route else self._app
        await answer(scope, receive, send)

    def _route_of(self, scope: Scope) -> NamedRoute | None:
        for route in self._routes:
            match, found = route.matches(scope)
            if match is Match.FULL:
                scope.update(found)
                return route
        return None


async def _answered(route: NamedRoute, request: Request) -> Response:
    try:
        response: Response = await route.endpoint(request)
    except ClientDisconnect:
        raise
    except Exception as error:
        return await replied(request, error)
    return response
