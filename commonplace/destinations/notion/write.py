"""One conversation to its page, exactly once.

    no entry            -> a row found by the index is adopted, else: intend, POST, done
    intent, uncertain   -> looked up by Conversation ID; absent twice, 30 s apart, it is posted again
    done, other inputs  -> what changed: properties in one request, new turns appended or the body replaced
    done, same inputs   -> nothing

Creating is the only request that would leave a duplicate, so it alone needs the look-up; an unanswered append is
healed by replacing the body. The `Hash` property says what a page holds, for the day the ledger is lost.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from commonplace.destinations.contract import Document, Entries, Files, Ledger
from commonplace.destinations.notion import schema
from commonplace.destinations.notion.choices import Choices
from commonplace.destinations.notion.client import InTrash, NotionClient, NotThere, TooLarge, Unanswered
from commonplace.destinations.notion.columns import Columns
from commonplace.destinations.notion.edits import Edits, conflicting, wrote_at
from commonplace.destinations.notion.governor import MOST_IN_FLIGHT
from commonplace.destinations.notion.index import Found, Index, adopted
from commonplace.destinations.notion.job import Job, Page, is_settled, page_of, peoples_of, unchanged
from commonplace.destinations.notion.page.blocks import BlockDialect
from commonplace.destinations.notion.page.bodies import Bodies
from commonplace.destinations.notion.page.dialect import MarkdownDialect
from commonplace.destinations.notion.page.layout import Room
from commonplace.destinations.notion.page.pages import CREATE_ATTEMPTS, BlockPages, MarkdownPages
from commonplace.destinations.notion.page.uploads import Uploads, refusal
from commonplace.destinations.notion.page.words import pack, unpack
from commonplace.destinations.notion.properties import (
    FIELDS,
    PEOPLES,
    PROJECT,
    Row,
    names_of,
    row_of,
)
from commonplace.destinations.notion.render import Dialect, body_of, files_of
from commonplace.destinations.notion.schema import DataSource
from commonplace.destinations.notion.settings import NotionSettings
from commonplace.destinations.together import bring_together
from commonplace.errors import CommonplaceError, Halt, Permanent
from commonplace.model import LedgerEntry, Outcome, OutcomeState

Json = dict[str, Any]


class Writer:
    """Writes batches to one data source."""

    def __init__(
        self,
        client: NotionClient,
        settings: NotionSettings,
        source: DataSource,
        columns: Columns,
        files: Files | None = None,
    ) -> None:
        self._client = client
        self._settings = settings
        self._source = source
        self._columns = columns
        self._names = names_of(settings)
        self.index = Index(client, source.id, columns)
        self.edits = Edits(client, source.id, columns)
        self._files = files
        self._choices = Choices(client, source, columns)

    def problems(self) -> list[str]:
        """What stands in the way, each with what to do."""
        return schema.problems(self._source, self._settings, self._columns.ids)

    def require_fit(self) -> None:
        """Nothing is read from or written to columns that are not what they should be."""
        if problems := self.problems():
            schema.forget(self._client, self._source.id)
            raise Halt("The Notion database does not fit. " + " ".join(problems))

    def write(self, batch: Sequence[Document], ledger: Ledger) -> list[Outcome]:
        entries = ledger.get([document.conversation.id for document in batch])
        outcomes, todo = [], []
        for document in batch:
            entry = entries.get(document.conversation.id)
            if entry is not None and is_settled(entry, document):
                outcomes.append(unchanged(document, entry))
            else:
                todo.append(document)
        if todo:
            self._client.resume(ledger.check)
            self._prepare(todo, entries, ledger)
            archive = ledger.archives()[0]

            def bring(document: Document, entries: Entries) -> Outcome:
                return self._bring(document, entries, archive)

            try:
                outcomes += bring_together(todo, bring, ledger, self._client, at_once=MOST_IN_FLIGHT)
            finally:
                self._columns.remember(ledger)
        return outcomes

    def remove(self, conversation_id: str, entry: LedgerEntry, ledger: Ledger) -> Outcome:
        """A page into the trash, with its parts; not one that a person put pages into or wrote on."""
        ledger.check()
        page_id = entry.remote_id
        try:
            if page_id and self._bodies().holds_others(page_id, str(entry.detail.get("marks") or "")):
                reason = "The page holds what a person put there; it was left as it is."
                return Outcome(conversation_id=conversation_id, state="conflict", remote_id=page_id, reason=reason)
            if page_id:
                self._client.send("PATCH", f"pages/{page_id}", {"in_trash": True})
        except (NotThere, InTrash):
            pass
        ledger.removed(conversation_id)
        return Outcome(conversation_id=conversation_id, state="removed", remote_id=page_id)

    def job(self, document: Document, ledger: Entries, archive: str) -> Job:
        row = row_of(document, self._names)
        values = dict(row.values)
        if self._settings.project_as == "relation":
            values[PROJECT] = self._choices.pages_of(values[PROJECT])
        files = {} if refusal(self._source.id) else files_of(document, self._settings)
        dialect: Dialect[Any] = BlockDialect(files) if self._as_blocks(files) else MarkdownDialect()
        return Job(
            document=document,
            row=row,
            values=values,
            body=body_of(document, self._settings, dialect, files),
            room=Room(self._settings.blocks_per_page),
            ledger=ledger,
            uploads=Uploads(self._client, self._files, files, self._source.id),
            archive=archive,
        )

    def _as_blocks(self, files: Collection[str]) -> bool:
        """Whether a body goes as blocks: Markdown cannot show what was uploaded."""
        return bool(files) or self._settings.body == "blocks"

    def _bodies(self, uploads: Uploads | None = None) -> Bodies:
        if uploads and self._as_blocks(uploads.files):
            return Bodies(self._client, BlockDialect(), BlockPages(self._client, uploads.placed))
        if self._as_blocks(()):
            return Bodies(self._client, BlockDialect(), BlockPages(self._client))
        return Bodies(self._client, MarkdownDialect(), MarkdownPages(self._client))

    def _prepare(self, todo: Sequence[Document], entries: Mapping[str, LedgerEntry], ledger: Ledger) -> None:
        """What the batch needs before its first write: a fitting schema, the index, options, projects, a look."""
        self.require_fit()
        if any(page_of(entries.get(document.conversation.id)) is None for document in todo):
            self.index.ensure(ledger)
        self._choices.offer(todo)
        moved = {}
        for document in todo:
            entry = entries.get(document.conversation.id)
            page = self._known_page(entry, document)
            if page and _touches_peoples(page, row_of(document, self._names)):
                moved[page.id] = wrote_at(page.edited) or 0
        self.edits.look(moved)

    def _bring(self, document: Document, ledger: Entries, archive: str) -> Outcome:
        """One document. Raises only what concerns the others too."""
        conversation_id = document.conversation.id
        with self._client.governor.alone(f"{self._source.id}:{conversation_id}"):
            entry = ledger.get([conversation_id]).get(conversation_id)
            if entry is not None and is_settled(entry, document):
                return unchanged(document, entry)
            job = self.job(document, ledger, archive)
            try:
                return self._settle_with_files(job, entry)
            except Unanswered as exc:
                ledger.uncertain(job.id, document.input_hash, exc.message, {"step": "create"})
                return job.outcome("uncertain", reason=exc.message)
            except Permanent as exc:
                return self._failed(job, exc)

    def _settle_with_files(self, job: Job, entry: LedgerEntry | None) -> Outcome:
        """Files are never what keeps a page from being there."""
        while True:
            try:
                return self._settle(job, entry)
            except Permanent as exc:
                if type(exc) is not Permanent or not job.uploads.retreat():
                    raise
                entry = job.ledger.get([job.id]).get(job.id)
                if entry is not None and page_of(entry) is None:  # rejected is not doubtful: one look is enough
                    entry = msgspec.structs.replace(entry, state="failed")

    def _failed(self, job: Job, error: Permanent) -> Outcome:
        if "is not a property that exists" in error.message:  # it was removed since the schema was read
            self._client.stop()
            schema.forget(self._client, self._source.id)
            self._source = schema.remembered(self._client, self._source.id)
            self.require_fit()
        job.ledger.fail(job.id, job.document.input_hash, error.message)
        return job.outcome("failed", reason=error.message)

    def _known_page(self, entry: LedgerEntry | None, document: Document) -> Page | None:
        """What is known of a document's page; of values that are under other names by now, nothing is."""
        page = page_of(entry)
        if page is not None:
            places = self._columns.places
            moved = {field for field in FIELDS if page.names.get(field) != places.get(field)}
            page.values = {field: value for field, value in page.values.items() if field not in moved}
            page.sent = {field: hash_ for field, hash_ in page.sent.items() if field not in moved}
            page.names = places
            if document.is_forced:
                page.forget()
        return page

    def _settle(self, job: Job, entry: LedgerEntry | None) -> Outcome:
        page = self._known_page(entry, job.document)
        if page is None:
            found = self.index.find(job.id)
            was_created = False
            if found is None and entry is not None:
                found = self._look_up(job.id, times=1 if entry.state == "failed" else 2)
                was_created = found is not None and entry.state != "failed"
            if found is None:
                return self._create(job)
            page = adopted(job, found, self._columns.places)
            if was_created and page.body == job.body_detail:
                return self._finish(job, page, "created")
        job.uploads.recall(page.uploads)
        try:
            return self._update(job, page)
        except (NotThere, InTrash) as exc:
            return self._gone(job, page, exc)

    def _look_up(self, conversation_id: str, *, times: int) -> Found | None:
        """The page of a creation that was never answered: absent only if it is absent twice, 30 s apart."""
        for attempt in range(times):
            if attempt:
                self._client.rest(self._settings.lookup_interval_seconds)
            if found := self.index.look_up(conversation_id):
                return found
        return None

    def _create(self, job: Job) -> Outcome:
        error: CommonplaceError = Unanswered("Notion did not say whether it had created the page.")
        for _ in range(CREATE_ATTEMPTS):
            body, is_whole = self._new_page(job)
            job.ledger.intend(job.id, job.document.input_hash, {"step": "create"})
            try:
                answer = self._client.send("POST", "pages", body, repeatable=False)
            except TooLarge as exc:
                error, job.room = exc, job.room.shrunk()
                continue
            except Unanswered:
                found = self._look_up(job.id, times=2)
                if found is None:
                    continue
                answer = {"id": found.page_id}
            job.values |= self._columns.learn(answer, job.values)
            page = Page(id=answer["id"], names=self._columns.places, edited=answer.get("last_edited_time"))
            obstacle = None if is_whole else self._bodies(job.uploads).complete(job, page)
            self.index.created(job.id)
            return self._finish(job, page, "created", [obstacle] if obstacle else [])
        raise error

    def _new_page(self, job: Job) -> tuple[Json, bool]:
        """The request that creates a page, and whether the whole body is in it."""
        opening, is_whole = self._bodies(job.uploads).opening(job)
        hash_ = job.hash if is_whole else job.partial_hash
        body: Json = {
            "parent": {"type": "data_source_id", "data_source_id": self._source.id},
            "properties": self._columns.written(job.values, job.row.values, hash_),
            **opening,
        }
        if job.row.icon:
            body["icon"] = {"type": "emoji", "emoji": job.row.icon}
        return body, is_whole

    def _update(self, job: Job, page: Page) -> Outcome:
        fields = self._changed(job, page)
        is_body_new = page.body != job.body_detail
        if not fields and not is_body_new:
            return self._finish(job, page, "unchanged")
        kept = self._conflicts(job, page, fields)
        fields -= set(kept)
        self._intend_update(job, page, fields, is_body_new)
        if is_body_new and (obstacle := self._write_body(job, page)):
            kept.append(obstacle)
        body: Json = {"properties": self._columns.written(job.values, fields, job.hash)}
        if "icon" in fields and job.row.icon:
            body["icon"] = {"type": "emoji", "emoji": job.row.icon}
        try:
            answer = self._client.send("PATCH", f"pages/{page.id}", body)
        except Permanent as exc:
            if type(exc) is not Permanent or not self._is_elsewhere(page):
                raise
            return self._finish_elsewhere(job, page)
        job.values |= self._columns.learn(answer, {field: job.values[field] for field in fields & job.values.keys()})
        page.edited = answer.get("last_edited_time") or page.edited
        self.edits.wrote(page.id)
        return self._finish(job, page, "updated", kept)

    def _intend_update(self, job: Job, page: Page, fields: set[str], is_body_new: bool) -> None:
        """From here until it is done, nothing is known of what is about to change."""
        detail = page.detail() | {"sent": {name: sent for name, sent in page.sent.items() if name not in fields}}
        if is_body_new:
            detail |= {"body": None, "parts": []}
            if page.marks:
                detail |= {"marks": pack(unpack(page.marks) | job.body.marks)}
        job.ledger.intend(job.id, job.document.input_hash, {"step": "update", **detail})

    def _write_body(self, job: Job, page: Page) -> str | None:
        """The new body; or, where a person's doing is in the way, what that was."""
        return self._bodies(job.uploads).bring(job, page, remake=self._settings.on_deleted == "recreate")

    def _changed(self, job: Job, page: Page) -> set[str]:
        return {name for name, hash_ in job.row.hashes.items() if page.sent.get(name) != hash_}

    def _conflicts(self, job: Job, page: Page, fields: set[str]) -> list[str]:
        """Fields that a person has changed since, and that we would overwrite."""
        wanted = {field: job.values[field] for field in fields if field in PEOPLES and field in page.values}
        if not wanted:
            return []
        current = page.shown if page.shown is not None else self.edits.current(page.id, wrote_at(page.edited))
        return conflicting(wanted, page.values, current)

    def _finish(self, job: Job, page: Page, state: OutcomeState, kept: Sequence[str] = ()) -> Outcome:
        old_sent, old_values = page.sent, page.values
        page.sent = job.row.hashes | {field: old_sent.get(field, "") for field in kept if field in old_values}
        unsent = {field for field, hash_ in job.row.hashes.items() if old_sent.get(field) == hash_}
        page.values = peoples_of(job) | {f: value for f, value in old_values.items() if f in kept or f in unsent}
        page.refused = {field: value for field, value in page.refused.items() if field in kept}
        if all(field in old_values for field in kept):
            if page.body != job.body_detail or not page.marks:
                page.marks = pack(job.body.marks)
            page.body = job.body_detail
        page.uploads = job.uploads.ids
        hash_ = job.document.input_hash
        if kept:
            reason = f"A person changed {', '.join(kept)} in Notion; it was left as it is."
            job.ledger.conflict(job.id, hash_, reason, page.detail())
            return job.outcome("conflict", page, reason)
        job.ledger.done(job.id, hash_, page.id, page.url, page.detail())
        return job.outcome(state, page, job.left_out if state != "unchanged" else None)

    def _is_elsewhere(self, page: Page) -> bool:
        """Whether a person moved the page out of the database, where it has none of our properties."""
        parent = self._client.send("GET", f"pages/{page.id}").get("parent") or {}
        place = parent.get("data_source_id") or parent.get("database_id")
        return bool(parent) and place not in (self._source.id, self._source.database_id)

    def _finish_elsewhere(self, job: Job, page: Page) -> Outcome:
        """Its body is written. Nothing is known of its properties, should it come back."""
        self._finish(job, page, "updated")
        page.sent, page.values = {}, {}
        reason = "A person moved the page out of the database: it is written there, without its properties."
        job.ledger.conflict(job.id, job.document.input_hash, reason, page.detail())
        return job.outcome("conflict", page, reason)

    def _gone(self, job: Job, page: Page, error: CommonplaceError) -> Outcome:
        """A page that a person removed: made again or let be, as the settings say."""
        if isinstance(error, NotThere):
            schema.forget(self._client, self._source.id)
            schema.remembered(self._client, self._source.id)  # halts when it is the database that is gone
        if self._settings.on_deleted == "recreate":
            return self._create(job)
        reason = "The page was removed in Notion; it is not made again (on_deleted = skip)."
        job.ledger.done(job.id, job.document.input_hash, page.id, page.url, page.detail())
        return job.outcome("skipped", page, reason)


def _touches_peoples(page: Page, row: Row) -> bool:
    return any(field in page.values and page.sent.get(field) != row.hashes.get(field) for field in PEOPLES)
