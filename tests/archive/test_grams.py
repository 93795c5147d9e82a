"""Scripts without spaces: any piece of a text is found in what is indexed of it, and nothing else is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from commonplace.archive.grams import cut, grams, phrase

RUN = st.text(alphabet="東京都大阪가กิน", min_size=1, max_size=12)


def is_phrase_of(wanted: str, indexed: str) -> bool:
    return f" {wanted} " in f" {indexed} "


def test_only_texts_that_need_it_have_any() -> None:
    assert grams("plain words") is None
    assert grams("Grüße, Привет, שלום") is None
    assert grams(None) is None
    assert grams("in 東京 and ไทย") == "東 東京 京 ไ ไท ท ทย ย"


@given(run=RUN, start=st.integers(0, 11), length=st.integers(1, 12))
def test_every_piece_is_found(run: str, start: int, length: int) -> None:
    piece = run[start % len(run) :][:length]
    assert is_phrase_of(phrase(piece), cut(run))


@given(run=RUN, piece=RUN)
def test_only_pieces_are_found(run: str, piece: str) -> None:
    assert is_phrase_of(phrase(piece), cut(run)) == (piece in run)
