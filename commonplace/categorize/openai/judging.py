"""What the judges that ask a service live have in common: packing, pacing, asking again, and never paying twice.

A batch is cut into requests of several short conversations or one long one. Each answer is handed on as soon as it is
there (`on_verdict`), so that a crash loses no more than what was under way. A conversation whose answer was no good is
asked about once more, alone and with more room; after that it is a `Defect`. An answered one is never sent again.
"""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import msgspec

from commonplace.categorize.contract import Lesson, Subject, Taxonomy
from commonplace.categorize.openai.packing import (
    Item,
    Plan,
    defect,
    expected,
    items_of,
    pack,
    verdict_of,
)
from commonplace.categorize.openai.questionnaire import Analysis, Answer, Questionnaire, prompt_version
from commonplace.errors import CommonplaceError, Defect, Halt, Permanent
from commonplace.model import Usage, Verdict
from commonplace.openai.client import Client
from commonplace.openai.errors import About, Stopped
from commonplace.openai.pricing import Counted, Price, shares
from commonplace.openai.replies import SAYS, Reply

log = logging.getLogger(__name__)

FAILURES_TO_STOP = 3
"""So many requests in a row that failed for good: the service is down, the others need not try."""


class Answered(msgspec.Struct, frozen=True):
    """What came of one request: per item the answer, or why there is none."""

    items: list[Item]
    answers: list[Answer | str]


class LiveJudge(ABC):
    """A judge that asks a service and waits for the answer. Safe to use from several threads.

    `usage` is everything it was charged for so far, answers that were no good included. A run that has to stop (a key,
    a quota, the cost limit) hands back what was answered first; asking again then raises the `Halt` without a request.
    """

    kind: str
    """The first part of the key."""

    def __init__(
        self,
        client: Client,
        model: str,
        *,
        analysis: Analysis,
        price: Price | None,
        max_cost: float | None,
        lessons: Sequence[Lesson],
        concurrency: int,
        plan: Plan,
    ) -> None:
        self.client = client
        self.model = model
        self.about = About(model=model)
        self.analysis: Analysis = analysis
        self.price = price
        self.usage = Usage()
        self._max_cost = max_cost
        self._reserved_cost = 0.0
        self._lessons = tuple(lessons)
        self._plan = plan
        self._halted: Halt | None = None
        self._questionnaires: dict[str, Questionnaire] = {}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix=f"judge-{self.kind}")
        if price is None:
            log.warning("The price of the model %r is not known: costs are reported as 0.", model)

    @property
    def prompt_version(self) -> str:
        return prompt_version(self.analysis)

    @property
    def key(self) -> str:
        return f"{self.kind}/{self.model}/{self.prompt_version}"

    @abstractmethod
    def _question(
        self, questions: Questionnaire, items: Sequence[Item], wanted: Counted, stop: threading.Event
    ) -> Reply:
        """One question, asked again only while it is not answered. Raises our errors only."""

    def judge(self, batch: Sequence[Subject], taxonomy: Taxonomy) -> list[Verdict | Defect]:
        """One answer for each subject, in their order."""
        return self.judge_each(batch, taxonomy, lambda _verdict: None)

    def judge_each(
        self, batch: Sequence[Subject], taxonomy: Taxonomy, on_verdict: Callable[[Verdict], None]
    ) -> list[Verdict | Defect]:
        """The same, and each verdict is handed over as it arrives, in this thread, so that a crash loses none."""
        if self._halted is not None:
            raise self._halted
        questions = self.questionnaire(taxonomy)
        items, defects = items_of(batch, self._plan)
        results: list[Verdict | Defect | None] = list(defects)
        failure = self._run(questions, items, results, on_verdict)
        if isinstance(failure, Halt):
            self._halted = failure
        if failure is not None:
            if not any(isinstance(result, Verdict) for result in results):
                raise failure
            log.warning("%s What was answered is kept.", failure)
        return [
            result or defect(batch[place].conversation_id, f"not judged in this run: {failure}")
            for place, result in enumerate(results)
        ]

    def estimate(self, batch: Sequence[Subject], taxonomy: Taxonomy) -> Usage:
        """What judging this batch would take at most, if nothing comes from the service's cache. No request."""
        questions = self.questionnaire(taxonomy)
        items, _ = items_of(batch, self._plan)
        groups = pack(items, self._plan)
        return sum((expected(questions, group).usage(self.price) for group in groups), Usage())

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        self.client.close()

    def questionnaire(self, taxonomy: Taxonomy) -> Questionnaire:
        """The questions for a taxonomy, made once per version of it."""
        with self._lock:
            if taxonomy.hash not in self._questionnaires:
                self._questionnaires[taxonomy.hash] = Questionnaire(taxonomy, self.analysis, self._lessons)
            return self._questionnaires[taxonomy.hash]

    def _run(
        self,
        questions: Questionnaire,
        items: Sequence[Item],
        results: list[Verdict | Defect | None],
        on_verdict: Callable[[Verdict], None],
    ) -> CommonplaceError | None:
        """Ask about all items and fill in the results. What stopped it, if something did."""
        stop = threading.Event()
        failure: CommonplaceError | None = None
        failures = 0
        waiting: dict[Future[Answered | None], list[Item]] = {}

        def ask(group: list[Item]) -> None:
            waiting[self._pool.submit(self._ask, questions, group, stop)] = group

        for group in pack(items, self._plan):
            ask(group)
        try:
            while waiting:
                for done in wait(waiting, return_when=FIRST_COMPLETED).done:
                    group = waiting.pop(done)
                    try:
                        answered = done.result()
                    except Permanent as exc:
                        self._again([(item, exc.message) for item in group], results, ask)
                        continue
                    except CommonplaceError as exc:
                        failures += 1
                        if isinstance(exc, Halt) or failures >= FAILURES_TO_STOP:
                            stop.set()
                        failure = exc if isinstance(exc, Halt) or failure is None else failure
                        continue
                    if answered is not None:
                        failures = 0
                        self._again(self._settle(questions, answered, results, on_verdict), results, ask)
        finally:
            stop.set()
            for future in waiting:
                future.cancel()
        return failure

    def _settle(
        self,
        questions: Questionnaire,
        answered: Answered,
        results: list[Verdict | Defect | None],
        on_verdict: Callable[[Verdict], None],
    ) -> list[tuple[Item, str]]:
        """Hand on the good answers; return the items without one, and why."""
        bad: list[tuple[Item, str]] = []
        for item, answer in zip(answered.items, answered.answers, strict=True):
            if isinstance(answer, str):
                bad.append((item, answer))
                continue
            verdict = verdict_of(
                answer,
                conversation_id=item.subject.conversation_id,
                content_hash=item.subject.content_hash,
                said_by=self.said_by(questions.taxonomy),
                usage=item.spent,
            )
            results[item.place] = verdict
            on_verdict(verdict)
        return bad

    def said_by(self, taxonomy: Taxonomy) -> dict[str, str]:
        return {
            "taxonomy": taxonomy.name,
            "taxonomy_hash": taxonomy.hash,
            "judge": self.key,
            "model": self.model,
            "prompt_version": self.prompt_version,
        }

    def _again(
        self,
        bad: Sequence[tuple[Item, str]],
        results: list[Verdict | Defect | None],
        ask: Callable[[list[Item]], None],
    ) -> None:
        """Ask once more about each alone; who had that chance is a defect."""
        for item, reason in bad:
            item.attempts += 1
            if item.attempts == 1:
                ask([item])
            else:
                results[item.place] = defect(item.subject.conversation_id, f"no valid answer, twice: {reason}")

    def _ask(self, questions: Questionnaire, items: list[Item], stop: threading.Event) -> Answered | None:
        """One question answered. None: the run stopped before it went out."""
        wanted = expected(questions, items)
        reserved = 0.0
        try:
            reserved = self._reserve(wanted)
            return self._read(questions, items, self._question(questions, items, wanted, stop))
        except Stopped:
            return None
        except Halt:
            stop.set()
            raise
        finally:
            with self._lock:
                self._reserved_cost -= reserved

    def _read(self, questions: Questionnaire, items: list[Item], reply: Reply) -> Answered:
        usage = reply.counted.usage(self.price)
        with self._lock:
            self.usage += usage
        for item, share in zip(items, shares(usage, [item.tokens for item in items]), strict=True):
            item.spent += share
        read = questions.read(reply.text, range(len(items)))
        why = SAYS.get(reply.problem or "")
        answers = [read[index] for index in range(len(items))]
        return Answered(items, [why if why and isinstance(answer, str) else answer for answer in answers])

    def _reserve(self, wanted: Counted) -> float:
        """Set the price of a request aside, or stop the run where the limit on costs would be passed."""
        price = self.price.of(wanted) if self.price else 0.0
        with self._lock:
            if self._max_cost is not None and self.usage.cost_usd + self._reserved_cost + price > self._max_cost:
                raise Halt(
                    f"The next request would pass the cost limit of {self._max_cost:g} USD "
                    f"({self.usage.cost_usd:.4f} USD spent).",
                    hint="Raise max_cost and run the same again: what was judged is kept.",
                )
            self._reserved_cost += price
        return price
