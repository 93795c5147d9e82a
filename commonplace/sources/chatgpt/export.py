"""One ChatGPT export, open for reading: its conversations one by one, its attachments, and what else is in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import orjson

from commonplace.errors import LeftOut, first_of
from commonplace.model import Conversation
from commonplace.sources.chatgpt.conversations import NAME, read_conversation
from commonplace.sources.chatgpt.layout import Layout, detect, survey
from commonplace.sources.chatgpt.records import IDENTITY, Kind, read_record
from commonplace.sources.contents import Contents
from commonplace.sources.contract import Item, Known, Sure
from commonplace.sources.items import ItemReader
from commonplace.sources.shapes import CHATGPT

READER_VERSION = "chatgpt/3"

_CONVERSATION_ID = re.compile(rb'"conversation_id"\s*:\s*"([^"\\]{1,100})"')


class ChatGPTExport:
    """See `sources.contract.Export`."""

    source = NAME
    title = CHATGPT
    reader_version = READER_VERSION

    def __init__(self, contents: Contents, layout: Layout) -> None:
        self._contents = contents
        self._layout = layout
        self.members = contents.members
        self._is_read = False
        self.wholes: dict[str, bytes] = {}
        self.unfamiliar = layout.around.unfamiliar

    @property
    def left_out(self) -> list[LeftOut]:
        assets = self._layout.around.assets
        lacking = (LeftOut(key, "named by a message, but not in the export") for key in assets.lacking)
        unclaimed = (LeftOut(name, "no message shows it") for name in (assets.unclaimed() if self._is_read else ()))
        return first_of([*self._layout.left_out, *lacking, *unclaimed])

    def conversations(self, known: Known | None = None) -> Iterator[Item]:
        yield from self._layout.missing
        reader = ItemReader(
            version=READER_VERSION,
            read=self._read,
            identity=_CONVERSATION_ID,
            told_elsewhere=self._told_elsewhere,
        )
        yield from reader.conversations(self._contents, self._layout.conversations, known)
        for kind, member in self._layout.records:
            yield from self._records(kind).conversations(self._contents, [member], known)
        self._is_read = True

    def _records(self, kind: Kind) -> ItemReader:
        return ItemReader(
            version=READER_VERSION,
            read=lambda item: read_record(kind, item, self._layout.around),
            identity=IDENTITY,
            under=kind.under,
            is_whole=kind.is_whole,
        )

    def open_member(self, name: str) -> BinaryIO:
        return self._contents.open_member(name)

    def _read(self, item: Any) -> Conversation:
        return read_conversation(item, self._layout.around)

    def _told_elsewhere(self, piece: memoryview) -> Iterable[bytes]:
        """A newly arrived attachment or rating makes its conversation a changed one."""
        assets, said = self._layout.around.assets, self._layout.around.said
        if not (assets or said.feedback or said.shared):
            return
        item = bytes(piece)
        found = _CONVERSATION_ID.search(item, max(0, item.rfind(b'"conversation_id"')))
        conversation_id = found[1].decode("utf-8", "replace") if found else ""
        if assets:
            yield from assets.mentions(item, conversation_id)
        for told in (said.feedback.get(conversation_id), said.shared.get(conversation_id)):
            if told:
                yield orjson.dumps(told, option=orjson.OPT_SORT_KEYS)


class ChatGPT:
    """See `sources.contract.Source`."""

    name = NAME
    title = CHATGPT
    reader_version = READER_VERSION

    def detect(self, contents: Contents) -> Sure:
        return detect(contents)

    def open(self, contents: Contents) -> ChatGPTExport:
        return ChatGPTExport(contents, survey(contents))


SOURCE = ChatGPT()
