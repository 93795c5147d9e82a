"""What the archive is about, whatever its categories say: conversations that mean much the same, named by the phrases
that their titles share, or by their tags. Nothing is stored: topics are as old as the question."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from sqlalchemy import ColumnElement, Row, select

from commonplace.archive.core import Archive
from commonplace.archive.figures.statistics import Count
from commonplace.archive.schema import conversations
from commonplace.archive.scope import Scope
from commonplace.archive.search import passages as stored
from commonplace.archive.verdicts.titles import shown_title
from commonplace.errors import Refused
from commonplace.meaning.clusters import Clusters, clustered
from commonplace.projects.contract import Unnamed
from commonplace.projects.naming import KeyPhrases

LOOKED_AT = 100_000
"""The newest conversations."""
FEWEST, MOST = 3, 12
"""Conversations of a topic; topics, unless more are asked for."""
NEAREST = 5
Group = Sequence[tuple[Row[Any], float]]
"""Conversations that mean much the same, and how near each is to the middle."""
_NAMED_BY = 40
_TAGS, _TAGGED = 4, 0.05
"""How many tags tell what a topic is about, and of what share of its conversations one has to be."""


class Near(msgspec.Struct, frozen=True):
    """A conversation of a topic, and how near it is to the middle (1: exactly there)."""

    id: str
    title: str | None
    nearness: float


class Topic(msgspec.Struct, frozen=True):
    """Conversations that mean much the same."""

    name: str
    about: str | None
    conversations: int
    messages: int
    nearest: list[Near]


class Topics(msgspec.Struct, frozen=True):
    """Topics, the largest first. `left` belong to none, `unseen` have no vector."""

    topics: list[Topic]
    looked_at: int
    messages: int
    left: int
    unseen: int

    def as_counts(self) -> list[Count]:
        """As other statistics: a line for each, and one for what is in none."""
        rows = [Count(topic.name, topic.conversations, topic.messages) for topic in self.topics]
        inside, said = sum(row.conversations for row in rows), sum(row.messages for row in rows)
        others = [Count(None, self.looked_at - inside, self.messages - said)] if inside < self.looked_at else []
        return rows + others


def find_topics(archive: Archive, scope: Scope, *, most: int = MOST) -> Topics:
    """The topics of what is asked about. Refused where nothing was embedded."""
    found, known, groups = _grouped(archive, scope.clause(archive), most)
    topics = _described(groups)
    inside = sum(topic.conversations for topic in topics)
    said = sum(row.message_count for row in found)
    return Topics(topics, len(found), said, known - inside, len(found) - known)


def topics_among(archive: Archive, ids: Sequence[str]) -> dict[str, str]:
    """The names of the topics of these conversations among themselves; none for what is like no others."""
    mine = (conversations.c.owner == archive.owner) & conversations.c.id.in_(ids)
    _, _, groups = _grouped(archive, mine, MOST)
    return {row.id: topic.name for topic, group in zip(_described(groups), groups, strict=True) for row, _ in group}


def _grouped(archive: Archive, which: ColumnElement[bool], most: int) -> tuple[Sequence[Row[Any]], int, list[Group]]:
    """The newest of these conversations, how many of them have a vector, and those that mean much the same."""
    kind = stored.fullest(archive)
    if kind is None:
        raise Refused("Topics go by meaning, and nothing has been embedded yet.", hint="Run `commonplace embed`.")
    table = conversations.c
    asked = select(table.id, shown_title(), table.tags, table.message_count).where(which)
    newest = asked.order_by(table.updated_at.desc().nulls_last(), table.id).limit(LOOKED_AT)
    with archive.read() as connection:
        found = connection.execute(newest).all()
    rows = stored.wholes(archive, kind, [row.id for row in found])
    known = np.flatnonzero(rows.any(axis=1))
    groups = _groups(clustered(rows[known], _how_many(len(known), most))) if len(known) >= FEWEST else []
    return found, len(known), [[(found[known[place]], near) for place, near in group] for group in groups]


def _how_many(conversations: int, most: int) -> int:
    return max(1, min(most, round(math.sqrt(conversations / 2))))


def _groups(found: Clusters) -> list[list[tuple[int, float]]]:
    """The rows of each group, the nearest first; the largest group first."""
    groups = []
    for group in range(found.groups):
        inside = np.flatnonzero(found.member_of == group)
        inside = inside[np.argsort(-found.nearness[inside], kind="stable")]
        if len(inside) >= FEWEST:
            groups.append([(int(place), float(found.nearness[place])) for place in inside])
    return sorted(groups, key=lambda group: (-len(group), group[0][0]))


def _described(groups: Sequence[Group]) -> list[Topic]:
    """Each under what its titles share and others' do not, else under its commonest tags that are few others', else
    under the title nearest to its middle."""
    asked = [
        Unnamed(project_id=str(number), titles=tuple(row.title for row, _ in group[:_NAMED_BY] if row.title))
        for number, group in enumerate(groups)
    ]
    named = {proposal.project_id: proposal for proposal in KeyPhrases().propose(asked)}
    tags = [
        Counter(tag for row, _ in group for tag in msgspec.json.decode(row.tags, type=set[str])) for group in groups
    ]
    topics = []
    for number, group in enumerate(groups):
        proposal, own = named.get(str(number)), _own(tags[number], tags, len(group))
        titles = (row.title for row, _ in group if row.title)
        name = proposal.name if proposal else own[0] if own else next(titles, "Untitled")
        about = proposal.description if proposal else None
        if about is None and (others := [tag for tag in own if tag.casefold() != name.casefold()]):
            about = f"About {', '.join(others)}."
        near = [Near(row.id, row.title, round(nearness, 3)) for row, nearness in group[:NEAREST]]
        topics.append(
            Topic(name[:1].upper() + name[1:], about, len(group), sum(r.message_count for r, _ in group), near)
        )
    return topics


def _own(tags: Counter[str], everywhere: Sequence[Counter[str]], conversations: int) -> list[str]:
    """The tags that tell a group from the others: of several of its conversations, and mostly of its."""
    worth = {tag: count * count / sum(other[tag] for other in everywhere) for tag, count in tags.items()}
    enough = max(float(FEWEST), conversations * _TAGGED)
    return sorted((tag for tag in worth if worth[tag] >= enough), key=lambda tag: (-worth[tag], tag))[:_TAGS]
