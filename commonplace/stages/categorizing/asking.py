"""Asking a judge, and recording what it answered: two steps.

Asking is kept apart from recording. `ask` puts every answer into the person's answers file the moment it arrives and
asks only for what is not there yet; `record` copies answers from there into the archive. So a lost write, a killed run
or a restored archive never pays for the same answer twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import msgspec

from commonplace.archive.verdicts.verdicts import record_verdicts
from commonplace.categorize.answers import Answers
from commonplace.categorize.contract import Judge, PaidJudge, Subject, Taxonomy
from commonplace.errors import Defect
from commonplace.model import Usage, Verdict
from commonplace.stages.categorizing.judges import Judging
from commonplace.stages.categorizing.pending import Pending
from commonplace.stages.categorizing.subjects import headings, subjects
from commonplace.stages.work import Bought

KEY_VERSION = "v1"


class Asked(Bought, frozen=True, kw_only=True):
    """What asking about some conversations brought."""

    answered: int = 0
    found: int = 0
    """Answers that were there already."""
    defects: list[Defect] = msgspec.field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        return not self.defects


def question_of(using: Judging[Judge], chunk: Sequence[Pending]) -> str:
    """One name for a question, the same for the same contents, taxonomy, judge and prompt version.

    And the same file of answers: a run that finds this question asked must find the answers too.
    """
    asked = sorted((item.conversation_id, item.content_hash) for item in chunk)
    where = [using.taxonomy.name, using.taxonomy.hash, using.answers.identity]
    digest = blake2b(msgspec.json.encode([asked, *where]), digest_size=12).hexdigest()
    return f"judge/{KEY_VERSION}:{using.judge.key}:{digest}"


def ask(using: Judging[Judge], *, ids: list[str], again: bool = False) -> Asked:
    """Have conversations judged, those that were answered before excepted (unless `again`). Records nothing."""
    seen = subjects(using.archive, ids)
    known = {} if again else using.answers.find(seen, using.taxonomy, using.judge.key)
    empty = [subject for subject in seen if _is_empty(subject)]
    using.answers.keep(
        ((subject, _nothing_said(subject, using.taxonomy, using.judge.key)) for subject in empty), using.taxonomy
    )
    waiting = [s for s in seen if s.conversation_id not in known and not _is_empty(s)]
    if not waiting:
        return Asked(found=len(known), answered=len(empty))
    keeper = _Keeper(using.answers, waiting, using.taxonomy)
    if isinstance(using.judge, PaidJudge):
        said = using.judge.judge_each(waiting, using.taxonomy, keeper.keep)
    else:
        said = using.judge.judge(waiting, using.taxonomy)
    given = [answer for answer in said if isinstance(answer, Verdict)]
    keeper.keep_all(given)
    return Asked(
        found=len(known),
        answered=len(empty) + len(given),
        defects=[answer for answer in said if isinstance(answer, Defect)],
        usage=sum((verdict.usage for verdict in given), Usage()),
    )


def unanswered(using: Judging[Any], ids: Sequence[str], *, again: bool = False) -> list[Subject]:
    """Those of the conversations that would have to be asked about."""
    seen = [subject for subject in subjects(using.archive, ids) if not _is_empty(subject)]
    known = {} if again else using.answers.find(seen, using.taxonomy, using.judge.key)
    return [subject for subject in seen if subject.conversation_id not in known]


def record(using: Judging[Judge], *, ids: list[str]) -> int:
    """Copy answers into the archive; what was not answered is left out. How many there were."""
    found = using.answers.find(headings(using.archive, ids), using.taxonomy, using.judge.key)
    record_verdicts(using.archive, found.values(), review_below=using.review_below)
    return len(found)


class _Keeper:
    """Writes answers down, those that are handed over as they arrive: a killed process loses none that was paid for."""

    def __init__(self, answers: Answers, batch: Sequence[Subject], taxonomy: Taxonomy) -> None:
        self._answers, self._taxonomy = answers, taxonomy
        self._waiting = {subject.conversation_id: subject for subject in batch}

    def keep(self, verdict: Verdict) -> None:
        self.keep_all([verdict])

    def keep_all(self, given: Sequence[Verdict]) -> None:
        new = [(self._waiting.pop(v.conversation_id), v) for v in given if v.conversation_id in self._waiting]
        self._answers.keep(new, self._taxonomy)


def _is_empty(subject: Subject) -> bool:
    return not (subject.title or "").strip() and not any(turn.text.strip() for turn in subject.turns)


def _nothing_said(subject: Subject, taxonomy: Taxonomy, judge_key: str) -> Verdict:
    """No judge need be asked where there is nothing to read."""
    return Verdict(
        conversation_id=subject.conversation_id,
        content_hash=subject.content_hash,
        category=taxonomy.fallback,
        confidence=1.0,
        taxonomy=taxonomy.name,
        taxonomy_hash=taxonomy.hash,
        judge=judge_key,
        model="none",
        prompt_version="none",
    )
