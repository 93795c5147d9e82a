"""Which corrections the local judge has learned from, per taxonomy."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec
from sqlalchemy import Connection, select, update

from commonplace.archive.core import Archive
from commonplace.archive.rows import put, to_json
from commonplace.archive.schema import judge_models
from commonplace.moments import now


def learned_from(archive: Archive, taxonomy: str) -> dict[str, str]:
    """The category that was learned for each corrected conversation; empty before the first time."""
    ours = (judge_models.c.owner == archive.owner) & (judge_models.c.taxonomy == taxonomy)
    with archive.read() as connection:
        known = connection.execute(select(judge_models.c.learned_from).where(ours)).scalar_one_or_none()
    pairs = msgspec.json.decode(known, type=list[tuple[str, str]]) if known else []
    return dict(pairs)


def unlearn(connection: Connection, owner: str, conversation_ids: Collection[str]) -> None:
    """The judge is taught without these conversations the next time."""
    ours = judge_models.c.owner == owner
    for row in connection.execute(select(judge_models).where(ours)).all():
        pairs = msgspec.json.decode(row.learned_from, type=list[tuple[str, str]])
        left = [pair for pair in pairs if pair[0] not in conversation_ids]
        if left != pairs:
            this = ours & (judge_models.c.taxonomy == row.taxonomy)
            connection.execute(update(judge_models).where(this).values(learned_from=to_json(left)))


def remember_learned(archive: Archive, taxonomy: str, hash: str, said: Mapping[str, str]) -> None:
    """From now on the judge knows these."""
    row = {
        "owner": archive.owner,
        "taxonomy": taxonomy,
        "hash": hash,
        "trained_at": now(),
        "learned_from": to_json(sorted(said.items())),
    }
    with archive.write() as connection:
        put(connection, judge_models, [row])
