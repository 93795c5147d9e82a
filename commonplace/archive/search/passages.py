"""Passages with their vectors, in the archive: what has none yet, storing them, and reading them back.

A vector is kept as signed bytes and a scale, a fourth of what it is computed in. The direction of a whole conversation
stays exact, in `features`; one whose `content_hash` is the conversation's says that all of its passages are current.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, and_, case, delete, func, select

from commonplace.archive.core import Archive
from commonplace.archive.rows import add, batched, insert_rows, put
from commonplace.archive.schema import conversations, features, messages, passages, vector_kinds
from commonplace.archive.search.hits import ROLES

Floats = NDArray[np.float32]

_COLUMNS = tuple(column.name for column in passages.columns if column.name != "key")
_LARGEST = 127
_MANY = 5_000


class Kind(msgspec.Struct, frozen=True):
    """One embedder's vectors, as the archive knows them."""

    key: int
    kind: str
    token: str
    dimensions: int
    is_bought: bool


class Spoken(msgspec.Struct, frozen=True):
    """A message that a reader sees."""

    key: int
    role: str
    text: str


class Text(msgspec.Struct, frozen=True):
    """A conversation as it can be read: its title and its active path."""

    key: int
    id: str
    content_hash: str
    title: str | None
    messages: list[Spoken]


class Place(msgspec.Struct, frozen=True):
    """Where a passage stands, and the digest of its text."""

    message_key: int | None
    role: str | None
    start: int
    stop: int
    digest: bytes


class Placed(msgspec.Struct, frozen=True):
    """A conversation's passages, each with its row; those that have no direction are left out."""

    conversation_key: int
    conversation_id: str
    content_hash: str
    places: Sequence[Place]
    rows: Floats


def kinds(archive: Archive) -> list[Kind]:
    """All there are of this owner, the oldest first."""
    table = vector_kinds.c
    query = select(table.key, table.kind, table.token, table.dimensions, table.is_bought)
    with archive.read() as connection:
        found = connection.execute(query.where(table.owner == archive.owner).order_by(table.key)).all()
    return [Kind(*row) for row in found]


def kind_named(archive: Archive, kind: str) -> Kind | None:
    return next((each for each in kinds(archive) if each.kind == kind), None)


def begin(archive: Archive, kind: str, dimensions: int, *, is_bought: bool) -> Kind:
    """The kind, which is entered if it is new."""
    row = {"owner": archive.owner, "kind": kind, "token": secrets.token_hex(8), "dimensions": dimensions}
    with archive.write() as connection:
        add(connection, vector_kinds, [{**row, "is_bought": is_bought}])
    found = kind_named(archive, kind)
    if found is None:
        raise LookupError(kind)
    return found


def drop(archive: Archive, kind: Kind) -> None:
    """Take a kind out, with all that was embedded."""
    with archive.write() as connection:
        which = features.c.owner == archive.owner, features.c.kind == kind.kind
        connection.execute(delete(features).where(*which))
        connection.execute(delete(passages).where(passages.c.kind_key == kind.key))
        connection.execute(delete(vector_kinds).where(vector_kinds.c.key == kind.key))


def count(archive: Archive, kind: Kind) -> int:
    """How many passages have a vector of this kind."""
    with archive.read() as connection:
        return int(connection.execute(select(func.count()).where(passages.c.kind_key == kind.key)).scalar_one())


def texts(archive: Archive, ids: Iterable[str], *, longest: int) -> Iterator[Text]:
    """What is shown of each conversation's active path, in the order of the ids.

    Every message is read as far as its first `longest` characters.
    """
    table, said = conversations.c, messages.c
    heads = select(table.key, table.id, table.content_hash, table.title).where(table.owner == archive.owner)
    query = (
        select(said.conversation_key, said.key, said.role, func.substr(said.text, 1, longest).label("text"))
        .where(said.is_active.is_(True), said.is_hidden.is_(False), said.role.in_(("user", "assistant")))
        .order_by(said.conversation_key, said.position)
    )
    with archive.read() as connection:
        for batch in batched(ids):
            found = connection.execute(heads.where(table.id.in_(batch))).all()
            spoken: dict[int, list[Spoken]] = {row.key: [] for row in found}
            for row in connection.execute(query.where(said.conversation_key.in_(list(spoken)))):
                spoken[row.conversation_key].append(Spoken(row.key, row.role, row.text))
            by_id = {row.id: row for row in found}
            for row in (by_id[id] for id in batch if id in by_id):
                yield Text(row.key, row.id, row.content_hash, row.title, spoken[row.key])


def known(archive: Archive, kind: Kind, conversation_keys: Sequence[int]) -> dict[int, dict[bytes, Floats]]:
    """The vectors that these conversations have already, by the digest of what was embedded."""
    found: dict[int, dict[bytes, Floats]] = {}
    with archive.read() as connection:
        for row in _rows(connection, kind, conversation_keys):
            found.setdefault(row.conversation_key, {})[row.digest] = restored(row.vector, row.scale)
    return found


def of_conversations(archive: Archive, kind: Kind, ids: Sequence[str]) -> Iterator[tuple[str, list[Place], Floats]]:
    """Of each conversation that has been embedded its passages, in their order, and their vectors, a row for each."""
    with archive.read() as connection:
        for batch in batched(ids):
            table = conversations.c
            asked = select(table.key, table.id).where(table.owner == archive.owner, table.id.in_(batch))
            names = {row.key: row.id for row in connection.execute(asked)}
            stored = _rows(connection, kind, sorted(names))
            for key, group in groupby(stored, attrgetter("conversation_key")):
                rows = list(group)
                yield names[key], [place_of(row) for row in rows], np.stack([restored(r.vector, r.scale) for r in rows])


def beginnings(
    archive: Archive, kind: Kind, hashes: Mapping[str, str], *, most: int, long: int = 0
) -> Iterator[tuple[str, list[Place], Floats]]:
    """The same of those that are embedded as they are now, by their content hashes: the first passages of each role.
    Where there are more, those of so many characters come before the others."""
    table, made, piece = conversations.c, features.c, passages.c
    by_length = case((piece.stop - piece.start < long, 1), else_=0)
    number = func.row_number().over(partition_by=(piece.conversation_key, piece.role), order_by=(by_length, piece.key))
    is_its = (made.owner == archive.owner, made.conversation_id == table.id, made.kind == kind.kind)
    asked = select(table.key, table.id, made.content_hash).join(features, and_(*is_its))
    with archive.read() as connection:
        for batch in batched(hashes):
            found = connection.execute(asked.where(table.owner == archive.owner, table.id.in_(batch))).all()
            names = {row.key: row.id for row in found if row.content_hash == hashes[row.id]}
            numbered = (
                select(passages, number.label("number"))
                .where(piece.kind_key == kind.key, piece.conversation_key.in_(list(names)))
                .subquery()
            )
            query = select(numbered).where(numbered.c.number <= most)
            for key, group in groupby(
                connection.execute(query.order_by(numbered.c.conversation_key, numbered.c.key)),
                attrgetter("conversation_key"),
            ):
                rows = list(group)
                yield names[key], [place_of(row) for row in rows], np.stack([restored(r.vector, r.scale) for r in rows])


def wholes(archive: Archive, kind: Kind, ids: Sequence[str]) -> Floats:
    """The direction of each of these conversations as it was last embedded; zeros where there is none."""
    length = kind.dimensions * 4
    query = select(features.c.conversation_id, features.c.vector).where(
        features.c.owner == archive.owner, features.c.kind == kind.kind, func.length(features.c.vector) == length
    )
    rows = np.zeros((len(ids), kind.dimensions), dtype=np.float32)
    place = {id: number for number, id in enumerate(ids)}
    # To name so many takes longer than to read them all.
    asked = [query] if len(ids) > _MANY else [query.where(features.c.conversation_id.in_(ids)) for ids in batched(ids)]
    with archive.read() as connection:
        for each in asked:
            for some in connection.execute(each).partitions(_MANY):
                for id, vector in some:
                    if id in place:
                        rows[place[id]] = np.frombuffer(vector, "<f4")
    return rows


def embedded(archive: Archive, kind: Kind) -> int:
    """How many conversations have been embedded in this kind, in whatever state they were then."""
    mine = features.c.owner == archive.owner, features.c.kind == kind.kind
    with archive.read() as connection:
        return int(connection.execute(select(func.count()).where(*mine)).scalar_one())


def coverage(archive: Archive, kind: Kind) -> float:
    """The share of all conversations that these are."""
    with archive.read() as connection:
        of = connection.execute(select(func.count()).where(conversations.c.owner == archive.owner)).scalar_one()
    return embedded(archive, kind) / max(1, int(of))


def fullest(archive: Archive) -> Kind | None:
    """The kind in which most has been embedded, the newest of several; None where nothing was."""
    return max(kinds(archive), key=lambda kind: (embedded(archive, kind), kind.key), default=None)


def tokens(archive: Archive) -> set[str]:
    """Those of every owner's kinds: what files and tables may be called."""
    with archive.read() as connection:
        return set(connection.execute(select(vector_kinds.c.token)).scalars())


def store(archive: Archive, kind: Kind, found: Sequence[Placed]) -> int:
    """Keep what was found of some conversations, in one transaction; how many passages are new.

    What was embedded before stays as it is. A conversation that has changed since it was read, or is gone, is left out:
    it is still to be done.
    """
    with archive.write() as connection:
        table = conversations.c
        asked = select(table.key, table.content_hash).where(table.key.in_([one.conversation_key for one in found]))
        hashes = {row.key: row.content_hash for row in connection.execute(asked)}
        current = [one for one in found if hashes.get(one.conversation_key) == one.content_hash]
        old: dict[int, dict[Place, int]] = {}
        for row in _rows(connection, kind, [one.conversation_key for one in current]):
            old.setdefault(row.conversation_key, {})[place_of(row)] = row.key
        gone: list[int] = []
        new: list[tuple[Any, ...]] = []
        for one in current:
            there = old.get(one.conversation_key, {})
            gone += [key for place, key in there.items() if place not in set(one.places)]
            new += _new_rows(kind, one, there)
        for batch in batched(gone):
            connection.execute(delete(passages).where(passages.c.key.in_(batch)))
        insert_rows(connection, passages, _COLUMNS, new)
        put(connection, features, [_whole(archive.owner, kind, one) for one in current])
    return len(new)


def quantized(rows: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Rows as signed bytes, and what each has to be multiplied by."""
    scales = np.maximum(np.abs(rows).max(axis=1), np.float32(1e-9)) / np.float32(_LARGEST)
    return np.rint(rows / scales[:, None]).astype(np.int8), scales.astype(np.float32)


def restored(vector: bytes, scale: float) -> Floats:
    return np.frombuffer(vector, np.int8).astype(np.float32) * np.float32(scale)


def _new_rows(kind: Kind, one: Placed, there: dict[Place, int]) -> Iterator[tuple[Any, ...]]:
    if not len(one.places):
        return
    vectors, scales = quantized(one.rows)
    for place, vector, scale in zip(one.places, vectors, scales, strict=True):
        if place not in there:
            role = None if place.role is None else ROLES.index(place.role)
            where = (place.message_key, role, place.start, place.stop, place.digest)
            yield (kind.key, one.conversation_key, *where, float(scale), vector.tobytes())


def _whole(owner: str, kind: Kind, one: Placed) -> dict[str, Any]:
    """The direction between a conversation's passages; empty where it has none, so that nobody looks again."""
    total = one.rows.sum(axis=0) if len(one.places) else np.zeros(1, dtype=np.float32)
    length = float(np.linalg.norm(total))
    direction = (total / length).astype("<f4").tobytes() if length else b""
    row = {"owner": owner, "conversation_id": one.conversation_id, "kind": kind.kind}
    return {**row, "content_hash": one.content_hash, "vector": direction}


def place_of(row: Any) -> Place:
    """Of a row of `passages`."""
    return Place(row.message_key, None if row.role is None else ROLES[row.role], row.start, row.stop, row.digest)


def _rows(connection: Connection, kind: Kind, conversation_keys: Sequence[int]) -> Iterator[Any]:
    query = (
        select(passages).where(passages.c.kind_key == kind.key).order_by(passages.c.conversation_key, passages.c.key)
    )
    for batch in batched(sorted(conversation_keys)):
        yield from connection.execute(query.where(passages.c.conversation_key.in_(batch)))
