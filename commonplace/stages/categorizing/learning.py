"""What people corrected teaches the local judge: now and then, and nobody waits for it.

The archive remembers which corrections the judge has learned from, so that one more correction changes nothing until
the next `retrain`. That judges again only what the new corrections can have changed: verdicts of the local judge that
nobody is sure of, in the categories that were corrected from or to.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path

import msgspec
from sqlalchemy import ColumnElement, and_, or_, select

from commonplace.archive.core import Archive
from commonplace.archive.schema import conversations, verdicts
from commonplace.archive.verdicts.learned import learned_from, remember_learned
from commonplace.archive.verdicts.verdicts import list_corrections, record_verdicts
from commonplace.categorize.answers import Answers, answers_path
from commonplace.categorize.contract import Lesson, Taxonomy
from commonplace.categorize.local import LocalJudge
from commonplace.categorize.local.judge import Analysis
from commonplace.categorize.local.kind import models_path
from commonplace.config import Settings
from commonplace.model import Verdict
from commonplace.stages.categorizing.subjects import in_chunks, subjects
from commonplace.stages.categorizing.taxonomies import taxonomy_named

CHUNK = 200


class Retrained(msgspec.Struct, frozen=True, kw_only=True):
    """What a retraining did."""

    lessons: int
    new_lessons: int
    judged_again: int = 0
    changed: int = 0
    """How many of those got another category."""


def learned_lessons(archive: Archive, taxonomy: Taxonomy) -> list[Lesson]:
    """The corrections that the local judge knows."""
    return _lessons(archive, learned_from(archive, taxonomy.name), taxonomy)


def learn(settings: Settings, archive: Archive, taxonomy: str | None = None) -> Retrained:
    """Retrain the local judge of a home; of the settings' taxonomy unless another is named."""
    chosen = taxonomy_named(archive, taxonomy or settings.categorize.taxonomy)
    with Answers(answers_path(settings.home)) as answers:
        return retrain(
            archive,
            answers,
            chosen,
            models=models_path(settings.home),
            review_below=settings.categorize.review_below,
            analysis=settings.categorize.analysis,
        )


def retrain(
    archive: Archive,
    answers: Answers,
    taxonomy: Taxonomy,
    *,
    models: Path | None,
    review_below: float,
    analysis: Analysis = "summary",
) -> Retrained:
    """Learn from what was corrected since the last time; nothing happens when nothing was."""
    before = learned_from(archive, taxonomy.name)
    words = list_corrections(archive, "category", taxonomy=taxonomy.name)
    said = {word.conversation_id: str(word.value) for word in words if word.value in taxonomy.names}
    news = {id: category for id, category in said.items() if before.get(id) != category}
    if said == before:
        return Retrained(lessons=len(said), new_lessons=0)
    judge = LocalJudge(models, lessons=_lessons(archive, said, taxonomy), analysis=analysis)
    judge.model_of(taxonomy)
    digest = blake2b(msgspec.json.encode(sorted(said.items())), digest_size=12).hexdigest()
    remember_learned(archive, taxonomy.name, digest, said)
    withdrawn = {category for id, category in before.items() if id not in said}
    near = _neighbours(archive, taxonomy, _touched(archive, taxonomy, news, before) | withdrawn)
    changed = 0
    for chunk in in_chunks(list(near), CHUNK):
        seen = {subject.conversation_id: subject for subject in subjects(archive, chunk)}
        given = [v for v in judge.judge(list(seen.values()), taxonomy) if isinstance(v, Verdict)]
        answers.keep([(seen[verdict.conversation_id], verdict) for verdict in given], taxonomy)
        record_verdicts(archive, given, review_below=review_below)
        changed += sum(verdict.category != near[verdict.conversation_id] for verdict in given)
    return Retrained(lessons=len(said), new_lessons=len(news), judged_again=len(near), changed=changed)


def _lessons(archive: Archive, said: Mapping[str, str], taxonomy: Taxonomy) -> list[Lesson]:
    seen = subjects(archive, sorted(said))
    found = [Lesson(subject=subject, category=said[subject.conversation_id]) for subject in seen]
    return [lesson for lesson in found if lesson.category in taxonomy.names]


def _touched(archive: Archive, taxonomy: Taxonomy, news: Mapping[str, str], before: Mapping[str, str]) -> set[str]:
    """The categories that new corrections lead to, and those that the local judge had put them in."""
    ids = list(news)
    query = select(verdicts.c.category).where(_local(archive, taxonomy), verdicts.c.conversation_id.in_(ids))
    with archive.read() as connection:
        mistaken = set(connection.execute(query).scalars())
    return mistaken | set(news.values()) | {before[id] for id in ids if id in before}


def _neighbours(archive: Archive, taxonomy: Taxonomy, touched: set[str]) -> dict[str, str]:
    """Conversations to judge again, with the category they have. Where another judge spoke last, its word stays."""
    table, other = conversations.c, verdicts.alias().c
    newer = (
        select(other.judge)
        .where(
            other.owner == verdicts.c.owner,
            other.conversation_id == verdicts.c.conversation_id,
            other.judged_at > verdicts.c.judged_at,
        )
        .exists()
    )
    joined = conversations.join(verdicts, and_(verdicts.c.owner == table.owner, verdicts.c.conversation_id == table.id))
    query = (
        select(table.id, verdicts.c.category)
        .select_from(joined)
        .where(
            table.needs_review.is_(True),
            _local(archive, taxonomy),
            or_(verdicts.c.category.in_(touched), verdicts.c.runner_up.in_(touched)),
            ~newer,
        )
        .order_by(table.id)
    )
    with archive.read() as connection:
        return {row.id: row.category for row in connection.execute(query)}


def _local(archive: Archive, taxonomy: Taxonomy) -> ColumnElement[bool]:
    return and_(
        verdicts.c.owner == archive.owner,
        verdicts.c.taxonomy == taxonomy.name,
        verdicts.c.taxonomy_hash == taxonomy.hash,
        verdicts.c.judge.startswith("local/"),
    )
