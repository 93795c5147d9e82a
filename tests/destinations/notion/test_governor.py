"""The governor spends the whole budget and never more, in whatever window Notion counts."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonplace.destinations.notion.governor import MOST_IN_FLIGHT, Clock, Governor, Stopped, governor_for


class OwnTime(Clock):
    """Time that passes only when somebody waits for it."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        assert seconds is not None, "nobody is in flight who could end the wait"
        self.seconds += seconds


def moments_of(governor: Governor, clock: OwnTime, requests: int, latency: float = 0.0) -> list[float]:
    moments = []
    for _ in range(requests):
        with governor.turn():
            moments.append(clock.now())
            clock.sleep(latency)
    return moments


def test_a_budget_may_be_spent_in_one_burst() -> None:
    clock = OwnTime()
    moments = moments_of(Governor(180, clock=clock), clock, 180)
    assert set(moments) == {1000.0}


@given(
    budget=st.integers(1, 20),
    requests=st.integers(1, 100),
    latency=st.floats(0, 3),
    phase=st.floats(0, 60),
)
def test_no_window_wherever_it_begins_gets_more_than_the_budget(
    budget: int, requests: int, latency: float, phase: float
) -> None:
    clock = OwnTime()
    moments = moments_of(Governor(budget, clock=clock), clock, requests, latency)
    windows = [int((moment - phase) // 60) for moment in moments]
    assert max(windows.count(window) for window in windows) <= budget


def test_the_whole_budget_is_used() -> None:
    clock = OwnTime()
    moments = moments_of(Governor(180, clock=clock), clock, 1000, 0.01)
    floor = (-(-1000 // 180) - 1) * 60
    assert floor <= moments[-1] - moments[0] <= floor * 1.05 + 10


def test_a_refusal_pauses_everybody_for_as_long_as_notion_says() -> None:
    clock = OwnTime()
    governor = Governor(180, clock=clock)
    with governor.turn():
        governor.refused(75.0)
    assert moments_of(governor, clock, 1) == [1075.0]


def test_what_got_through_in_a_watched_window_is_the_real_budget_until_it_is_raised_again() -> None:
    clock = OwnTime()
    governor = Governor(600, clock=clock)
    clock.sleep(61)
    moments_of(governor, clock, 180)
    with governor.turn():
        governor.refused(60.0)
    assert governor.limit() == 180
    clock.sleep(60 * 11)
    assert governor.limit() == 180
    clock.sleep(60 * 4)
    assert 180 < governor.limit() < 300
    clock.sleep(60 * 60)
    assert governor.limit() == 600


def test_a_window_that_began_before_us_teaches_nothing() -> None:
    clock = OwnTime()
    governor = Governor(180, clock=clock)
    moments_of(governor, clock, 3)
    with governor.turn():
        governor.refused(20.0)
    assert governor.limit() == 180


def test_overload_is_no_lesson_about_the_budget() -> None:
    clock = OwnTime()
    governor = Governor(180, clock=clock)
    clock.sleep(100)
    with governor.turn():
        governor.refused(5.0, is_budget=False)
    assert governor.limit() == 180


def test_enough_is_in_flight_for_the_latency_and_never_too_much() -> None:
    governor = Governor(100_000, window_seconds=60)
    most, present, lock = 0, 0, threading.Lock()
    gate = threading.Semaphore(0)

    def request(_: int) -> None:
        nonlocal most, present
        with governor.turn():
            with lock:
                present += 1
                most = max(most, present)
                if present == 12:
                    gate.release(200)
            gate.acquire()
            with lock:
                present -= 1

    with ThreadPoolExecutor(64) as pool:
        list(pool.map(request, range(200)))
    assert 12 <= most <= MOST_IN_FLIGHT


def test_whoever_waits_is_let_go_when_the_run_is_stopped() -> None:
    governor, stop = Governor(1), threading.Event()
    with governor.turn(stop):
        pass

    def wait(_: int) -> None:
        with governor.turn(stop):
            raise AssertionError("there was no budget for this")

    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(wait, n) for n in range(4)]
        stop.set()
        governor.wake()
        assert all(isinstance(future.exception(10), Stopped) for future in waiting)
    with pytest.raises(Stopped):
        governor.rest(60, stop)


def test_writes_to_one_page_take_turns() -> None:
    governor = Governor(1000)
    present, most = 0, 0

    def write(_: int) -> None:
        nonlocal present, most
        with governor.alone("page"):
            present += 1
            most = max(most, present)
            present -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(100)))
    assert most == 1
    assert governor._keys == {}


def test_one_token_has_one_governor_and_the_newest_settings_hold() -> None:
    first = governor_for("a", "https://x", 180, 60.0)
    assert governor_for("a", "https://x", 600, 60.0) is first
    assert first.budget == 600
    assert governor_for("b", "https://x", 180, 60.0) is not first


@pytest.mark.parametrize(("requests", "seconds"), [(0, 0.0), (180, 1.0), (181, 61.0), (1000, 301.0)])
def test_the_least_time_is_known_before(requests: int, seconds: float) -> None:
    assert Governor(180).seconds_for(requests) == seconds
