"""Canvas documents: what the model wrote to `canmore`, as a document instead of as a call."""

from __future__ import annotations

from typing import Any

from commonplace.sources.decoding import Undecodable, decode
from commonplace.sources.fields import dicts, first_text
from commonplace.sources.markdown import aside, fence, paragraphs, quote


def render_canvas(recipient: str, written: str) -> str | None:
    """The Markdown of a call to the canvas tool; None if it is not one we can read."""
    if not recipient.startswith("canmore"):
        return None
    try:
        call = decode(written.encode())
    except Undecodable:
        return None
    if not isinstance(call, dict):
        return None
    if isinstance(call.get("content"), str):
        return _document(call)
    if isinstance(call.get("updates"), list):
        return aside("Canvas edited", "\n\n".join(_update(update) for update in dicts(call["updates"])))
    if isinstance(call.get("comments"), list):
        return aside("Canvas commented", "\n\n".join(_comment(comment) for comment in dicts(call["comments"])))
    return None


def _document(call: dict[str, Any]) -> str:
    kind, _, language = (first_text(call, "type") or "document").partition("/")
    body = str(call["content"])
    title = f"**{first_text(call, 'name') or 'Canvas'}**"
    return paragraphs(title, fence(body, language) if kind == "code" else body)


def _update(update: dict[str, Any]) -> str:
    pattern = first_text(update, "pattern") or ""
    replacement = first_text(update, "replacement") or ""
    if pattern in (".*", ""):
        return fence(replacement)
    return paragraphs(
        "Replaced",
        fence(pattern, "regex"),
        "with" if replacement else "with nothing",
        replacement and fence(replacement),
    )


def _comment(comment: dict[str, Any]) -> str:
    return paragraphs(quote(first_text(comment, "pattern") or ""), first_text(comment, "comment"))
