"""Forms that came too late, because the session was over or the page too old: nothing typed in them is lost."""

from __future__ import annotations

import msgspec
from starlette.requests import Request

from commonplace.web.errors import Problem
from commonplace.web.security.origins import check_same_origin

NOT_KEPT = {"csrf", "password", "again", "current", "key"}
Typed = list[tuple[str, str]]


class Interrupted(Problem):
    """A form that could not be taken. `where` it was sent, and what was `typed` in it: sent from one of our own pages,
    it is shown again, to be sent once more by the person who typed it."""

    where = ""
    typed: Typed = []  # noqa: RUF012  (each has its own)

    def keep(self, request: Request) -> None:
        """Remember the form that a request brought, if one of our pages sent it."""
        form = getattr(request, "_form", None)
        if form is None or request.url.path == "/login":
            return
        try:
            check_same_origin(request)
        except Problem:
            return
        self.where = request.url.path
        items = form.multi_items()
        self.typed = [(name, value) for name, value in items if isinstance(value, str) and name not in NOT_KEPT]


def packed(typed: Typed) -> str:
    return msgspec.json.encode(typed).decode()


def unpacked(text: str) -> Typed:
    try:
        return msgspec.json.decode(text or "[]", type=Typed)
    except msgspec.DecodeError:
        return []
