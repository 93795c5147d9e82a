"""What similarity is worked out from, kept beside the conversations so that mapping does not read the texts again.

The archive stores vectors and models without knowing what is in them; `projects` makes them. A vector is current while
its `content_hash` is the conversation's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Any

import msgspec
from sqlalchemy import Row, and_, case, func, select

from commonplace.archive.core import Archive
from commonplace.archive.projects.assignments import SURE
from commonplace.archive.rows import batched, put
from commonplace.archive.schema import assignments, conversations, features, messages, project_models
from commonplace.moments import now

_FIRST_MESSAGES = 80


class Text(msgspec.Struct, frozen=True):
    """What a conversation's features are made from: its title and the beginnings of what was said, in order."""

    conversation_id: str
    content_hash: str
    title: str | None
    passages: list[str]


def missing(archive: Archive, kind: str, ids: Iterable[str]) -> list[str]:
    """Those of the conversations that have no current vector of this kind."""
    is_current = and_(
        features.c.owner == conversations.c.owner,
        features.c.conversation_id == conversations.c.id,
        features.c.kind == kind,
        features.c.content_hash == conversations.c.content_hash,
    )
    query = select(conversations.c.id).select_from(conversations.outerjoin(features, is_current))
    found: list[str] = []
    with archive.read() as connection:
        for batch in batched(ids):
            wanted = conversations.c.owner == archive.owner, conversations.c.id.in_(batch), features.c.kind.is_(None)
            found += connection.execute(query.where(*wanted)).scalars()
    return found


def texts(archive: Archive, ids: Iterable[str], *, longest: int) -> Iterator[Text]:
    """What is shown of each conversation's active path, every message cut to `longest` characters."""
    table = conversations.c
    said = messages.c
    with archive.read() as connection:
        for batch in batched(ids):
            heads = connection.execute(
                select(table.key, table.id, table.content_hash, table.title).where(
                    table.owner == archive.owner, table.id.in_(batch)
                )
            ).all()
            passages: dict[int, list[str]] = {row.key: [] for row in heads}
            query = (
                select(said.conversation_key, func.substr(said.text, 1, longest).label("passage"))
                .where(said.conversation_key.in_(list(passages)), said.position < _FIRST_MESSAGES)
                .where(said.is_active.is_(True), said.is_hidden.is_(False), said.role.in_(("user", "assistant")))
                .order_by(said.conversation_key, said.position)
            )
            for row in connection.execute(query):
                passages[row.conversation_key].append(row.passage)
            for head in heads:
                yield Text(head.id, head.content_hash, head.title, passages[head.key])


def store(archive: Archive, kind: str, vectors: Iterable[tuple[str, str, bytes]]) -> int:
    """Keep vectors (conversation id, content hash, bytes); how many."""
    count = 0
    for batch in batched(vectors):
        rows = [
            {
                "owner": archive.owner,
                "conversation_id": id,
                "kind": kind,
                "content_hash": content_hash,
                "vector": vector,
            }
            for id, content_hash, vector in batch
        ]
        with archive.write() as connection:
            put(connection, features, rows)
        count += len(rows)
    return count


def vectors(archive: Archive, kind: str) -> Iterator[bytes]:
    """Every vector of a kind, in no order."""
    query = select(features.c.vector).where(features.c.owner == archive.owner, features.c.kind == kind)
    with archive.read() as connection:
        for row in connection.execute(query.execution_options(yield_per=5000)):
            yield row.vector


def current(archive: Archive, kind: str, ids: Iterable[str]) -> dict[str, bytes]:
    """The vectors of this kind that are of the conversations as they are, by id."""
    table = conversations.c
    is_of = and_(
        features.c.owner == table.owner,
        features.c.conversation_id == table.id,
        features.c.content_hash == table.content_hash,
    )
    query = select(table.id, features.c.vector).select_from(conversations.join(features, is_of))
    query = query.where(table.owner == archive.owner, features.c.kind == kind)
    found: dict[str, bytes] = {}
    with archive.read() as connection:
        for batch in batched(ids):
            found.update((row.id, row.vector) for row in connection.execute(query.where(table.id.in_(batch))))
    return found


def count(archive: Archive, kind: str) -> int:
    """How many vectors of a kind there are."""
    query = select(func.count()).where(features.c.owner == archive.owner, features.c.kind == kind)
    with archive.read() as connection:
        return int(connection.execute(query).scalar_one())


def described(archive: Archive, kind: str, ids: Sequence[str]) -> Iterator[Row[Any]]:
    """The conversations with what they are compared by: title, vector (None without), moment, category, tags,
    evidence."""
    table = conversations.c
    query = _described(kind).add_columns(assignments.c.evidence)
    query = query.where(table.owner == archive.owner)
    with archive.read() as connection:
        for batch in batched(ids):
            yield from connection.execute(query.where(table.id.in_(batch)).order_by(table.id))


def teachers(archive: Archive, kind: str, *, most_per_project: int) -> list[Row[Any]]:
    """The newest conversations that are surely in each project."""
    table = conversations.c
    order = table.updated_at.desc().nulls_last(), table.id
    place = func.row_number().over(partition_by=assignments.c.project_id, order_by=order)
    ranked = (
        select(table.key, place.label("place"))
        .select_from(conversations.join(assignments, _assigned))
        .where(table.owner == archive.owner, _is_taught)
        .subquery()
    )
    query = _described(kind).join(ranked, ranked.c.key == table.key).where(ranked.c.place <= most_per_project)
    with archive.read() as connection:
        return list(connection.execute(query.order_by(table.id)))


def untaught(archive: Archive, *, most: int) -> list[str]:
    """Conversations that nobody sorted, or a person into no project: evenly chosen from all of them."""
    query = (
        select(conversations.c.id)
        .select_from(conversations.outerjoin(assignments, _assigned))
        .where(conversations.c.owner == archive.owner, ~func.coalesce(_is_taught, False))
        .order_by(conversations.c.id)
    )
    with archive.read() as connection:
        found = list(connection.execute(query).scalars())
    return found[:: max(1, -(-len(found) // most))]


_assigned = and_(assignments.c.owner == conversations.c.owner, assignments.c.conversation_id == conversations.c.id)


_is_taught = assignments.c.rule.in_(SURE) & assignments.c.project_id.is_not(None)


def _described(kind: str) -> Any:
    table = conversations.c
    of_kind = and_(features.c.owner == table.owner, features.c.conversation_id == table.id, features.c.kind == kind)
    return select(
        table.id,
        table.content_hash,
        table.title,
        func.coalesce(table.created_at, table.updated_at).label("moment"),
        table.category,
        table.tags,
        assignments.c.project_id,
        features.c.vector,
    ).select_from(conversations.outerjoin(assignments, _assigned).outerjoin(features, of_kind))


def generation(archive: Archive) -> str:
    """Changes when there is other evidence to learn from: how many conversations are surely in each project, how many
    a person put into none, and how often the number of all others has doubled."""
    project = case((_is_taught, assignments.c.project_id), (assignments.c.rule == "person", ""), else_=None)
    query = (
        select(project, func.count())
        .select_from(conversations.outerjoin(assignments, _assigned))
        .where(conversations.c.owner == archive.owner)
        .group_by(project)
    )
    with archive.read() as connection:
        counts = {row[0]: row[1] for row in connection.execute(query)}
    doublings = counts.pop(None, 0).bit_length()
    return blake2b(msgspec.json.encode([doublings, sorted(counts.items())]), digest_size=8).hexdigest()


def keep_model(archive: Archive, rules_hash: str, model: bytes) -> None:
    """The model of these rules and this evidence; the one before goes."""
    row = {"owner": archive.owner, "rules_hash": rules_hash, "model": model, "learned_at": now()}
    with archive.write() as connection:
        put(connection, project_models, [row])


def kept_model(archive: Archive, rules_hash: str) -> bytes | None:
    """The model that was learned with these rules from this evidence, if it is kept."""
    query = select(project_models.c.model).where(
        project_models.c.owner == archive.owner, project_models.c.rules_hash == rules_hash
    )
    with archive.read() as connection:
        found: bytes | None = connection.execute(query).scalar()
    return found
