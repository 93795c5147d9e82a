"""What programs ask, answered on one thread: who asks, what exactly, and the answer as it is sent.

A route of FastAPI's reads each parameter through a model of its own, and looks up who asks on one thread and the answer
on another. That took longer than listing conversations does.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, NamedTuple, TypeVar

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from commonplace.archive.core import Archive
from commonplace.web.errors import Problem
from commonplace.web.oauth.resources import API
from commonplace.web.requests import NamedRoute
from commonplace.web.security.programs import allowed_caller, shown_by
from commonplace.web.server import Server, server_of

Cursor = Annotated[str, Meta(max_length=2000)]
Word = Annotated[str, Meta(max_length=200)]

_PLACE = re.compile(r"\$\.(\w+)|field `(\w+)`")


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What may stand in an address."""


class Paged(Question, frozen=True, kw_only=True):
    """A question whose answer comes page by page."""

    cursor: Cursor | None = None


class Call(NamedTuple):
    """A program that is known and may ask this, and the archive as its person sees it."""

    server: Server
    archive: Archive


Asked = TypeVar("Asked", bound=Question)


class QuestionRoute(NamedRoute):
    """Where a question is asked by whoever has one of the scopes."""

    def __init__(
        self, path: str, answer: Callable[[Call, Asked], Mapping[str, Any]], asks: type[Asked], *scopes: str
    ) -> None:
        self.asks = asks

        async def endpoint(request: Request) -> Response:
            server, shown = server_of(request), shown_by(request)
            given = {**request.query_params, **request.path_params}

            def answered() -> bytes:
                call = known(server, shown, *scopes)
                with understanding():
                    asked = msgspec.convert(given, asks, strict=False)
                return msgspec.json.encode(answer(call, asked))

            return Response(await asyncio.to_thread(answered), media_type="application/json")

        super().__init__(path, endpoint, methods=["GET"])


def known(server: Server, shown: str, *scopes: str) -> Call:
    """Refused without one of the scopes. To be asked on a thread."""
    caller = allowed_caller(server, shown, API, *scopes)
    return Call(server, server.archive.of(caller.owner))


@contextmanager
def understanding() -> Iterator[None]:
    """What was sent has to be as it should. Refusals name what is not, and do not repeat what it was."""
    try:
        yield
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        place = _PLACE.search(str(error))
        named = (place[1] or place[2]) if place else "The body"
        raise Problem(422, "invalid", f"{named} is not as it should be.") from None
