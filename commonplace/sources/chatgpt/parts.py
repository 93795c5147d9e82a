"""The pieces of a multimodal message: texts, images, sound, video."""

from __future__ import annotations

from typing import Any

from commonplace.model import AttachmentKind
from commonplace.sources.chatgpt.citations import resolve
from commonplace.sources.chatgpt.desk import Desk, paragraphs
from commonplace.sources.chatgpt.fields import dicts, first_text, mapping, strings

_POINTERS: dict[str, AttachmentKind] = {
    "image_asset_pointer": "image",
    "audio_asset_pointer": "audio",
    "video_container_asset_pointer": "video",
}


def render_parts(parts: list[Any], desk: Desk) -> str:
    """All parts in order: lines of text stay lines, everything else is a paragraph of its own."""
    if all(isinstance(part, str) for part in parts):
        return "\n".join(_words(part, desk) for part in parts)
    return paragraphs(*(_part(part, desk) for part in parts))


def _part(part: object, desk: Desk) -> str:
    if isinstance(part, str):
        return _words(part, desk)
    if not isinstance(part, dict):
        return ""
    kind = str(part.get("content_type"))
    if kind in ("audio_transcription", "text"):
        return _words(first_text(part, "text") or "", desk)
    if kind in _POINTERS:
        return pointer(part, desk)
    if kind == "real_time_user_audio_video_asset_pointer":
        return _audio_and_video(part, desk)
    return unknown(part, desk)


def _words(written: str, desk: Desk) -> str:
    if written.strip():
        desk.strings.append(written)
    return desk.with_files_linked(resolve(written, desk.metadata))


def pointer(part: dict[str, Any], desk: Desk, kind: AttachmentKind | None = None) -> str:
    """The file that a part points to, with what it was generated from."""
    kind = kind or _POINTERS.get(str(part.get("content_type")))
    found = desk.attach(part.get("asset_pointer"), kind=kind, told=part)
    if found is None:
        return ""
    metadata = mapping(part.get("metadata"))
    for maker in ("dalle", "generation"):
        found.prompt = found.prompt or first_text(mapping(metadata.get(maker)), "prompt")
    return desk.show(found)


def _audio_and_video(part: dict[str, Any], desk: Desk) -> str:
    sound = part.get("audio_asset_pointer")
    film = part.get("video_container_asset_pointer")
    frames = part.get("frames_asset_pointers")
    pieces = [pointer(_as_part(sound), desk, "audio"), pointer(_as_part(film), desk, "video")]
    pieces += [pointer(_as_part(frame), desk, "image") for frame in (frames if isinstance(frames, list) else ())]
    return paragraphs(*pieces)


def _as_part(told: object) -> dict[str, Any]:
    """A pointer comes as a part of its own or as the bare address."""
    return {"asset_pointer": told} if isinstance(told, str) else mapping(told)


def unknown(content: dict[str, Any], desk: Desk) -> str:
    """Whatever text something of an unknown type has, and a file if it points to one."""
    desk.is_known = False
    pieces: list[str] = []
    for key in ("title", "name", "text", "content", "result", "summary", "output_str"):
        value = content.get(key)
        if isinstance(value, str):
            pieces.append(_words(value, desk))
        elif key in ("text", "content", "result"):
            pieces += [_words(piece, desk) for piece in _nested_texts(value)]
    parts = content.get("parts")
    if isinstance(parts, list):
        pieces += [_words(part, desk) if isinstance(part, str) else _part(part, desk) for part in parts]
    if "asset_pointer" in content:
        pieces.append(pointer(content, desk))
    return paragraphs(*pieces)


def _nested_texts(value: object) -> list[str]:
    found = strings(value) if isinstance(value, list) else []
    for item in dicts(value):
        found += [told for key in ("text", "content", "title") if (told := first_text(item, key))]
    return found
