"""The Notion destination: what stages call."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import msgspec

from commonplace.destinations.contract import Capabilities, Document, Edit, Ledger
from commonplace.destinations.notion import schema
from commonplace.destinations.notion.client import NotionClient
from commonplace.destinations.notion.governor import SYSTEM_CLOCK, Clock
from commonplace.destinations.notion.job import is_settled, url_of
from commonplace.destinations.notion.properties import names_of
from commonplace.destinations.notion.settings import RENDERER_VERSION, NotionSettings
from commonplace.destinations.notion.write import Writer
from commonplace.errors import Halt
from commonplace.model import Outcome

CAPABILITIES = Capabilities(
    renderer_version=RENDERER_VERSION,
    preferred_batch=200,
    supports_pull=True,
)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a write would do, without doing it."""

    states: dict[str, str]
    """Conversation id -> created, properties, body, unchanged."""
    requests: int
    seconds: float

    def count(self, state: str) -> int:
        return sum(value == state for value in self.states.values())


class NotionDestination:
    """One data source as a destination, with the power to bring people's edits back."""

    capabilities = CAPABILITIES

    def __init__(self, settings: NotionSettings, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self.settings = settings
        self.client = NotionClient(settings, clock=clock)
        try:
            self.data_source_id = schema.resolve_remembered(self.client, settings)
        except BaseException:
            self.client.close()
            raise
        self.instance = f"notion:{self.data_source_id}"
        self.settings_hash = settings.written_hash
        self.requests_sent = 0
        self._checking_requests = self.client.requests
        self._opened: Writer | None = None

    @property
    def location(self) -> str | None:
        """The database, once this process has read it or the settings name it."""
        database_id = schema.database_of(self.client, self.data_source_id) or self.settings.database_id
        return url_of(database_id) if database_id else None

    def check(self) -> list[str]:
        self.client.resume()
        before = self.client.requests
        schema.forget(self.client, self.data_source_id)
        try:
            return schema.problems(schema.remembered(self.client, self.data_source_id), self.settings)
        except Halt as exc:
            return [str(exc)]
        finally:
            self._checking_requests += self.client.requests - before

    def write(self, batch: Sequence[Document], ledger: Ledger) -> list[Outcome]:
        try:
            return self._writer().write(batch, ledger) if batch else []
        finally:
            self._count()

    def pull(self, ledger: Ledger, since: int | None) -> Iterator[Edit]:
        """What people changed since then, each edit once; keep each before you ask for the next."""
        self.client.resume(ledger.check)
        try:
            yield from self._writer().edits.pull(ledger, since)
        finally:
            self._count()

    def finish(self, outcomes: Sequence[Outcome], ledger: Ledger) -> list[Outcome]:
        """Nothing: Notion's views are its index pages."""
        return []

    def close(self) -> None:
        self.client.close()

    def plan(self, batch: Sequence[Document], ledger: Ledger) -> Plan:
        """What `write` would do with these documents, from the ledger alone: nothing is asked of Notion."""
        entries = ledger.get([document.conversation.id for document in batch])
        writer = self._offline_writer()
        states: dict[str, str] = {}
        requests = 0
        for document in batch:
            conversation_id = document.conversation.id
            entry = entries.get(conversation_id)
            if is_settled(entry, document):
                states[conversation_id] = "unchanged"
                continue
            state, cost = writer.forecast(document, entry, ledger)
            states[conversation_id] = state
            requests += cost
        return Plan(states=states, requests=requests, seconds=self.seconds_for(requests))

    def seconds_for(self, requests: int) -> float:
        """The least time for so many requests at the present rate, from a fresh window."""
        return self.client.governor.seconds_for(requests)

    def estimate(self, new: int, pending: int) -> str:
        """Requests and time for so many conversations, in words, before anything is rendered."""
        fewest, most = pending, new + 2 * (pending - new)
        requests = str(most) if fewest == most else f"{fewest} to {most}"
        minutes = self.seconds_for(most) / 60
        time = "under a minute" if minutes < 1 else f"about {math.ceil(minutes)} minutes"
        return f"{requests} requests to Notion, {time}"

    def _count(self) -> None:
        self.requests_sent = self.client.requests - self._checking_requests

    def _writer(self) -> Writer:
        if self._opened is None:
            source = schema.remembered(self.client, self.data_source_id)
            self._opened = Writer(self.client, self.settings, source)
        return self._opened

    def _offline_writer(self) -> Writer:
        if self._opened is not None:
            return self._opened
        source = schema.unread(self.data_source_id, set(names_of(self.settings).values()))
        return Writer(self.client, self.settings, source)


def open_notion(settings: NotionSettings, *, clock: Clock = SYSTEM_CLOCK) -> NotionDestination:
    """The destination that the settings describe; asks Notion for the data source if only a database is known."""
    return NotionDestination(settings, clock=clock)
