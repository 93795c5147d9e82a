"""A conversation as the body of a page: who says what, one segment per message.

Segments are the unit of growth: when a conversation goes on, the old segments are the same and only the new ones are
sent; a very long message is several segments. What a page does not show is named at its top.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import tzinfo
from functools import cached_property
from itertools import groupby
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from commonplace.destinations.citations import TITLE as SOURCES
from commonplace.destinations.citations import sources_in_markdown
from commonplace.destinations.contract import Document
from commonplace.destinations.notion.page.words import Marks, marks_of
from commonplace.destinations.notion.properties import clean
from commonplace.destinations.notion.settings import NotionSettings, digest
from commonplace.model import Attachment, Message
from commonplace.moments import to_datetime, zone_named

Block = TypeVar("Block")
Weight = tuple[int, int]
"""About how many of Notion's blocks, and how many characters."""
SEGMENT_BLOCKS, SEGMENT_CHARACTERS = 200, 100_000
"""A longer message is several segments."""
SPEAKERS = {"user": "You", "assistant": "Assistant", "system": "System", "tool": "Tool"}


class Dialect(Protocol[Block]):
    """One of the two ways in which Notion takes bodies."""

    def speaker(self, name: str, about: str) -> Block: ...
    def note(self, text: str) -> Block: ...
    def text(self, markdown: str) -> list[Block]: ...
    def aside(self, summary: str, markdown: str) -> list[Block]: ...
    def pack(self, blocks: Sequence[Block]) -> list[Any]: ...
    def weight(self, block: Block) -> Weight: ...
    def lines(self, block: Block) -> Iterable[str]: ...


class Body(Generic[Block]):
    """What a page should show."""

    def __init__(self, segments: list[list[Block]], left_out: list[str], dialect: Dialect[Block]) -> None:
        weighed = [piece for segment in segments for piece in _pieces(segment, dialect)]
        self.segments = [segment for segment, _ in weighed]
        self.weights: list[Weight] = [weight for _, weight in weighed]
        self.left_out = left_out
        self.hashes = [digest(*map(_text, segment)) for segment in self.segments]
        self._dialect = dialect

    def hash(self, count: int | None = None) -> str:
        """Stands for the first `count` segments, or for all."""
        return digest(*self.hashes[:count])

    def hash_of(self, span: tuple[int, int]) -> str:
        """Stands for the segments from one to before another."""
        return digest(*self.hashes[slice(*span)])

    @cached_property
    def marks(self) -> Marks:
        """Of every line that it has."""
        return marks_of(line for block in self.blocks() for line in self._dialect.lines(block))

    def blocks(self, first: int = 0, end: int | None = None) -> list[Block]:
        """From a segment on."""
        return [block for segment in self.segments[first:end] for block in segment]


def files_of(document: Document, settings: NotionSettings) -> dict[str, Attachment]:
    """The attachments that the page can show as they are, by their ids."""
    most = settings.upload_megabytes * 1_000_000
    return {
        attachment.id: attachment
        for message in _visible(document.conversation.messages, settings)
        for attachment in message.attachments
        if most and attachment.sha256 and (attachment.size or 0) <= most
    }


def _visible(messages: Iterable[Message], settings: NotionSettings) -> list[Message]:
    return [message for message in messages if is_readable(message) and (message.is_active or settings.branches)]


def body_of(
    document: Document, settings: NotionSettings, dialect: Dialect[Block], files: Collection[str] = ()
) -> Body[Block]:
    """What a page should show; `files` are the ids of the attachments that it can show as they are."""
    shown = [message for message in document.conversation.messages if is_readable(message)]
    left_out = list(_left_out(shown, settings, files))
    segments = [[dialect.note(f"Not on this page: {'; '.join(left_out)}.")]] if left_out else []
    speaker = ("", "")
    zone = zone_named(settings.timezone)
    day = _local(document.conversation.created_at, zone)[:10]
    for is_active, group in groupby(shown, key=lambda message: message.is_active):
        messages = list(group)
        if not is_active:
            if settings.branches:
                segments.append(_branch(messages, dialect))
            continue
        for message in messages:
            if message.role == "tool":
                if settings.asides:
                    segments.append(dialect.aside(_speaker(message), clean(message.text)))
                continue
            who = _speaker(message), _about(message, day, zone)
            heading = [] if who == speaker else [dialect.speaker(*who)]
            speaker = who
            text = clean(message.text)
            spoken = dialect.text(text if settings.asides else without_asides(text))
            cited = sources_in_markdown(message)
            segments.append([*heading, *spoken, *(dialect.aside(SOURCES, clean(cited)) if cited else ())])
    return Body(segments, left_out, dialect)


def is_readable(message: Message) -> bool:
    return not message.is_hidden and bool(message.text.strip())


def without_asides(text: str) -> str:
    """The text without its top-level `<details>`."""
    from commonplace.destinations.notion.page.parse import parse

    if "<details" not in text.lower():
        return text
    lines = text.split("\n")
    for node in reversed(parse(text)):
        if node.type == "aside" and node.map:
            del lines[node.map[0] : node.map[1]]
    return "\n".join(lines)


def _branch(messages: list[Message], dialect: Dialect[Block]) -> list[Block]:
    """Answers that were edited away or made anew, collapsed."""
    count = f"{len(messages)} message{'s' if len(messages) > 1 else ''}"
    text = "\n\n".join(f"**{_speaker(message)}**\n\n{clean(_with_sources(message))}" for message in messages)
    return dialect.aside(f"Another branch, {count}", text)


def _with_sources(message: Message) -> str:
    cited = sources_in_markdown(message)
    return f"{message.text}\n\n{SOURCES}:\n\n{cited}" if cited else message.text


def _speaker(message: Message) -> str:
    name = SPEAKERS[message.role]
    if message.author and message.role == "user":
        return clean(message.author)  # one of several people
    return f"{name}: {clean(message.author)}" if message.author and message.role == "tool" else name


def _about(message: Message, day: str, zone: tzinfo) -> str:
    """Which model answered, and when: the day only where it is not the conversation's first."""
    model = clean(message.model) if message.model and message.role == "assistant" else ""
    return " · ".join(filter(None, (model, _local(message.created_at, zone).removeprefix(f"{day} "))))


def _local(moment: int | None, zone: tzinfo) -> str:
    return to_datetime(moment, zone).strftime("%Y-%m-%d %H:%M") if moment is not None else ""


def _left_out(shown: list[Message], settings: NotionSettings, uploaded: Collection[str]) -> Iterator[str]:
    """What the page does not show, in words. Thoughts and tools are left out by the person's own setting, unsaid."""
    elsewhere = sum(not message.is_active for message in shown)
    if elsewhere and not settings.branches:
        yield _counted(elsewhere, "message of other branches", "messages of other branches")
    visible = _visible(shown, settings)
    files = [attachment for message in visible for attachment in message.attachments if attachment.id not in uploaded]
    images = sum(attachment.kind == "image" for attachment in files)
    if images:
        yield _counted(images, "image (shown as a caption)", "images (shown as captions)")
    if len(files) > images:
        yield _counted(
            len(files) - images, "attached file (its name is shown)", "attached files (their names are shown)"
        )


def _counted(count: int, one: str, several: str) -> str:
    return f"{count} {one if count == 1 else several}"


def _pieces(segment: list[Block], dialect: Dialect[Block]) -> Iterator[tuple[list[Block], Weight]]:
    """A segment with its weight; several where one would be large."""
    held: list[Block] = []
    blocks = characters = 0
    for block in segment:
        weight = dialect.weight(block)
        if held and (blocks + weight[0] > SEGMENT_BLOCKS or characters + weight[1] > SEGMENT_CHARACTERS):
            yield held, (blocks, characters)
            held, blocks, characters = [], 0, 0
        held.append(block)
        blocks, characters = blocks + weight[0], characters + weight[1]
    yield held, (blocks, characters)


def _text(block: Any) -> str:
    return block if isinstance(block, str) else msgspec.json.encode(block).decode()
