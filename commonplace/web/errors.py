"""What can go wrong with a request, in the words that its sender reads: a status, a code for programs, a sentence.

What a database, a parser or a validator says of a value may quote it; so of foreign errors nothing is passed on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus

import anyio
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException

from commonplace.archive.faults import DiskFull
from commonplace.errors import CommonplaceError, NotThere, Refused, Retryable

RETRY_SECONDS = 5
UNAVAILABLE = "unavailable"
"""What may work in a moment: the archive is busy, or does not answer."""
NO_ROOM = "no_room"
"""What works once somebody made room."""


class Problem(HTTPException):
    """A reply that ends a request early."""

    def __init__(
        self, status: int, code: str, message: str, *, hint: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, message, dict(headers or {}))
        self.code = code
        self.hint = hint


def not_found(what: str) -> Problem:
    return Problem(404, "not_found", f"There is no such {what}.")


ASKING_SECONDS = 40
"""ChatGPT waits for 45."""


@contextmanager
def fail_after_asking() -> Iterator[None]:
    """An answer that takes longer than a program waits for is given up."""
    try:
        with anyio.fail_after(ASKING_SECONDS):
            yield
    except TimeoutError:
        raise Problem(503, "too_slow", "The answer took too long.", hint="Ask for less, or of one project.") from None


def problem_of(error: Exception) -> Problem:
    """Any error as what the sender of the request may know of it."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, HTTPException):
        status = HTTPStatus(error.status_code)
        code = status.phrase.lower().replace(" ", "_")
        if status is HTTPStatus.NOT_FOUND:
            return Problem(
                404, code, "There is nothing at this address.", hint="It may be mistyped, or what was there is gone."
            )
        return Problem(error.status_code, code, f"{status.phrase}.", headers=error.headers)
    if isinstance(error, RequestValidationError):
        return Problem(
            422, "invalid", f"{_places(error)} not as it should be.", hint="Go back, and look at what was sent."
        )
    if isinstance(error, NotThere):
        return Problem(404, "not_found", error.message, hint=error.hint)
    if isinstance(error, Refused):
        return Problem(400, "refused", error.message, hint=error.hint)
    if isinstance(error, OperationalError | Retryable | OSError):
        later = {"retry-after": str(RETRY_SECONDS)}
        return Problem(503, UNAVAILABLE, "That cannot be done right now. Try again in a moment.", headers=later)
    if isinstance(error, DiskFull):
        return Problem(507, NO_ROOM, error.message, hint=error.hint)
    if isinstance(error, CommonplaceError):
        return Problem(500, "failed", error.message, hint=error.hint)
    return Problem(500, "failed", "Something went wrong here.")


def _places(error: RequestValidationError) -> str:
    """Which fields, never what was in them."""
    places = sorted({".".join(str(part) for part in problem["loc"][1:]) or "The body" for problem in error.errors()})
    return f"{', '.join(places)[:200]} {'is' if len(places) == 1 else 'are'}"
