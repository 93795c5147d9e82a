"""What people changed in the properties of notes, on its way back.

The opening mark of a note says what we wrote there, so what differs from it is a person's word, also where the ledger
was lost. Of a property that is gone nothing is concluded: programs drop what they do not know. One that was emptied is
meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from commonplace.destinations.contract import Document, Edit, Field, Ledger
from commonplace.destinations.markdown import frontmatter, render
from commonplace.destinations.markdown.note import Note, read_note
from commonplace.destinations.markdown.vault import Vault
from commonplace.model import LedgerEntry

SCALARS: tuple[Field, ...] = ("category", "project", "title")
PULLED, STAMP, TAGS = "pulled", "stamp", "tags"
"""In the ledger's detail of a note: edits that went back, the file as we left it, tags as they were before spelling."""
_NANOSECONDS_IN_A_MICROSECOND = 1000


def pull(vault: Vault, ledger: Ledger) -> Iterator[Edit]:
    """Every edit once. Keep each before asking for the next: asking says that it is kept."""
    ids = [id for id in vault.ids() if not id.startswith(("project:", "category:"))]
    entries = ledger.get(ids)
    for id in ids:
        entry = entries.get(id)
        path = vault.find(id, preferred=entry.detail.get("path") if entry else None)
        stamp = vault.stamp(path) if path else None
        if path is None or stamp is None or (entry and entry.detail.get(STAMP) == stamp):
            continue
        detail = dict(entry.detail) if entry else {}
        changed = changes(read_note(vault.read(path)), detail.get(TAGS, ()))
        pulled = dict(detail.get(PULLED, {}))
        for field, value in changed.items():
            if pulled.get(field) != _seen(value):
                yield Edit(
                    conversation_id=id, field=field, value=value, edited_at=stamp // _NANOSECONDS_IN_A_MICROSECOND
                )
                pulled[field] = _seen(value)
        if entry is not None:
            _note(ledger, id, entry, {**detail, PULLED: pulled, STAMP: stamp})


def changes(note: Note, tags: Iterable[str] = ()) -> dict[Field, Any]:
    """The properties that say something else than we wrote. `tags`: as they were, before a vault's rules for tags."""
    written = note.given.base
    if written is None or note.region is None:
        return {}
    there = {entry.key: entry for entry in reversed(note.properties)}
    found: dict[Field, Any] = {}
    for field in SCALARS:
        if field not in there:
            continue
        word = there[field].word
        if word and not frontmatter.says(word, written.get(field, ())):
            found[field] = word if field == "title" else frontmatter.unlinked(word)
        elif field == "project" and there[field].is_empty and field in written:
            found[field] = None
    if TAGS in there:
        entry = there[TAGS]
        items = [entry.value] if isinstance(entry.value, str) else entry.value
        if entry.is_empty or items is not None:
            listed = [item for item in items or [] if item.strip()]
            if set(frontmatter.digests(listed)) != set(written.get(TAGS, ())):
                spelt = {render.tag(tag): tag for tag in tags}
                found["tags"] = [spelt.get(item, item) for item in listed]
    return found


def still_refused(recorded: Mapping[str, Any], document: Document) -> dict[str, str]:
    """Of the edits that went back, those that the archive did not take over: they are not told again."""
    now = {
        "category": document.category,
        "project": document.project_name,
        "title": document.conversation.title,
        "tags": document.tags,
    }
    return {field: seen for field, seen in recorded.get(PULLED, {}).items() if _seen(now.get(field)) != seen}


def _seen(value: Any) -> str:
    """The archive may spell it in its own way."""
    said = value if isinstance(value, list) else [str(value or "")]
    return ".".join(frontmatter.digests([item.casefold() for item in said]))


def _note(ledger: Ledger, id: str, entry: LedgerEntry, detail: Mapping[str, Any]) -> None:
    """The detail alone changes; what has failed goes on having failed."""
    match entry.state:
        case "done":
            ledger.done(id, entry.input_hash, entry.remote_id or id, entry.remote_url, detail)
        case "conflict":
            ledger.conflict(id, entry.input_hash, entry.reason or "", detail)
        case _:
            pass
