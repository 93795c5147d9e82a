"""The one table from the service's refusals to our errors, and the check of a model."""

from __future__ import annotations

from datetime import date

import pytest

from commonplace.categorize.openai import check_model, connect, problems_with_model
from commonplace.errors import CommonplaceError, Halt, Permanent, Retryable
from commonplace.openai.client import refusal_in_batch, retry_after
from tests.fakes.openai import FakeOpenAI

TODAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "invalid_prompt", Permanent),
        (401, "invalid_api_key", Halt),
        (402, "billing_not_active", Halt),
        (403, "", Halt),
        (404, "model_not_found", Halt),
        (404, "", Halt),
        (408, "", Retryable),
        (409, "", Retryable),
        (413, "", Permanent),
        (422, "", Permanent),
        (429, "insufficient_quota", Halt),
        (429, "rate_limit_exceeded", Retryable),
        (500, "", Retryable),
        (503, "", Retryable),
        (529, "", Retryable),
    ],
)
def test_each_refusal_is_told_by_what_to_do(status: int, code: str, kind: type[CommonplaceError]) -> None:
    error = refusal_in_batch(status, code, "gpt-4o")
    assert isinstance(error, kind)
    assert str(status) in error.message


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after": "3"}, 3),
        ({"retry-after": "1m30s"}, 90),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_when_to_come_back(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_no_key_says_what_to_do() -> None:
    with pytest.raises(Halt, match="OPENAI_API_KEY"):
        connect("  ")
    assert "OPENAI_API_KEY" in problems_with_model(key=None, model="gpt-6-luna")[0]


def test_a_model_that_is_well_has_no_problems(fake: FakeOpenAI) -> None:
    assert problems_with_model(key=fake.api_key, base_url=fake.url, model="gpt-6-luna") == []


def test_a_model_that_will_be_shut_down_is_warned_of(fake: FakeOpenAI) -> None:
    with connect(fake.api_key, base_url=fake.url) as client:
        assert "2027-01-14" in check_model(client, "gpt-4o-mini", today=TODAY)[0]
        assert "gpt-6-luna" in check_model(client, "gpt-4o-mini", today=TODAY)[0]
        assert "was to be shut down" in check_model(client, "gpt-4o-mini", today=date(2027, 2, 1))[0]
        assert "not offered" in check_model(client, "gpt-3.5-turbo", today=TODAY)[0]


def test_a_wrong_key_and_a_silent_server_are_problems(fake: FakeOpenAI) -> None:
    wrong = problems_with_model(key="sk-wrong", base_url=fake.url, model="gpt-6-luna")
    assert "does not accept the key" in wrong[0]
    assert "sk-wrong" not in wrong[0]
    with FakeOpenAI() as gone:
        address = gone.url
    assert "could not be reached" in problems_with_model(key="k", base_url=address, model="gpt-6-luna")[0]
