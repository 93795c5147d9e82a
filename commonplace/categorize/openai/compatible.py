"""The judge `compatible`: any server that speaks chat completions (Ollama, LM Studio, vLLM, llama.cpp, ...).

The schema is sent as `response_format` and described in the instructions as well, because servers differ: some refuse
the parameter (it is left out from then on), some ignore it. The answer is validated all the same, never repaired.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from typing import Any

from commonplace.categorize.contract import Lesson
from commonplace.categorize.openai.judging import LiveJudge
from commonplace.categorize.openai.packing import PLANS, Item, Plan, room_for
from commonplace.categorize.openai.questionnaire import Analysis, Questionnaire, ask_about, unwrapped
from commonplace.openai import replies
from commonplace.openai.client import Client
from commonplace.openai.errors import BadRequest, BadSetting
from commonplace.openai.pricing import FREE, Counted, Price

AT_ONCE = 4
"""Requests at a time, unless the settings say otherwise: a machine at home answers few."""


class CompatibleJudge(LiveJudge):
    """Asks a compatible server, one conversation per request unless a plan says otherwise. Free unless priced."""

    kind = "compatible"

    def __init__(
        self,
        client: Client,
        model: str,
        *,
        analysis: Analysis = "summary",
        price: Price | None = None,
        max_cost: float | None = None,
        lessons: Sequence[Lesson] = (),
        concurrency: int = 0,
        plan: Plan | None = None,
    ) -> None:
        self._takes_schema = True
        super().__init__(
            client,
            model,
            analysis=analysis,
            price=price or FREE,
            max_cost=max_cost,
            lessons=lessons,
            concurrency=concurrency or AT_ONCE,
            plan=plan or Plan(PLANS[analysis].tokens_per_conversation, 1, PLANS[analysis].tokens),
        )

    def _question(
        self, questions: Questionnaire, items: Sequence[Item], wanted: Counted, stop: threading.Event
    ) -> replies.Reply:
        body = self._body(questions, items)
        named = {"name": questions.name, "schema": questions.schema, "strict": True}
        if self._takes_schema:
            with_schema = {**body, "response_format": {"type": "json_schema", "json_schema": named}}
            try:
                return self._complete(with_schema, wanted, stop)
            except (BadRequest, BadSetting):
                reply = self._complete(body, wanted, stop)
            self._takes_schema = False
            return reply
        return self._complete(body, wanted, stop)

    def _body(self, questions: Questionnaire, items: Sequence[Item]) -> dict[str, Any]:
        return {
            "model": self.model,
            "messages": [
                {"role": "system", "content": questions.instructions + _shape_of(questions)},
                {"role": "user", "content": ask_about(enumerate(item.text for item in items))},
            ],
            "max_tokens": room_for(questions, items),
            "temperature": 0,
        }

    def _complete(self, body: dict[str, Any], wanted: Counted, stop: threading.Event) -> replies.Reply:
        reply = self.client.patiently(
            self.about, lambda sdk: replies.complete(sdk, body), tokens=wanted.total, used=replies.took, stop=stop
        )
        return replies.Reply(unwrapped(reply.text), reply.counted, reply.problem)


def _shape_of(questions: Questionnaire) -> str:
    schema = json.dumps(questions.schema, ensure_ascii=False, separators=(",", ":"))
    return f"\n\nAnswer with one JSON object and nothing else, as this JSON Schema says:\n{schema}"
