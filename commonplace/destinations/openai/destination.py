"""Conversations at OpenAI as a destination: what stages call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from urllib.parse import urlsplit

import msgspec

from commonplace.destinations.contract import Capabilities, Continuation, Document, Entries, Ledger
from commonplace.destinations.openai.items import THERE, hash_of_item, message_id, message_of
from commonplace.destinations.openai.service import Item, Service
from commonplace.destinations.openai.settings import RENDERER_VERSION, ConversationSettings
from commonplace.destinations.openai.write import ADDING, BEFORE, SHELLS, Writer, settle
from commonplace.destinations.together import bring_together
from commonplace.errors import CommonplaceError, Halt
from commonplace.model import LedgerEntry, LedgerItem, Message, Outcome
from commonplace.openai.client import OPENAI_URL, REQUESTS_PER_MINUTE, Account, Client
from commonplace.openai.errors import Missing

WRITERS = 13
"""Conversations at once, each by one writer."""
CAPABILITIES = Capabilities(
    renderer_version=RENDERER_VERSION, supports_message_pull=True, supports_removal=True, writers=WRITERS
)


class Deletion(msgspec.Struct, frozen=True, kw_only=True):
    """What is not there any more, and we did not take away."""

    conversation_id: str
    messages: int
    is_whole: bool = False
    """Whether the conversation itself is gone."""


class OpenAIDestination:
    """One account's conversations, with the power to bring back what was said there."""

    capabilities = CAPABILITIES
    location: str | None = None

    def __init__(self, settings: ConversationSettings, *, sleep: Callable[[float], None] | None = None) -> None:
        self.settings = settings
        self._check: Callable[[], None] = lambda: None
        self.client = Client(account_of(settings), check=lambda: self._check())
        self.service = Service(self.client)
        self.instance = f"openai:{urlsplit(settings.base_url or OPENAI_URL).netloc}:{settings.account}"
        self.settings_hash = settings.written_hash
        self._writer = Writer(self.service, settings, sleep=sleep)

    @property
    def requests_sent(self) -> int:
        return self.client.requests_sent

    def check(self, ledger: Ledger) -> list[str]:
        try:
            self.client.account.check()
        except CommonplaceError as error:
            return [str(error)]
        return []

    def estimate(self, new: int, pending: int) -> str:
        """At least: one request makes a conversation, and one adds up to 20 messages."""
        return f"at least {pending + new:,} requests to OpenAI; storing costs no tokens" if pending else ""

    def write(self, batch: Sequence[Document], ledger: Ledger) -> list[Outcome]:
        self._check = ledger.check
        entries = ledger.get([document.conversation.id for document in batch])

        def bring(document: Document, ours: Entries) -> Outcome:
            return self._writer.write(document, entries.get(document.conversation.id), ours)

        self.service.resume()
        longest_first = sorted(batch, key=lambda document: -len(document.conversation.messages))
        return bring_together(longest_first, bring, ledger, self.service, at_once=WRITERS)

    def finish(self, outcomes: Sequence[Outcome], ledger: Ledger) -> list[Outcome]:
        """Nothing: there are no index pages."""
        return []

    def pull_messages(self, ledger: Ledger, since: int | None) -> Iterator[Continuation]:
        """What was said behind the last that is known, in each conversation that is there."""
        for conversation_id, entry in ledger.remote_ids():
            yield from self.pull_one(conversation_id, entry, ledger)

    def pull_one(self, conversation_id: str, entry: LedgerEntry, ledger: Ledger) -> Iterator[Continuation]:
        """The same for one. What came is noted when the next is asked for: by then it is in the archive."""
        if entry.remote_id is None:
            return
        try:
            strangers = settle(self.service, conversation_id, entry.remote_id, dict(entry.detail), ledger)
        except Missing:  # deleted there; the next change decides what becomes of it
            return
        if strangers:
            yield Continuation(conversation_id=conversation_id, messages=self._said(conversation_id, strangers, ledger))
            ledger.add_items(conversation_id, [_there(item) for item in strangers])

    def deleted(self, ledger: Ledger) -> Iterator[Deletion]:
        """What somebody took away there of what we know to be there. Each conversation is read whole."""
        for conversation_id, entry in ledger.remote_ids():
            known = ledger.items(conversation_id)
            try:
                there = {item["id"] for item in self.service.items(entry.remote_id or "")}
            except Missing:
                yield Deletion(conversation_id=conversation_id, messages=_messages(known), is_whole=True)
                continue
            if gone := [item for item in known if item.remote_id not in there]:
                yield Deletion(conversation_id=conversation_id, messages=_messages(gone))

    def remove(self, conversation_ids: Sequence[str], ledger: Ledger) -> list[Outcome]:
        return [
            self.take_away(id, entry, ledger, everything=False) for id, entry in ledger.get(conversation_ids).items()
        ]

    def take_away(self, id: str, entry: LedgerEntry, ledger: Ledger, *, everything: bool) -> Outcome:
        """Items, conversation, and a look whether it is gone. What was said there and not taken in is spared, unless
        `everything` goes. Killed halfway, what is gone is gone, and asking again does the rest."""
        for remote_id in filter(None, [*entry.detail.get(BEFORE, ()), entry.remote_id]):
            if self.service.is_there(remote_id):
                items = self.service.items(remote_id)
                known = {item.remote_id for item in ledger.items(id)}
                ours = {pair[1] for pair in entry.detail.get(ADDING, ())}
                strange = [i for i in items if i["id"] not in known and hash_of_item(i) not in ours]
                if strange and remote_id == entry.remote_id and not everything:
                    reason = "Somebody went on there. Sync first, or purge it."
                    return Outcome(conversation_id=id, state="conflict", remote_id=remote_id, reason=reason)
                for item in items:
                    ledger.check()
                    self.service.delete_item(remote_id, item["id"])
                ledger.check()
                self.service.delete(remote_id)
            if self.service.is_there(remote_id):
                raise Halt("A conversation is still there after it was deleted.", hint="Run the same again later.")
        ledger.removed(id)
        return Outcome(conversation_id=id, state="removed", remote_id=entry.remote_id)

    def close(self) -> None:
        self.client.close()

    def _said(self, conversation_id: str, strangers: Sequence[Item], ledger: Ledger) -> list[Message]:
        known = ledger.items(conversation_id)
        parent = message_id(known[-1].id) if known else None
        said: list[Message] = []
        for item in strangers:
            said.append(message_of(item, parent))
            parent = said[-1].id
        return said


def _messages(items: Iterable[LedgerItem]) -> int:
    return len({message_id(item.id) for item in items})


def shells_of(ledger: Ledger) -> int:
    """How many empty conversations may be there that no answer told us of."""
    return sum(int(entry.detail.get(SHELLS, 0)) for _, entry in ledger.remote_ids())


def _there(item: Item) -> LedgerItem:
    return LedgerItem(id=f"{THERE}{item['id']}", input_hash=hash_of_item(item), remote_id=item["id"])


def account_of(settings: ConversationSettings) -> Account:
    limit = settings.requests_per_minute or (None if settings.base_url else REQUESTS_PER_MINUTE)
    return Account(
        api_key=settings.api_key,
        base_url=settings.base_url,
        requests_per_minute=limit,
        processes=settings.processes,
        timeout=settings.timeout_seconds,
    )


def open_openai(settings: ConversationSettings, *, sleep: Callable[[float], None] | None = None) -> OpenAIDestination:
    """The destination that the settings describe. Halts where there is neither key nor address."""
    account_of(settings).check()
    return OpenAIDestination(settings, sleep=sleep)
