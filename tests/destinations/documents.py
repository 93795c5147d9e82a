"""Documents for tests, in a line."""

from __future__ import annotations

from typing import Any

from commonplace.destinations.contract import Document
from commonplace.model import Conversation, Message

MARCH = 1_772_323_200_000_000  # 2026-03-01


def document(id: str = "1", title: str | None = "A title", *texts: str, version: int = 1, **fields: Any) -> Document:
    """Question, answer, question, ...; `version` is what its inputs' hash is made of."""
    inside = fields.pop("conversation", {})
    messages = [
        Message(id=f"{id}-{n}", role="user" if n % 2 == 0 else "assistant", text=text, digest=b"x", position=n)
        for n, text in enumerate(texts or ("What is this?", "A test."))
    ]
    conversation = Conversation(
        source="chatgpt",
        external_id=id,
        title=title,
        messages=fields.pop("messages", messages),
        **{"created_at": MARCH, "updated_at": MARCH, **inside},
    )
    return Document(conversation=conversation, input_hash=f"v{version}", **fields)
