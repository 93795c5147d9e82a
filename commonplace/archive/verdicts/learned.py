"""Which corrections the local judge has learned from, per taxonomy, and which before that: learning can be undone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, select, update

from commonplace.archive.core import Archive
from commonplace.archive.memory import recall, recall_as, remember
from commonplace.archive.rows import put, to_json
from commonplace.archive.schema import judge_models, settings, verdicts
from commonplace.archive.verdicts.current import has_beside, refresh
from commonplace.moments import now

Said = dict[str, str]
"""The category that a person gave each corrected conversation."""


class Learning(msgspec.Struct, frozen=True, kw_only=True):
    """What the judge knows since when; `hash` names it."""

    hash: str = ""
    trained_at: int = 0
    said: Said = {}


def learned(archive: Archive, taxonomy: str) -> Learning:
    """What the judge has learned; nothing before the first time."""
    ours = (judge_models.c.owner == archive.owner) & (judge_models.c.taxonomy == taxonomy)
    with archive.read() as connection:
        row = connection.execute(select(judge_models).where(ours)).one_or_none()
    if row is None:
        return Learning()
    return Learning(hash=row.hash, trained_at=row.trained_at, said=dict(_pairs(row.learned_from)))


def remember_learned(archive: Archive, taxonomy: str, hash: str, said: Mapping[str, str]) -> Learning:
    """From now on the judge knows these; what it knew before is kept for `learn_back`."""
    before, known = learned(archive, taxonomy), Learning(hash=hash, trained_at=now(), said=dict(said))
    _put(archive, taxonomy, known)
    remember(archive, _before(archive.owner, taxonomy), msgspec.json.encode(before).decode())
    return known


def learned_before(archive: Archive, taxonomy: str) -> Learning | None:
    """What the judge knew before it learned last; None if that cannot be gone back to."""
    return recall_as(archive, _before(archive.owner, taxonomy), Learning)


def learn_back(archive: Archive, taxonomy: str, judge_key: str) -> int:
    """Go back to what the judge knew before, and to its verdicts of then where there are some. How many come back."""
    before = learned_before(archive, taxonomy)
    if before is None:
        return 0
    said, other = verdicts.c, verdicts.alias()
    mine = (said.owner == archive.owner, said.taxonomy == taxonomy, said.judge == judge_key)
    has_another = has_beside(other, other.c.taxonomy == said.taxonomy, other.c.judge != said.judge)
    undone = learned(archive, taxonomy)
    with archive.write() as connection:
        ids = list(connection.execute(select(said.conversation_id).where(*mine, has_another)).scalars())
        connection.execute(delete(verdicts).where(*mine, has_another))
        refresh(connection, archive.owner, ids)
    _put(archive, taxonomy, before)
    remember(archive, _before(archive.owner, taxonomy), "")
    remember(archive, _undone(archive.owner, taxonomy), to_json(sorted(undone.said.items())))
    return len(ids)


def unlearned(archive: Archive, taxonomy: str) -> Said:
    """The corrections whose learning a person has undone: they are not learned from again by themselves."""
    text = recall(archive, _undone(archive.owner, taxonomy))
    return dict(_pairs(text)) if text else {}


def drop_generations(archive: Archive, taxonomy: str, keep: str) -> None:
    """Remove what the judge said before it knew what it knows now (`keep` is its key), where it has spoken since."""
    said, other = verdicts.c, verdicts.alias()
    is_kept = has_beside(other, other.c.taxonomy == said.taxonomy, other.c.judge == keep)
    ours = (said.owner == archive.owner, said.taxonomy == taxonomy, said.judge.startswith("local/"))
    with archive.write() as connection:
        connection.execute(delete(verdicts).where(*ours, said.judge != keep, is_kept))


def unlearn(connection: Connection, owner: str, conversation_ids: Collection[str]) -> None:
    """The judge is taught without these conversations the next time; going back to what it knew is over."""
    ours = judge_models.c.owner == owner
    for row in connection.execute(select(judge_models).where(ours)).all():
        this = ours & (judge_models.c.taxonomy == row.taxonomy)
        left = _without(row.learned_from, conversation_ids)
        connection.execute(update(judge_models).where(this).values(learned_from=left))
        connection.execute(delete(settings).where(settings.c.name == _before(owner, row.taxonomy)))
        undone = settings.c.name == _undone(owner, row.taxonomy)
        text = connection.execute(select(settings.c.value).where(undone)).scalar()
        if text:
            connection.execute(update(settings).where(undone).values(value=_without(text, conversation_ids)))


def _without(pairs: str, conversation_ids: Collection[str]) -> str:
    return to_json([pair for pair in _pairs(pairs) if pair[0] not in conversation_ids])


def _pairs(text: str) -> list[tuple[str, str]]:
    return msgspec.json.decode(text, type=list[tuple[str, str]])


def _put(archive: Archive, taxonomy: str, known: Learning) -> None:
    row: dict[str, Any] = {
        "owner": archive.owner,
        "taxonomy": taxonomy,
        "hash": known.hash,
        "trained_at": known.trained_at,
        "learned_from": to_json(sorted(known.said.items())),
    }
    with archive.write() as connection:
        put(connection, judge_models, [row])


def _before(owner: str, taxonomy: str) -> str:
    return f"learned-before:{owner}:{taxonomy}"


def _undone(owner: str, taxonomy: str) -> str:
    return f"unlearned:{owner}:{taxonomy}"
