"""The requests to the Conversations API, through the one door to OpenAI. There is none that lists conversations."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from commonplace.destinations.openai.items import AT_ONCE, Piece
from commonplace.openai.client import Client
from commonplace.openai.errors import About, Missing

if TYPE_CHECKING:
    from commonplace.openai.client import SDK

Item = dict[str, Any]
Answer = TypeVar("Answer")
PAGE = 100
_NEW = About(model="", what="a new conversation")
_ONE = About(model="", what="a conversation", is_one=True)


class Service:
    """Conversations and their items. Reads and deletions are repeated while they fail, the others are sent once.

    From any number of threads; it is the `Door` of those that write at once.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self._stop = threading.Event()

    @property
    def is_stopped(self) -> bool:
        return self._stop.is_set()

    def resume(self) -> None:
        """A new run begins."""
        self._stop.clear()

    def stop(self) -> None:
        self._stop.set()

    def abandon(self) -> None:
        self.stop()
        self.client.let_go()

    def rest(self, seconds: float) -> None:
        """Let time pass, unless the run is stopped."""
        self._stop.wait(seconds)

    def create(self, metadata: Mapping[str, str]) -> str:
        made = self._once(_NEW, lambda sdk: sdk.conversations.create(metadata=dict(metadata)))
        return made.id

    def update(self, conversation_id: str, metadata: Mapping[str, str]) -> None:
        self._again(lambda sdk: sdk.conversations.update(conversation_id, metadata=dict(metadata)))

    def add(self, conversation_id: str, pieces: Sequence[Piece]) -> list[Item]:
        """Behind all that is there. Not to be repeated before it was looked what became of it."""
        assert len(pieces) <= AT_ONCE
        bodies = {
            "items": [piece.body() for piece in pieces]
        }  # as a body, because looking at each as a union takes long
        return self._once(_ONE, lambda sdk: _list(_raw(sdk).create(conversation_id, items=(), extra_body=bodies))).data

    def items(self, conversation_id: str, after: str | None = None) -> list[Item]:
        """All that follow this one, in their order, each once. `Missing` where it or that item is gone."""
        found: dict[str, Item] = {}
        while True:
            page = self._again(lambda sdk, after=after: _page(sdk, conversation_id, after))  # type: ignore[misc]
            before = len(found)
            for item in page.data:
                found.setdefault(item["id"], item)
            if len(found) == before or not page.has_more:
                return list(found.values())
            after = next(reversed(found))

    def is_there(self, conversation_id: str) -> bool:
        try:
            self._again(lambda sdk: sdk.conversations.retrieve(conversation_id))
        except Missing:
            return False
        return True

    def delete_item(self, conversation_id: str, item_id: str) -> None:
        """Nothing happens where it is gone."""
        try:
            self._again(lambda sdk: sdk.conversations.items.delete(item_id, conversation_id=conversation_id))
        except Missing:
            return

    def delete(self, conversation_id: str) -> None:
        """The conversation, which does not take its items with it."""
        try:
            self._again(lambda sdk: sdk.conversations.delete(conversation_id))
        except Missing:
            return

    def _again(self, request: Callable[[SDK], Answer]) -> Answer:
        return self.client.patiently(_ONE, request, stop=self._stop)

    def _once(self, about: About, request: Callable[[SDK], Answer]) -> Answer:
        return self.client.once(about, request, stop=self._stop)


class _List(msgspec.Struct):
    """What is read of a list: made into the SDK's types, twenty items take as long as asking for them."""

    data: list[Item]
    has_more: bool = False


def _raw(sdk: SDK) -> Any:
    return sdk.conversations.items.with_raw_response


def _list(answer: Any) -> _List:
    """Refused by msgspec where it is none: a page, half an answer, items that have no id."""
    found = msgspec.json.decode(answer.content, type=_List)
    if not all(isinstance(item.get("id"), str) for item in found.data):
        raise msgspec.ValidationError
    return found


def _page(sdk: SDK, conversation_id: str, after: str | None) -> _List:
    more: Any = {"after": after} if after else {}
    return _list(_raw(sdk).list(conversation_id, limit=PAGE, order="asc", **more))
