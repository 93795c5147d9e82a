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
from commonplace.categorize.contract import Judge, PaidJudge, Subject, Taxonomy
from commonplace.categorize.spending import RunReceipts
from commonplace.errors import Defect
from commonplace.model import Verdict
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
    """Have conversations judged, those that were answered before excepted, and those that this judge gave up (unless
    `again`). Records nothing. What was answered before an error is kept, too."""
    seen = subjects(using.archive, ids)
    known = {} if again else using.answers.find(seen, using.taxonomy, using.judge.key)
    hopeless = {} if again else using.answers.given_up(seen, using.taxonomy, using.judge.key)
    empty = [subject for subject in seen if _is_empty(subject)]
    using.answers.keep(_nothing_said(subject, using.taxonomy, using.judge.key) for subject in empty)
    settled = {*known, *hopeless, *(subject.conversation_id for subject in empty)}
    waiting = [subject for subject in seen if subject.conversation_id not in settled]
    said = _judged(using, waiting) if waiting else []
    return Asked(
        found=len(known),
        answered=len(empty) + sum(isinstance(answer, Verdict) for answer in said),
        defects=[
            *(Defect("", id, f"{why} (given up before; --force asks again)") for id, why in hopeless.items()),
            *(answer for answer in said if isinstance(answer, Defect)),
        ],
    )


def _judged(using: Judging[Judge], waiting: list[Subject]) -> list[Verdict | Defect]:
    answers, taxonomy, judge = using.answers, using.taxonomy, using.judge
    if isinstance(judge, PaidJudge):
        receipts = RunReceipts(answers, using.run, waiting, taxonomy, judge.key, max_cost=using.max_cost)
        return judge.judge_each(waiting, taxonomy, receipts)
    said = judge.judge(waiting, taxonomy)
    answers.keep(answer for answer in said if isinstance(answer, Verdict))
    return said


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
