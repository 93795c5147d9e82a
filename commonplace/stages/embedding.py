"""Embed: conversations get vectors of their passages, by which they are found, compared and sorted in meaning.

A conversation is done when there is a direction of its content as it is, in the kind of vectors that the settings name.
Of one that changed, only new passages are given to the model. What is stored can be searched at once; the newest come
first, because they are what a person looks for.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import msgspec
from sqlalchemy import and_, select

from commonplace.archive import leases
from commonplace.archive.core import Archive
from commonplace.archive.schema import conversations, features
from commonplace.archive.search import near, passages_files, passages_postgresql
from commonplace.archive.search import passages as stored
from commonplace.errors import Halt
from commonplace.meaning.contract import Embedder
from commonplace.meaning.registry import LOCAL, open_embedder
from commonplace.session import Session
from commonplace.stages.passages import Embedded, embed, unembedded
from commonplace.stages.searching import COVERED
from commonplace.stages.selection import Selection, count, slices
from commonplace.stages.work import IN_PROCESS, Budget, Chunk, Ending, Work, leased, telling, through

NICENESS = 10
WHILE_AT_IT = 0.2
"""How far what is searched may be behind while a run is under way; to make it anew takes seconds of a large archive."""


class EmbedReport(Ending, kw_only=True):
    """What a run did, in the keys that `commonplace embed --json` prints."""

    model: str = ""
    embedded: int = 0
    unchanged: int = 0
    passages: int = 0
    """How many the model was given."""
    tokens: int = 0
    cost_usd: float = 0.0

    def add(self, done: Embedded) -> None:
        self.embedded += done.conversations
        self.passages += done.embedded
        self.tokens += done.usage.input_tokens
        self.cost_usd = round(self.cost_usd + done.usage.cost_usd, 6)


class EmbedPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a run would do, and cost at most."""

    model: str
    pending: int
    unchanged: int
    cost_usd: float = 0.0
    max_cost: float


class Embedding(msgspec.Struct, frozen=True, kw_only=True):
    """What the steps work with."""

    archive: Archive
    embedder: Embedder
    is_bought: bool

    @property
    def address(self) -> dict[str, Any]:
        """The settings say it all."""
        return {}


@contextmanager
def open_embedding(session: Session) -> Iterator[Embedding]:
    """As the settings say. What a model or a service needs is missed by its first question, not before."""
    model = session.settings.meaning.model
    if not model:
        raise Halt("The settings name no model for meaning.", hint='Set [meaning] model, for example to "use".')
    embedder = open_embedder(model, session.settings, session.environment, check=session.archive.check)
    try:
        yield Embedding(archive=session.archive, embedder=embedder, is_bought=model not in LOCAL)
    finally:
        embedder.close()


def pending(archive: Archive, kind: str, selection: Selection = Selection()) -> list[str]:
    """The conversations that have no current direction, the newest first."""
    table = conversations.c
    is_current = and_(
        features.c.owner == table.owner,
        features.c.conversation_id == table.id,
        features.c.kind == kind,
        features.c.content_hash == table.content_hash,
    )
    query = select(table.id).where(selection.clause(archive)).order_by(table.updated_at.desc().nulls_last(), table.id)
    if not selection.force:
        query = query.where(~select(features.c.kind).where(is_current).exists())
    with archive.read() as connection:
        return list(connection.execute(query.limit(selection.limit)).scalars())


def embed_pending(session: Session, selection: Selection = Selection(), *, work: Work = IN_PROCESS) -> EmbedReport:
    """Embed what is new or changed. What a run could not do any more is told, and is the next one's."""
    settings, report = session.settings.meaning, EmbedReport(model=session.settings.meaning.model)
    with (
        telling(report),
        leased(session, leases.embedding(session.archive.owner)) as ours,
        open_embedding(ours) as using,
    ):
        ids = pending(using.archive, using.embedder.key, selection)
        report.unchanged = count(using.archive, selection) - len(ids)
        try:
            _through(using, ids, report, work, settings.max_cost)
        finally:
            if report.embedded or _has_left(using):
                work.do(renew, using)
    return report


def _through(using: Embedding, ids: list[str], report: EmbedReport, work: Work, max_cost: float) -> None:
    def add(_: Chunk, done: Embedded | None) -> None:
        if done is not None:
            report.add(done)
            _renewed(using, WHILE_AT_IT)

    budget = Budget(
        max_cost,
        "Raise [meaning] max_cost; what was embedded is kept.",
        spent=lambda: report.cost_usd,
        estimate=lambda chunk: using.embedder.cost(unembedded(using.archive, using.embedder, chunk)),
    )
    through(
        work,
        embed_chunk,
        using,
        slices(ids),
        label="embed",
        on_end=add,
        errors=report.errors,
        budget=budget if using.is_bought else None,
    )


def embed_chunk(using: Embedding, *, ids: list[str]) -> Embedded:
    """A chunk of conversations: cut, embedded and stored. What this machine computes gives way to all else."""
    if using.is_bought:
        return embed(using.archive, using.embedder, ids, is_bought=True)
    # In a thread of its own: one that has given way cannot take its place again.
    with ThreadPoolExecutor(1, initializer=_give_way) as apart:
        return apart.submit(embed, using.archive, using.embedder, ids, is_bought=False).result()


def renew(using: Embedding) -> bool:
    """Bring what is searched in step with what was stored."""
    return _renewed(using, 0.01)


def preview(session: Session, selection: Selection = Selection()) -> EmbedPlan:
    """What a run would do, and nothing of it done."""
    settings = session.settings.meaning
    with open_embedding(session) as using:
        ids = pending(using.archive, using.embedder.key, selection)
        texts = unembedded(using.archive, using.embedder, ids) if using.is_bought else []
        return EmbedPlan(
            model=settings.model,
            pending=len(ids),
            unchanged=count(using.archive, selection) - len(ids),
            cost_usd=round(using.embedder.cost(texts), 6) if texts else 0.0,
            max_cost=settings.max_cost,
        )


def tidy(session: Session) -> int:
    """Drop the kinds of vectors that another one took the place of, and what is left of them; how many. What is
    searched is made anew where it is not what was written."""
    archive = session.archive
    there = stored.kinds(archive)
    if session.settings.meaning.model and len(there) > 1:
        with open_embedding(session) as using:
            serving = stored.kind_named(archive, using.embedder.key)
        if serving is not None and stored.coverage(archive, serving) >= COVERED:
            for kind in there:
                if kind != serving:
                    stored.drop(archive, kind)
    alive = stored.tokens(archive)
    passages_files.sweep(archive, alive)
    for kind in stored.kinds(archive):
        if not passages_files.is_sound(archive, kind) or passages_files.were_left(archive, kind):
            near.renew(archive, kind, at_once=True)
    if not archive.is_sqlite:
        with archive.write() as connection:
            passages_postgresql.sweep(connection, alive)
    return len(there) - len(stored.kinds(archive))


def _give_way() -> None:
    """On Linux every thread has a priority; elsewhere this one keeps that of the process."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def _has_left(using: Embedding) -> bool:
    """Whether there is a file that still has what was forgotten."""
    kind = stored.kind_named(using.archive, using.embedder.key)
    return kind is not None and passages_files.were_left(using.archive, kind)


def _renewed(using: Embedding, tolerance: float) -> bool:
    kind = stored.kind_named(using.archive, using.embedder.key)
    return kind is not None and near.renew(using.archive, kind, tolerance=tolerance)
