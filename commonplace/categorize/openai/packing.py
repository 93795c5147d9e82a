"""From conversations to requests and back: how much fits into one request, and what an answer becomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from commonplace.categorize.contract import Subject
from commonplace.categorize.openai.excerpt import excerpt
from commonplace.categorize.openai.questionnaire import Analysis, Answer, Insightful, Questionnaire, Summarised
from commonplace.errors import Defect
from commonplace.model import Usage, Verdict
from commonplace.openai.pricing import Counted
from commonplace.openai.tokens import estimate_tokens

TOKENS_PER_VERDICT: dict[Analysis, int] = {"category": 90, "summary": 190, "insights": 750}
ROOM_PER_VERDICT: dict[Analysis, int] = {"category": 250, "summary": 500, "insights": 3000}
LONGEST_EVIDENCE = 200
"""Characters. Some fifteen words were asked for."""
ROOM_TO_THINK = 1000


class Plan(msgspec.Struct, frozen=True):
    """How much goes into one request."""

    tokens_per_conversation: int
    conversations: int
    tokens: int


PLANS: dict[Analysis, Plan] = {
    "category": Plan(1000, 12, 6000),
    "summary": Plan(1500, 8, 6000),
    "insights": Plan(4000, 3, 9000),
}


class Item(msgspec.Struct):
    """A conversation on its way through a batch."""

    place: int
    subject: Subject
    text: str
    tokens: int
    attempts: int = 0
    spent: Usage = Usage()


def pack(items: Sequence[Item], plan: Plan) -> list[list[Item]]:
    """Cut items into requests, in their order."""
    groups: list[list[Item]] = []
    room = 0
    for item in items:
        if not groups or item.tokens > room or len(groups[-1]) == plan.conversations:
            groups.append([])
            room = plan.tokens
        groups[-1].append(item)
        room -= item.tokens
    return groups


def items_of(batch: Sequence[Subject], plan: Plan) -> tuple[list[Item], list[Defect | None]]:
    """The conversations that can be asked about, and the defects of those that cannot, by their place."""
    items: list[Item] = []
    defects: list[Defect | None] = [None] * len(batch)
    for place, subject in enumerate(batch):
        text = excerpt(subject, plan.tokens_per_conversation)
        if text:
            items.append(Item(place, subject, text, estimate_tokens(text) + 12))
        else:
            defects[place] = defect(subject.conversation_id, "there is no text in it to judge")
    return items, defects


def defect(conversation_id: str, reason: str) -> Defect:
    return Defect(file="", item=conversation_id, reason=reason)


def verdict_of(
    answer: Answer, *, conversation_id: str, content_hash: str, said_by: Mapping[str, str], usage: Usage
) -> Verdict:
    """A valid answer as the verdict it is. `said_by`: taxonomy, taxonomy_hash, judge, model and prompt_version."""
    summarised = answer if isinstance(answer, Summarised) else None
    return Verdict(
        conversation_id=conversation_id,
        content_hash=content_hash,
        category=answer.category,
        confidence=answer.confidence,
        runner_up=answer.runner_up,
        tags=answer.tags,
        title=(summarised.title or "").strip() or None if summarised else None,
        summary=summarised.summary.strip() if summarised else "",
        language=answer.language.strip().lower()[:8] or None,
        insights=answer.insights.known() if isinstance(answer, Insightful) else None,
        evidence=[said] if (said := " ".join(answer.evidence.split())[:LONGEST_EVIDENCE]) else [],
        usage=usage,
        **said_by,
    )


def expected(questions: Questionnaire, items: Sequence[Item]) -> Counted:
    """The tokens that a request for these will probably take, if nothing comes from the service's cache."""
    return Counted(
        input=questions.tokens + sum(item.tokens for item in items),
        output=TOKENS_PER_VERDICT[questions.analysis] * len(items),
    )


def most(questions: Questionnaire, items: Sequence[Item]) -> Counted:
    """The most that it can take: the whole room filled, and the constant part written to the service's cache."""
    return Counted(
        input=questions.tokens + sum(item.tokens for item in items),
        written=questions.tokens,
        output=room_for(questions, items),
    )


def room_for(questions: Questionnaire, items: Sequence[Item]) -> int:
    """How long the answer may be, reasoning included: twice as long for who is asked again."""
    room = ROOM_TO_THINK + ROOM_PER_VERDICT[questions.analysis] * len(items)
    return room << items[0].attempts
