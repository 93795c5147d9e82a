"""Which conversations are at Notion already, though our ledger does not know of them.

The whole index is read, 100 rows a request, only when the ledger is empty, or when the newest row there is one that it
has never heard of: another tool wrote it, or the ledger was restored from a backup. Only what the ledger lacks is kept.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any
from uuid import UUID

import msgspec

from commonplace.destinations.contract import Ledger
from commonplace.destinations.notion.client import NotionClient
from commonplace.destinations.notion.properties import CONVERSATION_ID, HASH, from_notion, names_of
from commonplace.destinations.notion.schema import DataSource

Json = dict[str, Any]

PAGE_SIZE = 100


class Found(msgspec.Struct, frozen=True):
    """A row that belongs to a conversation."""

    page_id: str
    hash: str


_newest: dict[tuple[str, str], str] = {}
_newest_lock = threading.Lock()


class Index:
    """The rows of one data source that the ledger does not know."""

    def __init__(self, client: NotionClient, source: DataSource) -> None:
        self._client = client
        self._source = source
        self._names = names_of(client.settings)
        self._strangers: dict[bytes, tuple[bytes, bytes]] = {}
        self._is_trusted = False
        self._key = client.settings.base_url, source.id

    def ensure(self, ledger: Ledger) -> None:
        """Know the rows that the ledger lacks, before the first page is created."""
        if self._is_trusted:
            return
        if next(iter(ledger.remote_ids()), None) is None or not self._newest_is_known(ledger):
            for page in self._rows():
                self._remember(page, ledger)
        self._is_trusted = True

    def find(self, conversation_id: str) -> Found | None:
        row = self._strangers.get(_key(conversation_id))
        return Found(str(UUID(bytes=row[0])), row[1].decode()) if row else None

    def created(self, conversation_id: str) -> None:
        """The newest row is ours: other chunks of this process need not look."""
        with _newest_lock:
            _newest[self._key] = conversation_id

    def look_up(self, conversation_id: str) -> Found | None:
        """One conversation's row, asked for by name; the oldest if there are several."""
        body = {"filter": {"property": self._names[CONVERSATION_ID], "rich_text": {"equals": conversation_id}}}
        for page in self._query(body | {"page_size": 2}, "ascending")["results"]:
            return Found(page["id"], self._text(page, HASH))
        return None

    def _newest_is_known(self, ledger: Ledger) -> bool:
        with _newest_lock:
            newest = _newest.get(self._key)
        if newest is not None and _is_there(ledger, [newest]):
            return True
        rows = self._query({"page_size": PAGE_SIZE, "filter": self._has_id()}, "descending")["results"]
        ids = [self._text(page, CONVERSATION_ID) for page in rows]
        if ids and _is_there(ledger, ids) != set(ids):
            return False
        if ids:
            self.created(ids[0])
        return True

    def _rows(self) -> Iterator[list[Json]]:
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

    def _remember(self, page: list[Json], ledger: Ledger) -> None:
        ids = {self._text(row, CONVERSATION_ID): row for row in reversed(page)}
        known = ledger.get(ids)
        for conversation_id, row in ids.items():
            entry = known.get(conversation_id)
            if conversation_id and (entry is None or not entry.remote_id):
                value = UUID(row["id"]).bytes, self._text(row, HASH).encode()
                self._strangers.setdefault(_key(conversation_id), value)

    def _query(self, body: Json, direction: str) -> Json:
        wanted = [self._source.property_ids.get(self._names.get(f, ""), "") for f in (CONVERSATION_ID, HASH)]
        body |= {"sorts": [{"timestamp": "created_time", "direction": direction}]}
        query = {"filter_properties": [property_id for property_id in wanted if property_id]}
        return self._client.send("POST", f"data_sources/{self._source.id}/query", body, query=query)

    def _has_id(self) -> Json:
        return {"property": self._names[CONVERSATION_ID], "rich_text": {"is_not_empty": True}}

    def _since(self, start: str | None) -> Json:
        if start is None:
            return self._has_id()
        return {"and": [self._has_id(), {"timestamp": "created_time", "created_time": {"on_or_after": start}}]}

    def _text(self, page: Json, field: str) -> str:
        value = page["properties"].get(self._names.get(field, ""))
        return str(from_notion(value) or "") if value else ""


def _key(conversation_id: str) -> bytes:
    return blake2b(conversation_id.encode(), digest_size=16).digest()


def _is_there(ledger: Ledger, ids: list[str]) -> set[str]:
    return {conversation_id for conversation_id, entry in ledger.get(ids).items() if entry.remote_id}
