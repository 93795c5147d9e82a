"""The judge `openai`: the Responses API, answered at once.

The instructions, the categories and the schema are the same bytes in every request and marked as what to cache; the
conversations after them are not, because writing a text into the cache that nobody sends again costs a quarter more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from commonplace.categorize.contract import Lesson
from commonplace.categorize.openai.judging import FIRST_DELAY, LiveJudge
from commonplace.categorize.openai.packing import PLANS, Item, Plan
from commonplace.categorize.openai.questionnaire import Analysis, Questionnaire, ask_about
from commonplace.openai import replies
from commonplace.openai.client import DEFAULT_MODEL, call
from commonplace.openai.limiter import Governor, shared_governor
from commonplace.openai.pricing import Price, price_within

if TYPE_CHECKING:
    import openai

REASONS = re.compile(r"gpt-[5-9]|gpt-\d\d|o\d")
"""Models that take a reasoning effort; the others refuse the parameter."""
MARKS_CACHE = re.compile(r"gpt-(5\.[6-9]|[6-9]|\d\d)")
"""Models that take explicit cache breakpoints, and charge for what they write to the cache."""


class OpenAIJudge(LiveJudge):
    """Asks OpenAI. Needs a client from `client.connect`. The limits per minute hold until the service names its own."""

    kind = "openai"

    def __init__(
        self,
        client: openai.OpenAI,
        model: str = DEFAULT_MODEL,
        *,
        analysis: Analysis = "summary",
        price: Price | None = None,
        max_cost: float | None = None,
        lessons: Sequence[Lesson] = (),
        requests_per_minute: float = 500,
        tokens_per_minute: float = 200_000,
        governor: Governor | None = None,
        concurrency: int = 48,
        plan: Plan | None = None,
        first_delay: float = FIRST_DELAY,
    ) -> None:
        self._client = client
        super().__init__(
            model,
            analysis=analysis,
            price=price_within(model, price, max_cost),
            max_cost=max_cost,
            lessons=lessons,
            governor=governor or shared_governor(account(client, model), requests_per_minute, tokens_per_minute),
            concurrency=concurrency,
            plan=plan or PLANS[analysis],
            first_delay=first_delay,
        )

    def _send(
        self, questions: Questionnaire, items: Sequence[Item], room: int
    ) -> tuple[Mapping[str, str], replies.Reply]:
        body = request_body(self.model, questions, [item.text for item in items], room)
        raw = call(self.model, lambda: self._client.responses.with_raw_response.create(**body))
        return raw.headers, replies.of_response(raw.http_response.content)

    def close(self) -> None:
        super().close()
        self._client.close()


def account(client: openai.OpenAI, model: str) -> str:
    """A name for what the service limits: an account, as its key's hash, and a model."""
    return f"{client.base_url} {blake2b(client.api_key.encode(), digest_size=8).hexdigest()} {model}"


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
