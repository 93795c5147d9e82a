"""The judge `openai-batch`: half the price, within a day. `submit` and `collect` are separate; nobody sits and waits.

A batch is recorded before anything is sent and its id travels in the batch's metadata, so that one whose creation was
never confirmed is found again (`batches.list`) and not bought twice. Whatever a batch ends as (completed, expired,
cancelled, failed), both of its files are read: what was answered is kept, what was not becomes pending again, and
`submit` sends only that. What was answered badly is asked once more, alone, and then given up.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from typing import IO
from uuid import uuid4

import msgspec

from commonplace.categorize.contract import BatchStore, Collected, Lesson, Subject, Submitted, Taxonomy
from commonplace.categorize.openai.batch_file import TOO_MANY_TOKENS, Limits, build
from commonplace.categorize.openai.batch_job import Batch, Job, Line, to_batch, to_row
from commonplace.categorize.openai.harvest import Harvest, harvest
from commonplace.categorize.openai.packing import PLANS, Item, Plan, defect, expected, items_of, pack
from commonplace.categorize.openai.questionnaire import Analysis, Questionnaire, prompt_version
from commonplace.errors import CommonplaceError, Halt, Retryable
from commonplace.model import Usage, Verdict
from commonplace.moments import now
from commonplace.openai.batches import Batches, Remote
from commonplace.openai.client import Client
from commonplace.openai.errors import DEFAULT_MODEL, About, refused
from commonplace.openai.pricing import Price, price_within

log = logging.getLogger(__name__)

TRIES_IN_ALL = 2
GRACE_SECONDS = 600.0
"""So long a batch whose creation was not confirmed may still appear at the service."""
METADATA_KEY = "commonplace_batch"


class OpenAIBatches:
    """Sends conversations as batches and fetches what became of them.

    Its verdicts are those of the judge `openai` with the same model and prompt, and carry its key: what the one judged,
    the other need not.
    """

    def __init__(
        self,
        client: Client,
        store: BatchStore,
        model: str = DEFAULT_MODEL,
        *,
        analysis: Analysis = "summary",
        price: Price | None = None,
        max_cost: float | None = None,
        lessons: Sequence[Lesson] = (),
        tags: Sequence[str] = (),
        limits: Limits = Limits(),
        plan: Plan | None = None,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        self.model = model
        self.analysis: Analysis = analysis
        known = price_within(model, price, max_cost)
        self.price = known.discounted() if known else None
        self._client = client
        self._remote = Batches(client, About(model=model))
        self._store = store
        self._max_cost = max_cost
        self._lessons, self._tags = tuple(lessons), tuple(tags)
        self._limits = limits
        self._plan = plan or PLANS[analysis]
        self._grace = int(grace_seconds * 1_000_000)

    @property
    def key(self) -> str:
        return f"openai/{self.model}/{prompt_version(self.analysis)}"

    def close(self) -> None:
        self._client.close()

    def estimate(self, batch: Sequence[Subject], taxonomy: Taxonomy) -> Usage:
        """What judging this would take at most. No request."""
        questions = Questionnaire(taxonomy, self.analysis, self._lessons, tags=self._tags)
        groups = pack(items_of(batch, self._plan)[0], self._plan)
        return sum((expected(questions, group).usage(self.price) for group in groups), Usage())

    def submit(self, subjects: Sequence[Subject], taxonomy: Taxonomy) -> Submitted:
        """Send what is neither under way nor given up, as far as the limits allow."""
        known = [to_batch(row) for row in self._store.rows()]
        opened = [batch for batch in known if batch.finished_at is None]
        report = Submitted()
        questions = Questionnaire(taxonomy, self.analysis, self._lessons, tags=self._tags)
        groups = self._groups(subjects, questions, known, report)
        room = self._limits.lowered(known).enqueued_tokens - sum(batch.job.tokens for batch in opened)
        while groups:
            chosen = self._affordable(groups, questions, room, report)
            with build(self.model, questions, chosen, self._limits) as file:
                if not file.groups:
                    break
                batch = self._record(file.groups, questions, file.sha256, file.tokens)
                self._send(batch, file.handle)
            groups = groups[len(file.groups) :]
            room -= file.tokens
            report.batches.append(batch.id)
            report.requests += len(file.groups)
            report.conversations += sum(map(len, file.groups))
            report.estimate += sum((expected(questions, group).usage(self.price) for group in file.groups), Usage())
        report.waiting = sum(map(len, groups))
        return report

    def collect(self, record: Callable[[Sequence[Verdict]], None]) -> Collected:
        """Fetch what is finished. `record` is given each batch's verdicts, and must have kept them when it returns.

        A crash in between collects the same again, which costs nothing.
        """
        report = Collected()
        halt: Halt | None = None
        for batch in [to_batch(row) for row in self._store.rows()]:
            if batch.finished_at is not None:
                continue
            remote = self._look_up(batch)
            if remote is None and now() - batch.submitted_at < self._grace:
                report.still_open += 1
            elif remote is None:
                self._give_up(batch, report)
            elif not remote.is_over:
                report.still_open += 1
                self._save(batch, remote_id=remote.id, status=remote.status)
            else:
                halt = self._collect_one(batch, remote, record, report) or halt
        if halt is not None:
            raise halt
        return report

    # Submitting.

    def _groups(
        self, subjects: Sequence[Subject], questions: Questionnaire, known: Sequence[Batch], report: Submitted
    ) -> list[list[Item]]:
        """What to ask in which requests: the new ones packed, those that went wrong before alone."""
        under_way, went_wrong = self._history(known, questions.taxonomy)
        fresh: list[Subject] = []
        again: list[Subject] = []
        for subject in subjects:
            identity = (subject.conversation_id, subject.content_hash)
            if identity in under_way:
                report.under_way += 1
            elif went_wrong[identity] >= TRIES_IN_ALL:
                report.defects.append(defect(subject.conversation_id, "no valid answer, twice"))
            else:
                (again if went_wrong[identity] else fresh).append(subject)
        new_items, new_defects = items_of(fresh, self._plan)
        old_items, old_defects = items_of(again, self._plan)
        for item in old_items:
            item.attempts = 1
        report.defects += [each for each in [*new_defects, *old_defects] if each is not None]
        return pack(new_items, self._plan) + [[item] for item in old_items]

    def _history(
        self, known: Sequence[Batch], taxonomy: Taxonomy
    ) -> tuple[set[tuple[str, str]], Counter[tuple[str, str]]]:
        """Which conversations, as they are, are under way, and how often others were answered badly."""
        under_way: set[tuple[str, str]] = set()
        went_wrong: Counter[tuple[str, str]] = Counter()
        for batch in known:
            if (batch.job.judge, batch.job.taxonomy.hash) != (self.key, taxonomy.hash):
                continue
            if batch.finished_at is None:
                under_way.update(pair for line in batch.job.lines.values() for pair in line.conversations)
            went_wrong.update(batch.job.went_wrong)
        return under_way, went_wrong

    def _affordable(
        self, groups: Sequence[list[Item]], questions: Questionnaire, room: int, report: Submitted
    ) -> list[list[Item]]:
        """As many requests as the room among the enqueued tokens and the cost limit allow."""
        chosen: list[list[Item]] = []
        tokens, cost = 0, report.estimate.cost_usd
        for group in groups:
            usage = expected(questions, group).usage(self.price)
            tokens += usage.input_tokens
            cost += usage.cost_usd
            report.is_over_budget = self._max_cost is not None and cost > self._max_cost
            if tokens > room or report.is_over_budget:
                break
            chosen.append(group)
        return chosen

    def _record(self, groups: Sequence[list[Item]], questions: Questionnaire, sha256: str, tokens: int) -> Batch:
        lines = {
            f"{place:05d}": Line(
                [(item.subject.conversation_id, item.subject.content_hash) for item in group],
                [item.tokens for item in group],
            )
            for place, group in enumerate(groups)
        }
        job = Job(
            judge=self.key,
            model=self.model,
            prompt_version=prompt_version(self.analysis),
            analysis=self.analysis,
            taxonomy=questions.taxonomy,
            tokens=tokens,
            lines=lines,
        )
        batch = Batch(id=uuid4().hex, sha256=sha256, status="recorded", job=job, submitted_at=now())
        self._store.save(to_row(batch))
        return batch

    def _send(self, batch: Batch, handle: IO[bytes]) -> None:
        """Upload and create. Where the answer to the creation is lost, `collect` looks the batch up by our id."""
        try:
            file_id = self._remote.upload(handle)
        except CommonplaceError:
            self._save(batch, status="refused", finished_at=now(), job=batch.job.without_lines())
            raise
        batch = self._save(batch, input_file_id=file_id, status="uploaded")
        try:
            remote = self._remote.create(file_id, {METADATA_KEY: batch.id, "sha256": batch.sha256})
        except Retryable:
            log.warning("Batch %s was not confirmed; the next collection looks it up.", batch.id)
            return
        except CommonplaceError:
            self._save(batch, status="refused", finished_at=now(), job=batch.job.without_lines())
            raise
        self._save(batch, remote_id=remote.id, status=remote.status)

    # Collecting.

    def _look_up(self, batch: Batch) -> Remote | None:
        """The batch as the service has it; None if it has none (yet)."""
        if batch.remote_id is not None:
            return self._remote.get(batch.remote_id)
        return self._remote.find(METADATA_KEY, batch.id, since=batch.submitted_at // 1_000_000 - 3600)

    def _give_up(self, batch: Batch, report: Collected) -> None:
        """It never came into being: everything in it is pending again."""
        report.missing += batch.job.conversation_count
        self._save(batch, status="lost", finished_at=now(), job=batch.job.without_lines())
        self._delete(batch.input_file_id)

    def _collect_one(
        self,
        batch: Batch,
        remote: Remote,
        record: Callable[[Sequence[Verdict]], None],
        report: Collected,
    ) -> Halt | None:
        contents = [self._remote.content(name) for name in remote.answer_file_ids]
        price = self.price if batch.job.model == self.model else price_of_batch(batch.job.model)
        found = harvest(batch.job, contents, price, named=self._client.named)
        record(found.verdicts)
        finished = batch.job.without_lines(found.went_wrong)
        codes = [*found.codes, *((0, code) for code in remote.codes)]
        status = TOO_MANY_TOKENS if (0, TOO_MANY_TOKENS) in codes else remote.status
        self._save(batch, remote_id=remote.id, status=status, finished_at=now(), job=finished)
        for name in (*remote.answer_file_ids, remote.input_file_id):
            self._delete(name)
        self._add(batch, remote, found, report)
        refusals = [refused(About(model=batch.job.model), status, code) for status, code in codes]
        return next((refusal for refusal in refusals if isinstance(refusal, Halt)), None)

    def _add(self, batch: Batch, remote: Remote, found: Harvest, report: Collected) -> None:
        report.finished += 1
        report.verdicts += len(found.verdicts)
        report.missing += found.missing
        report.defects += found.defects
        report.usage += found.usage
        if remote.status != "completed":
            why = ", ".join(remote.codes)
            report.problems.append(f"Batch {batch.id} ended as {remote.status}{f' ({why})' if why else ''}.")

    def _delete(self, file_id: str | None) -> None:
        """The service need not keep the conversations longer than it takes."""
        if file_id is None:
            return
        try:
            self._remote.delete_file(file_id)
        except CommonplaceError as exc:
            log.warning("A file of a finished batch could not be deleted: %s", exc.message)

    def _save(self, batch: Batch, **changes: object) -> Batch:
        changed = msgspec.structs.replace(batch, **changes)
        self._store.save(to_row(changed))
        return changed


def price_of_batch(model: str) -> Price | None:
    known = price_within(model, None, None)
    return known.discounted() if known else None
