"""Categorize: conversations without a verdict get one.

Asking is kept apart from recording. `ask` puts every answer into the person's answers file the moment it arrives and
asks only for what is not there yet; `record` copies answers from there into the archive. So a lost write, a killed run
or a restored archive never pays for the same answer twice.

A conversation is done when there is a verdict on its content as it is, under the taxonomy as it is. Whose verdict does
not matter, unless the judge's own is asked for (`upgrade`): adding a key must never spend unattended.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, and_, func, or_, select

from commonplace.archive.core import Archive
from commonplace.archive.schema import conversations, verdicts
from commonplace.archive.verdicts.current import make_current, refresh_missing
from commonplace.archive.verdicts.verdicts import count_waiting, record_verdicts
from commonplace.categorize.answers import Answers
from commonplace.categorize.contract import Judge, PaidJudge, Subject, Taxonomy
from commonplace.errors import Defect, Halt
from commonplace.model import Usage, Verdict
from commonplace.stages.categorizing.subjects import headings, in_chunks, subjects
from commonplace.stages.selection import Selection

KEY_VERSION = "v1"
CHUNK = 100
REVIEW_BELOW = 0.5


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """One conversation that has to be judged, and why: `new`, or `changed` (its content or the taxonomy)."""

    conversation_id: str
    title: str | None
    content_hash: str
    state: str


class Asked(msgspec.Struct, kw_only=True):
    """What asking about some conversations brought. Holds no text: it may be shown and kept anywhere."""

    answered: int = 0
    found: int = 0
    """Answers that were there already."""
    defects: list[Defect] = msgspec.field(default_factory=list)
    usage: Usage = Usage()


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a run would do and cost, before anything is sent."""

    judge: str
    taxonomy: str
    pending: int
    unchanged: int
    already_answered: int
    usage: Usage
    conversations: list[Pending]


class CategorizeReport(msgspec.Struct, kw_only=True):
    """What a run did, in the keys that `commonplace categorize --json` prints."""

    judged: int = 0
    unchanged: int = 0
    failed: int = 0
    review: int = 0
    tokens: dict[str, int] = msgspec.field(default_factory=lambda: {"input": 0, "cached": 0, "output": 0})
    cost_usd: float = 0.0
    seconds: float = 0.0
    judge: str = ""
    taxonomy: str = ""
    stopped: str | None = None
    """Why it ended before everything was judged."""
    defects: list[Defect] = msgspec.field(default_factory=list)

    def add(self, asked: Asked) -> None:
        self.failed += len(asked.defects)
        self.defects += asked.defects
        self.tokens["input"] += asked.usage.input_tokens
        self.tokens["cached"] += asked.usage.cached_tokens
        self.tokens["output"] += asked.usage.output_tokens
        self.cost_usd = round(self.cost_usd + asked.usage.cost_usd, 6)


def pending(
    archive: Archive, judge_key: str, taxonomy: Taxonomy, selection: Selection = Selection(), *, upgrade: bool = False
) -> list[Pending]:
    """What has no verdict, the newest conversations first: they are what a person looks at."""
    table = conversations.c
    known = and_(
        verdicts.c.owner == table.owner, verdicts.c.conversation_id == table.id, verdicts.c.taxonomy == taxonomy.name
    )
    has_any = select(verdicts.c.judge).where(known).exists()
    is_done = select(verdicts.c.judge).where(known, _is_current(judge_key, taxonomy, upgrade)).exists()
    query = (
        select(table.id, table.title, table.content_hash, has_any.label("is_known"))
        .where(_in_scope(archive, selection))
        .order_by(table.updated_at.desc().nulls_last(), table.id)
    )
    if not selection.force:
        query = query.where(~is_done)
    with archive.read() as connection:
        return [
            Pending(
                conversation_id=row.id,
                title=row.title,
                content_hash=row.content_hash,
                state="changed" if row.is_known else "new",
            )
            for row in connection.execute(query.limit(selection.limit))
        ]


def _is_current(judge_key: str, taxonomy: Taxonomy, upgrade: bool) -> ColumnElement[bool]:
    judge = verdicts.c.judge
    current = and_(verdicts.c.content_hash == conversations.c.content_hash, verdicts.c.taxonomy_hash == taxonomy.hash)
    if not upgrade:
        return current
    # The local judge is nobody's upgrade but its own older version's.
    at_least = ~judge.startswith("local/") if judge_key.startswith("local/") else judge == judge_key
    return and_(current, or_(judge == judge_key, at_least))


def _in_scope(archive: Archive, selection: Selection) -> ColumnElement[bool]:
    return and_(selection.clause(archive), conversations.c.message_count > 0)


def count_in_scope(archive: Archive, selection: Selection) -> int:
    """How many conversations should have a verdict."""
    query = select(func.count()).select_from(conversations).where(_in_scope(archive, selection))
    with archive.read() as connection:
        return int(connection.execute(query).scalar_one())


def prepare(archive: Archive, taxonomy: Taxonomy, *, review_below: float = REVIEW_BELOW) -> int:
    """Make verdicts hold that are there already: of conversations made again, and of a taxonomy one comes back to."""
    restored = refresh_missing(archive, review_below=review_below)
    return restored + make_current(archive, taxonomy.name, taxonomy.hash, review_below=review_below)


def cache_key(chunk: Sequence[Pending], taxonomy: Taxonomy, judge_key: str) -> str:
    """One name for a question, the same for the same contents, taxonomy, judge and prompt version."""
    asked = sorted((item.conversation_id, item.content_hash) for item in chunk)
    digest = blake2b(msgspec.json.encode([asked, taxonomy.name, taxonomy.hash]), digest_size=12).hexdigest()
    return f"judge/{KEY_VERSION}:{judge_key}:{digest}"


def ask(
    archive: Archive,
    answers: Answers,
    judge: Judge,
    taxonomy: Taxonomy,
    conversation_ids: Sequence[str],
    *,
    again: bool = False,
) -> Asked:
    """Have conversations judged, those that were answered before excepted (unless `again`). Records nothing."""
    seen = subjects(archive, conversation_ids)
    known = {} if again else answers.find(seen, taxonomy, judge.key)
    empty = [subject for subject in seen if _is_empty(subject)]
    answers.keep(((subject, _nothing_said(subject, taxonomy, judge.key)) for subject in empty), taxonomy)
    waiting = [s for s in seen if s.conversation_id not in known and not _is_empty(s)]
    asked = Asked(found=len(known), answered=len(empty))
    if waiting:
        keeper = _Keeper(answers, waiting, taxonomy)
        if isinstance(judge, PaidJudge):
            said = judge.judge_each(waiting, taxonomy, keeper.keep)
        else:
            said = judge.judge(waiting, taxonomy)
        given = [answer for answer in said if isinstance(answer, Verdict)]
        keeper.keep_all(given)
        asked.answered += len(given)
        asked.defects = [answer for answer in said if isinstance(answer, Defect)]
        asked.usage = sum((verdict.usage for verdict in given), Usage())
    return asked


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


def record(
    archive: Archive,
    answers: Answers,
    judge_key: str,
    taxonomy: Taxonomy,
    conversation_ids: Sequence[str],
    *,
    review_below: float = REVIEW_BELOW,
) -> list[Verdict]:
    """Copy answers into the archive; what was not answered is left out. Returns what was recorded."""
    found = answers.find(headings(archive, conversation_ids), taxonomy, judge_key)
    record_verdicts(archive, found.values(), review_below=review_below)
    return list(found.values())


def preview(
    archive: Archive,
    answers: Answers,
    judge: Judge,
    taxonomy: Taxonomy,
    selection: Selection = Selection(),
    *,
    upgrade: bool = False,
) -> Plan:
    """What a run would ask and what that would cost. Nothing is sent."""
    waiting = pending(archive, judge.key, taxonomy, selection, upgrade=upgrade)
    usage, known = Usage(), 0
    for chunk in in_chunks([item.conversation_id for item in waiting], CHUNK):
        left = unanswered(archive, answers, judge.key, taxonomy, chunk, again=selection.force)
        known += len(chunk) - len(left)
        usage += judge.estimate(left, taxonomy)
    return Plan(
        judge=judge.key,
        taxonomy=taxonomy.name,
        pending=len(waiting),
        unchanged=count_in_scope(archive, selection) - len(waiting),
        already_answered=known,
        usage=usage,
        conversations=waiting,
    )


def unanswered(
    archive: Archive,
    answers: Answers,
    judge_key: str,
    taxonomy: Taxonomy,
    conversation_ids: Sequence[str],
    *,
    again: bool = False,
) -> list[Subject]:
    """Those of the conversations that would have to be asked about."""
    seen = [subject for subject in subjects(archive, conversation_ids) if not _is_empty(subject)]
    known = {} if again else answers.find(seen, taxonomy, judge_key)
    return [subject for subject in seen if subject.conversation_id not in known]


def affordable(
    archive: Archive,
    answers: Answers,
    judge: Judge,
    taxonomy: Taxonomy,
    conversation_ids: Sequence[str],
    *,
    left_usd: float,
    again: bool = False,
) -> bool:
    """Whether asking about these would stay within what may still be spent."""
    if not isinstance(judge, PaidJudge):
        return True
    waiting = unanswered(archive, answers, judge.key, taxonomy, conversation_ids, again=again)
    return not waiting or judge.estimate(waiting, taxonomy).cost_usd <= left_usd


def categorize(
    archive: Archive,
    answers: Answers,
    judge: Judge,
    taxonomy: Taxonomy,
    selection: Selection = Selection(),
    *,
    upgrade: bool = False,
    max_cost: float = 0.0,
    review_below: float = REVIEW_BELOW,
    on_progress: Callable[[int, int], Any] = lambda done, total: None,
) -> CategorizeReport:
    """The whole stage in this process, without any orchestration: `commonplace categorize --direct`.

    Stops before the first chunk that would pass `max_cost` (US dollars), and when nothing will work (`Halt`) after
    recording what there is; the report says why.
    """
    started = time.monotonic()
    report = CategorizeReport(judge=judge.key, taxonomy=taxonomy.name)
    prepare(archive, taxonomy, review_below=review_below)
    waiting = [item.conversation_id for item in pending(archive, judge.key, taxonomy, selection, upgrade=upgrade)]
    report.unchanged = count_in_scope(archive, selection) - len(waiting)
    done = 0
    for chunk in in_chunks(waiting, CHUNK):
        left = max_cost - report.cost_usd
        if not affordable(archive, answers, judge, taxonomy, chunk, left_usd=left, again=selection.force):
            report.stopped = f"The next {len(chunk)} conversations would pass the limit of ${max_cost:.2f}."
            break
        try:
            report.add(ask(archive, answers, judge, taxonomy, chunk, again=selection.force))
        except Halt as halt:
            report.stopped = str(halt)
        report.judged += len(record(archive, answers, judge.key, taxonomy, chunk, review_below=review_below))
        done += len(chunk)
        on_progress(done, len(waiting))
        if report.stopped:
            break
    report.review = count_waiting(archive)
    report.seconds = round(time.monotonic() - started, 3)
    return report
