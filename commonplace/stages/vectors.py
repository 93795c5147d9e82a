"""Embed: conversations get vectors of their passages, by which they are found and compared in meaning.

A conversation is done when there is a direction of its content as it is, in the kind of vectors that the settings name.
Of one that changed, only new passages are given to the model. What is stored can be searched at once; the newest come
first, because they are what a person looks for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
from sqlalchemy import and_, select

from commonplace.archive import leases
from commonplace.archive.core import Archive
from commonplace.archive.rows import batched
from commonplace.archive.schema import conversations, features
from commonplace.archive.search import near, passages_files, passages_postgresql
from commonplace.archive.search import passages as stored
from commonplace.errors import Halt, Retryable
from commonplace.meaning.contract import Embedder
from commonplace.meaning.registry import LOCAL, open_embedder
from commonplace.session import Session
from commonplace.stages.passages import Embedded, embed, unembedded
from commonplace.stages.searching import COVERED
from commonplace.stages.selection import Selection, count

CHUNK = 100
WHILE_AT_IT = 0.2
"""How far what is searched may be behind while a run is under way; to make it anew takes seconds of a large archive."""


class EmbedReport(msgspec.Struct, kw_only=True):
    """What a run did, in the keys that `commonplace embed --json` prints."""

    model: str = ""
    embedded: int = 0
    unchanged: int = 0
    passages: int = 0
    """How many the model was given."""
    tokens: int = 0
    cost_usd: float = 0.0
    seconds: float = 0.0
    stopped: str | None = None
    """Why it ended before everything was done."""
    hint: str | None = None

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
    cost_usd: float
    max_cost: float


@contextmanager
def open_model(session: Session) -> Iterator[tuple[Embedder, bool]]:
    """The embedder of the settings, and whether it costs something."""
    model = session.settings.meaning.model
    if not model:
        raise Halt("The settings name no model for meaning.", hint='Set [meaning] model, for example to "use".')
    embedder = open_embedder(model, session.settings, session.environment, check=session.archive.check)
    try:
        yield embedder, model not in LOCAL
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


def embed_pending(
    session: Session, selection: Selection = Selection(), *, show: Callable[[int, int], None] = lambda done, total: None
) -> EmbedReport:
    """Embed what is new or changed. What a run could not do any more is told, and is the next one's."""
    started, report = time.monotonic(), EmbedReport(model=session.settings.meaning.model)
    with leases.hold(session.archive, leases.embedding(session.archive.owner)) as lease:
        held = session._replace(archive=lease.archive)
        try:
            with open_model(held) as (embedder, is_bought):
                ids = pending(held.archive, embedder.key, selection)
                report.unchanged = count(held.archive, selection) - len(ids)
                _through(held, embedder, is_bought, ids, report, show)
        except (Halt, Retryable) as error:
            report.stopped, report.hint = error.message, error.hint
    report.seconds = round(time.monotonic() - started, 3)
    return report


def _through(
    session: Session,
    embedder: Embedder,
    is_bought: bool,
    ids: list[str],
    report: EmbedReport,
    show: Callable[[int, int], None],
) -> None:
    archive, limit, done = session.archive, session.settings.meaning.max_cost, 0
    try:
        for chunk in batched(ids, CHUNK):
            if is_bought and report.cost_usd + embedder.cost(unembedded(archive, embedder, chunk)) > limit:
                left = f"{len(ids) - done:,} of {len(ids):,} conversations"
                hint = "Raise [meaning] max_cost; what was embedded is kept."
                raise Halt(f"{left} would pass the limit of ${limit:.2f}.", hint=hint)
            report.add(embed(archive, embedder, chunk, is_bought=is_bought))
            done += len(chunk)
            show(done, len(ids))
            _renew(archive, embedder, WHILE_AT_IT)
    finally:
        if done:
            _renew(archive, embedder, 0.01)


def preview(session: Session, selection: Selection = Selection()) -> EmbedPlan:
    """What a run would do, and nothing of it done."""
    archive, settings = session.archive, session.settings.meaning
    with open_model(session) as (embedder, is_bought):
        ids = pending(archive, embedder.key, selection)
        cost = embedder.cost(unembedded(archive, embedder, ids)) if is_bought else 0.0
        unchanged = count(archive, selection) - len(ids)
    return EmbedPlan(
        model=settings.model,
        pending=len(ids),
        unchanged=unchanged,
        cost_usd=round(cost, 6),
        max_cost=settings.max_cost,
    )


def tidy(session: Session) -> int:
    """Drop the kinds of vectors that another one took the place of, and what is left of them; how many."""
    archive = session.archive
    before = stored.kinds(archive)
    if session.settings.meaning.model and len(before) > 1:
        with open_model(session) as (embedder, _):
            serving = stored.kind_named(archive, embedder.key)
        if serving is not None and stored.coverage(archive, serving) >= COVERED:
            for kind in before:
                if kind != serving:
                    stored.drop(archive, kind)
    alive = stored.tokens(archive)
    passages_files.sweep(archive, alive)
    if not archive.is_sqlite:
        with archive.write() as connection:
            passages_postgresql.sweep(connection, alive)
    return len(before) - len(stored.kinds(archive))


def _renew(archive: Archive, embedder: Embedder, tolerance: float) -> None:
    kind = stored.kind_named(archive, embedder.key)
    if kind is not None:
        near.renew(archive, kind, tolerance=tolerance)
