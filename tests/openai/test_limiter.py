"""The governor's pace, on a clock that only the tests move."""

from __future__ import annotations

import threading

import pytest

from commonplace.openai.limiter import Governor, governor_of, seconds_of


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
        turn = governor.acquire(tokens, stop)
        assert turn
        turn.settle()
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
        turn = governor.acquire(150, stop)
        assert turn
        turn.settle(100)
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


def named(requests: int) -> dict[str, str]:
    return {"x-ratelimit-limit-requests": str(requests), "x-ratelimit-remaining-requests": str(requests)}


def test_models_that_are_told_the_same_limits_share_them() -> None:
    clock = Clock()
    governor, stop = Governor(600, clock=clock), Stop(clock)
    for model in ("one", "other"):
        governor.learn(named(1200), 0.0, model)
    for _ in range(600):
        for model in ("one", "other"):
            turn = governor.acquire(1, stop, model)
            assert turn
            turn.settle()
    assert 60 * 0.98 <= clock.now <= 60 / 0.95


def test_a_model_that_has_limits_of_its_own_takes_nothing_from_the_others() -> None:
    clock = Clock()
    governor, stop = Governor(600, clock=clock), Stop(clock)
    governor.learn(named(60), 0.0, "slow")
    governor.learn(named(6000), 0.0, "fast")
    for _ in range(600):
        turn = governor.acquire(1, stop, "fast")
        assert turn
        turn.settle()
    assert clock.now <= 6 / 0.95 + 1
    before = clock.now
    for _ in range(60):
        turn = governor.acquire(1, stop, "slow")
        assert turn
        turn.settle()
    assert clock.now - before >= 55


def test_until_the_service_says_more_every_model_of_a_key_shares_what_is_allowed() -> None:
    clock = Clock()
    governor, stop = Governor(600, clock=clock), Stop(clock)
    for number in range(600):
        turn = governor.acquire(1, stop, f"model {number % 3}")
        assert turn
        turn.settle()
    assert 60 * 0.98 <= clock.now <= 60 / 0.95


def test_an_account_has_one_governor_however_it_is_opened() -> None:
    one = governor_of("tests: somebody", 60, None)
    assert governor_of("tests: somebody", 6000, 1) is one
    assert governor_of("tests: somebody else", 60, None) is not one


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
