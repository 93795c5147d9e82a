"""Replies to requests that failed: a page for a person, an object for a program, and the id that the log has."""

from __future__ import annotations

import logging
import traceback

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from commonplace.web.errors import NO_ROOM, UNAVAILABLE, problem_of
from commonplace.web.pages.rendering import render
from commonplace.web.security.interrupted import Interrupted, packed
from commonplace.web.security.people import session_of

log = logging.getLogger("commonplace.web")
REFUSED = (400, 404, 422)


def reply(request: Request, error: Exception) -> Response:
    """The reply to an error, as a page where a person is looking."""
    problem = problem_of(error)
    id = str(request.scope.get("state", {}).get("request_id", ""))
    if problem.status_code >= 500:
        log.error("request failed", extra={"request": id, "kind": type(error).__name__, "where": _where(error)})
    if problem.code in (UNAVAILABLE, NO_ROOM) or (problem.status_code in REFUSED and _was_edited(request)):
        status, code, detail = problem.status_code, problem.code, problem.detail
        problem = Interrupted(status, code, detail, hint=problem.hint, headers=problem.headers)
        problem.keep(request)
    if _is_for_a_person(request) and isinstance(problem, Interrupted) and problem.typed:
        return _again(request, problem)
    if _is_for_a_person(request):
        if problem.status_code == 404:
            session_of(request)  # which no route has asked for: somebody who is lost is shown the way all the same
        page = render(
            request,
            "problem.html",
            problem=problem,
            request_id=id,
            is_ours=problem.status_code >= 500,
            status=problem.status_code,
        )
        page.headers.update(problem.headers or {})
        return page
    told = {"error": problem.code, "message": problem.detail, "id": id}
    if problem.hint:
        told["hint"] = problem.hint
    return JSONResponse(told, problem.status_code, problem.headers)


async def replied(request: Request, error: Exception) -> Response:
    """The same, on a thread: who is lost is looked up."""
    return await run_in_threadpool(reply, request, error)


def _again(request: Request, late: Interrupted) -> Response:
    """The form once more, with a login before it where there is no session."""
    if session_of(request) is None:
        told = {"next": late.where, "name": "", "problem": None, "typed": packed(late.typed), "is_new": False}
        return render(request, "login.html", status=late.status_code, **told)
    reason = " ".join(filter(None, (late.detail, late.hint)))
    form = {"where": late.where, "typed": late.typed, "reason": reason}
    return render(request, "again.html", status=late.status_code, **form)


def _was_edited(request: Request) -> bool:
    """Whether somebody sent a form that shows how something is: that may be gone, or what was typed is no good."""
    return "seen" in (getattr(request, "_form", None) or ())


def _where(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""


def _is_for_a_person(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")
