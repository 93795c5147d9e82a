"""What holds of a conversation now: a person's word, else the newest verdict, written into its own row.

In the transaction that changes it, so that every reader needs one table. `verdict_hash` there covers all of it that a
destination can show: when it changes, pages are written again.

A person's word about a category belongs to the taxonomy it was said in; it waits while another one is in use.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Literal

import msgspec
from sqlalchemy import ColumnElement, Connection, FromClause, Row, and_, bindparam, func, or_, select, update

from commonplace.archive.core import Archive
from commonplace.archive.rows import batched, to_json
from commonplace.archive.schema import conversations, corrections, verdicts
from commonplace.moments import now

Field = Literal["category", "tags", "title"]
FIELDS: tuple[Field, ...] = ("category", "tags", "title")


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """A person's word."""

    conversation_id: str
    field: Field
    value: Any
    taxonomy: str
    origin: str
    corrected_at: int


def refresh_missing(archive: Archive, *, review_below: float) -> int:
    """Make verdicts and corrections hold for conversations that were made again from their exports."""
    table = conversations.c
    spoken = [
        select(kind.c.conversation_id).where(kind.c.owner == archive.owner, kind.c.conversation_id == table.id).exists()
        for kind in (verdicts, corrections)
    ]
    query = select(table.id).where(table.owner == archive.owner, table.verdict_hash.is_(None), or_(*spoken))
    with archive.write() as connection:
        ids = list(connection.execute(query).scalars())
        refresh(connection, archive.owner, ids, review_below=review_below)
    return len(ids)


def make_current(archive: Archive, taxonomy: str, taxonomy_hash: str, *, review_below: float) -> int:
    """Coming back to a taxonomy: its verdicts hold again where those of another are newer. How many do."""
    mine, other = verdicts.c, verdicts.alias()
    is_older = has_beside(other, other.c.taxonomy != taxonomy, other.c.judged_at >= mine.judged_at)
    table = conversations.c
    is_current = and_(
        mine.owner == archive.owner,
        mine.taxonomy == taxonomy,
        mine.taxonomy_hash == taxonomy_hash,
        mine.content_hash == table.content_hash,
    )
    joined = verdicts.join(conversations, and_(table.owner == mine.owner, table.id == mine.conversation_id))
    query = select(mine.conversation_id, func.max(mine.judged_at)).select_from(joined).where(is_current, is_older)
    newest = update(verdicts).where(
        mine.owner == archive.owner,
        mine.taxonomy == taxonomy,
        mine.conversation_id == bindparam("of_id"),
        mine.judged_at == bindparam("of_moment"),
    )
    with archive.write() as connection:
        found = connection.execute(query.group_by(mine.conversation_id)).all()
        if found:
            moments = [{"of_id": id, "of_moment": moment} for id, moment in found]
            connection.execute(newest.values(judged_at=now()), moments)
        refresh(connection, archive.owner, [id for id, _ in found], review_below=review_below)
    return len(found)


def has_beside(other: FromClause, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a verdict has another one beside it (`other`) on the same conversation, for which the conditions hold."""
    said = verdicts.c
    of_it = (other.c.owner == said.owner, other.c.conversation_id == said.conversation_id)
    return select(other.c.judge).where(*of_it, *conditions).exists()


def refresh(
    connection: Connection, owner: str, conversation_ids: Iterable[str], *, review_below: float | None = None
) -> None:
    """Write what holds now into the conversations' rows.

    Without `review_below`, what waited for a person goes on waiting, unless a person has spoken.
    """
    table = conversations.c
    columns = ("category", "tags", "summary", "language", "confidence", "needs_review", "verdict_hash")
    statement = (
        update(conversations)
        .where(table.owner == bindparam("of_owner"), table.id == bindparam("of_id"))
        .values({name: bindparam(f"new_{name}") for name in columns})
    )
    for page in batched(conversation_ids):
        newest, said = newest_verdicts(connection, owner, page), corrections_of(connection, owner, page)
        where = (table.owner == owner, table.id.in_(page))
        waits = {
            row.id: row.needs_review for row in connection.execute(select(table.id, table.needs_review).where(*where))
        }
        changes = []
        for id in page:
            if id not in waits:
                continue
            current = _current(newest.get(id), said.get(id, {}), review_below, waits[id])
            changes.append({"of_owner": owner, "of_id": id} | {f"new_{name}": current[name] for name in columns})
        if changes:
            connection.execute(statement, changes)


def _current(
    judged: Row[Any] | None, said: Mapping[str, Correction], review_below: float | None, waited: bool
) -> dict[str, Any]:
    word = said.get("category")
    is_persons = word is not None and (judged is None or word.taxonomy in ("", judged.taxonomy))
    category = word.value if word is not None and is_persons else (judged.category if judged else None)
    tags = said["tags"].value if "tags" in said else (msgspec.json.decode(judged.tags) if judged else [])
    confidence = 1.0 if is_persons else (judged.confidence if judged else None)
    title = said["title"].value if "title" in said else (judged.title if judged else None)
    shown = {
        "category": category,
        "tags": tags,
        "summary": judged.summary or None if judged else None,
        "language": judged.language if judged else None,
        "confidence": confidence,
        "title": title,
        "insights": msgspec.json.decode(judged.insights) if judged and judged.insights else None,
    }
    unsure = waited if review_below is None else judged is not None and judged.confidence < review_below
    return {
        **shown,
        "tags": to_json(tags),
        "needs_review": unsure and judged is not None and not is_persons,
        "verdict_hash": _hash(shown) if judged is not None or said else None,
    }


def _hash(shown: dict[str, Any]) -> str:
    """Two decimals of confidence are all that anybody is shown."""
    confidence = shown["confidence"]
    rounded = {**shown, "confidence": None if confidence is None else round(confidence, 2)}
    return blake2b(msgspec.json.encode(rounded, order="deterministic"), digest_size=12).hexdigest()


def newest_verdicts(connection: Connection, owner: str, ids: Sequence[str]) -> dict[str, Row[Any]]:
    """The verdict that holds of each conversation, where nobody said otherwise."""
    query = select(verdicts).where(verdicts.c.owner == owner, verdicts.c.conversation_id.in_(ids))
    return {row.conversation_id: row for row in sorted(connection.execute(query).all(), key=by_age)}


def by_age(row: Row[Any]) -> tuple[int, str, str]:
    """Oldest first; a tie is broken the same way everywhere."""
    return row.judged_at, row.judge, row.taxonomy


def corrections_of(connection: Connection, owner: str, ids: Sequence[str]) -> dict[str, dict[str, Correction]]:
    """What a person said of each conversation, by field."""
    query = select(corrections).where(corrections.c.owner == owner, corrections.c.conversation_id.in_(ids))
    found: dict[str, dict[str, Correction]] = {}
    for row in connection.execute(query):
        found.setdefault(row.conversation_id, {})[row.field] = correction_from(row)
    return found


def words_of(archive: Archive, conversation_ids: Sequence[str], field: Field) -> dict[str, Correction]:
    """What a person said of one field, of each conversation that somebody said something of."""
    found: dict[str, Correction] = {}
    with archive.read() as connection:
        for page in batched(conversation_ids):
            said = corrections_of(connection, archive.owner, page)
            found |= {id: words[field] for id, words in said.items() if field in words}
    return found


def tags_of(archive: Archive, conversation_ids: Sequence[str]) -> dict[str, list[str]]:
    """The tags that hold of each conversation now."""
    table = conversations.c
    found: dict[str, list[str]] = {}
    with archive.read() as connection:
        for page in batched(conversation_ids):
            query = select(table.id, table.tags).where(table.owner == archive.owner, table.id.in_(page))
            found |= {row.id: msgspec.json.decode(row.tags, type=list[str]) for row in connection.execute(query)}
    return found


def correction_from(row: Row[Any]) -> Correction:
    """A row of `corrections`."""
    plain = {name: row._mapping[name] for name in Correction.__struct_fields__}
    return Correction(**plain | {"value": msgspec.json.decode(row.value)})
