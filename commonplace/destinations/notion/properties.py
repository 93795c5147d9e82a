"""A conversation as the values of a Notion row, and what a row must have for that.

`FIELDS` is the one list of properties: ours by name, with the type they have in Notion. Names are mappable; the title
goes by its id, so whatever a database calls it fits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from commonplace import moments
from commonplace.destinations.contract import Document, Field
from commonplace.destinations.notion.settings import NotionSettings, digest

Json = dict[str, Any]

TITLE, CONVERSATION_ID, HASH, PROJECT, CATEGORY = "Title", "Conversation ID", "Hash", "Project", "Category"
FIELDS: dict[str, str] = {
    TITLE: "title",
    CONVERSATION_ID: "rich_text",
    "Date": "date",
    "Updated": "date",
    CATEGORY: "select",
    "Tags": "multi_select",
    PROJECT: "select",
    "Content": "rich_text",
    "Analysis": "rich_text",
    "Source": "select",
    "Model": "select",
    "Messages": "number",
    "Link": "url",
    HASH: "rich_text",
}
PEOPLES: dict[str, Field] = {TITLE: "title", CATEGORY: "category", "Tags": "tags", PROJECT: "project"}
"""What a person may change in Notion, and what it is called on its way back."""
PERSONS = "person"
"""In `Hash`, in place of a field's digest: what is there is a person's word."""

TEXT_LIMIT, ARRAY_LIMIT, OPTION_LIMIT, URL_LIMIT = 2000, 100, 100, 2000
PREVIEW_CHARACTERS = 600

_UNSENDABLE = re.compile(r"[\ud800-\udfff\x00]")
COMMA, LOOKS_LIKE_A_COMMA = ",", "\u201a"
COLOURS = {
    "gray": (120, 119, 116), "brown": (159, 107, 83), "orange": (217, 115, 13), "yellow": (203, 145, 47),
    "green": (68, 131, 97), "blue": (51, 126, 169), "purple": (144, 101, 176), "pink": (193, 76, 138),
    "red": (212, 76, 71),
}  # fmt: skip


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What a page's properties should be."""

    values: dict[str, Any]
    """Field -> its value in our terms: text, number, moment, list of names."""
    icon: str | None
    hashes: dict[str, str]
    """Field -> a digest of its value, to see what has changed."""
    left_out: list[str]

    @property
    def hash(self) -> str:
        return digest(*(f"{name}={value}" for name, value in sorted(self.hashes.items())))


def names_of(settings: NotionSettings) -> dict[str, str]:
    """Our field -> the property's name, for the fields that are wanted."""
    names = {field: settings.property_names.get(field, field) for field in FIELDS}
    names[TITLE] = "title"
    names[CONVERSATION_ID] = names[CONVERSATION_ID] or CONVERSATION_ID
    return {field: name for field, name in names.items() if name}


def types_of(settings: NotionSettings) -> dict[str, str]:
    """Our field -> the type its property must have."""
    return FIELDS | {PROJECT: settings.project_as}


def own_names(names: Mapping[str, str]) -> dict[str, str]:
    """The names of a person's own choice, of the fields that people may change."""
    return {field: name for field in PEOPLES for name in _mapped(field, names)}


def row_of(document: Document, wanted: Mapping[str, str]) -> Row:
    """The wanted fields (with their names in the database); `Hash`, which also covers the body, is added when sent."""
    talk = document.conversation
    shown = [m for m in talk.messages if m.is_active and not m.is_hidden and m.text.strip()]
    tags, left_out = _options(document.tags)
    values: dict[str, Any] = {
        TITLE: _one_line(talk.title or "") or "Untitled",
        CONVERSATION_ID: talk.id,
        "Date": talk.created_at,
        "Updated": talk.updated_at,
        CATEGORY: option_name(document.category),
        "Tags": tags,
        PROJECT: option_name(document.project_name),
        "Content": _preview(shown[0].text if shown else ""),
        "Analysis": analysis_of(document),
        "Source": option_name(talk.source),
        "Model": option_name(talk.model),
        "Messages": len([m for m in shown if m.role in ("user", "assistant")]),
        "Link": talk.url if talk.url and len(talk.url) <= URL_LIMIT else None,
    }
    icon = _emoji(document.category_emoji)
    values = {field: clean(value) if isinstance(value, str) else value for field, value in values.items()}
    hashes = {
        field: digest(*_mapped(field, wanted), json.dumps(value, ensure_ascii=False))
        for field, value in values.items()
        if field in wanted
    }
    if icon:
        hashes["icon"] = digest(icon)
    return Row(values=values, icon=icon, hashes=hashes, left_out=left_out)


def to_notion(field: str, value: Any, type_: str) -> Json:
    """One value as Notion's JSON; `relation` values are page ids."""
    if type_ in ("title", "rich_text"):
        return {type_: text_json(value or "")}
    if type_ == "select":
        return {"select": {"name": value} if value else None}
    if type_ == "multi_select":
        return {"multi_select": [{"name": name} for name in value]}
    if type_ == "relation":
        return {"relation": [{"id": page} for page in value]}
    if type_ == "date":
        return {"date": {"start": moments.to_iso(value)} if value is not None else None}
    return {type_: value}


def from_notion(value: Mapping[str, Any], options: Mapping[str, str] = {}) -> Any:
    """What a row's property says, in our terms: `options` are our names by the ids there; relations are page ids."""
    type_ = value.get("type") or next(iter(value), "")
    content = value.get(type_)
    if type_ in ("title", "rich_text"):
        return "".join(piece.get("plain_text") or piece.get("text", {}).get("content", "") for piece in content or [])
    if type_ in ("select", "status"):
        return options.get(content.get("id", ""), content["name"]) if content else None
    if type_ == "multi_select":
        return [options.get(option.get("id", ""), option["name"]) for option in content or []]
    if type_ == "relation":
        return [page["id"] for page in content or []]
    return content


def stamp_of(values: Mapping[str, Any], persons: Collection[str]) -> str:
    """What `Hash` says of the fields that people may change, for the day the ledger is lost: what we wrote, or whose
    word it is."""
    return ".".join(
        PERSONS if field in persons else _digest_of(field, values[field]) if field in values else ""
        for field in PEOPLES
    )


def persons_of(stamp: str, shown: Mapping[str, Any]) -> set[str]:
    """Of the fields that a row shows, those that are a person's. Without a stamp all that are not empty."""
    said = dict(zip(PEOPLES, stamp.split("."), strict=False)) if stamp else {}
    if not said:
        return {field for field, value in shown.items() if value}
    return {field for field, value in shown.items() if said.get(field) != _digest_of(field, value)}


def _digest_of(field: str, value: Any) -> str:
    said = sorted(value or []) if isinstance(value, list) or field == "Tags" else value or ""
    return digest(json.dumps(said, ensure_ascii=False))[:8]


def is_same(field: str, ours: Any, theirs: Any) -> bool:
    """Whether a row shows what we wrote; the order of tags is Notion's own."""
    if field == "Tags":
        return sorted(ours or []) == sorted(theirs or [])
    return (ours or None) == (theirs or None)


def text_json(text: str) -> list[Json]:
    """Rich text in pieces of at most 2000 UTF-16 units, which is what Notion counts."""
    return [{"type": "text", "text": {"content": piece}} for piece in pieces_of(text, TEXT_LIMIT)][:ARRAY_LIMIT]


def pieces_of(text: str, limit: int) -> list[str]:
    """The text cut so that no piece is longer than `limit` UTF-16 units."""
    if len(text) * 2 <= limit or (len(text) <= limit and text.isascii()):
        return [text] if text else []
    pieces, start, units = [], 0, 0
    for position, character in enumerate(text):
        width = 2 if ord(character) > 0xFFFF else 1
        if units + width > limit:
            pieces.append(text[start:position])
            start, units = position, 0
        units += width
    pieces.append(text[start:])
    return pieces


def clean(text: str) -> str:
    """Without what no JSON can carry: halves of characters, and zero bytes."""
    return _UNSENDABLE.sub("\ufffd", text)


def option_name(name: str | None) -> str | None:
    """A name that Notion accepts as an option: no commas, at most 100 characters. `plain_name` undoes the commas."""
    cleaned = _one_line(clean(name or "")).replace(COMMA, LOOKS_LIKE_A_COMMA)
    if len(cleaned) > OPTION_LIMIT:
        cleaned = cleaned[: OPTION_LIMIT - 1] + "…"
    return cleaned or None


def plain_name(name: str | None) -> str | None:
    return name.replace(LOOKS_LIKE_A_COMMA, COMMA) if name else None


def nearest_colour(colour: str | None) -> str:
    """The colour of Notion's nine that is nearest to a name or #rrggbb."""
    if not colour:
        return "default"
    name = colour.strip().lower()
    if name in COLOURS:
        return name
    match = re.fullmatch(r"#?([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})", name)
    if not match:
        return "gray" if name == "grey" else "default"
    wanted = [int(part, 16) for part in match.groups()]

    def distance(name: str) -> int:
        return sum((a - b) ** 2 for a, b in zip(COLOURS[name], wanted, strict=True))

    return min(COLOURS, key=distance)


def analysis_of(document: Document) -> str:
    """The summary and what else a judge found, one line each."""
    lines = [document.summary or ""]
    for name, value in (document.insights or {}).items():
        if value not in (None, "", [], {}):
            lines.append(f"{_named(name)}: {_told(value)}")
    return "\n".join(line for line in lines if line)[: TEXT_LIMIT * ARRAY_LIMIT // 2]


def _told(value: Any) -> str:
    """What a judge found, as a person would write it, whatever is within what."""
    if isinstance(value, dict):
        return "; ".join(
            f"{_named(name)}: {_told(one)}" for name, one in value.items() if one not in (None, "", [], {})
        )
    if isinstance(value, (list, tuple)):
        between = "; " if any(isinstance(one, (dict, list, tuple)) for one in value) else ", "
        return between.join(_told(one) for one in value)
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _named(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _options(tags: list[str]) -> tuple[list[str], list[str]]:
    """Tags as options, each once, and what is too many for one request."""
    names = list(dict.fromkeys(filter(None, map(option_name, tags))))
    extra = len(names) - ARRAY_LIMIT
    return names[:ARRAY_LIMIT], [f"{extra} tags beyond the {ARRAY_LIMIT} that fit"] if extra > 0 else []


def _mapped(field: str, names: Mapping[str, str]) -> list[str]:
    """A field's name in the database, if that is not ours."""
    name = names.get(field, field)
    return [] if field == TITLE or name == field else [name]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _preview(text: str) -> str:
    line = _one_line(re.sub(r"!?\[([^\]]*)\]\(attachment:[^)]*\)", r"\1", text))
    return line if len(line) <= PREVIEW_CHARACTERS else line[: PREVIEW_CHARACTERS - 1].rstrip() + "…"


def _emoji(text: str | None) -> str | None:
    """Only what can be an emoji: Notion refuses the whole page over a letter."""
    if text and len(text) <= 8 and all(ord(c) > 0x2000 for c in text):
        return text
    return None
