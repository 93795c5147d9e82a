"""A judge that does as it is told, an archive for it, and a run of the stage with it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

from sqlalchemy import select

from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.schema import conversations
from commonplace.categorize.answers import Answers
from commonplace.categorize.contract import Category, Judge, Receipts, Subject, Taxonomy
from commonplace.categorize.receipts import ReceiptsInMemory
from commonplace.errors import Defect, Halt, Retryable
from commonplace.model import Usage, Verdict
from commonplace.stages.categorizing import stage
from commonplace.stages.categorizing.judges import Judging
from commonplace.stages.categorizing.report import CategorizeReport
from commonplace.stages.selection import Selection
from commonplace.stages.work import telling
from tests.archive.builders import simple_chat

TAXONOMY = Taxonomy(name="small", categories=(Category(name="Food"), Category(name="Work"), Category(name="Other")))
PRICE = 0.01
USAGE = Usage(input_tokens=100, output_tokens=10, cost_usd=PRICE)


class ScriptedJudge:
    """A judge that counts what it is asked, costs a cent per conversation, and fails where it is told to."""

    def __init__(
        self,
        key: str = "fake/v1",
        *,
        fails: Sequence[str] = (),
        unlucky: Sequence[str] = (),
        dies_after: int | None = None,
    ) -> None:
        self._key = key
        self.asked: list[str] = []
        self.fails = set(fails)
        self.unlucky = set(unlucky)
        self.dies_after = dies_after

    @property
    def key(self) -> str:
        return self._key

    def judge(self, batch: Sequence[Subject], taxonomy: Taxonomy) -> list[Verdict | Defect]:
        return self.judge_each(batch, taxonomy, ReceiptsInMemory())

    def judge_each(self, batch: Sequence[Subject], taxonomy: Taxonomy, receipts: Receipts) -> list[Verdict | Defect]:
        given: list[Verdict | Defect] = []
        for subject in batch:
            if self.dies_after is not None and len(self.asked) >= self.dies_after:
                raise Halt("The quota is used up.")
            request = receipts.asking([subject], self.estimate([subject], taxonomy))
            self.asked.append(subject.conversation_id)
            if subject.conversation_id in self.unlucky:
                receipts.lost(request)
                raise Retryable("The connection broke.")
            receipts.answered(request, USAGE)
            if subject.conversation_id in self.fails:
                refused = Defect("fake", subject.conversation_id, "refused")
                receipts.give_up(refused)
                given.append(refused)
                continue
            verdict = self._verdict(subject, taxonomy)
            receipts.keep(verdict)
            given.append(verdict)
        return given

    def _verdict(self, subject: Subject, taxonomy: Taxonomy) -> Verdict:
        said = " ".join(turn.text for turn in subject.turns)
        return Verdict(
            conversation_id=subject.conversation_id,
            content_hash=subject.content_hash,
            category="Food" if "soup" in said else "Work",
            confidence=0.9 if "soup" in said else 0.3,
            summary=said,
            taxonomy=taxonomy.name,
            taxonomy_hash=taxonomy.hash,
            judge=self.key,
            model="fake",
            prompt_version="v1",
            usage=USAGE,
        )

    def estimate(self, batch: Sequence[Subject], taxonomy: Taxonomy) -> Usage:
        return Usage(input_tokens=100 * len(batch), cost_usd=PRICE * len(batch))

    def close(self) -> None:
        return None


def fill(archive: Archive, count: int = 3) -> None:
    chats = [simple_chat(str(n), "soup?" if n % 2 else "my boss", "yes", updated=n + 1) for n in range(count)]
    merge(archive, None, chats)


def using(
    archive: Archive, answers: Answers, judge: Judge, taxonomy: Taxonomy = TAXONOMY, max_cost: float | None = None
) -> Judging[Judge]:
    return Judging(archive=archive, judge=judge, taxonomy=taxonomy, answers=answers, run=uuid4().hex, max_cost=max_cost)


def run(
    archive: Archive,
    answers: Answers,
    judge: Judge,
    selection: Selection = Selection(),
    *,
    taxonomy: Taxonomy = TAXONOMY,
    max_cost: float = 100.0,
    upgrade: bool = False,
) -> CategorizeReport:
    report = CategorizeReport()
    with telling(report):
        opened = using(archive, answers, judge, taxonomy, max_cost)
        stage.judge_pending(opened, report, selection, upgrade=upgrade)
    return report


def categories(archive: Archive) -> dict[str, str | None]:
    with archive.read() as connection:
        return {
            row.id: row.category for row in connection.execute(select(conversations.c.id, conversations.c.category))
        }
