"""The Notion destination: what stages call."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from commonplace.destinations.contract import Capabilities, Document, Edit, Files, Ledger, Remark
from commonplace.destinations.notion import schema
from commonplace.destinations.notion.client import NotionClient
from commonplace.destinations.notion.columns import MEMORY, Columns
from commonplace.destinations.notion.governor import SYSTEM_CLOCK, Clock
from commonplace.destinations.notion.index import Index
from commonplace.destinations.notion.job import url_of
from commonplace.destinations.notion.others import shared_with
from commonplace.destinations.notion.page.uploads import ask_again
from commonplace.destinations.notion.settings import RENDERER_VERSION, NotionSettings
from commonplace.destinations.notion.write import Writer
from commonplace.errors import Halt, Permanent
from commonplace.model import Outcome

CAPABILITIES = Capabilities(
    renderer_version=RENDERER_VERSION,
    supports_pull=True,
    supports_removal=True,
)


class NotionDestination:
    """One data source as a destination, with the power to bring people's edits back."""

    capabilities = CAPABILITIES

    def __init__(self, settings: NotionSettings, files: Files | None = None, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self.settings = settings
        self._files = files
        self.client = NotionClient(settings, clock=clock)
        try:
            self.data_source_id = schema.resolve_remembered(self.client, settings)
        except BaseException:
            self.client.close()
            raise
        self.instance = instance_of(self.data_source_id)
        self.settings_hash = settings.written_hash
        self.requests_sent = 0
        self._checking_requests = self.client.requests
        self._opened: Writer | None = None

    @property
    def location(self) -> str | None:
        """The database, once this process has read it or the settings name it."""
        database_id = schema.database_of(self.client, self.data_source_id) or self.settings.database_id
        return url_of(database_id) if database_id else None

    def check(self, ledger: Ledger) -> list[str]:
        self.client.resume()
        before = self.client.requests
        schema.forget(self.client, self.data_source_id)
        self._opened = None
        try:
            writer = self._writer(ledger)
            return writer.problems() or _found(writer.index, ledger.archives())
        except Halt as exc:
            return [str(exc)]
        finally:
            self._checking_requests += self.client.requests - before

    def write(self, batch: Sequence[Document], ledger: Ledger) -> list[Outcome]:
        try:
            return self._writer(ledger).write(batch, ledger) if batch else []
        finally:
            self._count()

    def pull(self, ledger: Ledger, since: int | None) -> Iterator[Edit | Remark]:
        """What people changed since then, each edit once; deal with each before you ask for the next."""
        self.client.resume()
        ask_again(self.data_source_id)
        writer = self._writer(ledger)
        try:
            writer.require_fit()
            yield from writer.edits.pull(ledger, since)
        except Permanent:  # a column may have gone since the schema was read
            schema.forget(self.client, self.data_source_id)
            self._opened = None
            self._writer(ledger).require_fit()
            raise
        finally:
            self._count()

    def remove(self, conversation_ids: Sequence[str], ledger: Ledger) -> list[Outcome]:
        """Into Notion's trash, from where a person can bring it back for 30 days."""
        self.client.resume()
        try:
            return [
                self._writer(ledger).remove(conversation_id, entry, ledger)
                for conversation_id, entry in ledger.get(conversation_ids).items()
            ]
        finally:
            self._count()

    def finish(self, outcomes: Sequence[Outcome], ledger: Ledger) -> list[Outcome]:
        """Nothing: Notion's views are its index pages."""
        return []

    def close(self) -> None:
        self.client.close()

    def seconds_for(self, requests: int) -> float:
        """The least time for so many requests at the present rate, from a fresh window."""
        return self.client.governor.seconds_for(requests)

    def estimate(self, new: int, pending: int) -> str:
        """Requests and time for so many conversations, in words, before anything is rendered."""
        fewest, most = pending, new + 2 * (pending - new)
        requests = str(most) if fewest == most else f"{fewest} to {most}"
        minutes = self.seconds_for(most) / 60
        time = "under a minute" if minutes < 1 else f"about {math.ceil(minutes)} minutes"
        files = ", and two for each file that is not there yet" if self.settings.upload_megabytes else ""
        return f"{requests} requests to Notion, {time}{files}"

    def _count(self) -> None:
        self.requests_sent = self.client.requests - self._checking_requests

    def _writer(self, ledger: Ledger) -> Writer:
        if self._opened is None:
            source = schema.remembered(self.client, self.data_source_id)
            columns = Columns(source, self.settings, ledger.recall(MEMORY))
            columns.remember(ledger)
            self._opened = Writer(self.client, self.settings, source, columns, self._files)
        return self._opened


def _found(index: Index, ours: Sequence[str]) -> list[str]:
    """Another archive's rows, and conversations that are there twice, for the person who can tell what to keep."""
    doubles, others = index.look_over(ours)
    shared = [str(shared_with(sorted(others), ours))] if others else []
    return shared + [
        f"There are {len(ids)} rows of {conversation_id}: {', '.join(map(url_of, ids))}. Remove all but the first, "
        "which is the one that is written to."
        for conversation_id, ids in doubles.items()
    ]


def instance_of(data_source_id: str) -> str:
    return f"notion:{data_source_id}"


def open_notion(
    settings: NotionSettings, files: Files | None = None, *, clock: Clock = SYSTEM_CLOCK
) -> NotionDestination:
    """The destination that the settings describe; asks Notion for the data source if only a database is known."""
    return NotionDestination(settings, files, clock=clock)
