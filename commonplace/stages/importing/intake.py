"""Conversations into the archive, batch by batch, and the counts of what became of each item."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from hashlib import blake2b
from types import TracebackType

from sqlalchemy import func, select

from commonplace.archive import schema
from commonplace.archive.conversations import imports
from commonplace.archive.conversations.imports import SourceItem
from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.projects import names
from commonplace.archive.search import text_index
from commonplace.errors import Defect, Halt, Permanent
from commonplace.model import Conversation
from commonplace.sources.contract import Item, Skipped
from commonplace.stages.importing.keeping import AttachmentStore, OpenMember
from commonplace.stages.importing.report import Tally

MESSAGES_PER_BATCH = 2000
CHARACTERS_PER_MESSAGE = 15_000
"""A longer message counts as several, so that a batch stays small whatever is in it."""
KNOWN_PER_BATCH = 2000
FEWEST_FOR_BULK = 5000


class TextIndex:
    """The text index during an import: kept in step row by row, or set aside and built once at the end.

    Building it at once costs a third of what the same rows cost one by one, but covers the whole archive: worth it
    when the import brings more than the archive had. A process that dies in between leaves it marked as stale.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        with archive.read() as connection:
            self._is_set_aside = not text_index.is_live(connection)
            self._before = connection.execute(select(func.coalesce(func.max(schema.messages.c.key), 0))).scalar_one()
        self._added = 0

    def before_merge(self) -> None:
        if not self._before:
            self._set_aside()

    def after_merge(self, added: int) -> None:
        """So many messages came with new conversations."""
        self._added += added
        if self._added > max(FEWEST_FOR_BULK, self._before):
            self._set_aside()

    def _set_aside(self) -> None:
        if not self._is_set_aside:
            text_index.suspend(self._archive)
            self._is_set_aside = True

    def __enter__(self) -> TextIndex:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        is_ours_to_build = kind is None or (issubclass(kind, Exception) and not issubclass(kind, Halt))
        if self._is_set_aside and is_ours_to_build:
            text_index.rebuild(self._archive)


class Intake:
    """Takes items in, from wherever they come. `tally` grows with every batch.

    The archive is under the lease of importing.
    """

    def __init__(
        self,
        archive: Archive,
        *,
        name: str,
        import_id: str,
        index: TextIndex,
        tally: Tally,
        open_member: OpenMember | None = None,
        account: str = "",
    ) -> None:
        self._archive = archive
        self._name = name
        self._import_id = import_id
        self._index = index
        self._tally = tally
        self._account = account
        self._attachments = AttachmentStore(archive, open_member)
        self._known: dict[bytes, SourceItem] = {}
        self._batch: list[Conversation] = []
        self._in_batch = 0
        self._skipped: list[bytes] = []

    def run(self, items: Iterable[Item], after_batch: Callable[[], None]) -> None:
        for item in items:
            if isinstance(item, Conversation):
                item.account = self._account
                item.item_digest = item.item_digest and self._of_account(item.item_digest)
                self._batch.append(item)
                self._in_batch += _weight(item)
            elif isinstance(item, Skipped):
                self._skip(item.digest)
            else:
                self._tally.count("failed")
                self._tally.add_defects([item])
            if self._in_batch >= MESSAGES_PER_BATCH or len(self._skipped) >= KNOWN_PER_BATCH:
                self._flush()
                after_batch()
        self._flush()
        after_batch()

    def known(self, digests: Sequence[bytes]) -> Set[bytes]:
        """Those of these digests whose items may come as `Skipped`."""
        ours = {self._of_account(digest): digest for digest in digests}
        known = imports.known_items(self._archive, list(ours))
        self._known.update(known)
        return {ours[digest] for digest in known}

    def _of_account(self, digest: bytes) -> bytes:
        """The same bytes say something else in another account: there, they are another conversation."""
        return blake2b(digest, digest_size=16, key=self._account.encode()).digest() if self._account else digest

    def _skip(self, told: bytes) -> None:
        digest = self._of_account(told)
        item = self._known[digest]
        outcome = "empty" if item.is_empty else "unchanged"
        self._tally.count(outcome, messages=item.message_count, attachments=item.attachment_count)
        self._skipped.append(digest)

    def _flush(self) -> None:
        self._archive.check()
        if self._skipped:
            imports.record_known(self._archive, self._import_id, self._skipped)
            self._skipped = []
        if self._batch:
            self._tally.add_defects(self._attachments.store(self._batch))
            try:
                self._merge(self._batch)
            except Permanent:
                self._merge_one_by_one(self._batch)
            self._batch, self._in_batch = [], 0

    def _merge(self, batch: list[Conversation]) -> None:
        sizes = [(len(item.messages), sum(len(message.attachments) for message in item.messages)) for item in batch]
        self._index.before_merge()
        merged = merge(self._archive, self._import_id, batch)
        for result, (messages, attachments) in zip(merged, sizes, strict=True):
            self._tally.count(result.outcome, messages=messages, attachments=attachments)
            if result.contradicts:
                self._tally.add_conflict(result.conversation_id)
        self._register([one for one, result in zip(batch, merged, strict=True) if not result.is_forgotten])
        self._index.after_merge(
            sum(size for result, (size, _) in zip(merged, sizes, strict=True) if result.outcome == "new")
        )

    def _register(self, batch: Sequence[Conversation]) -> None:
        """The projects that an export tells of are known from now on, by the names that its assistant shows."""
        told = [conversation.project for conversation in batch if conversation.project]
        if told:
            names.apply(self._archive, told, "sidebar")

    def _merge_one_by_one(self, batch: list[Conversation]) -> None:
        """One of them cannot be stored; the others can."""
        for conversation in batch:
            try:
                self._merge([conversation])
            except Permanent as exc:
                self._tally.count("failed")
                self._tally.add_defects([Defect(self._name, conversation.id, str(exc))])


def _weight(conversation: Conversation) -> int:
    """How many ordinary messages a conversation takes the room of."""
    characters = sum(len(message.text) for message in conversation.messages)
    return max(1, len(conversation.messages), characters // CHARACTERS_PER_MESSAGE)
