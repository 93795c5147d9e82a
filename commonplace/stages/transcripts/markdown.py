"""A conversation as a piece of a Markdown file that stands by itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo

from commonplace.archive.conversations.reading import Filed
from commonplace.destinations.citations import sources_in_markdown
from commonplace.destinations.markdown.prose import vault_text
from commonplace.destinations.markdown.render import UNTITLED, label, local_time
from commonplace.model import Message
from commonplace.stages.transcripts.speech import is_shown

_SPEAKERS = {"user": "You", "assistant": "Assistant", "system": "System", "tool": "Tool"}


def conversation_in_markdown(filed: Filed, zone: tzinfo) -> str:
    """Its title, what is known of it, and the active branch. Nothing in it acts, whatever somebody wrote."""
    messages = filter(is_shown, filed.conversation.messages)
    head = [f"# {label(filed.title or UNTITLED)}", _facts(filed, zone), filed.summary and f"> {label(filed.summary)}"]
    return "\n\n".join(filter(None, [*head, *_turns(messages, zone)])) + "\n"


def _facts(filed: Filed, zone: tzinfo) -> str:
    about = filed.conversation
    created = (local_time(about.created_at, zone) or "").replace("T", " ")[:16]
    told = [created, about.source, filed.project_name, filed.category, *(f"#{tag}" for tag in filed.tags)]
    return " · ".join(label(part) for part in told if part)


def _turns(messages: Iterator[Message], zone: tzinfo) -> Iterator[str]:
    before = ""
    for message in messages:
        at = (local_time(message.created_at, zone) or "").replace("T", " ")[:16]
        who = label(message.author or _SPEAKERS[message.role])
        model = label(message.model) if message.model and message.role == "assistant" else ""
        told = " · ".join(filter(None, [who, model, at]))
        if told != before:
            before = told
            yield f"## {told}"
        yield vault_text(message.text, link=lambda _, whole: _name(whole))
        yield from (f"- {label(each.name or each.kind)}" for each in message.attachments if each.id not in message.text)
        if cited := sources_in_markdown(message):
            yield cited


def _name(whole: str) -> str:
    """Of a file in the text, what it is called."""
    return f"*{label(whole[whole.index('[') + 1 : whole.rindex('](')])}*"
