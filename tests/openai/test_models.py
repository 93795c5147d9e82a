"""Whether a model can be used, asked of the service itself."""

from __future__ import annotations

from datetime import date

from commonplace.openai.client import Account, Client
from commonplace.openai.models import check_model, problems_with_model
from tests.fakes.openai import FakeOpenAI

TODAY = date(2026, 11, 20)


def account(url: str, api_key: str = "sk-test") -> Account:
    return Account(api_key=api_key, base_url=url)


def test_a_model_that_is_well_has_no_problems(fake: FakeOpenAI) -> None:
    assert problems_with_model(account(fake.url), "gpt-6-luna") == []


def test_a_model_that_will_be_shut_down_is_warned_of(fake: FakeOpenAI) -> None:
    with Client(Account(api_key=fake.api_key, base_url=fake.url)) as client:
        assert "2027-01-14" in check_model(client, "gpt-4o-mini", today=TODAY)[0]
        assert "gpt-6-luna" in check_model(client, "gpt-4o-mini", today=TODAY)[0]
        assert "was to be shut down" in check_model(client, "gpt-4o-mini", today=date(2027, 2, 1))[0]
        assert "not offered" in check_model(client, "gpt-3.5-turbo", today=TODAY)[0]


def test_a_wrong_key_and_a_silent_server_are_problems(fake: FakeOpenAI) -> None:
    assert "OPENAI_API_KEY" in problems_with_model(Account(), "gpt-6-luna")[0]
    wrong = problems_with_model(account(fake.url, "sk-wrong"), "gpt-6-luna")
    assert "does not accept the key" in wrong[0]
    assert "sk-wrong" not in wrong[0]
    with FakeOpenAI() as gone:
        address = gone.url
    assert "could not be reached" in problems_with_model(account(address), "gpt-6-luna")[0]
