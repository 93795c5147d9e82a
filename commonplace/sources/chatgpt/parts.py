"""The pieces of a multimodal message: texts, images, sound, video."""

from __future__ import annotations

from typing import Any

from commonplace.model import AttachmentKind
from commonplace.sources.chatgpt.citations import resolve
from commonplace.sources.chatgpt.rendering import Rendering
from commonplace.sources.fields import mapping
from commonplace.sources.markdown import paragraphs

_POINTERS: dict[str, AttachmentKind] = {
    "image_asset_pointer": "image",
    "audio_asset_pointer": "audio",
    "video_container_asset_pointer": "video",
}


def render_parts(parts: list[Any], rendering: Rendering) -> str:
    """All parts in order: lines of text stay lines, everything else is a paragraph of its own."""
    if all(isinstance(part, str) for part in parts):
        return "\n".join(_words(part, rendering) for part in parts)
    return paragraphs(*(_part(part, rendering) for part in parts))


def _part(part: object, rendering: Rendering) -> str:
    if isinstance(part, str):
        return _words(part, rendering)
    if not isinstance(part, dict):
        return ""
    kind = str(part.get("content_type"))
    if kind in ("audio_transcription", "text"):
        return _words(rendering.first_text(part, "text") or "", rendering)
    if kind == "real_time_user_audio_video_asset_pointer":
        return _audio_and_video(part, rendering)
    return pointer(part, rendering)


def _words(written: str, rendering: Rendering) -> str:
    if written.strip():
        rendering.strings.append(written)
        rendering.used.add(written)
    return rendering.with_files_linked(resolve(written, rendering.metadata))


def pointer(part: dict[str, Any], rendering: Rendering, kind: AttachmentKind | None = None) -> str:
    """The file that a part points to, if it does, with what it was generated from."""
    kind = kind or _POINTERS.get(str(part.get("content_type")))
    found = rendering.attach(part.get("asset_pointer"), kind=kind, told=part)
    if found is None:
        return ""
    metadata = mapping(part.get("metadata"))
    for maker in ("dalle", "generation"):
        prompt = rendering.first_text(mapping(metadata.get(maker)), "prompt")
        found.prompt = found.prompt or prompt
    return rendering.show(found)


def _audio_and_video(part: dict[str, Any], rendering: Rendering) -> str:
    sound = part.get("audio_asset_pointer")
    film = part.get("video_container_asset_pointer")
    frames = part.get("frames_asset_pointers")
    pieces = [pointer(_as_part(sound), rendering, "audio"), pointer(_as_part(film), rendering, "video")]
    pieces += [pointer(_as_part(frame), rendering, "image") for frame in (frames if isinstance(frames, list) else ())]
    return paragraphs(*pieces)


def _as_part(told: object) -> dict[str, Any]:
    """A pointer comes as a part of its own or as the bare address."""
    return {"asset_pointer": told} if isinstance(told, str) else mapping(told)
