"""What the judges that ask a service live have in common: packing, asking again, and never paying twice.

A batch is cut into requests of several short conversations or one long one. What is asked, what it cost and each
verdict are written down as they happen (`Receipts`), so that a crash loses no more than what was under way. A
conversation whose answer was no good is asked about once more, alone and with more room; then it is a `Defect`.
"""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

import msgspec

from commonplace.categorize.contract import Lesson, Receipts, Subject, Taxonomy
from commonplace.categorize.openai.packing import Item, Plan, defect, expected, items_of, most, pack, verdict_of
from commonplace.categorize.openai.questionnaire import Analysis, Answer, Questionnaire, prompt_version
from commonplace.categorize.receipts import ReceiptsInMemory
from commonplace.errors import CommonplaceError, Defect, Halt, Permanent, Retryable
from commonplace.model import Usage, Verdict
from commonplace.openai.client import Client, Watch
from commonplace.openai.errors import About, Stopped
from commonplace.openai.pricing import Price, shares
from commonplace.openai.replies import SAYS, Reply, took

if TYPE_CHECKING:
    from commonplace.openai.client import SDK

log = logging.getLogger(__name__)

FAILURES_TO_STOP = 3
"""So many requests in a row that failed for good: the service is down, the others need not try."""
USELESS_TO_STOP = 10
"""So many answers without anything of use, and none with: the model cannot do it."""


Send = Callable[[Callable[["SDK"], Reply]], Reply]
"""Makes a request, again only while it is not answered."""


class Answered(msgspec.Struct, frozen=True):
    """What came of one request: per item the answer, or why there is none."""

    items: list[Item]
    answers: list[Answer | str]


class LiveJudge(ABC):
    """A judge that asks a service and waits for the answer. Safe to use from several threads.

    `usage` is everything it was charged for so far, answers that were no good included. Once something has to be put
    right first (a key, a quota, the limit on costs), asking again raises the same `Halt` without a request.
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
        tags: Sequence[str],
        concurrency: int,
        plan: Plan,
    ) -> None:
        self.client = client
        self.model = model
        self.about = About(model=model)
        self.analysis: Analysis = analysis
        self.price = price
        self.usage = Usage()
        self._receipts = ReceiptsInMemory(max_cost)
        self._lessons, self._tags = tuple(lessons), tuple(tags)
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
    def _question(self, questions: Questionnaire, items: Sequence[Item], send: Send) -> Reply:
        """One question. Raises our errors only."""

    def judge(self, batch: Sequence[Subject], taxonomy: Taxonomy) -> list[Verdict | Defect]:
        """One answer for each subject, in their order. Who was not asked any more is a defect, where others were."""
        work = _Batch(self, self.questionnaire(taxonomy), self._receipts)
        try:
            return self._through(work, batch)
        except (Halt, Retryable) as failure:
            if not any(isinstance(result, Verdict) for result in work.results):
                raise
            log.warning("%s What was answered is kept.", failure)
            why = f"not judged in this run: {failure}"
            pairs = zip(work.results, batch, strict=True)
            return [result or defect(subject.conversation_id, why) for result, subject in pairs]

    def judge_each(self, batch: Sequence[Subject], taxonomy: Taxonomy, receipts: Receipts) -> list[Verdict | Defect]:
        """The same, written down as it happens. What ends it is raised."""
        return self._through(_Batch(self, self.questionnaire(taxonomy), receipts), batch)

    def estimate(self, batch: Sequence[Subject], taxonomy: Taxonomy) -> Usage:
        """What judging this batch will probably take, if nothing comes from the service's cache. No request."""
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
                self._questionnaires[taxonomy.hash] = self._questionnaire(taxonomy)
            return self._questionnaires[taxonomy.hash]

    def _questionnaire(self, taxonomy: Taxonomy) -> Questionnaire:
        return Questionnaire(taxonomy, self.analysis, self._lessons, tags=self._tags)

    def _through(self, work: _Batch, batch: Sequence[Subject]) -> list[Verdict | Defect]:
        if self._halted is not None:
            raise self._halted
        items, defects = items_of(batch, self._plan)
        work.results = list(defects)
        try:
            work.through(self._pool, pack(items, self._plan))
        except Halt as halt:
            self._halted = halt
            raise
        for given_up in work.given_up:
            work.receipts.give_up(given_up)
        return [result for result in work.results if result is not None]

    def verdict(self, item: Item, answer: Answer, taxonomy: Taxonomy) -> Verdict:
        return verdict_of(
            answer,
            conversation_id=item.subject.conversation_id,
            content_hash=item.subject.content_hash,
            said_by={
                "taxonomy": taxonomy.name,
                "taxonomy_hash": taxonomy.hash,
                "judge": self.key,
                "model": self.model,
                "prompt_version": self.prompt_version,
            },
            usage=item.spent,
        )

    def ask(
        self, questions: Questionnaire, items: list[Item], stop: threading.Event, receipts: Receipts
    ) -> Answered | None:
        """One question answered. None: the run stopped before it went out."""
        watch = _Sending(receipts, [item.subject for item in items], most(questions, items).usage(self.price))
        tokens = expected(questions, items).total

        def send(request: Callable[[SDK], Reply]) -> Reply:
            return self.client.patiently(self.about, request, tokens=tokens, used=took, stop=stop, watch=watch)

        try:
            reply = self._question(questions, items, send)
        except Stopped:
            return None
        except Halt:
            stop.set()
            raise
        return self._read(questions, items, reply, watch)

    def _read(self, questions: Questionnaire, items: list[Item], reply: Reply, watch: _Sending) -> Answered:
        usage = reply.counted.usage(self.price)
        with self._lock:
            self.usage += usage
        watch.answered(usage if reply.counted.total or reply.problem is None else None)
        for item, share in zip(items, shares(usage, [item.tokens for item in items]), strict=True):
            item.spent += share
        read = questions.read(reply.text, range(len(items)))
        why = SAYS.get(reply.problem or "")
        answers = [read[index] for index in range(len(items))]
        return Answered(items, [why if why and isinstance(answer, str) else answer for answer in answers])


class _Sending(Watch):
    """A question's receipts: one for each time that it goes out."""

    def __init__(self, receipts: Receipts, subjects: Sequence[Subject], most: Usage) -> None:
        self._receipts, self._subjects, self._most = receipts, subjects, most
        self._number = 0

    def sending(self) -> None:
        self._number = self._receipts.asking(self._subjects, self._most)

    def refused(self) -> None:
        self._receipts.answered(self._number, Usage())

    def lost(self) -> None:
        self._receipts.lost(self._number)

    def answered(self, usage: Usage | None) -> None:
        """None: something came that does not even say what it cost."""
        if usage is None:
            self._receipts.lost(self._number)
        else:
            self._receipts.answered(self._number, usage)


class _Batch:
    """One batch on its way: what is asked, what came of it, and what ends it."""

    def __init__(self, judge: LiveJudge, questions: Questionnaire, receipts: Receipts) -> None:
        self._judge, self._questions, self.receipts = judge, questions, receipts
        self.results: list[Verdict | Defect | None] = []
        self.given_up: list[Defect] = []
        self._waiting: dict[Future[list[tuple[Item, str]] | None], list[Item]] = {}
        self._stop = threading.Event()
        self._failure: CommonplaceError | None = None
        self._failures = 0
        self._use = _Use(judge.model, self._stop)

    def through(self, pool: ThreadPoolExecutor, groups: Sequence[list[Item]]) -> None:
        """Ask about all groups and fill in the results; what stopped it is raised when all under way have ended."""
        self._pool = pool
        for group in groups:
            self._ask(group)
        try:
            while self._waiting:
                for done in wait(self._waiting, return_when=FIRST_COMPLETED).done:
                    self._end(self._waiting.pop(done), done)
        finally:
            self._stop.set()
            for future in self._waiting:
                future.cancel()
        if self._failure is not None:
            raise self._failure

    def _ask(self, group: list[Item]) -> None:
        self._waiting[self._pool.submit(self._one, group)] = group

    def _one(self, group: list[Item]) -> list[tuple[Item, str]] | None:
        """Ask, and keep what is good before the next question goes out; what was no good, and why. None: not asked."""
        answered = self._judge.ask(self._questions, group, self._stop, self.receipts)
        if answered is None:
            return None
        try:
            bad = self._kept(answered)
        except BaseException:
            self._stop.set()  # what cannot be kept is not bought
            raise
        self._use.of(group, bad)
        return bad

    def _kept(self, answered: Answered) -> list[tuple[Item, str]]:
        bad: list[tuple[Item, str]] = []
        for item, answer in zip(answered.items, answered.answers, strict=True):
            if isinstance(answer, str):
                bad.append((item, answer))
                continue
            verdict = self._judge.verdict(item, answer, self._questions.taxonomy)
            self.receipts.keep(verdict)
            self.results[item.place] = verdict
        return bad

    def _end(self, group: list[Item], done: Future[list[tuple[Item, str]] | None]) -> None:
        try:
            bad = done.result()
        except Permanent as exc:
            self._again([(item, exc.message) for item in group])
        except CommonplaceError as exc:
            self._failures += 1
            if isinstance(exc, Halt) or self._failures >= FAILURES_TO_STOP:
                self._stop.set()
            self._failure = exc if isinstance(exc, Halt) or self._failure is None else self._failure
        else:
            if bad is not None:
                self._failures = 0
                self._after(bad)

    def _after(self, bad: Sequence[tuple[Item, str]]) -> None:
        if self._use.failure is not None:
            self._failure = self._failure or self._use.failure
        else:
            self._again(bad)

    def _again(self, bad: Sequence[tuple[Item, str]]) -> None:
        """Ask once more about each alone; who had that chance is a defect."""
        for item, reason in bad:
            item.attempts += 1
            if item.attempts == 1:
                self._ask([item])
            else:
                given_up = defect(item.subject.conversation_id, f"no valid answer, twice: {reason}")
                self.results[item.place] = given_up
                self.given_up.append(given_up)


class _Use:
    """Whether a model is of any use, found out where answers arrive: before the next question goes out."""

    def __init__(self, model: str, stop: threading.Event) -> None:
        self._model, self._stop = model, stop
        self._useless, self._is_any = 0, False
        self._lock = threading.Lock()
        self.failure: Halt | None = None

    def of(self, asked: Sequence[Item], bad: Sequence[tuple[Item, str]]) -> None:
        with self._lock:
            self._is_any = self._is_any or len(bad) < len(asked)
            self._useless += len(bad) == len(asked)
            if not self._is_any and self._useless >= USELESS_TO_STOP and self.failure is None:
                self.failure = _useless(self._model, self._useless, bad[-1][1])
                self._stop.set()


def _useless(model: str, count: int, reason: str) -> Halt:
    return Halt(
        f"The model {model!r} gave no answer that can be used, {count} times in a row (the last time: {reason}).",
        hint="Use a larger model; `commonplace doctor` shows what this one makes of a question.",
    )
