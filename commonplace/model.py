"""What every part speaks: conversations with their messages, and what the stages say about them.

Moments are integers: microseconds since the epoch, UTC. They sort, compare and store the same everywhere;
`moments.py` turns them into what people read. Structs, not pydantic models, because an import builds
hundreds of thousands of them.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Literal

import msgspec

Role = Literal["user", "assistant", "system", "tool"]
AttachmentKind = Literal["image", "audio", "video", "file"]
OutcomeState = Literal[
    "created", "updated", "unchanged", "failed", "uncertain", "conflict", "skipped", "queued", "removed"
]
LedgerState = Literal["intent", "done", "failed", "uncertain", "conflict", "queued", "baseline"]

DEFAULT_OWNER = "me"
MOST_EVIDENCE = 5
SAID_AT = "said_at"
"""In the `extra` of a message: the place, other than its source, where the conversation went on with it."""


class Attachment(msgspec.Struct, kw_only=True, gc=False):
    """A file that a message carries or shows.

    Its bytes are the `member` of the export, or `text` where the source tells what is written in it; the import keeps
    them and sets `sha256`.
    """

    id: str
    kind: AttachmentKind = "file"
    name: str | None = None
    mime_type: str | None = None
    size: int | None = None
    prompt: str | None = None
    member: str | None = None
    text: str | None = None
    sha256: str | None = None


class Message(msgspec.Struct, kw_only=True, gc=False):
    """One node of a conversation's tree.

    `text` is readable Markdown. `digest` is made of the role and the raw text a reader would see, so it is the
    same for every era of the export and every version of our rendering; empty when a reader would see nothing.
    """

    id: str
    role: Role
    text: str
    digest: bytes = b""
    parent_id: str | None = None
    author: str | None = None
    content_type: str = "text"
    created_at: int | None = None
    model: str | None = None
    is_active: bool = True
    is_hidden: bool = False
    position: int = 0
    attachments: list[Attachment] = msgspec.field(default_factory=list)
    extra: dict[str, Any] = msgspec.field(default_factory=dict)
    raw: bytes | None = None


def digest_of(role: str, text: str) -> bytes:
    """The digest of a message that no export brought: its text is what was said."""
    return blake2b(f"{role}\n{text}".encode("utf-8", "replace"), digest_size=16).digest()


class Conversation(msgspec.Struct, kw_only=True):
    """A whole conversation as one source tells it: every branch, the active one marked.

    `item_digest` identifies the bytes it was read from, so that the same bytes need not be merged twice.
    """

    source: str
    external_id: str
    account: str = ""
    """Which of several accounts of its source it is of; empty: the one that has no name of its own."""
    title: str | None = None
    created_at: int | None = None
    updated_at: int | None = None
    messages: list[Message] = msgspec.field(default_factory=list)
    current_message_id: str | None = None
    project_ref: str | None = None
    gpt_ref: str | None = None
    model: str | None = None
    url: str | None = None
    is_archived: bool | None = None
    is_starred: bool | None = None
    pinned_at: int | None = None
    extra: dict[str, Any] = msgspec.field(default_factory=dict)
    item_digest: bytes | None = None
    project: Project | None = None
    """The project that all of it tells about, with its name, by the id that its source has for it."""

    @property
    def id(self) -> str:
        """The identity everywhere in the archive: `source:external_id`, or `source@account:external_id`."""
        return f"{origin(self.source, self.account)}:{self.external_id}"


def origin(source: str, account: str) -> str:
    """Where a conversation is from, as a person says it and asks for it: `chatgpt`, or `chatgpt@work`."""
    return f"{source}@{account}" if account else source


def about_project(ref: str) -> str:
    """The external id of what a source tells about a project, which no conversation has."""
    return f"project-{ref}"


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What a judge consumed."""

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cost_usd=self.cost_usd + other.cost_usd,
        )


class Verdict(msgspec.Struct, kw_only=True):
    """What a judge says of one conversation, and on what grounds."""

    conversation_id: str
    content_hash: str
    category: str
    confidence: float
    runner_up: str | None = None
    tags: list[str] = msgspec.field(default_factory=list)
    title: str | None = None
    summary: str = ""
    language: str | None = None
    insights: dict[str, Any] | None = None
    evidence: list[str] = msgspec.field(default_factory=list)
    """What spoke for the category: words of the conversation, or the judge's own; at most `MOST_EVIDENCE`."""
    taxonomy: str
    taxonomy_hash: str
    judge: str
    model: str
    prompt_version: str
    usage: Usage = Usage()


class Project(msgspec.Struct, kw_only=True):
    """A project and every id under which its source knows it."""

    id: str
    name: str
    name_source: Literal["person", "sidebar", "title", "inferred", "id"] = "id"
    description: str | None = None
    instructions: str | None = None
    status: str = "active"
    colour: str | None = None
    refs: list[str] = msgspec.field(default_factory=list)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one conversation at a destination."""

    conversation_id: str
    state: OutcomeState
    remote_id: str | None = None
    remote_url: str | None = None
    reason: str | None = None


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """The newest that is known of one conversation at one destination."""

    state: LedgerState
    input_hash: str
    remote_id: str | None = None
    remote_url: str | None = None
    detail: dict[str, Any] = msgspec.field(default_factory=dict)
    reason: str | None = None
    attempts: int = 0
    """How often these inputs have been tried since it last worked."""
    updated_at: int = 0


class LedgerItem(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a conversation that is at a destination by itself, such as a message."""

    id: str
    """Ours, such as the message's."""
    input_hash: str
    remote_id: str
