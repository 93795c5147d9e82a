"""What people changed in Notion: found by comparing rows with what we wrote last, not by who edited when.

Notion's edit times are rounded to the minute and our own writes move them too, so a time only says where to look.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any

from commonplace import moments
from commonplace.destinations.contract import Edit, Ledger
from commonplace.destinations.notion.client import NotionClient
from commonplace.destinations.notion.properties import (
    CONVERSATION_ID,
    PEOPLES,
    PROJECT,
    TITLE,
    from_notion,
    is_same,
    names_of,
    own_names,
    plain_name,
)
from commonplace.destinations.notion.schema import DataSource, project_pages
from commonplace.model import LedgerEntry

Json = dict[str, Any]

PAGE_SIZE = 100
MINUTE = 60 * 1_000_000


class Edits:
    """The rows that changed at Notion."""

    def __init__(self, client: NotionClient, source: DataSource) -> None:
        self._client = client
        self._source = source
        names = names_of(client.settings)
        self._own_names = own_names(names)
        self._names = {field: names[field] for field in (*PEOPLES, CONVERSATION_ID) if field in names}
        self._names[TITLE] = source.title_name
        self._seen: dict[str, dict[str, Any]] = {}
        self._covered: int | None = None
        self._newest = 0
        self._lock = threading.Lock()

    def pull(self, ledger: Ledger, since: int | None) -> Iterator[Edit]:
        """Every edit once. Keep each edit before asking for the next: asking says that it is kept.

        When it is over, everything that people changed is known, and the writes that follow need not look again.
        """
        projects: dict[str, str] = {}
        newest = since or 0
        for rows in self.rows(since):
            by_id = {self.value(row, CONVERSATION_ID): row for row in rows}
            newest = max([newest, *(moments.parse(row["last_edited_time"]) for row in rows)])
            for conversation_id, entry in ledger.get(by_id).items():
                row = by_id[conversation_id]
                changed = self._changed(entry, row)
                if changed or entry.detail.get("pulled"):
                    with self._lock:
                        self._seen[row["id"]] = self._peoples(row)
                if not changed:
                    continue
                if PROJECT in changed and self._client.settings.project_as == "relation" and not projects:
                    projects = _names_by_page(self._client)
                for field, value in changed.items():
                    meant = _meant(field, value, projects)
                    edited_at = moments.parse(row["last_edited_time"])
                    yield Edit(conversation_id=conversation_id, field=PEOPLES[field], value=meant, edited_at=edited_at)  # type: ignore[arg-type]
                pulled = {**entry.detail.get("pulled", {}), **changed}
                detail = {**entry.detail, "pulled": pulled}
                ledger.done(conversation_id, entry.input_hash, entry.remote_id or row["id"], entry.remote_url, detail)
        with self._lock:
            self._covered, self._newest = 0, newest

    def rows(self, since: int | None) -> Iterator[list[Json]]:
        """Rows edited since then, a page at a time, oldest edit first; past 10,000 it begins anew at the last one."""
        start = None if since is None else since - MINUTE - since % MINUTE
        cursor = None
        while True:
            answer = self._query(start, cursor)
            rows = answer["results"]
            yield rows
            cursor = answer.get("next_cursor")
            if answer.get("has_more") and cursor:
                continue
            if (answer.get("request_status") or {}).get("type") != "incomplete" or not rows:
                return
            last = moments.parse(rows[-1]["last_edited_time"])
            if last == start:
                return
            start, cursor = last, None

    def value(self, row: Json, field: str) -> Any:
        property_ = row["properties"].get(self._names.get(field, ""))
        return from_notion(property_) if property_ else None

    def look(self, pages: Mapping[str, int]) -> None:
        """Learn what these pages (id -> when we wrote them) show now: by listing what was edited since, if cheaper."""
        with self._lock:
            since = min(pages.values(), default=0)
            is_covered = self._covered is not None and since >= self._covered
            if is_covered and self._covered == 0:
                return
            if len(pages) < (1 if is_covered else 2):
                return
            newest = self._newest if is_covered else since
            for count, rows in enumerate(self.rows(newest)):
                for row in rows:
                    self._seen[row["id"]] = self._peoples(row)
                    newest = max(newest, moments.parse(row["last_edited_time"]))
                if len(rows) == PAGE_SIZE and count + 1 >= max(1, len(pages) // 2):
                    self._covered = None
                    self._seen.clear()
                    return
            self._covered = since if self._covered is None else min(since, self._covered)
            self._newest = newest

    def current(self, page_id: str, wrote_at: int | None) -> dict[str, Any]:
        """What people see in this row now; empty: what we wrote."""
        with self._lock:
            if self._covered is not None and wrote_at is not None and wrote_at >= self._covered:
                return self._seen.get(page_id, {})
        return self._peoples(self._client.send("GET", f"pages/{page_id}"))

    def wrote(self, page_id: str) -> None:
        """We have just written this row: what was seen of it no longer counts."""
        with self._lock:
            self._seen.pop(page_id, None)

    def _peoples(self, row: Json) -> dict[str, Any]:
        return {field: self.value(row, field) for field in PEOPLES if field in self._names}

    def _changed(self, entry: LedgerEntry, row: Json) -> dict[str, Any]:
        """Fields whose value is neither what we wrote nor what was pulled before."""
        written = entry.detail.get("values")
        if not written or entry.state not in ("done", "conflict"):
            return {}
        pulled = entry.detail.get("pulled", {})
        names = entry.detail.get("names") or {}
        changed = {}
        for field in PEOPLES:
            if field not in written or field not in self._names or names.get(field) != self._own_names.get(field):
                continue
            value = self.value(row, field)
            if not is_same(field, pulled.get(field, written[field]), value):
                changed[field] = value
        return changed

    def _query(self, since: int | None, cursor: str | None) -> Json:
        has_id: Json = {"property": self._names[CONVERSATION_ID], "rich_text": {"is_not_empty": True}}
        wanted: Json = has_id
        if since is not None:
            moved = {"timestamp": "last_edited_time", "last_edited_time": {"on_or_after": moments.to_iso(since)}}
            wanted = {"and": [has_id, moved]}
        body: Json = {
            "page_size": PAGE_SIZE,
            "filter": wanted,
            "sorts": [{"timestamp": "last_edited_time", "direction": "ascending"}],
        } | ({"start_cursor": cursor} if cursor else {})
        ids = [self._source.property_ids[name] for name in self._names.values() if name in self._source.property_ids]
        return self._client.send(
            "POST", f"data_sources/{self._source.id}/query", body, query={"filter_properties": ids}
        )


def conflicting(wanted: Mapping[str, Any], written: Mapping[str, Any], current: Mapping[str, Any]) -> list[str]:
    """Fields that we are about to change although a person has changed them to something else."""
    return [
        field
        for field, value in wanted.items()
        if field in written
        and field in current
        and not is_same(field, written[field], current[field])
        and not is_same(field, value, current[field])
    ]


def _meant(field: str, value: Any, projects: Mapping[str, str]) -> Any:
    """An edit in the archive's terms: names with their commas, projects by name."""
    if field == TITLE:
        return value
    if field == PROJECT and isinstance(value, list):
        return projects.get(value[0]) if value else None
    if isinstance(value, list):
        return [plain_name(name) for name in value]
    return plain_name(value)


def _names_by_page(client: NotionClient) -> dict[str, str]:
    data_source_id = client.settings.projects_data_source_id
    if not data_source_id:
        return {}
    return {page: name for name, page in project_pages(client, data_source_id).items()}


def wrote_at(edited: str | None) -> int | None:
    """When we last wrote a page, by Notion's clock."""
    return moments.parse(edited) if edited else None
