"""A body onto its page, and onto pages inside it where one page is too small; appended to if it only grew.

    share of a page     is there as it should be      nothing
                        has grown at the end          appended
                        else                          replaced
    no page yet         made inside the conversation's page, looked for there if Notion does not answer
    a page too many     into the trash

The conversation's own page cannot be replaced while it holds others: Notion would delete them. So our parts go into
the trash first and are made anew, unless a person has put pages there too; then all is left as it is. Nothing is
known of a body whose writing was cut off, so it is written anew, which also removes parts that nobody remembers.

That a part is gone must never look as if the conversation's page were, or a second row would be made for it: whatever
is read from a part or written to it goes through `_looked_into`, `_remove` or `_one_part`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from commonplace.destinations.notion.client import HoldsPages, InTrash, NotionClient, NotThere, TooLarge, Unanswered
from commonplace.destinations.notion.job import Job, Page
from commonplace.destinations.notion.page.layout import Part, Span, part_of, spans_of
from commonplace.destinations.notion.page.pages import CREATE_ATTEMPTS, Inner, Pages, Writing, inside
from commonplace.destinations.notion.page.words import Marks, marks_of, unpack
from commonplace.destinations.notion.properties import text_json
from commonplace.destinations.notion.render import SPEAKERS, Body, Dialect
from commonplace.errors import Permanent, Retryable

Json = dict[str, Any]

SHRINKS = 3
MANY = 1_000_000
_PART_TITLE = re.compile(r"Part \d+ of this conversation")


def title_of(number: int) -> str:
    """What a part is called; the conversation's title may change, this does not."""
    return f"Part {number} of this conversation"


class PartGone(Permanent):
    """A person removed a part of a conversation, but not its page."""


class Bodies:
    """Writes the bodies of one data source's pages."""

    def __init__(self, client: NotionClient, dialect: Dialect[Any], pages: Pages) -> None:
        self._client = client
        self._dialect = dialect
        self._pages = pages

    def opening(self, job: Job) -> tuple[Json, bool]:
        """What rides on the creation of a page, and whether that is all."""
        spans = spans_of(job.body, job.room)
        packed = self._packed(job.body, spans[0])
        return self._pages.first(packed[0]), len(spans) == len(packed) == 1

    def complete(self, job: Job, page: Page) -> str | None:
        """What did not fit into the creation of the page, as `bring` does it."""
        first = spans_of(job.body, job.room)[0]
        packed = self._packed(job.body, first)
        with self._client.governor.alone(page.id):
            try:
                self._writing(job, page).extend(page.id, packed[1:], packed)
                page.parts = [part_of(page.id, job.body, first)]
            except TooLarge:
                job.room = job.room.shrunk()
        return self.bring(job, page)

    def bring(self, job: Job, page: Page, *, remake: bool = True) -> str | None:
        """The page and its parts as they should be; if a person's doing is in the way, what that was.

        Where that is a page inside a page that had no parts, what is known of it stays known: this relies on nothing
        having been written by then, and `_write_first` forgets it where that is not sure.
        """
        with self._client.governor.alone(page.id):
            for attempt in range(SHRINKS + 1):
                had_parts = bool(page.parts)
                try:
                    self._carry_out(job, page)
                    return None
                except HoldsPages:
                    if had_parts:  # some of them may have been written already
                        page.body, page.parts = None, []
                    return "the body, by putting pages inside,"
                except PartGone:
                    page.body, page.parts = None, []
                    if not remake:
                        return "the body, by removing a part of it,"
                except TooLarge:
                    if attempt == SHRINKS:
                        raise
                    page.body, page.parts = None, []
                    job.room = job.room.shrunk()
        raise Retryable("Parts of a conversation disappear from Notion while they are written.")

    def _carry_out(self, job: Job, page: Page) -> None:
        old = known(page)
        spans = spans_of(job.body, job.room, old)
        old = self._write_first(job, page, spans[0], old)
        written = [part_of(page.id, job.body, spans[0])]
        for number, span in enumerate(spans[1:], 1):
            part = old[number] if number < len(old) else None
            part_id = self._rewrite(job, page, span, part) if part else self._create(job, page, span, number + 1)
            written.append(part_of(part_id, job.body, span))
        for part in old[len(spans) :]:
            if self._looked_into(part.id) or self._is_touched(part.id, self._writing(job, page).ours):
                raise HoldsPages("A part holds what is not ours.")
            self._remove(part.id)
        page.parts = written if len(written) > 1 else []

    def _write_first(self, job: Job, page: Page, span: Span, old: list[Part]) -> list[Part]:
        """The share of the conversation's own page; returns which parts are still there."""
        new = self._additions(job.body, span, old[0]) if old else None
        if new == []:
            return old
        whole = self._packed(job.body, span)
        writing = self._writing(job, page)
        if new is not None and len(old) == 1:  # else it would stand behind the links to the parts
            try:
                writing.extend(page.id, new, whole)
            except HoldsPages:  # it was replaced for want of an answer: what was appended may be there
                page.body = None
                raise
            return old
        try:
            writing.replace(page.id, whole)
        except HoldsPages:
            self._remove_parts(page.id, writing.ours)
            writing.replace(page.id, whole)
        return old[:1]

    def _rewrite(self, job: Job, page: Page, span: Span, part: Part) -> str:
        new = self._additions(job.body, span, part)
        whole = self._packed(job.body, span)
        with self._one_part(page):
            if new is None:
                self._writing(job, page).replace(part.id, whole)
            else:
                self._writing(job, page).extend(part.id, new, whole)
        return part.id

    def _create(self, job: Job, page: Page, span: Span, number: int) -> str:
        """A page inside the conversation's page, which shows as a link at its end."""
        packed = self._packed(job.body, span)
        body: Json = {
            "parent": {"type": "page_id", "page_id": page.id},
            "properties": {"title": {"title": text_json(title_of(number))}},
            **self._pages.first(packed[0]),
        }
        for _ in range(CREATE_ATTEMPTS):
            try:
                part_id = str(self._client.send("POST", "pages", body, repeatable=False)["id"])
            except Unanswered:
                found = self._find(page.id, number)
                if found is None:
                    continue
                part_id = found
            with self._one_part(page):
                self._writing(job, page).extend(part_id, packed[1:], packed)
            return part_id
        raise Retryable("Notion did not say whether it had created a part of a conversation.")

    def _find(self, page_id: str, number: int) -> str | None:
        """A part whose creation was never answered: absent only if it is absent twice, some time apart."""
        for attempt in range(2):
            if attempt:
                self._client.rest(self._client.settings.lookup_interval_seconds)
            for inner in inside(self._client, page_id):
                if inner.is_page and inner.title == title_of(number):
                    return inner.id
        return None

    def holds_others(self, page_id: str, marks: str) -> bool:
        """Whether a person put something on a page or its parts; words only where it was noted which are ours."""
        inner = inside(self._client, page_id)
        if any(map(self._is_others, inner)):
            return True
        return bool(marks) and any(self._is_touched(id, unpack(marks)) for id in (page_id, *(one.id for one in inner)))

    def _is_others(self, inner: Inner) -> bool:
        return not inner.is_page or not _PART_TITLE.fullmatch(inner.title) or bool(self._looked_into(inner.id))

    def _remove_parts(self, page_id: str, ours: Marks) -> None:
        """All pages inside are ours and go into the trash; or something of a person's is there and nothing happens."""
        inner = inside(self._client, page_id)
        if any(self._is_others(one) or self._is_touched(one.id, ours) for one in inner):
            raise HoldsPages("The page holds what is not ours.")
        for one in inner:
            self._remove(one.id)

    def _is_touched(self, part_id: str, ours: Marks) -> bool:
        """Whether there are a person's words on a page; not if a person removed it already."""
        try:
            return self._pages.has_others(part_id, ours)
        except (NotThere, InTrash):
            return False

    def _writing(self, job: Job, page: Page) -> Writing:
        """What we write and wrote is ours; where an earlier version did not note it, also who was said to speak."""
        speakers = [*SPEAKERS.values(), *(message.author or "" for message in job.document.conversation.messages)]
        known = unpack(page.marks) if page.marks else Marks(dict.fromkeys(marks_of(speakers), MANY))
        return Writing(self._client, self._pages, known | job.body.marks)

    @contextmanager
    def _one_part(self, page: Page) -> Iterator[None]:
        """Writing to a part that is gone raises `PartGone`, unless the conversation's page is gone as well."""
        try:
            yield
        except (NotThere, InTrash) as exc:
            if self._client.send("GET", f"pages/{page.id}").get("in_trash"):
                raise
            raise PartGone("A part of the conversation was removed in Notion.") from exc

    def _looked_into(self, part_id: str) -> list[Inner]:
        """What a part holds inside: nothing if a person removed it already."""
        try:
            return inside(self._client, part_id)
        except (NotThere, InTrash):
            return []

    def _remove(self, part_id: str) -> None:
        """A part into the trash, where it may be already."""
        try:
            self._client.send("PATCH", f"pages/{part_id}", {"in_trash": True})
        except (NotThere, InTrash):
            return

    def _additions(self, body: Body[Any], span: Span, part: Part) -> list[Any] | None:
        """What has to be appended to what is there, maybe nothing; None if replacing it takes fewer requests."""
        end = span[0] + part.count
        if end > span[1] or body.hash_of((span[0], end)) != part.hash:
            return None
        if end == span[1]:
            return []
        new = self._dialect.pack(body.blocks(end, span[1]))
        return new if len(new) <= len(self._packed(body, span)) + self._pages.clearing_requests else None

    def _packed(self, body: Body[Any], span: Span) -> list[Any]:
        return self._dialect.pack(body.blocks(*span))


def known(page: Page) -> list[Part]:
    """What is known to be on a page and its parts."""
    if page.parts or not page.body:
        return list(page.parts)
    return [Part(page.id, page.body["hash"], page.body["count"])]
