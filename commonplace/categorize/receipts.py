"""What a judge says of money the moment it happens, kept in memory: enough for whoever asks once and stays alive."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from commonplace.categorize.contract import Subject
from commonplace.errors import Defect, Halt
from commonplace.model import Usage, Verdict

ROUNDING = 1e-9
LONGEST_WAIT = 900.0
"""Seconds that a request waits for others to leave it enough of the budget."""


class ReceiptsInMemory:
    """What was spent and what requests under way may cost, together never above a limit.

    The limit is of this object: whoever should share it is given the same one.
    """

    def __init__(self, max_cost: float | None = None) -> None:
        self._max_cost = max_cost
        self._spent = 0.0
        self._under_way: dict[int, float] = {}
        self._count = 0
        self._changed = threading.Condition()

    def asking(self, subjects: Sequence[Subject], most: Usage) -> int:
        with self._changed:
            while not fits(self._max_cost, self._spent, sum(self._under_way.values()), most.cost_usd):
                if not self._changed.wait(LONGEST_WAIT):
                    raise over_budget(self._max_cost, self._spent)
            self._count += 1
            self._under_way[self._count] = most.cost_usd
            return self._count

    def answered(self, request: int, usage: Usage) -> None:
        with self._changed:
            self._spent += usage.cost_usd
            del self._under_way[request]
            self._changed.notify_all()

    def lost(self, request: int) -> None:
        """It counts as if it had cost the most it could."""
        with self._changed:
            self._spent += self._under_way.pop(request)
            self._changed.notify_all()

    def keep(self, verdict: Verdict) -> None:
        """Whoever asked has it."""

    def give_up(self, defect: Defect) -> None:
        """Whoever asked has it."""


def fits(max_cost: float | None, spent: float, under_way: float, most: float) -> bool:
    """Whether one more request surely stays within the limit; if not now, then after those under way. Else `Halt`."""
    if max_cost is None or not most:
        return True
    if spent + most > max_cost + ROUNDING:
        raise over_budget(max_cost, spent)
    return spent + under_way + most <= max_cost + ROUNDING


def over_budget(max_cost: float | None, spent: float) -> Halt:
    return Halt(
        f"The next request might pass the limit of ${max_cost or 0:.2f}: ${spent:.4f} are spent.",
        hint="Raise --max-cost or [categorize] max_cost and run the same again: what was judged is kept.",
    )
