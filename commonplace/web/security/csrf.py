"""Forms come from our own pages: each carries a token that is bound to the browser's session, or to its visit."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import Depends, Form
from itsdangerous import BadSignature
from starlette.requests import Request

from commonplace.archive import leases
from commonplace.archive.access.credentials import digest
from commonplace.web.security import cookies
from commonplace.web.security.interrupted import Interrupted
from commonplace.web.security.origins import check_same_origin
from commonplace.web.server import server_of

HOURS = 12


class StaleForm(Interrupted):
    """A form of ours, but not of this session."""

    def __init__(self, request: Request) -> None:
        super().__init__(403, "stale_form", "This page had been open for too long.", hint="Reload it and try again.")
        self.keep(request)


class ReadOnly(Interrupted):
    """Nothing is changed while a backup takes the place of everything."""

    def __init__(self, request: Request) -> None:
        super().__init__(
            503, "restoring", "The archive is being restored.", hint="Nothing can be changed until that has ended."
        )
        self.keep(request)


def token(request: Request) -> str:
    """What a form on this page has to send back: another in every reply, so that no length tells of it."""
    return str(server_of(request).keys.signer("csrf").dumps(secrets.token_urlsafe(6), salt=_subject(request)))


def check(request: Request, sent: str) -> None:
    """Refuses a form that does not come from a page of ours in this browser."""
    check_same_origin(request)
    try:
        server_of(request).keys.signer("csrf").loads(sent, max_age=HOURS * 3600, salt=_subject(request))
    except BadSignature:
        raise StaleForm(request) from None


def _subject(request: Request) -> str:
    """Whose form it is: a session's, also of one that begins with this page, or that of a visit that does."""
    begun = getattr(request.state, "begun", None)
    secret = begun or cookies.session_token(request) or cookies.visit(request)
    return digest(secret)[:32]


def _guard(request: Request, sent: Annotated[str, Form(alias="csrf")] = "") -> None:
    check(request, sent)
    if leases.restoring() in server_of(request).at_work():
        raise ReadOnly(request)


Guarded = Depends(_guard)
"""What every route has that a form of ours leads to."""
Typed = Annotated[str, Form(max_length=1000)]
