"""What people corrected teaches the local judge: now and then, and nobody waits for it.

The archive remembers which corrections the judge has learned from. One more correction changes nothing; a few are
learned together, and then every verdict that the judge gave before is pending again (pending.py), except where somebody
else has spoken. What it said before is kept until the next time, so that learning can be undone.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path

import msgspec

from commonplace.archive.core import Archive
from commonplace.archive.verdicts.learned import (
    Learning,
    drop_generations,
    learn_back,
    learned,
    learned_before,
    remember_learned,
    unlearned,
)
from commonplace.archive.verdicts.verdicts import list_corrections
from commonplace.categorize.contract import Learned, Lesson, Meaning, Taxonomy
from commonplace.categorize.local import LocalJudge
from commonplace.categorize.local.judge import Analysis
from commonplace.errors import Refused
from commonplace.model import Verdict
from commonplace.stages.categorizing.pending import stale
from commonplace.stages.categorizing.subjects import subjects

LEAST_NEWS = 2
"""Corrections that have to be new: nothing follows from one alone."""
SAMPLE = 300
"""Verdicts that a forecast is made from."""


class Retrained(msgspec.Struct, frozen=True, kw_only=True):
    """What learning did."""

    lessons: int = 0
    new_lessons: int = 0
    judged_again: int = 0
    changed: int = 0
    """How many of those got another category."""


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """What learning would do, told before it does."""

    lessons: int = 0
    new_lessons: int = 0
    judged_again: int = 0
    would_change: int = 0
    """How many of those would get another category. About, where there are many."""
    is_estimate: bool = False


def what_is_learned(archive: Archive, taxonomy: Taxonomy) -> Learned:
    """The corrections that the local judge knows, and their name."""
    known = learned(archive, taxonomy.name)
    return Learned(lessons=_lessons(archive, known.said, taxonomy), name=known.hash)


def forecast(
    archive: Archive,
    taxonomy: Taxonomy,
    models: Path | None,
    analysis: Analysis = "summary",
    meaning: Meaning | None = None,
) -> Forecast:
    """What learning now would change. All zeros where there is nothing to learn yet."""
    said = _said(archive, taxonomy)
    news = _news(archive, taxonomy, said)
    if not news:
        return Forecast(lessons=len(said))
    judge = _judge(archive, taxonomy, said, models, analysis, meaning)
    waiting = stale(archive, taxonomy, learned_now=True)
    sample = waiting[:: max(1, len(waiting) // SAMPLE)][:SAMPLE]
    before = {row.conversation_id: row.category for row in sample}
    found = judge.judge(subjects(archive, list(before)), taxonomy)
    other = sum(isinstance(v, Verdict) and v.category != before[v.conversation_id] for v in found)
    return Forecast(
        lessons=len(said),
        new_lessons=news,
        judged_again=len(waiting),
        would_change=round(other * len(waiting) / max(1, len(sample))),
        is_estimate=len(sample) < len(waiting),
    )


def learn(
    archive: Archive,
    taxonomy: Taxonomy,
    models: Path | None,
    analysis: Analysis = "summary",
    meaning: Meaning | None = None,
) -> Retrained:
    """Learn from what was corrected since the last time. Where that is too little, nothing happens. Judges nothing."""
    said = _said(archive, taxonomy)
    news = _news(archive, taxonomy, said)
    if not news:
        return Retrained(lessons=len(said))
    _judge(archive, taxonomy, said, models, analysis, meaning).model_of(taxonomy)
    known = learned(archive, taxonomy.name)
    drop_generations(archive, taxonomy.name, keep=_key(known, analysis))
    remember_learned(archive, taxonomy.name, _name_of(said), said)
    return Retrained(lessons=len(said), new_lessons=news)


def undo(archive: Archive, taxonomy: Taxonomy, analysis: Analysis = "summary") -> int:
    """Unlearn what was learned last; how many earlier verdicts hold again."""
    if learned_before(archive, taxonomy.name) is None:
        raise Refused("There is nothing to unlearn.", hint="What was learned last can be undone once.")
    return learn_back(archive, taxonomy.name, _key(learned(archive, taxonomy.name), analysis))


def _news(archive: Archive, taxonomy: Taxonomy, said: Mapping[str, str]) -> int:
    """How many corrections are new, changed or withdrawn; 0 where they are too few to learn from."""
    undone = unlearned(archive, taxonomy.name)
    news = _differing(said, learned(archive, taxonomy.name).said)
    is_undone = bool(undone) and _differing(said, undone) < LEAST_NEWS
    return 0 if is_undone or news < LEAST_NEWS else news


def _differing(one: Mapping[str, str], other: Mapping[str, str]) -> int:
    return len(dict(one.items() ^ other.items()))


def _said(archive: Archive, taxonomy: Taxonomy) -> dict[str, str]:
    words = list_corrections(archive, "category", taxonomy=taxonomy.name)
    meant = {word.conversation_id: taxonomy.get(str(word.value)) for word in words}
    return {id: category.name for id, category in meant.items() if category is not None}


def _judge(
    archive: Archive,
    taxonomy: Taxonomy,
    said: Mapping[str, str],
    models: Path | None,
    analysis: Analysis,
    meaning: Meaning | None,
) -> LocalJudge:
    known = Learned(lessons=_lessons(archive, said, taxonomy), name=_name_of(said))
    return LocalJudge(models, learned=known, analysis=analysis, meaning=meaning)


def _key(known: Learning, analysis: Analysis) -> str:
    return LocalJudge(learned=Learned(name=known.hash), analysis=analysis).key


def _name_of(said: Mapping[str, str]) -> str:
    return blake2b(msgspec.json.encode(sorted(said.items())), digest_size=6).hexdigest()


def _lessons(archive: Archive, said: Mapping[str, str], taxonomy: Taxonomy) -> list[Lesson]:
    seen = subjects(archive, sorted(said))
    found = [Lesson(subject=subject, category=said[subject.conversation_id]) for subject in seen]
    return [lesson for lesson in found if lesson.category in taxonomy.names]
