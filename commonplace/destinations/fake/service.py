"""The other side of the fake destination: a service that keeps pages, and fails when its script says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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


class Part(msgspec.Struct):
    """A part of a page: ours, or what somebody else said there."""

    id: str
    text: str


class Page(msgspec.Struct):
    """What the service holds."""

    conversation_id: str
    content: str
    members: list[str] = []
    """The conversations that it is about, where they are several."""
    parts: list[Part] = []
    edited_title: str | None = None


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

    def create(self, conversation_id: str, content: str, members: Sequence[str] = ()) -> str:
        """Not idempotent: every call makes a page."""
        page_id = f"page-{next(self._numbers)}"

        def carry_out() -> None:
            self.pages[page_id] = Page(conversation_id, content, list(members))

        self._request("create", conversation_id, carry_out, members)
        return page_id

    def update(self, page_id: str, content: str) -> None:
        page = self.pages[page_id]

        def carry_out() -> None:
            page.content, page.edited_title = content, None

        self._request("update", page.conversation_id, carry_out)

    def append(self, page_id: str, texts: Sequence[str]) -> list[str]:
        """Not idempotent: every call adds parts at the end."""
        page = self.pages[page_id]
        parts = [Part(f"part-{next(self._numbers)}", text) for text in texts]

        def carry_out() -> None:
            page.parts.extend(parts)

        self._request("append", page.conversation_id, carry_out)
        return [part.id for part in parts]

    def cut(self, page_id: str, part_id: str) -> None:
        """Take a part away; nothing happens when it is gone."""
        page = self.pages[page_id]

        def carry_out() -> None:
            page.parts = [part for part in page.parts if part.id != part_id]

        self._request("cut", page.conversation_id, carry_out)

    def remove(self, page_id: str) -> None:
        """Take a page away; nothing happens when it is gone."""
        conversation_id = self.pages[page_id].conversation_id if page_id in self.pages else ""
        self._request("remove", conversation_id, lambda: self.pages.pop(page_id, None))

    def find(self, conversation_id: str) -> list[str]:
        self.requests.append(("find", conversation_id))
        return [id for id, page in self.pages.items() if page.conversation_id == conversation_id]

    def _request(
        self, kind: str, conversation_id: str, carry_out: Callable[[], Any], members: Sequence[str] = ()
    ) -> None:
        self.requests.append((kind, conversation_id))
        script = next((found for key in (conversation_id, *members) if (found := self._script.get(key))), [])
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
