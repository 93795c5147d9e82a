"""One conversation of the export as one of ours: its fields, and its messages in their tree."""

from __future__ import annotations

from typing import Any

import msgspec

from commonplace.model import Conversation, Message
from commonplace.sources.chatgpt.assets import Assets
from commonplace.sources.chatgpt.messages import read_message
from commonplace.sources.chatgpt.tree import grow
from commonplace.sources.contract import NotAConversation
from commonplace.sources.decoding import storable
from commonplace.sources.fields import first_text, flag, moment
from commonplace.sources.shapes import CHATGPT, whose

SOURCE = "chatgpt"
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


class Said(msgspec.Struct):
    """What the export's other files say of conversations and messages."""

    feedback: dict[str, list[dict[str, Any]]] = msgspec.field(default_factory=dict)
    shared: dict[str, list[dict[str, Any]]] = msgspec.field(default_factory=dict)


def read_conversation(item: object, assets: Assets, said: Said) -> Conversation:
    """The conversation that an item holds. Without any message that has content, `messages` is empty."""
    if not isinstance(item, dict):
        raise NotAConversation("not an object")
    owner = whose(item)
    if owner not in (None, CHATGPT):
        raise NotAConversation(f"a {owner} conversation, not one of ChatGPT")
    mapping = item.get("mapping")
    if mapping is not None and not isinstance(mapping, dict):
        raise NotAConversation("its mapping is not an object")
    external_id = first_text(item, "conversation_id", "id")
    messages, current = _messages(mapping or {}, item.get("current_node"), external_id or "", assets)
    if external_id is None:
        if not messages:
            raise NotAConversation("neither an id nor a message")
        external_id = f"node-{min(message.id for message in messages if message.parent_id is None)}"
    project, gpt = _home(item)
    conversation = Conversation(
        source=SOURCE,
        external_id=external_id,
        title=first_text(item, "title"),
        created_at=moment(item.get("create_time")),
        updated_at=moment(item.get("update_time")),
        messages=messages,
        current_message_id=current,
        project_ref=project,
        gpt_ref=gpt,
        model=first_text(item, "default_model_slug") or _newest_model(messages),
        url=f"https://chatgpt.com/c/{external_id}",
        is_archived=flag(item.get("is_archived")),
        is_starred=flag(item.get("is_starred")),
        pinned_at=moment(item.get("pinned_time")),
        extra={key: storable(item[key]) for key in _KEPT if item.get(key)},
    )
    _add_said(conversation, said)
    return conversation


def _messages(
    mapping: dict[str, Any], current: object, conversation_id: str, assets: Assets
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
        message = read_message(key, told, conversation_id, assets)
        message.parent_id = above
        message.is_active = key in tree.active
        message.position = len(messages)
        messages.append(message)
        has_content = has_content or bool(message.text or message.attachments or message.raw)
    return (messages, nearest[tree.current]) if has_content else ([], None)


def _home(item: dict[str, Any]) -> tuple[str | None, str | None]:
    """The project and the custom GPT. Current exports name either as the template alone."""
    refs = [ref for key in ("conversation_template_id", "gizmo_id") if (ref := first_text(item, key))]
    project = next((ref for ref in refs if ref.startswith("g-p-")), None)
    return project, next((ref for ref in refs if ref.startswith("g-") and not ref.startswith("g-p-")), None)


def _newest_model(messages: list[Message]) -> str | None:
    return next((message.model for message in reversed(messages) if message.model and message.is_active), None)


def _add_said(conversation: Conversation, said: Said) -> None:
    gizmos = {
        gizmo: None for message in conversation.messages if message.extra and (gizmo := message.extra.get("gizmo_id"))
    }
    if gizmos:
        conversation.extra["message_gizmo_ids"] = list(gizmos)
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
