"""One question of a thread and what was answered, in any of the shapes."""

from __future__ import annotations

from typing import Any, NamedTuple

from commonplace.sources.decoding import Undecodable, decode
from commonplace.sources.fields import dicts, first_text, mapping, strings, text
from commonplace.sources.turns import Turn, cited, words_in

ASKED = ("query", "query_str")
"""Where a question stands."""
KNOWN = frozenset(
    {
        *("answer", "answer_modes", "attachments", "author_id", "author_image", "author_username", "backend_uuid"),
        *("blocks", "bookmark_state", "classifier_results", "collection_info", "context_uuid", "created_at"),
        *("display_model", "engine_mode", "entry_created_datetime", "entry_updated_datetime", "entry_uuid"),
        *("expect_search_results", "featured_images", "final", "frontend_context_uuid", "frontend_uuid", "gpt4"),
        *("label", "language", "media_items", "message_mode", "mode", "model", "parent_info", "personalized"),
        *("privacy_state", "prompt_source", "query", "query_source", "query_status", "query_str"),
        *("read_write_token", "related_queries", "related_query_items", "search_focus", "source", "sources", "status"),
        *("step_type", "structured_answer_block_usages", "telemetry_data", "text", "thread_access", "thread_title"),
        *("thread_url_slug", "timestamp", "updated_at", "updated_datetime", "user_selected_model", "uuid"),
    }
)
_BLOCK = frozenset({"intended_usage", "markdown_block", "plan_block", "web_result_block"})


class Answer(NamedTuple):
    is_told: bool
    sources: list[dict[str, str]]


def answer_of(entry: dict[str, Any], turn: Turn) -> Answer:
    """Says the answer: as it is, or as the blocks of a page that tell it, some of them twice."""
    last = _last_step(entry.get("text"), turn)
    said = dict.fromkeys([*strings(entry.get("answer")), *strings(last.get("answer"))])
    found = [*dicts(entry.get("sources")), *dicts(last.get("web_results"))]
    for block in dicts(entry.get("blocks")):
        written = mapping(block.get("markdown_block"))
        if whole := first_text(written, "answer") or "".join(strings(written.get("chunks"))):
            said[whole] = None
        if plan := words_in(block.get("plan_block") or ""):
            turn.fold("Steps", plan)
        found += dicts(mapping(block.get("web_result_block")).get("web_results"))
        turn.more(block, "block", _BLOCK)
    for one in said:
        turn.say(one)
    return Answer(bool(said), cited(found))


def _last_step(told: object, turn: Turn) -> dict[str, Any]:
    """The answer with its pages, where the text of an entry is the JSON of how it came about."""
    written = text(told) or ""
    if not written.startswith(("{", "[")):
        return {}
    try:
        steps = decode(written.encode("utf-8", "replace"))
        if isinstance(steps, dict):
            return steps
        last = next((step for step in dicts(steps) if step.get("step_type") == "FINAL"), {})
        told = mapping(last.get("content")).get("answer")
        answer = decode(told.encode("utf-8", "replace")) if isinstance(told, str) and told.startswith("{") else told
    except Undecodable:
        return {}
    turn.keeps_raw = True
    return answer if isinstance(answer, dict) else {"answer": answer}
