"""Bodies on their way to a page: the requests of the two dialects, behind one shape.

`replace` and `clear` may be repeated; `append` may not. An append that was never answered is healed by replacing.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from commonplace.destinations.notion.client import HoldsPages, NotionClient, Unanswered
from commonplace.errors import Retryable

Json = dict[str, Any]

MARKDOWN_VERSION = "v2"
RESTARTS = 3
CREATE_ATTEMPTS = 3
PAGE_SIZE = 100


class Held(NamedTuple):
    """A page or a database inside a page."""

    id: str
    title: str
    is_page: bool


class Pages(Protocol):
    """How one dialect's parts reach a page."""

    clearing_requests: int
    """Requests that replacing needs besides one per part."""

    def first(self, part: Any) -> Json:
        """What rides on the page's creation."""

    def start(self, page_id: str, part: Any) -> None:
        """The page's body is this part and nothing else; may be repeated."""

    def append(self, page_id: str, part: Any) -> None:
        """This part at the end; must not be repeated."""


class MarkdownPages:
    clearing_requests = 0

    def __init__(self, client: NotionClient) -> None:
        self._client = client

    def first(self, part: str) -> Json:
        return {"markdown": part, "markdown_version": MARKDOWN_VERSION} if part else {}

    def start(self, page_id: str, part: str) -> None:
        self._send(page_id, {"type": "replace_content", "replace_content": {"new_str": part}}, repeatable=True)

    def append(self, page_id: str, part: str) -> None:
        content = {"content": part, "position": {"type": "end"}}
        self._send(page_id, {"type": "insert_content", "insert_content": content}, repeatable=False)

    def _send(self, page_id: str, body: Json, *, repeatable: bool) -> None:
        body |= {"markdown_version": MARKDOWN_VERSION}
        self._client.send("PATCH", f"pages/{page_id}/markdown", body, repeatable=repeatable)


class BlockPages:
    clearing_requests = 2

    def __init__(self, client: NotionClient) -> None:
        self._client = client

    def first(self, part: list[Json]) -> Json:
        return {"children": part} if part else {}

    def start(self, page_id: str, part: list[Json]) -> None:
        """Clears and appends: as a whole it may be repeated, because clearing comes first.

        Clearing would take a person's pages along without asking, so they are looked for.
        """
        if inside(self._client, page_id):
            raise HoldsPages("The page holds other pages.")
        self._client.send("PATCH", f"pages/{page_id}", {"erase_content": True})
        if part:
            self.append(page_id, part)

    def append(self, page_id: str, part: list[Json]) -> None:
        body = {"children": part, "position": {"type": "end"}}
        self._client.send("PATCH", f"blocks/{page_id}/children", body, repeatable=False)


def inside(client: NotionClient, page_id: str) -> list[Held]:
    """The pages and databases on a page, in their order: one request for 100 blocks."""
    found: list[Held] = []
    cursor: str | None = None
    while True:
        query: Json = {"page_size": PAGE_SIZE} | ({"start_cursor": cursor} if cursor else {})
        answer = client.send("GET", f"blocks/{page_id}/children", query=query)
        for block in answer["results"]:
            if (type_ := block["type"]) in ("child_page", "child_database"):
                found.append(Held(block["id"], str(block[type_].get("title", "")), type_ == "child_page"))
        cursor = answer.get("next_cursor")
        if not answer.get("has_more") or not cursor:
            return found


def replace(pages: Pages, page_id: str, parts: list[Any]) -> None:
    """The whole body anew; from the start again if an answer stays away."""
    for _ in range(RESTARTS):
        try:
            pages.start(page_id, parts[0])
            for part in parts[1:]:
                pages.append(page_id, part)
        except Unanswered:
            continue
        return
    raise Retryable("Notion did not answer while a page's body was written.")


def extend(pages: Pages, page_id: str, new: list[Any], whole: list[Any]) -> None:
    """New parts at the end; the whole body anew if one of them was not answered."""
    try:
        for part in new:
            pages.append(page_id, part)
    except Unanswered:
        replace(pages, page_id, whole)
