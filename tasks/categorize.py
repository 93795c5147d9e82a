"""Asking a judge (cached by what is asked), and recording its answers (never cached)."""

from __future__ import annotations

from commonplace.stages.categorizing.asking import Asked, ask, record
from commonplace.stages.categorizing.judges import open_judging
from tasks import batches
from tasks.policy import Steps, asking, question, recording
from tasks.session import session


@asking(name="ask judge", key=question, run_name="ask-{judge}-{chunk}")
def ask_judge(
    judge: str,
    taxonomy: str,
    max_cost: float,
    run: str,
    chunk: str,
    ids: list[str],
    again: bool,
    lease: str,
    question: str = "",
) -> Asked:
    """Have a chunk of conversations judged. The answers go to a private file; what is returned are counts."""
    with (
        session(lease) as opened,
        open_judging(opened, judge=judge, taxonomy=taxonomy, max_cost=max_cost, run=run) as using,
    ):
        return ask(using, ids=ids, again=again)


@recording(name="record verdicts", run_name="record-{judge}-{chunk}")
def record_verdicts(
    judge: str, taxonomy: str, max_cost: float, run: str, chunk: str, ids: list[str], lease: str
) -> int:
    """Copy a chunk's answers into the archive; how many there were."""
    with (
        session(lease) as opened,
        open_judging(opened, judge=judge, taxonomy=taxonomy, max_cost=max_cost, run=run) as using,
    ):
        return record(using, ids=ids)


STEPS: Steps = {ask: ask_judge, record: record_verdicts, **batches.STEPS}
