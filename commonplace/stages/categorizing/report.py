"""What categorizing tells: what a run would do, what it did, and what came back of what was sent."""

from __future__ import annotations

import msgspec

from commonplace.categorize.contract import Collected, Submitted
from commonplace.categorize.spending import Lost
from commonplace.errors import Defect
from commonplace.model import Usage
from commonplace.stages.categorizing.asking import Asked
from commonplace.stages.categorizing.learning import Forecast
from commonplace.stages.categorizing.pending import Pending
from commonplace.stages.work import Ending


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a run would do and cost, before anything is sent."""

    judge: str
    taxonomy: str
    pending: int
    unchanged: int
    already_answered: int
    usage: Usage
    conversations: list[Pending]
    touched: int = 0
    """Judged before, and to be judged again because the taxonomy has changed."""
    learning: Forecast | None = None
    """What the local judge would learn first."""


class CategorizeReport(Ending, kw_only=True):
    """What a run did, in the keys that `commonplace categorize --json` prints."""

    judged: int = 0
    unchanged: int = 0
    failed: int = 0
    review: int = 0
    submitted: int = 0
    """Sent to a judge that answers later."""
    under_way: int = 0
    """Sent before, and not answered yet."""
    tokens: dict[str, int] = msgspec.field(default_factory=lambda: {"input": 0, "cached": 0, "output": 0})
    cost_usd: float = 0.0
    lost: int = 0
    """Requests whose answers never came, in this run or in one that was killed before it: they may have been charged
    for."""
    lost_usd: float = 0.0
    """What those cost at most."""
    judge: str = ""
    taxonomy: str = ""
    defects: list[Defect] = msgspec.field(default_factory=list)

    def add(self, asked: Asked) -> None:
        self._fail(asked.defects)

    def collect(self, collected: CollectReport) -> None:
        self.judged += collected.verdicts
        self._fail(collected.defects)
        self.spend(collected.usage)

    def send(self, submitted: Submitted) -> None:
        self.submitted += submitted.conversations
        self.under_way += submitted.under_way
        self._fail(submitted.defects)

    def _fail(self, defects: list[Defect]) -> None:
        self.failed += len(defects)
        self.defects += defects

    def lose(self, lost: Lost) -> None:
        self.lost += lost.requests
        self.lost_usd = round(self.lost_usd + lost.cost_usd, 6)

    def spend(self, usage: Usage) -> None:
        self.tokens["input"] += usage.input_tokens
        self.tokens["cached"] += usage.cached_tokens
        self.tokens["output"] += usage.output_tokens
        self.cost_usd = round(self.cost_usd + usage.cost_usd, 6)


class CollectReport(Ending, kw_only=True):
    """What came back of what was sent."""

    finished: int = 0
    still_open: int = 0
    verdicts: int = 0
    missing: int = 0
    """Not answered: they are pending again."""
    defects: list[Defect] = msgspec.field(default_factory=list)
    usage: Usage = Usage()
    problems: list[str] = msgspec.field(default_factory=list)

    def add(self, collected: Collected) -> None:
        self.finished, self.still_open = collected.finished, collected.still_open
        self.verdicts, self.missing = collected.verdicts, collected.missing
        self.defects, self.usage, self.problems = collected.defects, collected.usage, collected.problems
