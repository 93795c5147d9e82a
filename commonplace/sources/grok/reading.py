"""Conversations of Grok's export."""

from __future__ import annotations

import re
from typing import Any

from commonplace.model import Conversation, Message
from commonplace.sources.contract import NotAConversation
from commonplace.sources.decoding import Undecodable, decode
from commonplace.sources.fields import dicts, first_text, flag, mapping, moment, strings, text
from commonplace.sources.linked import last_of
from commonplace.sources.listed import Kind, Listed, an_object
from commonplace.sources.markdown import link
from commonplace.sources.turns import (
    Around,
    Turn,
    arrange,
    cited,
    first_moment,
    in_turn,
    last_moment,
    newest_model,
    role_of,
    title_of,
    words_in,
)
from commonplace.sources.unfamiliar import count_fields

TITLE = "Grok"
_END_OF_CARD = "</grok:render>"
_CARD = re.compile(
    r'[ ]?<grok:render[^<>]{0,200}?card_id="([^"<>]{0,100})"[^<>]{0,200}>(?:(?!</grok:render>).)*</grok:render>',
    re.DOTALL,
)
_CONVERSATION = frozenset(
    {
        "anon_user_id",
        "asset_ids",
        "conversation_id",
        "controller",
        "create_time",
        "id",
        "leaf_response_id",
        "media_types",
        "modify_time",
        "root_asset_id",
        "starred",
        "summary",
        "system_prompt_id",
        "system_prompt_name",
        "task_result_id",
        "temporary",
        "title",
        "user_id",
        "x_user_id",
    }
)
_MESSAGE = frozenset(
    {
        "_id",
        "agent_thinking_traces",
        "card_attachments_json",
        "cited_web_search_results",
        "conversation_id",
        "create_time",
        "debug_log",
        "error",
        "file_attachments",
        "generated_image_urls",
        "id",
        "image_attachments",
        "image_edit_uri",
        "is_control",
        "manual",
        "media_types",
        "message",
        "metadata",
        "model",
        "parent_response_id",
        "partial",
        "query",
        "query_type",
        "response_id",
        "sender",
        "shared",
        "steps",
        "thinking_end_time",
        "thinking_start_time",
        "thinking_trace",
        "web_search_results",
        "webpage_urls",
        "xai_anon_user_id",
        "xai_user_id",
        "xpost_ids",
    }
)


def _conversation(item: Any, around: Around) -> Conversation:
    item = an_object(item, TITLE)
    about = mapping(item.get("conversation"))
    external_id = first_text(about, "conversation_id", "id")
    if external_id is None or not isinstance(item.get("responses"), list):
        raise NotAConversation("no id or no list of messages")
    count_fields(around.unfamiliar, about, _CONVERSATION)
    told = [mapping(one.get("response")) or one for one in dicts(item["responses"])]
    read = [_message(record, f"{external_id}-{place}", around) for place, record in enumerate(told)]
    if not any(message.parent_id for message in read):
        in_turn(read)
    messages, current = arrange(read, first_text(about, "leaf_response_id"))
    return Conversation(
        source="grok",
        external_id=external_id,
        title=first_text(about, "title") or title_of(messages),
        created_at=_moment(about.get("create_time")) or first_moment(messages),
        updated_at=_moment(about.get("modify_time")) or last_moment(messages),
        messages=messages,
        current_message_id=current,
        model=newest_model(messages),
        url=f"https://grok.com/c/{external_id}",
        is_starred=flag(about.get("starred")),
        extra={"summary": summary} if (summary := first_text(about, "summary")) else {},
    )


def _message(record: dict[str, Any], spare_id: str, around: Around) -> Message:
    turn = Turn(around)
    turn.thoughts(record.get("thinking_trace"))
    for step in dicts(record.get("steps")):
        turn.thoughts("\n".join(strings(step.get("text"))))
    for agent in dicts(record.get("agent_thinking_traces")):
        turn.thoughts(agent.get("thinking_trace"))
    turn.keeps_raw = any(record.get(key) for key in ("steps", "agent_thinking_traces"))
    said = text(record.get("message"))
    turn.say(_with_links(said, record, turn) if said else record.get("query"))
    if failed := record.get("error"):
        turn.fold("Error", words_in(failed))
    for file in (*strings(record.get("file_attachments")), *strings(record.get("image_attachments"))):
        turn.attach(file)
    for image in strings(record.get("generated_image_urls")):
        turn.attach(image, name=last_of(image), kind="image")
    turn.more(record, "message", _MESSAGE)
    found = (*dicts(record.get("cited_web_search_results")), *dicts(record.get("web_search_results")))
    role = role_of(record.get("sender"))
    model = first_text(record, "model") or first_text(
        mapping(mapping(record.get("metadata")).get("requestModelDetails")), "modelId"
    )
    return turn.message(
        record,
        first_text(record, "_id", "response_id", "id") or spare_id,
        role,
        parent_id=first_text(record, "parent_response_id"),
        created_at=_moment(record.get("create_time")),
        model=model if role == "assistant" else None,
        extra={
            "sources": cited(found),
            "status": "partial" if record.get("partial") is True else None,
        },
    )


def _with_links(said: str, record: dict[str, Any], turn: Turn) -> str:
    """What is said, with links in place of the cards that the page shows; the words with them are kept as they came."""
    if "<grok:render" not in said:
        return said
    turn.keeps_raw = True
    told = (_card(card) for card in strings(record.get("card_attachments_json")))
    links = {
        id: f" {link(_host(url), url)}"
        for card in told
        if (id := first_text(card, "id")) and (url := first_text(card, "url"))
    }
    end = said.rfind(_END_OF_CARD) + len(_END_OF_CARD)  # none is looked for beyond the last
    return _CARD.sub(lambda card: links.get(card[1], ""), said[:end]) + said[end:]


def _card(told: str) -> dict[str, Any]:
    try:
        return mapping(decode(told.encode("utf-8", "replace")))
    except Undecodable:
        return {}


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0] or url


def _moment(told: object) -> int | None:
    """Text, or `{"$date": {"$numberLong": "milliseconds"}}`."""
    date = mapping(told).get("$date", told)
    return moment(mapping(date).get("$numberLong", date))


SOURCE = Listed(
    name="grok",
    title=TITLE,
    reader_version="grok/4",
    kind=Kind(read=_conversation, identity=re.compile(rb'"(?:conversation_)?id"\s*:\s*"([^"\\]{1,100})"')),
    tells=frozenset({"prod-mc-auth-mgmt-api.json", "prod-mc-billing.json"}),
)
