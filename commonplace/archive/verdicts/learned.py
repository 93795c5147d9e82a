"""Which corrections the local judge has learned from, per taxonomy."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from sqlalchemy import select

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
