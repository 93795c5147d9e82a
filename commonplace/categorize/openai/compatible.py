"""The judge `compatible`: any server that speaks chat completions (Ollama, LM Studio, vLLM, llama.cpp, ...).

Such servers run small models, often with little room, so the prompt is brief, one conversation is asked about at a
time, and the schema allows nothing but what is wanted. Servers differ: some refuse a schema (it is left out from then
on), some take it and do not obey; both are shown an example of an answer. What comes is validated, never repaired.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from commonplace.categorize.contract import Lesson, Taxonomy
from commonplace.categorize.openai.judging import LiveJudge, Send
from commonplace.categorize.openai.packing import Item, Plan, room_for
from commonplace.categorize.openai.questionnaire import (
    Analysis,
    Questionnaire,
    ask_about,
    is_json,
)
from commonplace.categorize.openai.shape import bounded, example_of
from commonplace.openai import replies
from commonplace.openai.client import Client
from commonplace.openai.errors import BadRequest, BadSetting
from commonplace.openai.pricing import FREE, Price

TOKENS: dict[Analysis, int] = {"category": 600, "summary": 1000, "insights": 2000}
"""Of a conversation: with instructions and answer it has to fit into 4,096, which is what servers start with."""
MOST_TAGS = 20
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
        tags: Sequence[str] = (),
        concurrency: int = 0,
        plan: Plan | None = None,
    ) -> None:
        self._takes_schema = self._obeys_schema = True
        super().__init__(
            client,
            model,
            analysis=analysis,
            price=price or FREE,
            max_cost=max_cost,
            lessons=lessons,
            tags=tags,
            concurrency=concurrency or AT_ONCE,
            plan=plan or Plan(TOKENS[analysis], 1, TOKENS[analysis]),
        )

    def _questionnaire(self, taxonomy: Taxonomy) -> Questionnaire:
        return Questionnaire(taxonomy, self.analysis, self._lessons, tags=self._tags[:MOST_TAGS], is_brief=True)

    def _question(self, questions: Questionnaire, items: Sequence[Item], send: Send) -> replies.Reply:
        if not self._takes_schema:
            return _complete(self._body(questions, items, is_shown=True), send)
        schema = bounded(questions.schema, questions.taxonomy, len(items))
        named = {"name": questions.name, "schema": schema, "strict": True}
        body = self._body(questions, items, is_shown=not self._obeys_schema)
        format = {"type": "json_schema", "json_schema": named}
        try:
            reply = _complete({**body, "response_format": format}, send)
        except (BadRequest, BadSetting):
            reply = _complete(self._body(questions, items, is_shown=True), send)
            self._takes_schema = False
        else:
            self._obeys_schema = self._obeys_schema and (reply.problem is not None or is_json(reply.text))
        return reply

    def _body(self, questions: Questionnaire, items: Sequence[Item], *, is_shown: bool) -> dict[str, Any]:
        example = _example(questions.schema) if is_shown else ""
        return {
            "model": self.model,
            "messages": [
                {"role": "system", "content": questions.instructions + example},
                {"role": "user", "content": ask_about(enumerate(item.text for item in items))},
            ],
            "max_tokens": room_for(questions, items),
            "temperature": 0,
        }


def _complete(body: dict[str, Any], send: Send) -> replies.Reply:
    reply = send(lambda sdk: replies.complete(sdk, body))
    return replies.Reply(replies.object_in(reply.text), reply.counted, reply.problem)


def _example(schema: dict[str, Any]) -> str:
    example = json.dumps(example_of(schema), ensure_ascii=False, separators=(",", ":"))
    return f"\n\nAnswer with one JSON object and nothing else, of this shape:\n{example}"
