"""A window that slides: never more than so many, told when to come back, and nothing kept that is over."""

from __future__ import annotations

import random

import pytest
from limits import parse

from commonplace.web.security.counting import FEW, Counts


class Clock:
    """A time that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_so_many_and_no_more_until_the_moment_that_was_told(clock: Clock) -> None:
    counts, rate = Counts(clock), parse("3/minute")
    assert [counts.hit(rate, "a") for _ in range(3)] == [0, 0, 0]
    clock.now += 20
    assert counts.hit(rate, "a") == pytest.approx(40)
    assert counts.hit(rate, "b") == 0
    clock.now += 40.1
    assert counts.hit(rate, "a") == 0
    wait = counts.hit(rate, "a")
    assert 0 < wait <= 60
    clock.now += wait - 0.1
    assert counts.hit(rate, "a") > 0
    clock.now += 0.2
    assert counts.hit(rate, "a") == 0


def test_what_was_refused_is_not_counted_and_what_is_forgiven_is_forgotten(clock: Clock) -> None:
    counts, rate = Counts(clock), parse("1/minute")
    assert [bool(counts.hit(rate, "a", "b")) for _ in range(5)] == [False, True, True, True, True]
    counts.clear("a", "b")
    assert counts.hit(rate, "a", "b") == 0


def test_in_no_window_is_there_much_more_than_is_allowed(clock: Clock) -> None:
    counts, rate, draw = Counts(clock), parse("10/minute"), random.Random(1)
    taken: list[float] = []
    for _ in range(3_000):
        clock.now += draw.expovariate(0.5)
        if not counts.hit(rate, "a"):
            taken.append(clock.now)
            assert sum(moment > clock.now - 60 for moment in taken) <= 15
    assert len(taken) > 0.9 * 10 * (clock.now - 1_000) / 60


def test_addresses_that_are_heard_of_no_more_are_forgotten(clock: Clock) -> None:
    counts, rate = Counts(clock), parse("5/minute")
    for number in range(10 * FEW):
        clock.now += 1
        counts.hit(rate, str(number))
    assert len(counts) <= FEW
