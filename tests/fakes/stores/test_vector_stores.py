"""The vector stores of the tests are as strict as OpenAI's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

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


def uploaded(client: openai.OpenAI, name: str, text: str) -> str:
    return client.files.create(file=(name, text.encode()), purpose="assistants").id


def test_files_outlive_their_store_and_leave_every_store_when_they_are_deleted(client: openai.OpenAI) -> None:
    file = uploaded(client, "a.md", "Wörter")
    stores = [client.vector_stores.create(name=name) for name in ("one", "two")]
    for store in stores:
        client.vector_stores.file_batches.create(store.id, files=[{"file_id": file, "attributes": {"of": "me"}}])
    client.vector_stores.delete(stores[0].id)
    assert [one.filename for one in client.files.list()] == ["a.md"]
    client.files.delete(file)
    assert list(client.vector_stores.files.list(stores[1].id)) == []


def test_a_file_is_searched_when_it_was_taken_in_and_an_expired_store_not_at_all(
    client: openai.OpenAI, fake: FakeConversations
) -> None:
    store = client.vector_stores.create(name="one", expires_after={"anchor": "last_active_at", "days": 3})
    file = uploaded(client, "a.md", "Words")
    client.vector_stores.file_batches.create(store.id, file_ids=[file])
    tool: Any = {"type": "file_search", "vector_store_ids": [store.id]}
    assert fake.vector.search(tool) == (200, [])
    assert [one.status for one in client.vector_stores.files.list(store.id)] == ["in_progress"]
    assert [one.status for one in client.vector_stores.files.list(store.id)] == ["completed"]
    assert [found["text"] for found in fake.vector.search(tool)[1]] == ["Words"]
    fake.vector.expire(store.id)
    assert client.vector_stores.retrieve(store.id).status == "expired"
    with pytest.raises(openai.BadRequestError):
        client.responses.create(model="m", input="?", tools=[tool])
    with pytest.raises(openai.BadRequestError):
        client.vector_stores.file_batches.create(store.id, file_ids=[file])


def test_what_is_too_much_or_not_there_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError):
        client.vector_stores.create(name="x", metadata={"k": "v" * 513})
    with pytest.raises(openai.BadRequestError):
        client.vector_stores.create(name="x", expires_after={"anchor": "last_active_at", "days": 366})
    store = client.vector_stores.create(name="x").id
    with pytest.raises(openai.NotFoundError):
        client.vector_stores.file_batches.create(store, file_ids=["file_none"])
    with pytest.raises(openai.BadRequestError):
        client.vector_stores.files.list(store, limit=101)
    with pytest.raises(openai.BadRequestError):
        client.files.create(file=("a.exe", b"x"), purpose="assistants")
