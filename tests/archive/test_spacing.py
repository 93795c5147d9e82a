"""Scripts without spaces: any piece of a text is found in what is indexed of it, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonplace.archive.spacing import RANGES, cut, spaced

RUN = st.text(alphabet="東京都大阪가กิน", min_size=1, max_size=12)


def test_only_texts_that_need_it_are_changed() -> None:
    assert spaced("plain words") == "plain words"
    assert spaced("Grüße, Привет, שלום") == "Grüße, Привет, שלום"
    assert spaced(None) is None
    assert spaced("in 東京 and ไทย") == "in  東 京  and  ไ ท ย "


@given(run=RUN, piece=RUN)
def test_pieces_are_phrases_and_nothing_else_is(run: str, piece: str) -> None:
    assert (f" {cut(piece)} " in f" {cut(run)} ") == (piece in run)


@pytest.mark.parametrize(("first", "last"), RANGES)
def test_every_script_without_spaces_is_seen_alone_and_among_others(first: str, last: str) -> None:
    assert spaced(first + last) == f" {first} {last} "
    assert spaced(f"—{first}\U0001f600") == f"— {first} \U0001f600"
