"""What the archive is about, whatever its categories say: conversations that mean much the same, named by the phrases
that their titles share. Nothing is stored: topics are as old as the question."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np
from sqlalchemy import select

from commonplace.archive.core import Archive
from commonplace.archive.schema import conversations
from commonplace.archive.scope import Scope
from commonplace.archive.search import passages as stored
from commonplace.archive.verdicts.titles import shown_title
from commonplace.errors import Refused
from commonplace.meaning.clusters import Clusters, clustered
from commonplace.projects.contract import Unnamed
from commonplace.projects.naming import KeyPhrases

LOOKED_AT = 20_000
"""The newest conversations."""
FEWEST, MOST = 3, 12
"""Conversations of a topic; topics, unless more are asked for."""
NEAREST = 5
_NAMED_BY = 40


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
    nearest: list[Near]


class Topics(msgspec.Struct, frozen=True):
    """Topics, the largest first. `left` belong to none, `unseen` have no vector."""

    topics: list[Topic]
    looked_at: int
    left: int
    unseen: int


def find_topics(archive: Archive, scope: Scope, *, most: int = MOST) -> Topics:
    """The topics of what is asked about. Refused where nothing was embedded."""
    kind = stored.fullest(archive)
    if kind is None:
        raise Refused("Topics go by meaning, and nothing has been embedded yet.", hint="Run `commonplace embed`.")
    table = conversations.c
    asked = select(table.id, shown_title()).where(scope.clause(archive))
    newest = asked.order_by(table.updated_at.desc().nulls_last(), table.id).limit(LOOKED_AT)
    with archive.read() as connection:
        found = connection.execute(newest).all()
    rows = stored.wholes(archive, kind, [row.id for row in found])
    known = np.flatnonzero(rows.any(axis=1)).tolist()
    heads = [(found[place].id, found[place].title) for place in known]
    groups = _groups(clustered(rows[known], _how_many(len(known), most))) if len(known) >= FEWEST else []
    topics = _described([[(*heads[place], near) for place, near in group] for group in groups])
    inside = sum(topic.conversations for topic in topics)
    return Topics(topics, len(found), len(known) - inside, len(found) - len(known))


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


def _described(groups: Sequence[Sequence[tuple[str, str | None, float]]]) -> list[Topic]:
    """Each under what its titles share and others' do not, else under the title nearest to its middle."""
    asked = [
        Unnamed(project_id=str(number), titles=tuple(title for _, title, _ in group[:_NAMED_BY] if title))
        for number, group in enumerate(groups)
    ]
    named = {proposal.project_id: proposal for proposal in KeyPhrases().propose(asked)}
    topics = []
    for number, group in enumerate(groups):
        proposal = named.get(str(number))
        name = proposal.name if proposal else next((title for _, title, _ in group if title), "Untitled")
        near = [Near(id, title, round(nearness, 3)) for id, title, nearness in group[:NEAREST]]
        topics.append(Topic(name, proposal.description if proposal else None, len(group), near))
    return topics
