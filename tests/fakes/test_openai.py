"""The fake OpenAI server keeps what it promises, seen through the real SDK."""

from __future__ import annotations

import json
from collections.abc import Iterator

import openai
import pytest

from tests.fakes.openai import FakeOpenAI
from tests.fakes.openai_answers import babble, problem_with_schema


@pytest.fixture
def limited() -> Iterator[tuple[FakeOpenAI, openai.OpenAI]]:
    with (
        FakeOpenAI(requests_per_window=2, window_seconds=30, is_sliding=True) as fake,
        openai.OpenAI(api_key="sk-test", base_url=fake.url, max_retries=0) as client,
    ):
        yield fake, client


SCHEMA = {
    "type": "object",
    "properties": {"verdicts": {"type": "array", "items": {"type": "string"}}},
    "required": ["verdicts"],
    "additionalProperties": False,
}


def ask(client: openai.OpenAI, **changes: object) -> object:
    text = {"format": {"type": "json_schema", "name": "x", "schema": SCHEMA, "strict": True}}
    return client.responses.with_raw_response.create(**{"model": "gpt-6-luna", "input": "Hi", "text": text, **changes})  # type: ignore[call-overload]


def test_limits_are_enforced_and_named(limited: tuple[FakeOpenAI, openai.OpenAI]) -> None:
    fake, client = limited
    first = ask(client)
    assert first.headers["x-ratelimit-limit-requests"] == "2"  # type: ignore[attr-defined]
    assert first.headers["x-ratelimit-remaining-requests"] == "1"  # type: ignore[attr-defined]
    ask(client)
    with pytest.raises(openai.RateLimitError) as refused:
        ask(client)
    assert int(refused.value.response.headers["retry-after-ms"]) > 20_000
    assert fake.refusals() == 1


def test_requests_are_checked_strictly(limited: tuple[FakeOpenAI, openai.OpenAI]) -> None:
    _, client = limited
    for wrong in ({"input": ""}, {"text": {"format": {"type": "text"}}}, {"extra_body": {"nonsense": 1}}):
        with pytest.raises(openai.BadRequestError):
            ask(client, **wrong)
    with pytest.raises(openai.BadRequestError):
        ask(client, model="gpt-4o-mini", reasoning={"effort": "low"})
    with pytest.raises(openai.NotFoundError):
        ask(client, model="gpt-4")


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"type": "string"}},
        {**SCHEMA, "additionalProperties": True},
        {**SCHEMA, "required": []},
        {**SCHEMA, "properties": {"verdicts": {"type": "number", "minimum": 0}}},
        {**SCHEMA, "properties": {"verdicts": {"type": "string", "enum": [f"value {n}" for n in range(1001)]}}},
    ],
)
def test_schemas_that_strict_mode_would_refuse_are_refused(schema: dict[str, object]) -> None:
    assert problem_with_schema(SCHEMA) is None
    assert problem_with_schema(schema)


def test_embeddings_are_the_same_every_time_and_near_for_like_texts() -> None:
    with FakeOpenAI() as fake, openai.OpenAI(api_key="sk-test", base_url=fake.url, max_retries=0) as client:
        texts = ["bake bread with yeast", "bread and yeast to bake", "train to Lisbon"]
        found = client.embeddings.create(model="text-embedding-3-small", input=texts)
        one, other, third = (row.embedding for row in found.data)
        assert sum(map(float.__mul__, one, other)) > sum(map(float.__mul__, one, third))
        plain = client.embeddings.create(model="text-embedding-3-small", input=texts, encoding_format="float")
        assert plain.data[0].embedding == pytest.approx(one, abs=1e-6)
        with pytest.raises(openai.BadRequestError):
            client.embeddings.create(model="text-embedding-3-small", input=["x"] * 2049)


def test_a_tiny_model_obeys_its_grammar_and_nothing_else() -> None:
    counted = {**SCHEMA["properties"]["verdicts"], "minItems": 1, "maxItems": 1}  # type: ignore[index]
    short = {"type": "string", "maxLength": 5}
    bounded = {**SCHEMA, "properties": {"verdicts": {**counted, "items": short}}}
    assert json.loads(babble(bounded, "x")) == {"verdicts": ["blah "]}
    assert len(json.loads(babble(SCHEMA, "x"))["verdicts"]) == 40
    assert problem_with_schema(bounded)
    assert problem_with_schema(bounded, knows_bounds=True) is None


def test_an_answer_without_room_ends_where_the_room_ends() -> None:
    with FakeOpenAI() as fake, openai.OpenAI(api_key="sk-test", base_url=fake.url, max_retries=0) as client:
        fake.is_tiny = True
        asked = {"model": "gpt-6-luna", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 16}
        format = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA, "strict": True}}
        answer = client.chat.completions.create(**asked, response_format=format)  # type: ignore[call-overload]
        assert answer.choices[0].finish_reason == "length"
        assert len(answer.choices[0].message.content) == 64
