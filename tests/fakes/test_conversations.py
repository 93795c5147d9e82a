"""The Conversations of the tests are as strict as OpenAI's."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Barrier, Thread
from typing import Any

import httpx2
import openai
import pytest

from tests.fakes.conversations import FakeConversations


@pytest.fixture
def fake() -> Iterator[FakeConversations]:
    with FakeConversations() as server:
        yield server


@pytest.fixture
def client(fake: FakeConversations) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key=fake.key, base_url=fake.url, max_retries=0) as opened:
        yield opened


def said(*texts: str) -> Any:
    return [{"type": "message", "role": "user", "content": text} for text in texts]


def test_what_is_too_much_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError):
        client.conversations.create(metadata={str(n): "" for n in range(17)})
    with pytest.raises(openai.BadRequestError):
        client.conversations.create(metadata={"title": "x" * 513})
    made = client.conversations.create(metadata={"title": "x" * 512})
    with pytest.raises(openai.BadRequestError):
        client.conversations.items.create(made.id, items=said(*map(str, range(21))))
    with pytest.raises(openai.BadRequestError):
        client.conversations.items.list(made.id, limit=101)


def test_the_newest_come_first_unless_asked_otherwise_and_pages_follow_each_other(client: openai.OpenAI) -> None:
    made = client.conversations.create(metadata={})
    ids = [item.id for item in client.conversations.items.create(made.id, items=said(*"abcde")).data]
    assert [item.id for item in client.conversations.items.list(made.id).data] == ids[::-1]
    assert [item.id for item in client.conversations.items.list(made.id, order="asc", limit=2)] == ids
    with pytest.raises(openai.NotFoundError):
        client.conversations.items.list(made.id, order="asc", after="msg_none")


def test_there_is_no_list_of_conversations_and_items_outlive_theirs(
    fake: FakeConversations, client: openai.OpenAI
) -> None:
    made = client.conversations.create(metadata={})
    client.conversations.items.create(made.id, items=said("a"))
    key = {"Authorization": f"Bearer {fake.key}"}
    assert httpx2.get(f"{fake.url}/conversations", headers=key, trust_env=False).status_code == 404
    client.conversations.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        client.conversations.retrieve(made.id)
    assert fake.texts(made.id) == ["a"]


def test_who_writes_to_a_conversation_that_is_written_to_is_told_so(
    fake: FakeConversations, client: openai.OpenAI
) -> None:
    made, together = client.conversations.create(metadata={}), Barrier(2)
    codes: list[str | None] = []

    def add() -> None:
        together.wait(10)
        try:
            client.conversations.items.create(made.id, items=said("a"))
        except openai.BadRequestError as error:
            codes.append(error.code)

    assert fake.take(made.id)  # somebody's answer is on its way
    both = [Thread(target=add) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    fake.release(made.id)
    assert codes == ["conversation_locked"] * 2
    assert client.conversations.items.create(made.id, items=said("b")).data
