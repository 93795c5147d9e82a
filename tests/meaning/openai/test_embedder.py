"""Vectors that a service computes: in order, whole, of one length, and paid for knowingly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from commonplace.errors import CommonplaceError, Halt, Retryable
from commonplace.meaning.openai.embedder import OpenAiEmbedder
from commonplace.openai.client import Account, Client
from commonplace.openai.limiter import Governor
from commonplace.openai.pricing import Price
from tests.fakes.openai import FakeOpenAI

MODEL = "text-embedding-3-small"
EMBEDDINGS = "/v1/embeddings"
Open = Callable[..., OpenAiEmbedder]
TEXTS = ["bread and flour", "boats", "tax return"]


@pytest.fixture
def fake() -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as running:
        yield running


@pytest.fixture
def opened(fake: FakeOpenAI) -> Iterator[Open]:
    account = Account(api_key=fake.api_key, base_url=fake.url, timeout=300)
    with Client(account, governor=Governor(), tries=2, first_delay=0.001) as client:
        yield lambda model=MODEL, price=None: OpenAiEmbedder(client, model, price)


def test_rows_are_of_length_one_and_in_the_order_of_the_texts(fake: FakeOpenAI, opened: Open) -> None:
    embedder = opened()
    fake.fail("shuffled_vectors", path=EMBEDDINGS)
    shuffled, again = embedder.embed(TEXTS), embedder.embed(TEXTS)
    assert shuffled.shape == (3, 256)
    assert np.array_equal(shuffled, again)
    assert np.allclose(np.linalg.norm(shuffled, axis=1), 1, atol=1e-6)


def test_texts_without_a_word_are_not_asked_about_and_have_no_direction(fake: FakeOpenAI, opened: Open) -> None:
    rows = opened().embed(["boats", "\x00 \ud800", "tax"])
    assert rows.any(axis=1).tolist() == [True, False, True]
    (request,) = fake.requests_to(EMBEDDINGS)
    assert request.body["input"] == ["boats", "tax"]


@pytest.mark.parametrize(
    ("spoiled", "raised"),
    [
        ("nan_vectors", Retryable),
        ("uneven_vectors", Retryable),
        ("missing_vectors", Retryable),
        ("short_vectors", Halt),
        ("page", Retryable),
        ("wrong_key", Halt),
    ],
)
def test_an_answer_that_cannot_be_used_is_told_and_quotes_nothing(
    fake: FakeOpenAI, opened: Open, spoiled: Any, raised: type[CommonplaceError]
) -> None:
    fake.fail(spoiled, 9, path=EMBEDDINGS)
    with pytest.raises(raised) as caught:
        opened().embed(TEXTS)
    assert "flour" not in str(caught.value)


def test_a_model_that_cannot_shorten_keeps_the_length_of_its_first_answer(fake: FakeOpenAI, opened: Open) -> None:
    embedder = opened("nomic-embed-text")
    key = embedder.key
    assert embedder.dimensions is None
    length = embedder.embed(["boats"]).shape[1]
    assert (embedder.dimensions, embedder.key) == (length, key)
    assert "dimensions" not in fake.requests_to(EMBEDDINGS)[0].body
    fake.fail("short_vectors", path=EMBEDDINGS)
    with pytest.raises(Halt, match=f"7 numbers, and {length} were expected"):
        embedder.embed(["sails"])


def test_the_same_model_at_another_address_is_another_kind(opened: Open) -> None:
    at_openai = OpenAiEmbedder(Client(Account(api_key="k"), governor=Governor()), MODEL, None)
    assert at_openai.key == f"openai:{MODEL}:passages-1-600:256"
    assert opened().key.startswith(f"openai:{MODEL}@")


def test_the_price_is_known_before_and_what_it_took_after(fake: FakeOpenAI, opened: Open) -> None:
    embedder = opened(price=Price(input=1000.0, output=0.0))
    most = embedder.cost(TEXTS)
    embedder.embed(TEXTS)
    assert 0 < embedder.usage.cost_usd <= most
    assert embedder.usage.input_tokens > 0


def test_a_model_without_a_price_is_not_asked(fake: FakeOpenAI, opened: Open) -> None:
    with pytest.raises(Halt, match="price of 'text-embedding-3-small' is not known"):
        opened().cost(TEXTS)
    assert fake.requests_to(EMBEDDINGS) == []
