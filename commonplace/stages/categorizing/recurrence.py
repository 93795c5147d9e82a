"""What recurs in the archive, so that tags do, too: counted over a part of it, and again when it has grown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import msgspec
from sqlalchemy import func, select

from commonplace.archive.core import Archive
from commonplace.archive.memory import recall, remember
from commonplace.archive.rows import batched
from commonplace.archive.schema import conversations
from commonplace.archive.verdicts.verdicts import list_corrections
from commonplace.categorize.local.gist import candidates
from commonplace.categorize.local.tagging import recurring
from commonplace.stages.categorizing.subjects import subjects

LOOKED_AT = 2_000
"""The newest conversations: a few seconds."""
GROWTH = 1.25
PERSONS_WORTH = 3
"""A person's tag counts as so many conversations that could have it."""
MOST_SHOWN = 60
"""Tags that a hosted judge is told of."""
_AT_ONCE = 200


class _Remembered(msgspec.Struct):
    conversations: int
    terms: dict[str, int]


def count_recurring(archive: Archive) -> None:
    """Count what recurs, unless the archive is about as it was the last time."""
    table, known = conversations.c, _known(archive)
    ours = table.owner == archive.owner
    newest = select(table.id).where(ours).order_by(table.updated_at.desc().nulls_last(), table.id).limit(LOOKED_AT)
    with archive.read() as connection:
        there = connection.execute(select(func.count()).where(ours)).scalar_one()
        if known is not None and known.conversations <= there < max(known.conversations, 4) * GROWTH:
            return
        ids = list(connection.execute(newest).scalars())
    found = Counter(recurring(candidates(s) for page in batched(ids, _AT_ONCE) for s in subjects(archive, page)))
    for word in list_corrections(archive, "tags"):
        found.update({tag.casefold(): PERSONS_WORTH for tag in word.value})
    remember(archive, _name(archive), msgspec.json.encode(_Remembered(there, dict(found))).decode())


def known_recurring(archive: Archive) -> Mapping[str, int]:
    """What recurred when it was last counted."""
    known = _known(archive)
    return known.terms if known is not None else {}


def forget_recurring(archive: Archive) -> None:
    """It holds words of conversations: who forgets one, forgets them."""
    if _known(archive) is not None:
        remember(archive, _name(archive), "")


def tags_in_use(archive: Archive) -> list[str]:
    """The commonest tags, those that several conversations have."""
    counts: Counter[str] = Counter()
    with archive.read() as connection:
        for tags in connection.execute(
            select(conversations.c.tags).where(conversations.c.owner == archive.owner)
        ).scalars():
            counts.update(msgspec.json.decode(tags, type=list[str]) if tags else ())
    return [tag for tag, count in counts.most_common(MOST_SHOWN) if count > 1]


def _known(archive: Archive) -> _Remembered | None:
    known = recall(archive, _name(archive))
    return msgspec.json.decode(known, type=_Remembered) if known else None


def _name(archive: Archive) -> str:
    return f"recurring:{archive.owner}"
