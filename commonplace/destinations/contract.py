"""What a destination is: capabilities, a check and a write; and what it is given to make its writes happen once.

**write(batch, ledger)** returns one outcome per document, in any order. Repeating it with the same batch does nothing
new: the ledger says what is there. A failure of one document is an outcome, never an exception; only `Retryable`
(the rest of the batch may work later) and `Halt` (nothing will) are raised, after what was done is in the ledger.
An outcome's `remote_url` leads to the page and holds nothing of its content, not even the title: reports show it.
What a page does not show is its outcome's `reason`. What is better sent together, such as a digest, is queued, and
its outcome is `queued`.

**finish(outcomes, ledger)** comes after the last batch of a run, in every run, maybe in another process than `write`:
it sends what is queued, also by earlier runs, and brings index pages up to date. It returns what became of the queued.

**The ledger** is a protocol: destinations are given one and never import the archive. Around every request that cannot
be repeated safely: `intend` (committed) before it, `done` with the remote id after it. `fail` is for what will not work
until its inputs change, `uncertain` for a request whose answer never came, `intent` is what a crash leaves of one.

- Where the service can be asked (`supports_lookup`), the next run looks it up; absent twice, 30 s apart, it may be
  repeated.
- Where it cannot, `write` never repeats it, forced or not: it notes and returns it as `uncertain`, and a person decides
  (`sync DEST --resend`, `--accept`). What may be sent again comes to `write` as `failed`.

`check` is asked before every request that writes, after whatever it had to wait for: a run that slept finds out there
that another took its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec

from commonplace.model import Attachment, Conversation, LedgerEntry, LedgerItem, LedgerState, Message, Outcome

Change = Literal["content", "verdict", "project"]


Field = Literal["category", "tags", "project", "title"]
"""What people may change at a destination."""


class Document(msgspec.Struct, kw_only=True):
    """A conversation with what the stages say about it: all that a destination may show."""

    conversation: Conversation
    input_hash: str
    category: str | None = None
    category_colour: str | None = None
    category_emoji: str | None = None
    tags: list[str] = msgspec.field(default_factory=list)
    summary: str | None = None
    language: str | None = None
    confidence: float | None = None
    insights: dict[str, Any] | None = None
    project_id: str | None = None
    project_name: str | None = None
    persons: frozenset[Field] = frozenset()
    """What of this is a person's word, which no judge or rule changes."""
    is_forced: bool = False
    """Write it again, although the ledger says that it is there: somebody may have damaged it."""


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a destination can do. Callers ask these, never its name."""

    renderer_version: str
    supports_lookup: bool = True
    """Whether the service can be asked what became of a request that it never answered."""
    changes: tuple[Change, ...] = ("content", "verdict", "project")
    """What counts as a change of a conversation. Nothing: each is sent once only, however it changes."""
    starts_from_baseline: bool = False
    """Whether the first run sends nothing that was in the archive before, unless it is asked to."""
    supports_pull: bool = False
    """Has the power of `PullsEdits`."""
    supports_message_pull: bool = False
    """Has the power of `PullsMessages`."""
    supports_removal: bool = False
    """Has the power of `Removes`."""
    supports_preview: bool = False
    """Has the power of `Previews`."""
    supports_figures: bool = False
    """Has the power of `TellsFigures`."""
    writers: int = 1
    """So many documents are written at once. Chunks are whole rounds of them: at their ends few are idle."""
    most_at_once: int | None = None
    """A run with more conversations than this needs somebody's word: each of them is a message to a person."""


class Entries(Protocol):
    """The part of a ledger that is about one conversation at a time. Every method that writes commits."""

    def check(self) -> None:
        """Raise `Halt` where another run has taken this one's place. Costs nothing; safe to ask from any thread."""

    def get(self, conversation_ids: Iterable[str]) -> dict[str, LedgerEntry]:
        """The entries that exist, by conversation id."""

    def intend(self, conversation_id: str, input_hash: str, detail: Mapping[str, Any] | None = None) -> None:
        """We are about to send a request that must not be sent twice. A known remote id is kept."""

    def done(
        self,
        conversation_id: str,
        input_hash: str,
        remote_id: str,
        remote_url: str | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """It is there, as these inputs say."""

    def fail(self, conversation_id: str, input_hash: str, reason: str) -> None:
        """It will not work until its inputs change."""

    def refused(self, conversation_id: str) -> None:
        """The service turned the request away for now: nothing came of it, and it is pending as before."""

    def uncertain(
        self, conversation_id: str, input_hash: str, reason: str, detail: Mapping[str, Any] | None = None
    ) -> None:
        """No answer came: it may be there or not."""

    def conflict(
        self, conversation_id: str, input_hash: str, reason: str, detail: Mapping[str, Any] | None = None
    ) -> None:
        """A person changed what we wrote: it is left as it is, reported once."""

    def removed(self, conversation_id: str) -> None:
        """It is not there any more, and nothing is known of it."""

    def items(self, conversation_id: str) -> list[LedgerItem]:
        """The parts of a conversation that are there, in their order."""

    def add_items(self, conversation_id: str, items: Sequence[LedgerItem]) -> None:
        """These parts are there too, behind the others."""

    def drop_items(self, conversation_id: str, ids: Iterable[str]) -> None:
        """These parts are not there any more."""


class Ledger(Entries, Protocol):
    """One destination instance's memory. Every method that writes commits before it returns.

    A key is a conversation's id, or one that the destination makes up for what it sends about several (`digest:...`).
    """

    def queue(self, conversation_id: str, input_hash: str, detail: Mapping[str, Any] | None = None) -> None:
        """Ready to be sent together with others by `finish`; `detail` is what `finish` needs to know of it."""

    def remote_ids(self) -> Iterator[tuple[str, LedgerEntry]]:
        """Every conversation that is known to be at the destination."""

    def in_state(self, *states: LedgerState, prefix: str = "") -> Iterator[tuple[str, LedgerEntry]]:
        """Every key in one of these states that begins so, in the order of the keys."""

    def recall(self, name: str) -> str | None:
        """What was last remembered under this name."""

    def remember(self, name: str, value: str) -> None:
        """Something of the destination as a whole, such as the ids of its columns."""

    def archives(self) -> Sequence[str]:
        """By which mark this archive is told from others that could write to the same place; then the marks of those
        whose place it took, because a person said so."""


class Files(Protocol):
    """Where attachments' bytes come from."""

    def path_of(self, attachment: Attachment) -> Path | None:
        """A readable local copy, or None when the export did not bring the bytes."""


class Destination(Protocol):
    """A place that conversations are written to."""

    capabilities: Capabilities
    instance: str
    """Which one of its kind: `notion:<data source id>`. Another instance has another ledger."""
    settings_hash: str
    """Changes when a setting changes what would be written."""

    @property
    def requests_sent(self) -> int:
        """How many requests (files, for a folder) went out so far."""

    @property
    def location(self) -> str | None:
        """Where a person finds all of it, as an address or a folder; nothing is asked to find out."""

    def check(self, ledger: Ledger) -> list[str]:
        """What stands in the way of writing, each with what to do; nothing is written. Empty: ready."""

    def estimate(self, new: int, pending: int) -> str:
        """What writing so many would take, in words, before anything is rendered; empty where it cannot tell."""

    def write(self, batch: Sequence[Document], ledger: Ledger) -> list[Outcome]:
        """Bring every document of the batch to the destination."""

    def finish(self, outcomes: Sequence[Outcome], ledger: Ledger) -> list[Outcome]:
        """After the last batch of a run, whose outcomes these are; repeating it does nothing new."""

    def close(self) -> None:
        """Let go of connections."""


class Edit(msgspec.Struct, kw_only=True):
    """A person's change at a destination, on its way back into the archive."""

    conversation_id: str
    field: Field
    value: Any
    edited_at: int
    """As far as it is known; never later than it was."""
    before: Any = None
    """What was there before as far as it is known: what we wrote, or an edit that came back."""
    is_refused: bool = False
    """Set by whoever asked, before asking for the next: it could not be taken over and stays as it is there."""


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """What a person should know of a conversation there, such as that it is there twice."""

    conversation_id: str
    reason: str


class PullsEdits(Protocol):
    """Bringing back what people changed of what we wrote."""

    instance: str

    def pull(self, ledger: Ledger, since: int | None) -> Iterator[Edit | Remark]:
        """What people changed since then; each edit once. Asking for the next says that the last was dealt with."""


class Continuation(msgspec.Struct, frozen=True, kw_only=True):
    """How a conversation went on at a destination: messages that are not ours, on their way into the archive."""

    conversation_id: str
    messages: list[Message]
    """In their order, each with its parent; ids begin with the destination's name, so that none is taken for ours."""


class PullsMessages(Protocol):
    """Bringing back what was said at the destination."""

    instance: str

    def pull_messages(self, ledger: Ledger, since: int | None) -> Iterator[Continuation]:
        """What was added since then. The same message may come again: its id says that it is the same."""


class Removes(Protocol):
    """Taking back what we wrote."""

    instance: str

    def remove(self, conversation_ids: Sequence[str], ledger: Ledger) -> list[Outcome]:
        """Take these away, and nothing that a person added: then it is a `conflict`. Repeating does nothing new."""


class Previews(Protocol):
    """Showing what would be sent, word for word."""

    def preview(self, documents: Iterable[Document], ledger: Ledger) -> Iterator[str]:
        """Each message that these, and what is queued, would become. Nothing is written."""


class TellsFigures(Protocol):
    """Counting more than requests."""

    @property
    def figures(self) -> Mapping[str, float]:
        """What else is worth telling of the requests so far, such as retries and bytes; runs add them up."""
