"""Conversations in the JSON Lines that programs for training read: OpenAI's messages, and ShareGPT's."""

from __future__ import annotations

from typing import Any

from commonplace.archive.conversations.reading import Filed
from commonplace.stages.transcripts.speech import speech

_SHAREGPT = {"system": "system", "user": "human", "assistant": "gpt"}


def openai_finetune(filed: Filed) -> dict[str, Any] | None:
    """A line of a file for fine-tuning, which may have no other keys; None where there is nothing to learn from."""
    turns = speech(filed.conversation.messages)
    return {"messages": [{"role": turn.role, "content": turn.text} for turn in turns]} if turns else None


def sharegpt(filed: Filed) -> dict[str, Any] | None:
    """The same as people who train models hand it around."""
    turns = speech(filed.conversation.messages)
    told = [{"from": _SHAREGPT[turn.role], "value": turn.text} for turn in turns]
    return {"id": filed.conversation.id, "conversations": told} if turns else None
