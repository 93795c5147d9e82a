"""The content of a message as readable Markdown: one small function per content type, and a table of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from commonplace.sources.chatgpt.canvas import render_canvas
from commonplace.sources.chatgpt.citations import resolve
from commonplace.sources.chatgpt.parts import pointer, render_parts
from commonplace.sources.chatgpt.rendering import Rendering
from commonplace.sources.fields import dicts, mapping
from commonplace.sources.markdown import aside, fence, link, paragraphs, quote
from commonplace.sources.unfamiliar import is_readable, leftovers, name_of

Content = dict[str, Any]

SPOKEN = frozenset({"text", "multimodal_text"})
"""What two people would call the conversation itself. Everything else that we know is work beside it."""

PERSONAL = frozenset({"user_editable_context", "model_editable_context", "app_pairing_content"})
"""What the page never shows: custom instructions, memory, what an app handed over."""

_LANGUAGES = {"unknown": "", "shell": "sh", "javascript": "js", "typescript": "ts"}
_FAILED = ("failed", "failed_with_in_kernel_exception", "finished_partial_completion")


def render(content: Content, recipient: str, rendering: Rendering) -> str:
    """The Markdown of one message; what the rendering gathers on the way are its attachments and raw strings.

    Words where nobody expected them follow at the end: folded away beside thoughts and tools, which are folded too.
    """
    kind = str(content.get("content_type") or "text")
    if kind == "code":
        written = _code(content, recipient, rendering)
    else:
        written = _RENDERERS.get(kind, pointer)(content, rendering)
    left = list(leftovers(content, kind, rendering.used))
    rendering.unfamiliar += [name for name, _ in left] or ([] if kind in KNOWN else [name_of(kind)])
    words = [rendering.with_files_linked(resolve(told, rendering.metadata)) for _, told in left if is_readable(told)]
    if kind in SPOKEN or kind not in KNOWN:
        rendering.strings = rendering.strings or words
        return paragraphs(written, *words, *rendering.show_rest())
    return paragraphs(written, aside("More of it", paragraphs(*words)) if words else None, *rendering.show_rest())


def _text(content: Content, rendering: Rendering) -> str:
    parts = content.get("parts")
    if isinstance(parts, list):
        return render_parts(parts, rendering)
    return render_parts(rendering.texts(content.get("text")) or rendering.texts(parts), rendering)


def _code(content: Content, recipient: str, rendering: Rendering) -> str:
    written = rendering.first_text(content, "text") or "\n".join(rendering.texts(content.get("parts")))
    canvas = render_canvas(recipient, written)
    if canvas is not None:
        return canvas
    if not written:
        return ""
    language = rendering.first_text(content, "language") or ""
    language = _LANGUAGES.get(language, language)
    if not language:
        language = "python" if recipient == "python" else "json" if written.lstrip().startswith(("{", "[")) else ""
    return fence(written, language)


def _execution_output(content: Content, rendering: Rendering) -> str:
    result = mapping(rendering.metadata.get("aggregate_result"))
    written = rendering.first_text(content, "text") or "\n".join(rendering.texts(content.get("parts")))
    pictures = [
        pointer({"asset_pointer": told.get("image_url")}, rendering, "image")
        for told in dicts(result.get("messages"))
        if told.get("message_type") == "image"
    ]
    failed = "*The code did not run to its end.*" if result.get("status") in _FAILED else None
    return paragraphs(fence(written) if written else None, failed, *pictures)


def _browsing(content: Content, rendering: Rendering) -> str:
    written = paragraphs(rendering.first_text(content, "result"), rendering.first_text(content, "summary"))
    cited = mapping(rendering.metadata.get("_cite_metadata"))
    links = [
        f"- {link(rendering.first_text(page, 'title') or url, url)}"
        for page in dicts(cited.get("metadata_list"))
        if (url := rendering.first_text(page, "url"))
    ]
    return paragraphs(quote(resolve(written, rendering.metadata)), "\n".join(links))


def _quotation(content: Content, rendering: Rendering) -> str:
    url = rendering.first_text(content, "url")
    title = rendering.first_text(content, "title", "domain", "url")
    written = rendering.first_text(content, "text") or ""
    snippet = rendering.first_text(content, "snippet") or ""
    body = paragraphs(written, snippet if snippet.strip() not in written else None)
    return paragraphs(quote(resolve(body, rendering.metadata)), f"— {link(title, url)}" if title else None)


def _system_error(content: Content, rendering: Rendering) -> str:
    name = rendering.first_text(content, "name") or "Error"
    told = rendering.first_text(content, "text")
    return paragraphs(f"**{link(name, None)}**", fence(told) if told else None)


def _thoughts(content: Content, rendering: Rendering) -> str:
    thoughts = [
        paragraphs(f"**{summary}**" if (summary := rendering.first_text(thought, "summary")) else None, told)
        for thought in dicts(content.get("thoughts"))
        for told in [rendering.first_text(thought, "content") or "\n\n".join(rendering.texts(thought.get("chunks")))]
    ]
    body = paragraphs(*thoughts, *rendering.texts(content.get("thoughts")))
    return aside("Thoughts", body) if body else ""


def _recap(content: Content, rendering: Rendering) -> str:
    told = rendering.first_text(content, "content", "text")
    if told is None:
        seconds = rendering.metadata.get("finished_duration_sec")
        told = f"Thought for {seconds} seconds" if isinstance(seconds, int | float) else None
    return aside(told) if told else ""


def _context(content: Content, rendering: Rendering) -> str:
    """Custom instructions and memory: every text there is, under its name."""
    told = {**content, **mapping(rendering.metadata.get("user_context_message_data"))}
    pieces = [
        f"**{key.replace('_', ' ').capitalize()}**\n\n{value.strip()}"
        for key in told
        if key != "content_type" and (value := rendering.first_text(told, key))
    ]
    return "\n\n".join([*pieces, *rendering.texts(content.get("parts"))])


def _computer(content: Content, rendering: Rendering) -> str:
    state = mapping(content.get("state"))
    url = rendering.first_text(state, "url")
    title = rendering.first_text(state, "title") or url
    screenshot = mapping(content.get("screenshot"))
    return paragraphs(
        link(title, url) if title else None,
        pointer(screenshot, rendering, "image") if screenshot else None,
    )


def _connector(content: Content, rendering: Rendering) -> str:
    metadata = mapping(content.get("metadata"))
    url = rendering.first_text(metadata, "display_url", "url")
    written = rendering.first_text(content, "output_str")
    title = rendering.first_text(metadata, "display_title", "title", "connector_source") or url
    return paragraphs(fence(written) if written else None, f"— {link(title, url)}" if title else None)


def _pairing(content: Content, rendering: Rendering) -> str:
    pieces = [*rendering.texts(content.get("context_parts")), *rendering.texts(content.get("parts"))]
    for holder in (*dicts(content.get("workspaces")), *dicts(content.get("context_parts"))):
        pieces += [f"{key}: {value}" for key in holder if (value := rendering.first_text(holder, key))]
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
