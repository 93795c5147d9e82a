"""What a run spends on judging, written down beside the answers: every process of the run shares one budget, and a run
that is killed leaves behind which requests were under way.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Sequence

import msgspec

from commonplace.categorize.answers import Answers
from commonplace.categorize.contract import Subject, Taxonomy
from commonplace.categorize.receipts import LONGEST_WAIT, fits, over_budget
from commonplace.errors import Defect
from commonplace.model import Usage, Verdict

LOOK_AGAIN_SECONDS = 0.05


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """Requests whose answers never came, and the most that they can have cost."""

    requests: int = 0
    cost_usd: float = 0.0


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """What a run was charged for, and what it may have been charged for beside."""

    usage: Usage = Usage()
    lost: Lost = Lost()


def begin(answers: Answers, run: str, owner: str) -> Lost:
    """A run of an owner begins, and is the only one. What earlier ones left under way is told once."""
    with answers.transaction() as cursor:
        cursor.execute("INSERT OR IGNORE INTO runs (run, owner) VALUES (?, ?)", (run, owner))
        theirs = "run IN (SELECT run FROM runs WHERE owner = ? AND run != ?)"
        left = cursor.execute(
            f"SELECT most_usd, conversation_ids FROM under_way WHERE {theirs}",  # noqa: S608
            (owner, run),
        ).fetchall()
        _leave_unanswered(cursor, [row[1] for row in left])
        cursor.execute(f"DELETE FROM under_way WHERE {theirs}", (owner, run))  # noqa: S608
        cursor.execute("DELETE FROM runs WHERE owner = ? AND run != ?", (owner, run))
    return Lost(requests=len(left), cost_usd=sum(row[0] for row in left))


def spent(answers: Answers, run: str) -> Spent:
    """What a run has spent so far."""
    with answers.transaction() as cursor:
        row = cursor.execute(
            "SELECT input_tokens, cached_tokens, output_tokens, cost_usd, lost, lost_usd FROM runs WHERE run = ?",
            (run,),
        ).fetchone()
    if row is None:
        return Spent()
    usage = Usage(input_tokens=row[0], cached_tokens=row[1], output_tokens=row[2], cost_usd=row[3])
    return Spent(usage=usage, lost=Lost(requests=row[4], cost_usd=row[5]))


class RunReceipts:
    """The receipts of one batch of a run; `Receipts`, for any number of threads and processes."""

    def __init__(
        self,
        answers: Answers,
        run: str,
        batch: Sequence[Subject],
        taxonomy: Taxonomy,
        judge_key: str,
        *,
        max_cost: float | None,
    ) -> None:
        self._answers, self._run, self._taxonomy, self._judge_key = answers, run, taxonomy, judge_key
        self._subjects = {subject.conversation_id: subject for subject in batch}
        self._max_cost = max_cost

    def asking(self, subjects: Sequence[Subject], most: Usage) -> int:
        ids = msgspec.json.encode([subject.conversation_id for subject in subjects]).decode()
        patience = threading.Event()
        until = time.monotonic() + LONGEST_WAIT
        while True:
            with self._answers.transaction() as cursor:
                so_far = cursor.execute("SELECT cost_usd + lost_usd FROM runs WHERE run = ?", (self._run,)).fetchone()
                under_way = cursor.execute(
                    "SELECT coalesce(sum(most_usd), 0) FROM under_way WHERE run = ?", (self._run,)
                ).fetchone()
                if fits(self._max_cost, so_far[0] if so_far else 0.0, under_way[0], most.cost_usd):
                    row = (self._run, most.cost_usd, ids)
                    cursor.execute("INSERT INTO under_way (run, most_usd, conversation_ids) VALUES (?, ?, ?)", row)
                    return int(cursor.lastrowid or 0)
            if time.monotonic() > until:
                raise over_budget(self._max_cost, so_far[0] if so_far else 0.0)
            patience.wait(LOOK_AGAIN_SECONDS)

    def answered(self, request: int, usage: Usage) -> None:
        with self._answers.transaction() as cursor:
            cursor.execute("DELETE FROM under_way WHERE request = ?", (request,))
            cursor.execute(
                "UPDATE runs SET input_tokens = input_tokens + ?, cached_tokens = cached_tokens + ?, "
                "output_tokens = output_tokens + ?, cost_usd = cost_usd + ? WHERE run = ?",
                (usage.input_tokens, usage.cached_tokens, usage.output_tokens, usage.cost_usd, self._run),
            )

    def lost(self, request: int) -> None:
        with self._answers.transaction() as cursor:
            most, ids = cursor.execute(
                "SELECT most_usd, conversation_ids FROM under_way WHERE request = ?", (request,)
            ).fetchone()
            cursor.execute("DELETE FROM under_way WHERE request = ?", (request,))
            cursor.execute("UPDATE runs SET lost = lost + 1, lost_usd = lost_usd + ? WHERE run = ?", (most, self._run))
            _leave_unanswered(cursor, [ids])

    def keep(self, verdict: Verdict) -> None:
        self._answers.keep([verdict])

    def give_up(self, defect: Defect) -> None:
        self._answers.give_up(self._subjects[defect.item], self._taxonomy, self._judge_key, defect.reason)


def _leave_unanswered(cursor: sqlite3.Cursor, lists: Sequence[str]) -> None:
    """Note the conversations of requests that were lost."""
    ids = {identity for ids in lists for identity in msgspec.json.decode(ids, type=list[str])}
    cursor.executemany("INSERT OR IGNORE INTO unanswered VALUES (?)", [(identity,) for identity in sorted(ids)])
