"""Moments as people write them, and calendar windows."""

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonplace import moments
from commonplace.errors import Refused

BERLIN = ZoneInfo("Europe/Berlin")


def test_a_date_is_its_first_instant_in_the_zone() -> None:
    assert moments.to_iso(moments.parse("2026-07-01", BERLIN)) == "2026-06-30T22:00:00Z"


@pytest.mark.parametrize("text", ["2026-07", "2026-07-01", "2026-07-01T00:00:00Z", "2026-07-01T02:00+02:00"])
def test_many_spellings_of_one_moment(text: str) -> None:
    assert moments.to_iso(moments.parse(text)) == "2026-07-01T00:00:00Z"


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "31.12.2026"])
def test_what_is_no_date_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(Refused, match="2026-03-01"):
        moments.parse(text)


@pytest.mark.parametrize("text", ["3000 years ago", "99999999999 days ago", "99999999999999999999 weeks"])
def test_what_is_before_the_calendar_begins_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(Refused, match="outside the calendar") as refused:
        moments.parse(text)
    assert refused.value.hint is not None
    assert "2026-03-01" in refused.value.hint


def test_a_window_that_leads_out_of_the_calendar_is_refused() -> None:
    with pytest.raises(Refused, match="outside the calendar"):
        moments.windows(moments.parse("2026-01-31"), moments.parse("2026-04-15"), "9000 years")


@pytest.mark.parametrize(("moment", "day"), [(2**62, "9999-12-3"), (-(2**62), "0001-01-0")])
def test_a_moment_outside_the_calendar_is_shown_as_its_end(moment: int, day: str) -> None:
    assert (moments.to_iso(moment, BERLIN) or "").startswith(day)


def test_months_are_calendar_months() -> None:
    since, until = moments.parse("2026-01-31"), moments.parse("2026-04-15")
    starts = [moments.to_iso(start) for start, _ in moments.windows(since, until, "1 month")]
    assert starts == ["2026-01-31T00:00:00Z", "2026-02-28T00:00:00Z", "2026-03-31T00:00:00Z"]


@given(
    st.datetimes(datetime(2015, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001
    st.integers(1, 400),
    st.sampled_from(["1 day", "2 weeks", "1 month", "3 months", "1 year"]),
)
def test_windows_cover_a_span_without_gap_or_overlap(start: datetime, days: int, every: str) -> None:
    since = moments.from_datetime(start.replace(tzinfo=UTC))
    until = since + days * 86_400_000_000
    windows = moments.windows(since, until, every)
    assert windows[0][0] == since
    assert windows[-1][1] == until
    assert all(left[1] == right[0] for left, right in pairwise(windows))
    assert all(begin < end for begin, end in windows)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 21 Oct 2015 07:28:00 -0000", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_when_to_come_back_is_a_number_of_seconds_or_a_date(text: str | None, seconds: float | None) -> None:
    assert moments.seconds_until(text) == seconds


def test_a_date_to_come_back_at_is_so_far_from_now() -> None:
    assert moments.seconds_until("Fri, 01 Jan 2100 00:00:00 GMT") == pytest.approx(
        (moments.parse("2100-01-01") - moments.now()) / 1e6, abs=60
    )
