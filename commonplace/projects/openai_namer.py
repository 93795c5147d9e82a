"""The namers that ask a model: a name and a line for each project, from its newest titles.

Thin on purpose: one request for a batch of projects, strict about the answer.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from commonplace.openai.service import Client, Connect, NotUnderstood
from commonplace.projects import naming_questions as questions
from commonplace.projects.contract import Named, Proposal, Unnamed

if TYPE_CHECKING:
    import openai

_DOES = "names projects"
_SHAPE = "\n\nAnswer with one JSON object and nothing else, as this JSON Schema says:\n"


class OpenAINamer:
    """Asks the Responses API. Nothing is kept there."""

    kind = "openai"

    def __init__(self, connect: Connect, model: str) -> None:
        self._client = Client(connect, _DOES)
        self.model = model

    @property
    def key(self) -> str:
        return f"{self.kind}/{self.model}/{questions.PROMPT_VERSION}"

    def propose(self, batch: Sequence[Unnamed]) -> list[Proposal]:
        """One request; projects that the answer leaves out or names with nothing stay unnamed."""
        return list(self.ask(batch).proposals)

    def ask(self, batch: Sequence[Unnamed]) -> Named:
        """The same, with the tokens that it took."""

        def request(client: openai.OpenAI) -> openai.types.responses.Response:
            return client.responses.create(
                model=self.model,
                instructions=questions.INSTRUCTIONS,
                input=questions.question(batch),
                text={"format": {"type": "json_schema", "name": "names", "schema": questions.SCHEMA, "strict": True}},
                max_output_tokens=questions.room(batch),
                store=False,
            )

        response = self._client.ask(request)
        if response.status == "incomplete":
            raise questions.unreadable("was cut off")
        used = response.usage
        return Named(
            tuple(questions.proposals(response.output_text, batch)),
            used.input_tokens if used else 0,
            used.output_tokens if used else 0,
        )

    def close(self) -> None:
        self._client.close()


class CompatibleNamer(OpenAINamer):
    """Asks any server that speaks chat completions. The schema is described as well: some servers ignore the
    parameter, and those that refuse it are asked without."""

    kind = "compatible"

    def ask(self, batch: Sequence[Unnamed]) -> Named:
        """One request, a second one where the first was refused."""
        format = {"type": "json_schema", "json_schema": {"name": "names", "schema": questions.SCHEMA, "strict": True}}
        try:
            return self._complete(batch, {"response_format": format})
        except NotUnderstood:
            return self._complete(batch, {})

    def _complete(self, batch: Sequence[Unnamed], more: dict[str, Any]) -> Named:
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [
                {"role": "system", "content": questions.INSTRUCTIONS + _SHAPE + json.dumps(questions.SCHEMA)},
                {"role": "user", "content": questions.question(batch)},
            ],
            "max_tokens": questions.room(batch),
            "temperature": 0,
            **more,
        }
        answer = self._client.ask(lambda client: client.chat.completions.create(**body))
        choice = answer.choices[0] if answer.choices else None
        if choice is not None and choice.finish_reason == "length":
            raise questions.unreadable("was cut off")
        text = (choice.message.content or "") if choice is not None else ""
        used = answer.usage
        return Named(
            tuple(questions.proposals(_object_in(text), batch)),
            used.prompt_tokens if used else 0,
            used.completion_tokens if used else 0,
        )


def _object_in(text: str) -> str:
    """The JSON object of an answer, out of the fences and thoughts that some models put around it."""
    said = text.rpartition("</think>")[2]
    start, end = said.find("{"), said.rfind("}")
    return said[start : end + 1] if 0 <= start < end else said
