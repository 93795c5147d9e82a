"""A prompt of AI Studio, as its file in Google Drive holds it: no id, no title, and times only lately.

So its identity is what was said first, which stays the same while the conversation goes on.
"""

from __future__ import annotations

import re
from base64 import b64decode
from hashlib import blake2b
from typing import Any

from commonplace.model import Conversation, Message
from commonplace.sources.contract import NotAConversation
from commonplace.sources.decoding import encode
from commonplace.sources.fields import dicts, first_text, mapping, moment, strings
from commonplace.sources.listed import Kind, Listed, an_object
from commonplace.sources.markdown import quoted
from commonplace.sources.turns import (
    Around,
    Turn,
    arrange,
    cited,
    first_moment,
    in_turn,
    last_moment,
    role_of,
    title_of,
    words_in,
)
from commonplace.sources.unfamiliar import count_fields

TITLE = "AI Studio"
_PROMPT = frozenset({"runSettings", "systemInstruction", "chunkedPrompt", "pendingInputs", "citations"})
_CHUNK = frozenset(
    {
        "branchChildren",
        "branchParent",
        "codeExecutionResult",
        "createTime",
        "errorMessage",
        "executableCode",
        "finishReason",
        "grounding",
        "inlineData",
        "inlineFile",
        "inlineImage",
        "isEdited",
        "isThought",
        "parts",
        "role",
        "text",
        "thinkingBudget",
        "thoughtSignatures",
        "tokenCount",
        "youtubeVideo",
    }
)
_FILES = {"driveDocument": "file", "driveImage": "image", "driveAudio": "audio", "driveVideo": "video"}


def _conversation(item: Any, around: Around) -> Conversation:
    item = an_object(item, TITLE)
    prompt = mapping(item.get("chunkedPrompt"))
    told = prompt.get("chunks")
    if not isinstance(told, list):
        raise NotAConversation("no list of messages")
    count_fields(around.unfamiliar, item, _PROMPT)
    chunks = list(dicts(told))
    said = next((chunk for chunk in chunks if first_text(chunk, "text")), chunks[0] if chunks else {})
    external_id = blake2b(encode([said.get("text"), said.get("createTime")]), digest_size=16).hexdigest()
    read = [_message(chunk, f"{external_id}-{place}", around) for place, chunk in enumerate(chunks)]
    if instruction := words_in(item.get("systemInstruction") or ""):
        turn = Turn(around)
        turn.say(instruction)
        read.insert(0, turn.message(item["systemInstruction"], f"{external_id}-system", "system"))
    drafts = (*dicts(prompt.get("pendingInputs")), *dicts(item.get("pendingInputs")))
    for draft in filter(None, (first_text(draft, "text") for draft in drafts)):
        turn = Turn(around)
        turn.fold("Not sent", draft)
        read.append(turn.message(draft, f"{external_id}-draft-{len(read)}", "user", is_hidden=True))
    in_turn(read)
    messages, current = arrange(read)
    return Conversation(
        source="aistudio",
        external_id=external_id,
        title=title_of(messages),
        created_at=first_moment(messages),
        updated_at=last_moment(messages),
        messages=messages,
        current_message_id=current,
        model=(first_text(mapping(item.get("runSettings")), "model") or "").removeprefix("models/") or None,
    )


def _message(chunk: dict[str, Any], id: str, around: Around) -> Message:
    turn = Turn(around)
    said = first_text(chunk, "text") or "".join(filter(None, (first_text(part, "text") for part in _parts(chunk))))
    if chunk.get("isThought") is True:
        turn.thoughts(said)
    else:
        turn.say(said)
    for key, kind in _FILES.items():
        if file := first_text(mapping(chunk.get(key)), "id"):
            turn.attach(file, kind=kind)
    if code := mapping(chunk.get("executableCode")):
        turn.call(code.get("language"), code.get("code"))
    if result := mapping(chunk.get("codeExecutionResult")):
        turn.output("code", words_in(result.get("output") or ""))
    if inline := mapping(chunk.get("inlineFile") or chunk.get("inlineData") or chunk.get("inlineImage")):
        kind = "image" if (first_text(inline, "mimeType") or "").startswith("image/") else "file"
        turn.attach(f"{id}-inline", kind=kind, mime_type=first_text(inline, "mimeType"), told=_written(inline) or "")
        turn.keeps_raw = True
    if video := first_text(mapping(chunk.get("youtubeVideo")), "id"):
        turn.say(f"https://www.youtube.com/watch?v={quoted(video)}")
    if failed := chunk.get("errorMessage"):
        turn.fold("Error", words_in(failed))
    turn.taken.update(filter(None, (first_text(part, "text") for part in _parts(chunk))))
    turn.more(chunk, "chunk", _CHUNK | _FILES.keys())
    grounding = mapping(chunk.get("grounding"))
    for asked in strings(grounding.get("webSearchQueries")):
        turn.fold("Search", asked)
    return turn.message(
        chunk,
        id,
        role_of(chunk.get("role")),
        created_at=moment(chunk.get("createTime")),
        extra={"sources": cited(dicts(grounding.get("corroborationSegments")))},
    )


def _written(inline: dict[str, Any]) -> str | None:
    """The words of a text that stands in the prompt itself."""
    if not (first_text(inline, "mimeType") or "").startswith("text/"):
        return None
    try:
        return b64decode(first_text(inline, "data") or "").decode("utf-8", "replace")
    except ValueError:
        return None


def _parts(chunk: dict[str, Any]) -> list[dict[str, Any]]:
    return list(dicts(chunk.get("parts")))


SOURCE = Listed(
    name="aistudio",
    title=TITLE,
    reader_version="aistudio/3",
    kind=Kind(read=_conversation, identity=re.compile(rb"(?!)"), is_whole=True),
)
