"""Where a request was made: under which address it came in, and whether a page of ours sent it."""

from __future__ import annotations

from starlette.requests import HTTPConnection

from commonplace.web.errors import Problem
from commonplace.web.server import server_of


def origin_of(connection: HTTPConnection) -> str:
    """The address under which this request reached us, as a browser names it."""
    web = server_of(connection).web
    host = connection.headers.get("host", "").lower()
    if host == web.public_host:
        return web.base_url
    return f"{connection.scope.get('scheme', 'http')}://{host}"


def check_same_origin(connection: HTTPConnection) -> None:
    """Refuses what a browser says another site's page has sent. A browser that says nothing needs the form's token."""
    site = connection.headers.get("sec-fetch-site")
    origin = connection.headers.get("origin")
    is_ours = site in {"same-origin", "none"} if site else origin in {None, origin_of(connection)}
    if not is_ours:
        raise Problem(403, "cross_site", "This was sent by another site's page, so nothing was done.")
