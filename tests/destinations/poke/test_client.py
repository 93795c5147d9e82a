"""What each answer of Poke means, how often it is asked again, and how fast."""

from __future__ import annotations

import threading

import pytest

from commonplace.destinations.poke.client import backoff
from commonplace.destinations.poke.pace import SYSTEM_CLOCK, CircuitOpen, Pace
from commonplace.errors import Halt, Permanent, Retryable
from commonplace.outgoing import Unanswered
from tests.destinations.poke.conftest import ClientOf
from tests.destinations.poke.world import NoTime, settings_for
from tests.fakes.poke import Failure, FakePoke

SECRET = "a private sentence"


@pytest.mark.parametrize(
    ("failure", "kind", "told"),
    [
        ("lost before", Unanswered, "did not answer"),
        ("lost after", Unanswered, "did not answer"),
        ("half", Unanswered, "did not answer"),
        ("html", Unanswered, "is not Poke"),
        ("500", Unanswered, "HTTP 500"),
        ("503", Unanswered, "HTTP 503"),
        ("refuses", Permanent, "did not take the message"),
        ("400", Permanent, "HTTP 400"),
        ("413", Permanent, "most_characters"),
        ("401", Halt, "does not accept the key"),
        ("403", Halt, "does not let this key send"),
        ("404", Halt, "no Poke at this address"),
        ("redirect", Halt, "no Poke at this address"),
    ],
)
def test_an_answer_is_told_without_what_was_sent_and_not_asked_for_again(
    poke: FakePoke, client_of: ClientOf, failure: Failure, kind: type[Exception], told: str
) -> None:
    poke.failures.append(failure)
    with pytest.raises(kind, match=told) as raised:
        client_of().message({"message": SECRET})
    assert len(poke.requests) == 1
    assert SECRET not in str(raised.value)
    assert poke.key not in str(raised.value)


@pytest.mark.parametrize("failure", ["429", "408"])
def test_what_was_turned_away_is_sent_again(poke: FakePoke, client_of: ClientOf, failure: Failure) -> None:
    poke.failures += [failure, failure]
    clock = NoTime()
    client = client_of(clock=clock)
    client.message({"message": "hello"})
    assert poke.messages == [{"message": "hello"}]
    assert client.figures["attempts"] == 3
    assert client.figures["retries"] == 2
    assert [pause for pause in clock.waited if pause >= 1] == [1.0, 2.0]


def test_it_waits_as_long_as_it_is_asked_to_but_not_for_hours(poke: FakePoke, client_of: ClientOf) -> None:
    poke.retry_after, clock = "7", NoTime()
    poke.failures.append("429")
    client_of(clock=clock).message({"message": "hello"})
    assert max(clock.waited) == pytest.approx(7, abs=0.1)
    poke.retry_after = "7200"
    poke.failures.append("429")
    with pytest.raises(Retryable) as raised:
        client_of(clock=clock).message({"message": "hello"})
    assert raised.value.retry_after == 7200
    assert len(poke.messages) == 1


@pytest.mark.parametrize("failure", ["lost before", "500", "html"])
def test_at_least_once_also_repeats_what_may_have_arrived(
    poke: FakePoke, client_of: ClientOf, failure: Failure
) -> None:
    poke.failures.append(failure)
    client_of(is_repeated=True).message({"message": "hello"})
    assert len(poke.requests) == 2


def test_a_server_that_hangs_is_not_waited_for(poke: FakePoke, client_of: ClientOf) -> None:
    poke.failures.append("hangs")
    with pytest.raises(Unanswered):
        client_of(timeout_seconds=0.2).message({"message": "hello"})


def test_pauses_grow_as_the_settings_say(poke: FakePoke) -> None:
    def pauses(kind: str) -> list[float]:
        chosen = settings_for(
            poke, backoff=kind, initial_backoff_seconds=2, backoff_multiplier=3, max_backoff_seconds=20
        )
        return [backoff(chosen, attempt) for attempt in (1, 2, 3, 4)]

    assert pauses("exponential") == [2, 6, 18, 20]
    assert pauses("linear") == [2, 4, 6, 8]
    assert pauses("fixed") == [2, 2, 2, 2]


def test_the_circuit_opens_lets_one_through_and_closes() -> None:
    clock = NoTime()
    pace = Pace(6000, failures=2, seconds=60, clock=clock)
    assert [pace.failed(), pace.failed()] == [False, True]
    with pytest.raises(CircuitOpen) as raised:
        pace.turn()
    assert raised.value.retry_after == 60
    clock.pass_(60)
    assert pace.state == "half open"
    pace.turn()
    with pytest.raises(CircuitOpen):  # one tries, the others wait for how it ends
        pace.turn()
    assert pace.failed()
    clock.pass_(60)
    pace.turn()
    pace.worked()
    assert pace.state == "closed"
    pace.turn()


def test_a_trial_that_never_went_out_does_not_keep_the_circuit_open(poke: FakePoke, client_of: ClientOf) -> None:
    clock = NoTime()
    client = client_of(breaker_failures=1, clock=clock)
    poke.failures.append("500")
    with pytest.raises(Unanswered):
        client.message({"message": "one"})
    assert client.figures["circuit_opened"] == 1
    clock.pass_(60)

    def taken() -> None:
        raise Halt("Another run has taken over.")

    with pytest.raises(Halt):
        client.message({"message": "two"}, taken)
    client.message({"message": "three"})
    assert poke.messages == [{"message": "three"}]


def test_requests_are_spread_evenly_over_the_minute() -> None:
    clock = NoTime()
    pace = Pace(60, failures=5, seconds=60, clock=clock)
    assert sum(pace.turn() for _ in range(31)) == pytest.approx(30)


def test_large_requests_are_compressed_where_the_settings_say_so(poke: FakePoke, client_of: ClientOf) -> None:
    client = client_of(gzip=True)
    client.message({"message": "word " * 1000})
    assert poke.messages == [{"message": "word " * 1000}]
    assert client.figures["bytes"] < 1000


@pytest.mark.parametrize("key", ["two\nlines", "ключ"])
def test_a_key_that_no_header_holds_is_told_and_not_shown(poke: FakePoke, client_of: ClientOf, key: str) -> None:
    poke.key = key
    with pytest.raises(Halt, match="Set the key again") as raised:
        client_of().message({"message": "hello"})
    assert key not in str(raised.value)
    assert poke.requests == []


def test_several_threads_share_one_pace(poke: FakePoke, client_of: ClientOf) -> None:
    clients = [client_of(clock=SYSTEM_CLOCK) for _ in range(4)]
    threads = [threading.Thread(target=client.message, args=({"message": "hello"},)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(client.pace) for client in clients}) == 1
    assert len(poke.messages) == 4
