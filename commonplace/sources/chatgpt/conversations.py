"""One conversation of the export as one of ours: its fields, and its messages in their tree."""

from __future__ import annotations

from typing import Any

from commonplace.model import Conversation, Message
from commonplace.sources.chatgpt.messages import read_message
from commonplace.sources.chatgpt.surroundings import Said, Surroundings
from commonplace.sources.contract import NotAConversation
from commonplace.sources.decoding import storable
from commonplace.sources.fields import first_text, flag, moment
from commonplace.sources.listed import an_object
from commonplace.sources.shapes import CHATGPT
from commonplace.sources.tree import grow
from commonplace.sources.turns import newest_model
from commonplace.sources.unfamiliar import count_fields

NAME = "chatgpt"
_KEPT = (
    "gizmo_type",
    "voice",
    "memory_scope",
    "conversation_origin",
    "workspace_id",
    "owner",
    "plugin_ids",
    "disabled_tool_ids",
    "context_scopes",
    "sugar_item_id",
    "is_do_not_remember",
    "is_read_only",
    "is_study_mode",
    "is_temporary_chat",
    "atlas_mode_enabled",
    "moderation_results",
)


_READ = frozenset(
    {
        "conversation_id",
        "conversation_template_id",
        "create_time",
        "current_node",
        "default_model_slug",
        "gizmo_id",
        "id",
        "is_archived",
        "is_starred",
        "mapping",
        "pinned_time",
        "title",
        "update_time",
    }
)
_OVERLOOKED = frozenset({"async_status", "blocked_urls", "safe_urls", "sugar_item_visible"})
_FAMILIAR = _READ | frozenset(_KEPT) | _OVERLOOKED


def read_conversation(item: object, around: Surroundings) -> Conversation:
    """The conversation that an item holds. Without any message that has content, `messages` is empty."""
    item = an_object(item, CHATGPT)
    mapping = item.get("mapping")
    if mapping is not None and not isinstance(mapping, dict):
        raise NotAConversation("its mapping is not an object")
    beside = count_fields(around.unfamiliar, item, _FAMILIAR)
    if mapping is None and beside:
        raise NotAConversation(f"no mapping, but {' and '.join(beside)}, which this version cannot read")
    external_id = first_text(item, "conversation_id", "id")
    messages, current = _messages(mapping or {}, item.get("current_node"), external_id or "", around)
    if external_id is None:
        if not messages:
            raise NotAConversation("neither an id nor a message")
        external_id = f"node-{min(message.id for message in messages if message.parent_id is None)}"
    project, gpt = _home(item)
    conversation = Conversation(
        source=NAME,
        external_id=external_id,
        title=first_text(item, "title"),
        created_at=moment(item.get("create_time")),
        updated_at=moment(item.get("update_time")),
        messages=messages,
        current_message_id=current,
        project_ref=project,
        gpt_ref=gpt,
        model=first_text(item, "default_model_slug") or newest_model(messages),
        url=f"https://chatgpt.com/c/{external_id}",
        is_archived=flag(item.get("is_archived")),
        is_starred=flag(item.get("is_starred")),
        pinned_at=moment(item.get("pinned_time")),
        extra={key: storable(item[key]) for key in _KEPT if item.get(key)},
    )
    _add_said(conversation, around.said)
    return conversation


def _messages(
    mapping: dict[str, Any], current: object, conversation_id: str, around: Surroundings
) -> tuple[list[Message], str | None]:
    """Every message in reading order, each with the nearest ancestor that is a message; and the current one."""
    tree = grow(mapping, current)
    messages: list[Message] = []
    nearest: dict[str | None, str | None] = {None: None}
    has_content = False
    for key in tree.order:
        above = nearest[tree.parents[key]]
        told = mapping[key].get("message")
        if type(told) is not dict:
            nearest[key] = above
            continue
        nearest[key] = key
        if "fragments" in told and "content" not in told:
            raise NotAConversation("a DeepSeek conversation, not one of ChatGPT")
        message = read_message(key, told, conversation_id, around)
        message.parent_id = above
        message.is_active = key in tree.active
        message.position = len(messages)
        messages.append(message)
        has_content = has_content or bool(message.text or message.attachments or message.raw)
    if not has_content:
        return [], None
    return messages, nearest[tree.current] or max(messages, key=_by_time).id


def _by_time(message: Message) -> tuple[int, str]:
    return message.created_at or 0, message.id


def _home(item: dict[str, Any]) -> tuple[str | None, str | None]:
    """The project and the custom GPT. Current exports name either as the template alone."""
    refs = [ref for key in ("conversation_template_id", "gizmo_id") if (ref := first_text(item, key))]
    project = next((ref for ref in refs if ref.startswith("g-p-")), None)
    return project, next((ref for ref in refs if ref.startswith("g-") and not ref.startswith("g-p-")), None)


def _add_said(conversation: Conversation, said: Said) -> None:
    named = (first_text(message.extra, "gizmo_id") for message in conversation.messages if message.extra)
    if gizmos := list(dict.fromkeys(filter(None, named))):
        conversation.extra["message_gizmo_ids"] = gizmos
    shared = said.shared.get(conversation.external_id)
    if shared:
        conversation.extra["shared"] = shared
    feedback = said.feedback.get(conversation.external_id)
    if feedback:
        by_id = {message.id: message for message in conversation.messages}
        for entry in feedback:
            target = by_id.get(str(entry.get("message_id") or entry.get("id")))
            holder = target.extra if target else conversation.extra
            holder.setdefault("feedback", []).append(entry)
