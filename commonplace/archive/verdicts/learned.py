"""Which corrections the local judge has learned from, per taxonomy."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from commonplace.archive.core import Archive
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
    pairs = msgspec.json.encode(sorted(said.items())).decode()
    row = {"hash": hash, "trained_at": now(), "learned_from": pairs}
    dialect = sqlite if archive.is_sqlite else postgresql
    insert = dialect.insert(judge_models).values(owner=archive.owner, taxonomy=taxonomy, **row)
    with archive.write() as connection:
        connection.execute(insert.on_conflict_do_update(index_elements=["owner", "taxonomy"], set_=row))
