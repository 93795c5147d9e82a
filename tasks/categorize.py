"""Asking a judge (cached by what is asked), and recording its answers (never cached)."""

from __future__ import annotations

from typing import Any

import msgspec

from commonplace.stages.categorizing import stage
from commonplace.stages.categorizing.judges import open_judging
from tasks.policy import asking, recording
from tasks.session import session


def _question(parameters: dict[str, Any]) -> str:
    return str(parameters["question"]).replace("/", "-").replace(":", "-")


@asking(name="ask judge", key=_question, run_name="ask-{judge}-{chunk}")
def ask_judge(judge: str, taxonomy: str, chunk: str, ids: list[str], question: str, again: bool) -> dict[str, Any]:
    """Have a chunk of conversations judged. The answers go to a private file; what is returned are counts."""
    with (
        session() as house,
        open_judging(house.settings, house.environment, house.archive, judge=judge, taxonomy=taxonomy) as judging,
    ):
        asked = stage.ask(house.archive, judging.answers, judging.judge, judging.taxonomy, ids, again=again)
        plain: dict[str, Any] = msgspec.to_builtins(asked)
        return plain


@recording(name="record verdicts", run_name="record-{judge}-{chunk}")
def record_verdicts(judge: str, taxonomy: str, chunk: str, ids: list[str]) -> int:
    """Copy a chunk's answers into the archive; how many there were."""
    with (
        session() as house,
        open_judging(house.settings, house.environment, house.archive, judge=judge, taxonomy=taxonomy) as judging,
    ):
        review_below = house.settings.categorize.review_below
        found = stage.record(
            house.archive, judging.answers, judging.judge.key, judging.taxonomy, ids, review_below=review_below
        )
        return len(found)
