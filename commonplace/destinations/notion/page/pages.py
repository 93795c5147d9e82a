"""Bodies on their way to a page: the requests of the two dialects, behind one shape.

`start` may be repeated; `append` may not. An append that was never answered is healed by replacing. Before a body is
replaced the page is read: what a person wrote on it stays, below what we write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple, Protocol

from commonplace.destinations.notion.client import HoldsPages, InTrash, NotionClient, NotThere, Unanswered
from commonplace.destinations.notion.page.words import Marks, lines_of, strange
from commonplace.errors import Retryable

Json = dict[str, Any]

MARKDOWN_VERSION = "v2"
RESTARTS = 3
CREATE_ATTEMPTS = 3
PAGE_SIZE = 100
PAGES = ("child_page", "child_database")


class Inner(NamedTuple):
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

    def start(self, page_id: str, part: Any, ours: Marks) -> bool:
        """The page's body is this part and nothing else; may be repeated. False: it has words that are not ours."""

    def append(self, page_id: str, part: Any, *, position: str = "end") -> None:
        """This part at the end, or the start; must not be repeated."""

    def has_others(self, page_id: str, ours: Marks) -> bool:
        """Whether there may be words on the page that are not ours."""


class MarkdownPages:
    clearing_requests = 1

    def __init__(self, client: NotionClient) -> None:
        self._client = client

    def first(self, part: str) -> Json:
        return {"markdown": part, "markdown_version": MARKDOWN_VERSION} if part else {}

    def start(self, page_id: str, part: str, ours: Marks) -> bool:
        if self.has_others(page_id, ours):
            return False
        self._send(page_id, {"type": "replace_content", "replace_content": {"new_str": part}}, repeatable=True)
        return True

    def append(self, page_id: str, part: str, *, position: str = "end") -> None:
        content = {"content": part, "position": {"type": position}}
        self._send(page_id, {"type": "insert_content", "insert_content": content}, repeatable=False)

    def has_others(self, page_id: str, ours: Marks) -> bool:
        query = {"markdown_version": MARKDOWN_VERSION}
        answer = self._client.send("GET", f"pages/{page_id}/markdown", query=query)
        return bool(answer.get("truncated")) or strange(str(answer.get("markdown") or "").split("\n"), ours.copy())

    def _send(self, page_id: str, body: Json, *, repeatable: bool) -> None:
        body |= {"markdown_version": MARKDOWN_VERSION}
        self._client.send("PATCH", f"pages/{page_id}/markdown", body, repeatable=repeatable)


class BlockPages:
    clearing_requests = 2

    def __init__(self, client: NotionClient, placed: Callable[[list[Json]], list[Json]] = list) -> None:
        """`placed` makes of blocks what can be sent: it uploads their files."""
        self._client = client
        self._placed = placed

    def first(self, part: list[Json]) -> Json:
        return {"children": self._placed(part)} if part else {}

    def start(self, page_id: str, part: list[Json], ours: Marks) -> bool:
        """Clears and appends: as a whole it may be repeated, because clearing comes first.

        Clearing would take a person's pages along without asking, so they are looked for.
        """
        if _has_strange(self._client, _without_pages(self._client, page_id), ours):
            return False
        self._client.send("PATCH", f"pages/{page_id}", {"erase_content": True})
        if part:
            self.append(page_id, part)
        return True

    def append(self, page_id: str, part: list[Json], *, position: str = "end") -> None:
        body = {"children": self._placed(part), "position": {"type": position}}
        self._client.send("PATCH", f"blocks/{page_id}/children", body, repeatable=False)

    def has_others(self, page_id: str, ours: Marks) -> bool:
        return _has_strange(self._client, children(self._client, page_id), ours)


def children(client: NotionClient, block_id: str) -> Iterator[Json]:
    """The blocks on a page or within a block, in their order: one request for 100."""
    cursor: str | None = None
    while True:
        query: Json = {"page_size": PAGE_SIZE} | ({"start_cursor": cursor} if cursor else {})
        answer = client.send("GET", f"blocks/{block_id}/children", query=query)
        yield from answer["results"]
        cursor = answer.get("next_cursor")
        if not answer.get("has_more") or not cursor:
            return


def inside(client: NotionClient, page_id: str) -> list[Inner]:
    """The pages and databases on a page, in their order."""
    return [
        Inner(block["id"], str(block[type_].get("title", "")), type_ == "child_page")
        for block in children(client, page_id)
        if (type_ := block["type"]) in PAGES
    ]


class Writing(NamedTuple):
    """Bodies on their way, around what a person wrote on a page."""

    client: NotionClient
    pages: Pages
    ours: Marks
    """What may be replaced."""

    def replace(self, page_id: str, parts: list[Any]) -> None:
        """The whole body anew; from the start again if an answer stays away."""
        for _ in range(RESTARTS):
            try:
                if self.pages.start(page_id, parts[0], self.ours):
                    for part in parts[1:]:
                        self.pages.append(page_id, part)
                else:
                    self._replace_around(page_id, parts)
            except Unanswered:
                continue
            return
        raise Retryable("Notion did not answer while a page's body was written.")

    def extend(self, page_id: str, new: list[Any], whole: list[Any]) -> None:
        """New parts at the end; the whole body anew if one of them was not answered."""
        try:
            for part in new:
                self.pages.append(page_id, part)
        except Unanswered:
            self.replace(page_id, whole)

    def _replace_around(self, page_id: str, parts: list[Any]) -> None:
        """Our blocks go one by one and the body stands at the start; what is not ours follows as it is."""
        left = self.ours.copy()
        there = _without_pages(self.client, page_id)
        ours = [block["id"] for block in there if not _is_strange(self.client, block, left)]
        for block_id in ours:
            with suppress(NotThere, InTrash):
                self.client.send("DELETE", f"blocks/{block_id}")
        for part in reversed(parts):
            if part:
                self.pages.append(page_id, part, position="start")


def _without_pages(client: NotionClient, page_id: str) -> list[Json]:
    """All blocks on a page, which may go: none of them is a page."""
    there = list(children(client, page_id))
    if any(block["type"] in PAGES for block in there):
        raise HoldsPages("The page holds other pages.")
    return there


def _has_strange(client: NotionClient, blocks: Iterable[Json], ours: Marks) -> bool:
    left = ours.copy()
    return any(_is_strange(client, block, left) for block in blocks)


def _is_strange(client: NotionClient, block: Json, left: Marks) -> bool:
    """Whether a block holds anything that is not ours; `left` is what of ours was not met yet."""
    return block["type"] not in PAGES and strange(_lines(client, block), left)


def _lines(client: NotionClient, block: Json) -> Iterator[str]:
    yield from lines_of(block)
    if block.get("has_children"):
        for child in children(client, block["id"]):
            yield from _lines(client, child)
