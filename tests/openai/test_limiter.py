"""The governor's pace, on a clock that only the tests move."""

from __future__ import annotations

import threading

import pytest

from commonplace.openai.limiter import Governor, seconds_of


class Clock:
    """Time passes only when somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Stop(threading.Event):
    """An event whose waiting moves the clock."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        self.clock.now += timeout or 0.0
        return self.is_set()


def run(governor: Governor, stop: Stop, requests: int, tokens: float) -> float:
    for _ in range(requests):
        assert governor.acquire(tokens, stop)
        governor.settle(tokens, tokens)
    return stop.clock.now


@pytest.mark.parametrize(
    ("requests_limit", "tokens_limit", "tokens", "ideal"),
    [(600, None, 100, 60.0), (None, 60_000, 100, 60.0), (600, 30_000, 100, 120.0), (60_000, 600_000, 6000, 360.0)],
)
def test_it_uses_the_limit_and_no_more(
    requests_limit: float | None, tokens_limit: float | None, tokens: float, ideal: float
) -> None:
    clock = Clock()
    governor = Governor(requests_limit, tokens_limit, clock=clock)
    took = run(governor, Stop(clock), 600, tokens)
    assert ideal * 0.98 <= took <= ideal / 0.95


def test_what_was_estimated_too_high_is_given_back() -> None:
    clock = Clock()
    governor, stop = Governor(None, 60_000, clock=clock), Stop(clock)
    for _ in range(600):
        governor.acquire(150, stop)
        governor.settle(150, 100)
    assert clock.now <= 60 / 0.95


def test_a_request_larger_than_the_burst_still_goes_out() -> None:
    clock = Clock()
    assert run(Governor(None, 1000, clock=clock), Stop(clock), 2, 900) < 120


def test_it_adopts_the_limits_of_the_answers() -> None:
    clock = Clock()
    governor, stop = Governor(60, None, clock=clock), Stop(clock)
    run(governor, stop, 1, 1)
    governor.learn({"x-ratelimit-limit-requests": "6000", "x-ratelimit-remaining-requests": "5999"}, 0.2)
    assert run(governor, stop, 600, 1) <= 6 / 0.95 + 1


def test_processes_share_what_is_allowed_and_what_the_service_names() -> None:
    clock = Clock()
    governor, stop = Governor(2400, processes=4, clock=clock), Stop(clock)
    assert 60 * 0.98 <= run(governor, stop, 600, 1) <= 60 / 0.95
    governor.learn({"x-ratelimit-limit-requests": "1200", "x-ratelimit-remaining-requests": "1200"}, 0.0)
    assert 120 * 0.98 <= run(governor, stop, 600, 1) - 60 <= 120 / 0.93


def test_it_slows_down_where_others_use_the_same_account() -> None:
    clock = Clock()
    governor, stop = Governor(600, None, clock=clock), Stop(clock)
    run(governor, stop, 5, 1)
    before = clock.now
    governor.learn({"x-ratelimit-limit-requests": "600", "x-ratelimit-remaining-requests": "-50"}, 0.0)
    governor.acquire(1, stop)
    assert clock.now - before >= 5


def test_headers_that_make_no_sense_are_ignored() -> None:
    clock = Clock()
    governor = Governor(600, None, clock=clock)
    governor.learn({"x-ratelimit-limit-requests": "many", "x-ratelimit-remaining-tokens": ""}, 0.1)
    assert run(governor, Stop(clock), 60, 1) <= 7


def test_a_pause_holds_everybody() -> None:
    clock = Clock()
    governor, stop = Governor(clock=clock), Stop(clock)
    governor.pause(30)
    governor.acquire(1, stop)
    assert 30 <= clock.now <= 30.3


def test_a_stop_ends_the_waiting() -> None:
    clock = Clock()
    governor, stop = Governor(clock=clock), Stop(clock)
    stop.set()
    assert not governor.acquire(1, stop)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1),
        ("6m0s", 360),
        ("250ms", 0.25),
        ("1h2m3.5s", 3723.5),
        ("20", 20),
        ("", None),
        (None, None),
        ("soon", None),
    ],
)
def test_durations_as_headers_write_them(text: str | None, seconds: float | None) -> None:
    assert seconds_of(text) == seconds
