"""The two cookies: a session's, and before there is one, a visit's. No script can read them."""

from __future__ import annotations

import secrets

from starlette.requests import Request
from starlette.responses import Response

from commonplace.web.security.origins import origin_of


def session_token(request: Request) -> str | None:
    return request.cookies.get(_name(request, "session"))


def visit(request: Request) -> str:
    """The visit's secret, made when the browser brought none; `keep_visit` then sends it."""
    secret = request.cookies.get(_name(request, "visit")) or getattr(request.state, "visit", None)
    if not secret:
        request.state.visit = secret = secrets.token_urlsafe(16)
    return str(secret)


def keep_visit(request: Request, response: Response) -> None:
    if made := getattr(request.state, "visit", None):
        _set(request, response, "visit", made, None)


def begin_session(request: Request, response: Response, token: str, *, days: int) -> None:
    _set(request, response, "session", token, days * 86_400)


def end_session(request: Request, response: Response) -> None:
    _set(request, response, "session", "", 0)


def _name(request: Request, name: str) -> str:
    """With the beginning that browsers accept from https and for this very host only."""
    return f"__Host-commonplace-{name}" if _is_https(request) else f"commonplace-{name}"


def _is_https(request: Request) -> bool:
    return origin_of(request).startswith("https://")


def _set(request: Request, response: Response, name: str, value: str, seconds: int | None) -> None:
    response.set_cookie(
        _name(request, name),
        value,
        max_age=seconds,
        path="/",
        httponly=True,
        samesite="lax",
        secure=_is_https(request),
    )
