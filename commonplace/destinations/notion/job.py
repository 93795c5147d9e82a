"""A document on its way to its page: what it should show, and what is known of the page that is there."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from commonplace.destinations.contract import Document, Entries
from commonplace.destinations.notion.page.layout import Part, Room
from commonplace.destinations.notion.page.uploads import Uploads
from commonplace.destinations.notion.properties import PEOPLES, Row, stamp_of
from commonplace.destinations.notion.render import Body
from commonplace.model import LedgerEntry, Outcome, OutcomeState

Json = dict[str, Any]

PARTIAL = "partial"
"""In `Hash`, in place of the body's digest, until the whole body is there."""


class Page(msgspec.Struct, kw_only=True):
    """A page as we last left it."""

    id: str
    sent: dict[str, str] = msgspec.field(default_factory=dict)
    values: dict[str, Any] = msgspec.field(default_factory=dict)
    names: dict[str, str] = msgspec.field(default_factory=dict)
    """In which columns the values were written, where those are not of our names (`Columns.places`)."""
    body: dict[str, Any] | None = None
    """Hash and number of the segments that are there; None: not known."""
    parts: list[Part] = msgspec.field(default_factory=list)
    """What is on which page, this one first; empty when all is on this one."""
    marks: str = ""
    """Of every line that we wrote on it and its parts (page/words.py)."""
    uploads: dict[str, str] = msgspec.field(default_factory=dict)
    """By a file's hash, what it was uploaded as."""
    edited: str | None = None
    refused: dict[str, Any] = msgspec.field(default_factory=dict)
    """What a person wrote and the archive could not take over: left there, told once."""
    shown: dict[str, Any] | None = None
    """What it shows at present of what people may change, where that was just read."""

    @property
    def url(self) -> str:
        return url_of(self.id)

    def detail(self) -> Json:
        told: Json = {"sent": self.sent, "values": self.values, "body": self.body, "edited": self.edited}
        more = {
            "names": self.names,
            "marks": self.marks,
            "parts": msgspec.to_builtins(self.parts),
            "refused": self.refused,
            "uploads": self.uploads,
        }
        return told | {name: value for name, value in more.items() if value}

    def forget(self) -> None:
        """As if nothing was known of what it shows, but for what people see and may have changed, and what is ours."""
        self.sent, self.body, self.parts = {}, None, []


class Job(msgspec.Struct, kw_only=True):
    """One document, rendered."""

    document: Document
    row: Row
    values: dict[str, Any]
    body: Body[Any]
    room: Room
    """What one page may hold."""
    ledger: Entries
    uploads: Uploads
    archive: str
    """The mark of the archive that writes it."""

    @property
    def id(self) -> str:
        return self.document.conversation.id

    @property
    def hash(self) -> str:
        """What the `Hash` property of the finished page says."""
        return self._hash(self.body.hash(), len(self.body.segments))

    @property
    def partial_hash(self) -> str:
        """What it says until the whole body is there."""
        return self._hash(PARTIAL, 0)

    def _hash(self, body: str, count: int) -> str:
        persons = [field for field, name in PEOPLES.items() if name in self.document.persons]
        return f"{self.row.hash}-{body}-{count}-{stamp_of(peoples_of(self), persons)}-{self.archive}"

    @property
    def body_detail(self) -> Json:
        return {"hash": self.body.hash(), "count": len(self.body.segments)}

    @property
    def left_out(self) -> str | None:
        names = [*self.row.left_out, *self.body.left_out, *self.uploads.left_out]
        return f"Left out: {'; '.join(names)}." if names else None

    def outcome(self, state: OutcomeState, page: Page | None = None, reason: str | None = None) -> Outcome:
        return Outcome(
            conversation_id=self.id,
            state=state,
            remote_id=page.id if page else None,
            remote_url=page.url if page else None,
            reason=reason,
        )


class Said(NamedTuple):
    """What a row's `Hash` says; empty where an older version wrote it."""

    row: str
    body: str
    segments: str
    stamp: str
    """About what people may change."""
    archive: str
    """Who wrote it."""


def said_by(hash_: str) -> Said:
    return Said(*(hash_.split("-") + [""] * 5)[:5])


def is_settled(entry: LedgerEntry | None, document: Document) -> bool:
    """Whether the ledger says that these very inputs were dealt with."""
    if entry is None or document.is_forced:
        return False
    return entry.state in ("done", "conflict") and entry.input_hash == document.input_hash


def page_of(entry: LedgerEntry | None) -> Page | None:
    """The page that an entry knows, unless a new one was about to take its place."""
    if entry is None or not entry.remote_id or (entry.state in ("intent", "uncertain") and _is_creating(entry)):
        return None
    detail = entry.detail
    return Page(
        id=entry.remote_id,
        sent=dict(detail.get("sent") or {}),
        values={**(detail.get("values") or {}), **(detail.get("pulled") or {})},
        names=dict(detail.get("names") or {}),
        body=detail.get("body"),
        parts=msgspec.convert(detail.get("parts") or [], list[Part]),
        marks=str(detail.get("marks") or ""),
        edited=detail.get("edited"),
        uploads=dict(detail.get("uploads") or {}),
        refused=dict(detail.get("refused") or {}),
    )


def _is_creating(entry: LedgerEntry) -> bool:
    return entry.detail.get("step") == "create"


def peoples_of(job: Job) -> dict[str, Any]:
    return {field: job.values[field] for field in PEOPLES if field in job.row.hashes}


def unchanged(document: Document, entry: LedgerEntry) -> Outcome:
    return Outcome(
        conversation_id=document.conversation.id,
        state="unchanged",
        remote_id=entry.remote_id,
        remote_url=url_of(entry.remote_id) if entry.remote_id else None,
    )


def url_of(page_id: str) -> str:
    """Notion leads from here to the page or database, whatever its address is.

    The address that Notion gives holds the title, which has no place in reports and logs.
    """
    return f"https://www.notion.so/{page_id.replace('-', '')}"
