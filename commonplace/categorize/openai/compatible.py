"""The judge `compatible`: any server that speaks chat completions (Ollama, LM Studio, vLLM, llama.cpp, ...).

The schema is sent as `response_format` and described in the instructions as well, because servers differ: some refuse
the parameter (it is left out from then on), some ignore it. The answer is validated all the same, never repaired.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from commonplace.categorize.contract import Lesson
from commonplace.categorize.openai.judging import FIRST_DELAY, LiveJudge
from commonplace.categorize.openai.packing import PLANS, Item, Plan
from commonplace.categorize.openai.questionnaire import Analysis, Questionnaire, ask_about, unwrapped
from commonplace.errors import Halt
from commonplace.openai import replies
from commonplace.openai.client import ANSWER_SECONDS, BadRequest, BadSetting, call, connect
from commonplace.openai.limiter import Governor
from commonplace.openai.pricing import FREE, Price

if TYPE_CHECKING:
    import openai

NO_KEY = "none"
"""Servers at home want no key; the client wants one to send."""


def connect_compatible(base_url: str, api_key: str | None = None, *, timeout: float = ANSWER_SECONDS) -> openai.OpenAI:
    """A client for a compatible server, such as http://localhost:11434/v1."""
    if not base_url:
        raise Halt(
            "The judge 'compatible' needs the address of a server.",
            hint="Set OPENAI_BASE_URL, for example to http://localhost:11434/v1.",
        )
    return connect(api_key or NO_KEY, base_url=base_url, timeout=timeout)


class CompatibleJudge(LiveJudge):
    """Asks a compatible server, one conversation per request unless a plan says otherwise. Free unless priced."""

    kind = "compatible"

    def __init__(
        self,
        client: openai.OpenAI,
        model: str,
        *,
        analysis: Analysis = "summary",
        price: Price | None = None,
        max_cost: float | None = None,
        lessons: Sequence[Lesson] = (),
        governor: Governor | None = None,
        concurrency: int = 4,
        plan: Plan | None = None,
        first_delay: float = FIRST_DELAY,
    ) -> None:
        self._client = client
        self._takes_schema = True
        super().__init__(
            model,
            analysis=analysis,
            price=price or FREE,
            max_cost=max_cost,
            lessons=lessons,
            governor=governor or Governor(),
            concurrency=concurrency,
            plan=plan or Plan(PLANS[analysis].tokens_per_conversation, 1, PLANS[analysis].tokens),
            first_delay=first_delay,
        )

    def _send(
        self, questions: Questionnaire, items: Sequence[Item], room: int
    ) -> tuple[Mapping[str, str], replies.Reply]:
        with_schema = self._takes_schema
        try:
            return self._complete(questions, items, room, with_schema=with_schema)
        except (BadRequest, BadSetting):
            if not with_schema:
                raise
            answer = self._complete(questions, items, room, with_schema=False)
            self._takes_schema = False
            return answer

    def _complete(
        self, questions: Questionnaire, items: Sequence[Item], room: int, *, with_schema: bool
    ) -> tuple[Mapping[str, str], replies.Reply]:
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [
                {"role": "system", "content": questions.instructions + _shape_of(questions)},
                {"role": "user", "content": ask_about(enumerate(item.text for item in items))},
            ],
            "max_tokens": room,
            "temperature": 0,
        }
        if with_schema:
            named = {"name": questions.name, "schema": questions.schema, "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": named}
        raw = call(self.model, lambda: self._client.chat.completions.with_raw_response.create(**body))
        reply = replies.of_chat(raw.http_response.content)
        return raw.headers, replies.Reply(unwrapped(reply.text), reply.counted, reply.problem)

    def close(self) -> None:
        super().close()
        self._client.close()


def _shape_of(questions: Questionnaire) -> str:
    schema = json.dumps(questions.schema, ensure_ascii=False, separators=(",", ":"))
    return f"\n\nAnswer with one JSON object and nothing else, as this JSON Schema says:\n{schema}"
