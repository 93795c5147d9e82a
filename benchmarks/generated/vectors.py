"""Directions for the messages of a generated archive, as many as are wanted, spread as real ones are.

Each is between those of two passages that people really said, and some way off: directions drawn at random lie evenly
about, which no language does, and no index that goes from neighbour to neighbour finds its way among them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sqlalchemy import Connection, func, select

from commonplace.archive.core import Archive
from commonplace.archive.rows import insert_rows
from commonplace.archive.schema import conversations, features, messages, passages
from commonplace.archive.search import near
from commonplace.archive.search import passages as stored
from commonplace.archive.search.hits import ROLES
from commonplace.meaning.contract import Floats, unit

AT_ONCE = 5_000
"""Conversations."""
LONGEST = 200
OFF = 0.5
"""How far off, beside how much the real ones differ."""
_PASSAGE = tuple(column.name for column in passages.columns if column.name != "key")
_WHOLE = ("owner", "conversation_id", "kind", "content_hash", "vector")


def real_rows(archive: Archive, kind: stored.Kind) -> Floats:
    """All there are in an archive that was really embedded."""
    with archive.read() as connection:
        query = select(passages.c.vector, passages.c.scale).where(passages.c.kind_key == kind.key)
        return np.stack([stored.restored(row.vector, row.scale) for row in connection.execute(query)])


def spread(real: Floats, count: int, draw: np.random.Generator) -> Floats:
    share = draw.uniform(0.3, 0.7, size=(count, 1)).astype(np.float32)
    one, other = (real[draw.integers(len(real), size=count)] for _ in range(2))
    noise = draw.standard_normal((count, real.shape[1]), dtype=np.float32) * real.std(axis=0) * np.float32(OFF)
    return unit(share * one + (1 - share) * other + noise)


def embedded(archive: Archive, name: str, real: Floats) -> stored.Kind:
    """A passage for each message, with a direction; nothing is done where there are some."""
    kind = stored.begin(archive, name, real.shape[1], is_bought=False)
    if not stored.count(archive, kind):
        draw = np.random.default_rng(0)
        with archive.read() as connection:
            last = connection.execute(select(func.max(conversations.c.key))).scalar_one()
        for start in range(0, last, AT_ONCE):
            with archive.write() as connection:
                _fill(connection, archive.owner, kind, range(start + 1, start + AT_ONCE + 1), real, draw)
        near.renew(archive, kind, at_once=True)
    return kind


def _fill(
    connection: Connection, owner: str, kind: stored.Kind, keys: range, real: Floats, draw: np.random.Generator
) -> None:
    table, said = conversations.c, messages.c
    heads = connection.execute(
        select(table.key, table.id, table.content_hash).where(table.key.between(keys[0], keys[-1]))
    ).all()
    rows = connection.execute(
        select(said.conversation_key, said.key, said.role, func.length(said.text).label("length"))
        .where(said.conversation_key.between(keys[0], keys[-1]), said.is_hidden.is_(False))
        .order_by(said.conversation_key, said.key)
    ).all()
    directions = spread(real, len(rows), draw)
    vectors, scales = stored.quantized(directions)
    insert_rows(
        connection,
        passages,
        _PASSAGE,
        [
            (kind.key, row.conversation_key, row.key, ROLES.index(row.role), 0, min(row.length, LONGEST),
             row.key.to_bytes(16, "big"), float(scale), vector.tobytes())
            for row, vector, scale in zip(rows, vectors, scales, strict=True)
        ],
    )  # fmt: skip
    wholes = np.zeros((len(keys), real.shape[1]), dtype=np.float32)
    np.add.at(wholes, [row.conversation_key - keys[0] for row in rows], directions)
    found: list[tuple[Any, ...]] = [
        (owner, head.id, kind.kind, head.content_hash, unit(wholes[head.key - keys[0]]).tobytes()) for head in heads
    ]
    insert_rows(connection, features, _WHOLE, found)
