"""One message of the export as one of ours. Half of an import's time is spent here, so the common case is short."""

from __future__ import annotations

from typing import Any

from commonplace.model import Attachment, Message, Role
from commonplace.sources.chatgpt.assets import Assets
from commonplace.sources.chatgpt.citations import has_marks, sources
from commonplace.sources.chatgpt.content import KNOWN, PERSONAL, SPOKEN, render
from commonplace.sources.chatgpt.rendering import Rendering
from commonplace.sources.chatgpt.surroundings import Surroundings
from commonplace.sources.decoding import encode, storable
from commonplace.sources.fields import first_text, mapping, moment
from commonplace.sources.markdown import aside, paragraphs
from commonplace.sources.turns import ROLES, digest
from commonplace.sources.unfamiliar import count, is_readable, leftovers

_NEEDS_RENDERING = frozenset({"attachments", "content_references", "citations"})
_KEPT = ("gizmo_id", "canvas", "finished_duration_sec", "invoked_plugin", "async_task_type", "search_queries")
_CONTENT = frozenset({"content_type", "parts"})
_MESSAGE = frozenset(
    {
        "author",
        "channel",
        "content",
        "create_time",
        "end_turn",
        "id",
        "metadata",
        "recipient",
        "status",
        "update_time",
        "weight",
    }
)
"""What a message consists of, as far as we know."""
_HIDING = frozenset({"is_visually_hidden_from_conversation", "is_user_system_message"})
_EMPTY: dict[str, Any] = {}


def read_message(key: str, message: dict[str, Any], conversation_id: str, around: Surroundings) -> Message:
    """The message of the node `key`; where it stands in the tree is filled in by the caller."""
    author = message.get("author")
    author = author if type(author) is dict else _EMPTY
    metadata = message.get("metadata")
    metadata = metadata if type(metadata) is dict else _EMPTY
    content = message.get("content")
    if type(content) is not dict:
        if content:
            count(around.unfamiliar, "message.content")
        content = {"content_type": "text", "parts": content if isinstance(content, list) else [content]}
    told_role = author.get("role")
    role = ROLES.get(told_role) if type(told_role) is str else None
    name = author.get("name")
    if role is None:
        role, name = role_of(told_role, name)
    kind = content.get("content_type") or "text"
    kind = kind if type(kind) is str else "unknown"
    recipient = message.get("recipient")
    is_to_everyone = recipient is None or recipient == "all" or recipient == ""
    attachments: list[Attachment] = []
    raw = None
    is_familiar = message.keys() <= _MESSAGE
    if is_familiar and (spoken := _plain(key, content, kind, metadata, around.assets)) is not None:
        text, strings = spoken, [spoken]
    else:
        rendering = Rendering(key, conversation_id, metadata, around.assets)
        text = render(content, str(recipient or ""), rendering)
        if not is_familiar:
            text = _with_the_rest(text, message, rendering)
        strings, attachments = rendering.strings, list(rendering.attachments.values())
        for left in rendering.unfamiliar:
            count(around.unfamiliar, left)
        if rendering.unfamiliar:
            raw = encode(message)
    if role == "assistant" and not is_to_everyone and text:
        text = _as_call(str(recipient), text)
    is_blank = not attachments and (not text or text.isspace())
    is_hidden = is_blank or kind in PERSONAL or _is_flagged_hidden(metadata)
    is_seen = not is_hidden and is_to_everyone and (role == "user" or role == "assistant")
    return Message(
        id=key,
        role=role,
        text=text,
        digest=digest_of(role, kind, strings, attachments) if is_seen else b"",
        author=name if isinstance(name, str) and name else None,
        content_type=kind,
        created_at=moment(message.get("create_time")),
        model=first_text(metadata, "model_slug", "resolved_model_slug") if role == "assistant" else None,
        is_hidden=is_hidden,
        attachments=attachments,
        extra=_extra(message, metadata, author),
        raw=raw,
    )


def _with_the_rest(text: str, message: dict[str, Any], rendering: Rendering) -> str:
    """`text` and the words that stand beside a message's content, where nobody expected any."""
    beside = {name: value for name, value in message.items() if name not in _MESSAGE}
    left = list(leftovers(beside, "message", rendering.used))
    rendering.unfamiliar += [name for name, _ in left]
    words = [told for _, told in left if is_readable(told)]
    rendering.strings = rendering.strings or words
    return paragraphs(text, *words)


def _as_call(recipient: str, text: str) -> str:
    """What a model says to a tool is work beside the conversation; a canvas is read as the document it is."""
    return text if recipient.startswith("canmore") else aside(f"Tool call: {recipient}", text)


def _is_flagged_hidden(metadata: dict[str, Any]) -> bool:
    return not _HIDING.isdisjoint(metadata) and any(metadata.get(flag) is True for flag in _HIDING)


def _plain(key: str, content: dict[str, Any], kind: str, metadata: dict[str, Any], assets: Assets) -> str | None:
    """The text of a message that is one string and nothing else; None if there is more to do."""
    parts = content.get("parts")
    if kind != "text" or type(parts) is not list or len(parts) != 1 or not content.keys() <= _CONTENT:
        return None
    if not _NEEDS_RENDERING.isdisjoint(metadata):
        return None
    text = parts[0]
    if type(text) is not str or has_marks(text) or assets.of_message(key) or "sandbox:" in text:
        return None
    return text


def role_of(told: object, name: object) -> tuple[Role, object]:
    """The nearest of our roles; one that nobody knows is a tool of that name."""
    if not isinstance(told, str):
        return "assistant", name
    known = ROLES.get(told.strip().lower())
    return (known, name) if known else ("tool", name or told)


def digest_of(role: Role, kind: str, strings: list[str], attachments: list[Attachment]) -> bytes:
    """Role and raw words; an image or a recording without any words still is something a reader would see."""
    if kind in KNOWN and kind not in SPOKEN:
        return b""
    return digest(role, strings, attachments)


def _extra(message: dict[str, Any], metadata: dict[str, Any], author: dict[str, Any]) -> dict[str, Any]:
    """What is worth keeping beside the text, only where it is set."""
    extra: dict[str, Any] = {}
    recipient = message.get("recipient")
    if recipient is not None and recipient != "all" and recipient != "":
        extra["recipient"] = storable(recipient)
    status = message.get("status")
    if status is not None and status != "finished_successfully":
        extra["status"] = storable(status)
    for key in _KEPT:
        if metadata.get(key):
            extra[key] = storable(metadata[key])
    if ("content_references" in metadata or "citations" in metadata) and (cited := sources(metadata)):
        extra["sources"] = cited
    if author.get("metadata") and (real := first_text(mapping(author["metadata"]), "real_author")):
        extra["real_author"] = real
    return extra
