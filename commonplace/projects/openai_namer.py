"""The namers that ask a model: a name and a line for each project, from its newest titles.

Thin on purpose: one request for a batch of projects, strict about the answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from commonplace.errors import Retryable
from commonplace.openai import replies
from commonplace.openai.client import Client
from commonplace.openai.errors import About, BadRequest, BadSetting
from commonplace.openai.replies import SAYS, Reply
from commonplace.openai.tokens import estimate_tokens
from commonplace.projects import naming_questions as questions
from commonplace.projects.contract import Named, Proposal, Unnamed

_SHAPE = "\n\nAnswer with one JSON object and nothing else, as this JSON Schema says:\n"


class OpenAINamer:
    """Asks the Responses API. Nothing is kept there."""

    kind = "openai"

    def __init__(self, client: Client, model: str) -> None:
        self._client = client
        self.model = model
        self._about = About(model=model, setting="[projects] model", what="names")

    @property
    def key(self) -> str:
        return f"{self.kind}/{self.model}/{questions.PROMPT_VERSION}"

    def propose(self, batch: Sequence[Unnamed]) -> list[Proposal]:
        """One request; projects that the answer leaves out or names with nothing stay unnamed."""
        named = self.ask(batch)
        if named.problem:
            raise Retryable(named.problem)
        return list(named.proposals)

    def ask(self, batch: Sequence[Unnamed]) -> Named:
        """The same, with the tokens that it took."""
        body = {
            "model": self.model,
            "instructions": questions.INSTRUCTIONS,
            "input": questions.question(batch),
            "text": {"format": {"type": "json_schema", "name": "names", "schema": questions.SCHEMA, "strict": True}},
            "max_output_tokens": questions.room(batch),
            "store": False,
        }
        return self._read(self._send(replies.respond, body, batch), batch)

    def _send(
        self, how: Callable[[Any, dict[str, Any]], Reply], body: dict[str, Any], batch: Sequence[Unnamed]
    ) -> Reply:
        return self._client.patiently(
            self._about, lambda sdk: how(sdk, body), tokens=_expected(batch), used=replies.took
        )

    def _read(self, reply: Reply, batch: Sequence[Unnamed]) -> Named:
        found = None if reply.problem == "truncated" else questions.proposals(replies.object_in(reply.text), batch)
        took = (reply.counted.input, reply.counted.output)
        if found is None:
            return Named((), *took, problem=questions.unreadable(SAYS[reply.problem or "unreadable"]))
        return Named(tuple(found), *took)

    def close(self) -> None:
        self._client.close()


class CompatibleNamer(OpenAINamer):
    """Asks any server that speaks chat completions. The schema is described as well: some servers ignore the
    parameter, and those that refuse it are asked without."""

    kind = "compatible"

    def ask(self, batch: Sequence[Unnamed]) -> Named:
        """One request, a second one where the first was refused."""
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [
                {"role": "system", "content": questions.INSTRUCTIONS + _SHAPE + json.dumps(questions.SCHEMA)},
                {"role": "user", "content": questions.question(batch)},
            ],
            "max_tokens": questions.room(batch),
            "temperature": 0,
        }
        format = {"type": "json_schema", "json_schema": {"name": "names", "schema": questions.SCHEMA, "strict": True}}
        try:
            reply = self._send(replies.complete, {**body, "response_format": format}, batch)
        except (BadRequest, BadSetting):
            reply = self._send(replies.complete, body, batch)
        return self._read(reply, batch)


def _expected(batch: Sequence[Unnamed]) -> int:
    """The tokens that asking about a batch will probably take."""
    sent = estimate_tokens(questions.INSTRUCTIONS) + estimate_tokens(questions.question(batch))
    return sent + questions.ROOM_PER_NAME * len(batch)
