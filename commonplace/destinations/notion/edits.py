"""What people changed in Notion: found by comparing rows with what we wrote last, not by who edited when.

Notion's edit times are rounded to the minute and our own writes move them too, so a time only says where to look.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any

from commonplace import moments
from commonplace.destinations.contract import Edit, Ledger, Remark
from commonplace.destinations.notion.client import NotionClient
from commonplace.destinations.notion.columns import Columns
from commonplace.destinations.notion.job import said_by, url_of
from commonplace.destinations.notion.others import others_in, require_none
from commonplace.destinations.notion.properties import (
    CONVERSATION_ID,
    HASH,
    PEOPLES,
    PROJECT,
    TITLE,
    is_same,
    persons_of,
    plain_name,
)
from commonplace.destinations.notion.schema import project_pages
from commonplace.model import LedgerEntry

Json = dict[str, Any]

PAGE_SIZE = 100
MINUTE = 60 * 1_000_000


class Edits:
    """The rows that changed at Notion."""

    def __init__(self, client: NotionClient, source_id: str, columns: Columns) -> None:
        self._client = client
        self._source_id = source_id
        self._columns = columns
        self._projects: dict[str, str] = {}
        self._seen: dict[str, dict[str, Any]] = {}
        self._covered: int | None = None
        self._newest = 0
        self._lock = threading.Lock()

    def pull(self, ledger: Ledger, since: int | None) -> Iterator[Edit | Remark]:
        """Every edit once. Deal with each before asking for the next: asking says so.

        When it is over, everything that people changed is known, and the writes that follow need not look again.
        """
        newest, ours = since or 0, ledger.archives()
        for rows in self.rows(since):
            require_none(others_in((self._hash_of(row) for row in rows), ours), ours)
            newest = max([newest, *(moments.parse(row["last_edited_time"]) for row in rows)])
            ids = {row["id"]: str(self._columns.value(row, CONVERSATION_ID) or "") for row in rows}
            entries = ledger.get(ids.values())
            for row in rows:
                yield from self._of_row(row, ids[row["id"]], entries, ledger)
        with self._lock:
            self._covered, self._newest = 0, newest

    def _of_row(
        self, row: Json, conversation_id: str, entries: dict[str, LedgerEntry], ledger: Ledger
    ) -> Iterator[Edit | Remark]:
        entry = entries.get(conversation_id)
        shown = self._columns.shown(row, PEOPLES)
        if entry is None or not entry.remote_id:
            persons = persons_of(said_by(self._hash_of(row)).stamp, shown)
            yield from self._edits(
                row, conversation_id, {field: shown[field] for field in shown if field in persons}, {}
            )
            return
        if row["id"] != entry.remote_id:
            reason = f"There is a second row of it at Notion, which is left alone: {url_of(row['id'])}"
            yield Remark(conversation_id=conversation_id, reason=reason)
            return
        changed = self._changed(entry, shown)
        if changed or entry.detail.get("pulled"):
            with self._lock:
                self._seen[row["id"]] = shown
        told: dict[str, dict[str, Any]] = {name: dict(entry.detail.get(name, {})) for name in ("pulled", "refused")}
        for edit in self._edits(row, conversation_id, changed, {**entry.detail.get("values", {}), **told["pulled"]}):
            yield edit
            field = next(field for field, name in PEOPLES.items() if name == edit.field)
            told["pulled" if edit.is_refused else "refused"].pop(field, None)
            told["refused" if edit.is_refused else "pulled"][field] = changed[field]
        if changed:
            detail = {**entry.detail, **told}
            ledger.done(conversation_id, entry.input_hash, entry.remote_id, entry.remote_url, detail)

    def _edits(
        self, row: Json, conversation_id: str, changed: Mapping[str, Any], before: Mapping[str, Any]
    ) -> Iterator[Edit]:
        if PROJECT in changed and self._client.settings.project_as == "relation" and not self._projects:
            self._projects = _names_by_page(self._client)
        for field, value in changed.items():
            yield Edit(
                conversation_id=conversation_id,
                field=PEOPLES[field],
                value=_meant(field, value, self._projects),
                before=_meant(field, before.get(field), self._projects),
                edited_at=moments.parse(row["last_edited_time"]),
            )

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
                    self._seen[row["id"]] = self._columns.shown(row, PEOPLES)
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
        return self._columns.shown(self._client.send("GET", f"pages/{page_id}"), PEOPLES)

    def wrote(self, page_id: str) -> None:
        """We have just written this row: what was seen of it no longer counts."""
        with self._lock:
            self._seen.pop(page_id, None)

    def _hash_of(self, row: Json) -> str:
        return str(self._columns.value(row, HASH) or "")

    def _changed(self, entry: LedgerEntry, shown: Mapping[str, Any]) -> dict[str, Any]:
        """Fields whose value is neither what we wrote nor what was pulled before; only those that the row has."""
        written = entry.detail.get("values")
        if not written or entry.state not in ("done", "conflict"):
            return {}
        known = [entry.detail.get("refused", {}), entry.detail.get("pulled", {}), written]
        names, places = entry.detail.get("names") or {}, self._columns.places
        return {
            field: value
            for field, value in shown.items()
            if field in written
            and names.get(field) == places.get(field)
            and not is_same(field, next(values[field] for values in known if field in values), value)
        }

    def _query(self, since: int | None, cursor: str | None) -> Json:
        has_id: Json = {"property": self._columns.ids[CONVERSATION_ID], "rich_text": {"is_not_empty": True}}
        wanted: Json = has_id
        if since is not None:
            moved = {"timestamp": "last_edited_time", "last_edited_time": {"on_or_after": moments.to_iso(since)}}
            wanted = {"and": [has_id, moved]}
        body: Json = {
            "page_size": PAGE_SIZE,
            "filter": wanted,
            "sorts": [{"timestamp": "last_edited_time", "direction": "ascending"}],
        } | ({"start_cursor": cursor} if cursor else {})
        ids = [id for field, id in self._columns.ids.items() if field in (CONVERSATION_ID, HASH, *PEOPLES)]
        return self._client.send(
            "POST", f"data_sources/{self._source_id}/query", body, query={"filter_properties": ids}
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
