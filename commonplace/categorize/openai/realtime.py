"""The judge `openai`: the Responses API, answered at once.

The instructions, the categories and the schema are the same bytes in every request and marked as what to cache; the
conversations after them are not, because writing a text into the cache that nobody sends again costs a quarter more.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from commonplace.categorize.contract import Lesson
from commonplace.categorize.openai.judging import LiveJudge, Send
from commonplace.categorize.openai.packing import PLANS, Item, Plan, room_for
from commonplace.categorize.openai.questionnaire import Analysis, Questionnaire, ask_about
from commonplace.openai import replies
from commonplace.openai.client import Client
from commonplace.openai.errors import DEFAULT_MODEL
from commonplace.openai.pricing import Price, price_within

AT_ONCE = 48
"""Requests at a time, unless the settings say otherwise."""
REASONS = re.compile(r"gpt-[5-9]|gpt-\d\d|o\d")
"""Models that take a reasoning effort; the others refuse the parameter."""
MARKS_CACHE = re.compile(r"gpt-(5\.[6-9]|[6-9]|\d\d)")
"""Models that take explicit cache breakpoints, and charge for what they write to the cache."""


class OpenAIJudge(LiveJudge):
    """Asks OpenAI."""

    kind = "openai"

    def __init__(
        self,
        client: Client,
        model: str = DEFAULT_MODEL,
        *,
        analysis: Analysis = "summary",
        price: Price | None = None,
        max_cost: float | None = None,
        lessons: Sequence[Lesson] = (),
        tags: Sequence[str] = (),
        concurrency: int = 0,
        plan: Plan | None = None,
    ) -> None:
        super().__init__(
            client,
            model,
            analysis=analysis,
            price=price_within(model, price, max_cost),
            max_cost=max_cost,
            lessons=lessons,
            tags=tags,
            concurrency=concurrency or AT_ONCE,
            plan=plan or PLANS[analysis],
        )

    def _question(self, questions: Questionnaire, items: Sequence[Item], send: Send) -> replies.Reply:
        body = request_body(self.model, questions, [item.text for item in items], room_for(questions, items))
        return send(lambda sdk: replies.respond(sdk, body))


def request_body(model: str, questions: Questionnaire, texts: Sequence[str], room: int) -> dict[str, Any]:
    """One request to /v1/responses, live or as a line of a batch. Nothing of it is kept by the service."""
    constant: dict[str, Any] = {"type": "input_text", "text": questions.instructions}
    body: dict[str, Any] = {
        "model": model,
        "input": [
            {"role": "developer", "content": [constant]},
            {"role": "user", "content": ask_about(enumerate(texts))},
        ],
        "text": {"format": {"type": "json_schema", "name": questions.name, "schema": questions.schema, "strict": True}},
        "max_output_tokens": room,
        "prompt_cache_key": f"commonplace-{questions.name}",
        "store": False,
    }
    if MARKS_CACHE.match(model):
        constant["prompt_cache_breakpoint"] = {"mode": "explicit"}
        body["prompt_cache_options"] = {"mode": "explicit"}
    if REASONS.match(model):
        body["reasoning"] = {"effort": "low"}
    return body
