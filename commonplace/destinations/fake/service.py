"""The other side of the fake destination: a service that keeps pages, and fails when its script says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, Literal

import msgspec

from commonplace.errors import Halt, Permanent, Retryable

Failure = Literal[
    "killed before", "killed after", "timeout before", "timeout after", "rate limit", "permanent", "quota", "none"
]
"""What goes wrong with a request. Before and after: whether the service had carried it out by then."""


class Killed(BaseException):
    """Stands for `kill -9`: nothing may catch it."""


class Page(msgspec.Struct):
    """What the service holds."""

    conversation_id: str
    content: str


class FakeService:
    """Pages by id, the requests that came, and what is to go wrong."""

    def __init__(self, failures: Mapping[str, Sequence[Failure]] | None = None) -> None:
        self.pages: dict[str, Page] = {}
        self.requests: list[tuple[str, str]] = []
        self._script: dict[str, list[Any]] = {id: list(script) for id, script in (failures or {}).items()}
        self._numbers = count(1)

    def fail(self, conversation_id: str, *failures: Failure) -> None:
        """Let the next requests about a conversation fail like this."""
        self._script.setdefault(conversation_id, []).extend(failures)

    def create(self, conversation_id: str, content: str) -> str:
        """Not idempotent: every call makes a page."""
        page_id = f"page-{next(self._numbers)}"

        def carry_out() -> None:
            self.pages[page_id] = Page(conversation_id, content)

        self._request("create", conversation_id, carry_out)
        return page_id

    def update(self, page_id: str, content: str) -> None:
        page = self.pages[page_id]

        def carry_out() -> None:
            page.content = content

        self._request("update", page.conversation_id, carry_out)

    def find(self, conversation_id: str) -> list[str]:
        self.requests.append(("find", conversation_id))
        return [id for id, page in self.pages.items() if page.conversation_id == conversation_id]

    def _request(self, kind: str, conversation_id: str, carry_out: Any) -> None:
        self.requests.append((kind, conversation_id))
        script = self._script.get(conversation_id, [])
        failure = script.pop(0) if script else "none"
        if failure in ("none", "killed after", "timeout after"):
            carry_out()
        match failure:
            case "killed before" | "killed after":
                raise Killed
            case "timeout before" | "timeout after":
                raise TimeoutError
            case "rate limit":
                raise Retryable("The fake service wants to be left alone.", retry_after=1.0)
            case "permanent":
                raise Permanent("The fake service does not take this conversation.")
            case "quota":
                raise Halt("The fake service's quota is used up.", hint="Wait until tomorrow.")
