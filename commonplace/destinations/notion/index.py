"""Which conversations are at Notion already, though our ledger does not know of them.

The whole index is read, 100 rows a request, only when the ledger is empty, or when the newest row there is one that it
has never heard of: another tool wrote it, or the ledger was restored from a backup. Only what the ledger lacks is kept.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Any

import msgspec

from commonplace.destinations.contract import Ledger
from commonplace.destinations.notion.client import NotionClient
from commonplace.destinations.notion.columns import Columns
from commonplace.destinations.notion.job import PARTIAL, Job, Page, said_by
from commonplace.destinations.notion.others import others_in, require_none
from commonplace.destinations.notion.properties import CONVERSATION_ID, HASH, PEOPLES, persons_of

Json = dict[str, Any]

PAGE_SIZE = 100


class Found(msgspec.Struct, frozen=True):
    """A row that belongs to a conversation, and what it shows of what people may change."""

    page_id: str
    hash: str
    shown: dict[str, Any]


_newest: dict[tuple[str, str], str] = {}
_newest_lock = threading.Lock()


class Index:
    """The rows of one data source that the ledger does not know."""

    def __init__(self, client: NotionClient, source_id: str, columns: Columns) -> None:
        self._client = client
        self._source_id = source_id
        self._columns = columns
        self._strangers: dict[bytes, bytes] = {}
        self._is_trusted = False
        self._key = client.settings.base_url, source_id

    def ensure(self, ledger: Ledger) -> None:
        """Know the rows that the ledger lacks, before the first page is created; and that no other archive writes."""
        if self._is_trusted:
            return
        if next(iter(ledger.remote_ids()), None) is None or not self._newest_is_known(ledger):
            ours, others = ledger.archives(), set[str]()
            for page in self.rows():
                self._remember(page, ledger)
                others |= self._others(page, ours)
            require_none(others, ours)
        self._is_trusted = True

    def find(self, conversation_id: str) -> Found | None:
        row = self._strangers.get(_key(conversation_id))
        return msgspec.json.decode(row, type=Found) if row else None

    def created(self, conversation_id: str) -> None:
        """The newest row is ours: other chunks of this process need not look."""
        with _newest_lock:
            _newest[self._key] = conversation_id

    def look_up(self, conversation_id: str) -> Found | None:
        """One conversation's row, asked for by its id; the oldest if there are several."""
        body = {"filter": self._has_id(equals=conversation_id), "page_size": 2}
        return next((self.found(row) for row in self._query(body, "ascending")["results"]), None)

    def found(self, row: Json) -> Found:
        return Found(row["id"], self._hash_of(row), self._columns.shown(row, PEOPLES))

    def look_over(self, ours: Sequence[str]) -> tuple[dict[str, list[str]], set[str]]:
        """Conversations that have several rows, with the rows' ids, the oldest first; and who else writes here."""
        rows: dict[str, dict[str, None]] = {}
        others: set[str] = set()
        for page in self.rows():
            others |= self._others(page, ours)
            for row in page:
                rows.setdefault(self._conversation_of(row), {})[row["id"]] = None
        return {conversation_id: list(ids) for conversation_id, ids in rows.items() if len(ids) > 1}, others

    def rows(self) -> Iterator[list[Json]]:
        """All rows, a page at a time, in the order of creation; past 10,000 the query begins anew at the last one."""
        start: str | None = None
        while True:
            cursor: str | None = None
            while True:
                body: Json = {"page_size": PAGE_SIZE, "filter": self._since(start)}
                answer = self._query(body | ({"start_cursor": cursor} if cursor else {}), "ascending")
                yield answer["results"]
                cursor = answer.get("next_cursor")
                if not answer.get("has_more") or not cursor:
                    break
            last = answer["results"][-1]["created_time"] if answer["results"] else None
            is_cut = (answer.get("request_status") or {}).get("type") == "incomplete"
            if not is_cut or last is None or last == start:
                return
            start = last

    def _newest_is_known(self, ledger: Ledger) -> bool:
        with _newest_lock:
            newest = _newest.get(self._key)
        if newest is not None and _is_there(ledger, [newest]):
            return True
        rows = self._query({"page_size": PAGE_SIZE, "filter": self._has_id()}, "descending")["results"]
        ids = [self._conversation_of(row) for row in rows]
        if self._others(rows, ledger.archives()):
            return False
        if ids and _is_there(ledger, ids) != set(ids):
            return False
        if ids:
            self.created(ids[0])
        return True

    def _remember(self, page: list[Json], ledger: Ledger) -> None:
        ids = {self._conversation_of(row): row for row in reversed(page)}
        known = ledger.get(ids)
        for conversation_id, row in ids.items():
            entry = known.get(conversation_id)
            if conversation_id and (entry is None or not entry.remote_id):
                self._strangers.setdefault(_key(conversation_id), msgspec.json.encode(self.found(row)))

    def _others(self, rows: Iterable[Json], ours: Sequence[str]) -> set[str]:
        return others_in((self._hash_of(row) for row in rows), ours)

    def _hash_of(self, row: Json) -> str:
        return str(self._columns.value(row, HASH) or "")

    def _conversation_of(self, row: Json) -> str:
        return str(self._columns.value(row, CONVERSATION_ID) or "")

    def _query(self, body: Json, direction: str) -> Json:
        wanted = [id for field, id in self._columns.ids.items() if field in (CONVERSATION_ID, HASH, *PEOPLES)]
        body |= {"sorts": [{"timestamp": "created_time", "direction": direction}]}
        query = {"filter_properties": wanted}
        return self._client.send("POST", f"data_sources/{self._source_id}/query", body, query=query)

    def _has_id(self, *, equals: str | None = None) -> Json:
        condition = {"is_not_empty": True} if equals is None else {"equals": equals}
        return {"property": self._columns.ids[CONVERSATION_ID], "rich_text": condition}

    def _since(self, start: str | None) -> Json:
        if start is None:
            return self._has_id()
        return {"and": [self._has_id(), {"timestamp": "created_time", "created_time": {"on_or_after": start}}]}


def adopted(job: Job, found: Found, names: dict[str, str]) -> Page:
    """A row that was not in our ledger. Its `Hash` says how much of today's page it already is, and what of it is ours:
    the rest is a person's, and stays until the next pull has brought it back."""
    said = said_by(found.hash)
    persons = persons_of(said.stamp, found.shown)
    page = Page(id=found.page_id, names=names, shown=found.shown)
    page.values = {field: job.values[field] if field in persons else value for field, value in found.shown.items()}
    if said.row == job.row.hash:
        page.sent = {field: hash_ for field, hash_ in job.row.hashes.items() if field not in persons}
    if said.body != PARTIAL and said.segments.isdigit():
        page.body = {"hash": said.body, "count": int(said.segments)}
    return page


def _key(conversation_id: str) -> bytes:
    return blake2b(conversation_id.encode(), digest_size=16).digest()


def _is_there(ledger: Ledger, ids: list[str]) -> set[str]:
    return {conversation_id for conversation_id, entry in ledger.get(ids).items() if entry.remote_id}
