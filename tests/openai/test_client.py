"""The door itself: who may pass how fast, what is asked again and what never, and what comes out when it goes wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from commonplace.config import Environment, OpenAISettings, Settings
from commonplace.errors import CommonplaceError, Halt, Permanent, Retryable
from commonplace.openai.client import Account, Client, account_of
from commonplace.openai.errors import About, Stopped
from commonplace.openai.limiter import Governor
from tests.fakes.openai import FakeOpenAI

ABOUT = About(model="text-embedding-3-small")
EMBEDDINGS = "/v1/embeddings"


def embed(sdk: Any) -> Any:
    return sdk.embeddings.create(model=ABOUT.model, input=["tomatoes"], encoding_format="float")


@pytest.fixture
def client(fake: FakeOpenAI) -> Iterator[Client]:
    account = Account(api_key=fake.api_key, base_url=fake.url, timeout=300)
    with Client(account, governor=Governor(), first_delay=0.001) as opened:
        yield opened


@pytest.mark.parametrize("kind", ["error_500", "rate_limit", "drop_before", "page", "not_http_json"])
def test_what_must_not_be_done_twice_is_asked_once(fake: FakeOpenAI, client: Client, kind: Any) -> None:
    fake.fail(kind, path=EMBEDDINGS)
    with pytest.raises(Retryable):
        client.once(ABOUT, embed)
    assert len(fake.requests_to(EMBEDDINGS)) == 1


@pytest.mark.parametrize("kind", ["error_500", "rate_limit", "drop_before", "page", "not_http_json"])
def test_what_changes_nothing_is_asked_until_it_works(fake: FakeOpenAI, client: Client, kind: Any) -> None:
    fake.fail(kind, 3, path=EMBEDDINGS)
    assert client.patiently(ABOUT, embed).data
    assert len(fake.requests_to(EMBEDDINGS)) == 4


@pytest.mark.parametrize(
    ("kind", "raised"),
    [("quota", Halt), ("wrong_key", Halt), ("model_gone", Halt), ("too_long", Permanent)],
)
def test_what_will_not_work_is_asked_once_and_quotes_nothing(
    fake: FakeOpenAI, client: Client, kind: Any, raised: type[CommonplaceError]
) -> None:
    fake.fail(kind, 9, path=EMBEDDINGS)
    with pytest.raises(raised) as caught:
        client.patiently(ABOUT, embed)
    assert len(fake.requests_to(EMBEDDINGS)) == 1
    shown = f"{caught.value!r} {caught.value} {caught.value.__cause__} {caught.value.__context__}"
    assert "SECRET-ECHO" not in shown
    assert "tomatoes" not in shown


def test_a_service_that_wants_us_back_much_later_is_left_alone(fake: FakeOpenAI, client: Client) -> None:
    fake.fail("rate_limit", 9, path=EMBEDDINGS, retry_after="3600")
    with pytest.raises(Retryable) as caught:
        client.patiently(ABOUT, embed)
    assert caught.value.retry_after == 3600
    assert len(fake.requests_to(EMBEDDINGS)) == 1


def test_a_run_that_ends_sends_nothing_more(fake: FakeOpenAI, client: Client) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        client.patiently(ABOUT, embed, stop=stop)
    assert not fake.seen


def test_a_stream_that_breaks_or_fails_halfway_raises_our_errors(client: Client) -> None:
    """Whoever reads on in an answer does so through the same door."""

    def broken(_sdk: Any) -> Any:
        import httpx2

        raise httpx2.RemoteProtocolError("peer closed connection; it had said: tomatoes")

    def failed(_sdk: Any) -> Any:
        import httpx2
        import openai

        body = {"code": "insufficient_quota", "message": "tomatoes"}
        raise openai.APIError("tomatoes", httpx2.Request("POST", "http://127.0.0.1/"), body=body)

    for request, kind in ((broken, Retryable), (failed, Halt)):
        with pytest.raises(kind) as caught:
            client.call(ABOUT, request)
        assert "tomatoes" not in f"{caught.value} {caught.value.__context__}"


def test_limits_are_learned_from_every_answer_also_from_one_that_refuses() -> None:
    """Whoever asks, in whichever way of the SDK."""
    with FakeOpenAI(requests_per_window=50, window_seconds=1.0, is_sliding=True) as fake:
        governor = Governor(100_000, window_seconds=1.0)
        with Client(Account(api_key=fake.api_key, base_url=fake.url), governor=governor, first_delay=0.001) as client:
            for _ in range(120):
                client.patiently(ABOUT, embed)
        assert fake.refusals() <= 2


@pytest.mark.parametrize(
    ("account", "says"),
    [
        (Account(), "OPENAI_API_KEY"),
        (Account(api_key="  "), "OPENAI_API_KEY"),
        (Account(api_key="k", needs_address=True), "OPENAI_BASE_URL"),
        (Account(base_url="localhost:11434/v1"), "begins with http://"),
    ],
)
def test_what_is_missing_is_said_before_anything_is_sent(account: Account, says: str) -> None:
    with pytest.raises(Halt) as caught:
        Client(account).once(ABOUT, embed)
    assert says in str(caught.value)


def test_whose_organization_it_is_goes_with_the_key_of_this_process_alone(
    fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-the-machine")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-of-the-machine")
    for is_ours in (True, False):
        monkeypatch.setenv("OPENAI_API_KEY", fake.api_key if is_ours else "sk-of-the-machine")
        with Client(Account(api_key=fake.api_key, base_url=fake.url)) as client:
            client.once(ABOUT, embed)
        sent = {name.lower() for name in fake.seen[-1].headers}
        assert ({"openai-organization", "openai-project"} <= sent) is is_ours


def test_a_server_at_home_needs_no_key(fake: FakeOpenAI) -> None:
    fake.api_key = "none"
    with Client(Account(base_url=fake.url, needs_address=True)) as client:
        assert client.once(ABOUT, embed).data


def test_an_account_shows_no_key_and_is_known_by_key_and_address() -> None:
    account = Account(api_key="sk-hush")
    assert "hush" not in f"{account!r} {account} {account.identity}"
    assert (
        account.identity != Account(api_key="sk-other").identity != Account(api_key="sk-other", base_url="x").identity
    )


def settings_of(**wanted: Any) -> Settings:
    return Settings(home=Path(), database_url="", files="", openai=OpenAISettings(**wanted))


def test_limits_to_start_from_are_openais_or_none_at_another_address_or_those_of_the_settings() -> None:
    key = {"OPENAI_API_KEY": "k"}
    at_home = {**key, "OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}

    def limits(account: Account) -> tuple[float | None, float | None]:
        return account.requests_per_minute, account.tokens_per_minute

    assert limits(account_of(settings_of(), Environment(key))) == (500, 200_000)
    assert limits(account_of(settings_of(), Environment(at_home))) == (None, None)
    assert limits(account_of(settings_of(requests_per_minute=7), Environment(at_home))) == (7, None)


def test_a_pause_for_one_is_a_pause_for_everybody_with_that_key(fake: FakeOpenAI) -> None:
    account = Account(api_key=fake.api_key, base_url=fake.url)
    with Client(account) as one, Client(account) as other:
        one.governor.pause(0.2)
        began = time.monotonic()
        other.once(ABOUT, embed)
    assert fake.seen[0].at - began >= 0.19
