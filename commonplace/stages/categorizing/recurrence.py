"""What recurs in the archive, so that tags do, too: counted over a part of it, and again when it has grown."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import func, select

from commonplace.archive.core import Archive
from commonplace.archive.memory import recall_as, remember
from commonplace.archive.rows import batched
from commonplace.archive.schema import conversations
from commonplace.archive.verdicts.verdicts import list_corrections
from commonplace.categorize.local.gist import candidates
from commonplace.categorize.local.tagging import Alike, Recurring, recurring
from commonplace.stages.categorizing.subjects import subjects

if TYPE_CHECKING:
    from commonplace.meaning.contract import Embedder

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
    instead: dict[str, str] = {}
    model: str = ""
    """Who knew what words mean."""

    def is_current(self, conversations: int, model: str) -> bool:
        return self.model == model and self.conversations <= conversations < max(self.conversations, 4) * GROWTH


def count_recurring(archive: Archive, embedder: Embedder | None = None) -> None:
    """Count what recurs, unless the archive is about as it was the last time. With an embedder, words that mean the
    same are one."""
    model = embedder.key if embedder else ""
    table, known = conversations.c, _known(archive)
    ours = table.owner == archive.owner
    newest = select(table.id).where(ours).order_by(table.updated_at.desc().nulls_last(), table.id).limit(LOOKED_AT)
    with archive.read() as connection:
        there = connection.execute(select(func.count()).where(ours)).scalar_one()
        if known is not None and known.is_current(there, model):
            return
        ids = list(connection.execute(newest).scalars())
    given = Counter(tag.casefold() for word in list_corrections(archive, "tags") for tag in word.value)
    found = recurring(
        (candidates(subject) for page in batched(ids, _AT_ONCE) for subject in subjects(archive, page)),
        {tag: count * PERSONS_WORTH for tag, count in given.items()},
        _alike(embedder) if embedder else lambda _: {},
    )
    state = _Remembered(there, found.counts, found.instead, model)
    remember(archive, _name(archive), msgspec.json.encode(state).decode())


def _alike(embedder: Embedder) -> Alike:
    from commonplace.meaning.synonyms import synonyms

    return partial(synonyms, embedder)


def known_recurring(archive: Archive) -> Recurring:
    """What recurred when it was last counted."""
    known = _known(archive)
    return Recurring(known.terms, known.instead) if known is not None else Recurring()


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
    return recall_as(archive, _name(archive), _Remembered)


def _name(archive: Archive) -> str:
    return f"recurring:{archive.owner}"
