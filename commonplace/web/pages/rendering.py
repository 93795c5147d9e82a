"""From a template to a page. Everything that a template is given is escaped."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from commonplace.moments import to_datetime
from commonplace.web.security import cookies, csrf
from commonplace.web.server import server_of

WEB = Path(__file__).parents[1]
STATIC = WEB / "static"


def render(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A page. Templates also get `session` (who is logged in), `csrf` (for forms) and `static` (addresses of files)."""
    session = getattr(request.state, "session", None)
    zone = server_of(request).settings.zone

    def moment(value: int) -> str:
        return to_datetime(value, zone).strftime("%Y-%m-%d %H:%M")

    text = (
        _templates()
        .get_template(template)
        .render(values | {"session": session, "csrf": lambda: csrf.token(request), "static": static, "moment": moment})
    )
    page = HTMLResponse(text, status)
    cookies.keep_visit(request, page)
    return page


@cache
def static(name: str) -> str:
    """The address of a file of ours, which changes with its content, so that browsers may keep it for ever."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    stem, _, ending = name.rpartition(".")
    return f"/static/{stem}.{digest}.{ending}"


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(WEB / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
