"""The content of a message as readable Markdown: one small function per content type, and a table of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from commonplace.sources.chatgpt.canvas import render_canvas
from commonplace.sources.chatgpt.citations import resolve
from commonplace.sources.chatgpt.parts import pointer, render_parts, unknown
from commonplace.sources.chatgpt.rendering import Rendering
from commonplace.sources.fields import dicts, first_text, mapping, strings
from commonplace.sources.markdown import aside, fence, link, paragraphs, quote

Content = dict[str, Any]

SPOKEN = frozenset({"text", "multimodal_text"})
"""What two people would call the conversation itself. Everything else that we know is work beside it."""

PERSONAL = frozenset({"user_editable_context", "model_editable_context", "app_pairing_content"})
"""What the page never shows: custom instructions, memory, what an app handed over."""

_LANGUAGES = {"unknown": "", "shell": "sh", "javascript": "js", "typescript": "ts"}
_FAILED = ("failed", "failed_with_in_kernel_exception", "finished_partial_completion")


def render(content: Content, recipient: str, rendering: Rendering) -> str:
    """The Markdown of one message; what the rendering gathers on the way are its attachments and raw strings."""
    kind = str(content.get("content_type") or "text")
    if kind == "code":
        written = _code(content, recipient)
    else:
        written = _RENDERERS.get(kind, unknown)(content, rendering)
    return paragraphs(written, *rendering.show_rest())


def _text(content: Content, rendering: Rendering) -> str:
    parts = content.get("parts")
    if isinstance(parts, list):
        return render_parts(parts, rendering)
    return render_parts(strings(content.get("text")) or strings(parts), rendering)


def _code(content: Content, recipient: str) -> str:
    written = first_text(content, "text") or "\n".join(strings(content.get("parts")))
    canvas = render_canvas(recipient, written)
    if canvas is not None:
        return canvas
    if not written:
        return ""
    language = first_text(content, "language") or ""
    language = _LANGUAGES.get(language, language)
    if not language:
        language = "python" if recipient == "python" else "json" if written.lstrip().startswith(("{", "[")) else ""
    return fence(written, language)


def _execution_output(content: Content, rendering: Rendering) -> str:
    result = mapping(rendering.metadata.get("aggregate_result"))
    written = first_text(content, "text") or "\n".join(strings(content.get("parts")))
    pictures = [
        pointer({"asset_pointer": told.get("image_url")}, rendering, "image")
        for told in dicts(result.get("messages"))
        if told.get("message_type") == "image"
    ]
    failed = "*The code did not run to its end.*" if result.get("status") in _FAILED else None
    return paragraphs(fence(written) if written else None, failed, *pictures)


def _browsing(content: Content, rendering: Rendering) -> str:
    written = paragraphs(first_text(content, "result"), first_text(content, "summary"))
    cited = mapping(rendering.metadata.get("_cite_metadata"))
    links = [
        f"- {link(first_text(page, 'title') or url, url)}"
        for page in dicts(cited.get("metadata_list"))
        if (url := first_text(page, "url"))
    ]
    return paragraphs(quote(resolve(written, rendering.metadata)), "\n".join(links))


def _quotation(content: Content, rendering: Rendering) -> str:
    url = first_text(content, "url")
    title = first_text(content, "title", "domain", "url")
    body = quote(resolve(first_text(content, "text", "snippet") or "", rendering.metadata))
    return paragraphs(body, f"— {link(title, url)}" if title else None)


def _system_error(content: Content, rendering: Rendering) -> str:
    name = first_text(content, "name") or "Error"
    return paragraphs(f"**{link(name, None)}**", fence(str(content.get("text") or "")) if content.get("text") else None)


def _thoughts(content: Content, rendering: Rendering) -> str:
    thoughts = [
        paragraphs(f"**{summary}**" if (summary := first_text(thought, "summary")) else None, _thought(thought))
        for thought in dicts(content.get("thoughts"))
    ]
    body = paragraphs(*thoughts)
    return aside("Thoughts", body) if body else ""


def _thought(thought: Content) -> str:
    return first_text(thought, "content") or "\n\n".join(strings(thought.get("chunks")))


def _recap(content: Content, rendering: Rendering) -> str:
    told = first_text(content, "content", "text")
    if told is None:
        seconds = rendering.metadata.get("finished_duration_sec")
        told = f"Thought for {seconds} seconds" if isinstance(seconds, int | float) else None
    return aside(told) if told else ""


def _context(content: Content, rendering: Rendering) -> str:
    """Custom instructions and memory: every text there is, under its name."""
    told = {**content, **mapping(rendering.metadata.get("user_context_message_data"))}
    pieces = [
        f"**{key.replace('_', ' ').capitalize()}**\n\n{value.strip()}"
        for key, value in told.items()
        if key != "content_type" and isinstance(value, str) and value.strip()
    ]
    return "\n\n".join([*pieces, *strings(content.get("parts"))])


def _computer(content: Content, rendering: Rendering) -> str:
    state = mapping(content.get("state"))
    title = first_text(state, "title", "url")
    screenshot = mapping(content.get("screenshot"))
    return paragraphs(
        link(title, first_text(state, "url")) if title else None,
        pointer(screenshot, rendering, "image") if screenshot else None,
    )


def _connector(content: Content, rendering: Rendering) -> str:
    metadata = mapping(content.get("metadata"))
    url = first_text(metadata, "display_url", "url")
    written = first_text(content, "output_str")
    title = first_text(metadata, "display_title", "title", "connector_source") or url
    return paragraphs(fence(written) if written else None, f"— {link(title, url)}" if title else None)


def _pairing(content: Content, rendering: Rendering) -> str:
    pieces = [*strings(content.get("context_parts")), *strings(content.get("parts"))]
    for holder in (*dicts(content.get("workspaces")), *dicts(content.get("context_parts"))):
        pieces += [f"{key}: {value}" for key, value in holder.items() if isinstance(value, str) and value.strip()]
    return fence("\n".join(pieces)) if pieces else ""


_RENDERERS: dict[str, Callable[[Content, Rendering], str]] = {
    "text": _text,
    "multimodal_text": _text,
    "execution_output": _execution_output,
    "tether_browsing_display": _browsing,
    "tether_quote": _quotation,
    "sonic_webpage": _quotation,
    "system_error": _system_error,
    "thoughts": _thoughts,
    "reasoning_recap": _recap,
    "user_editable_context": _context,
    "model_editable_context": _context,
    "computer_output": _computer,
    "citable_code_output": _connector,
    "app_pairing_content": _pairing,
    "image_asset_pointer": pointer,
    "audio_asset_pointer": pointer,
    "video_container_asset_pointer": pointer,
}

KNOWN = frozenset(_RENDERERS) | {"code"}
