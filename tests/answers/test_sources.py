"""Which pieces an answer stands on."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from commonplace.answers.sources import Piece, Said, chosen


def _piece(text: str) -> Piece:
    return Piece(conversation_id="chatgpt:a", message_id="m", title="A title", date="2026-01-02", said=(Said(text),))


def test_of_pieces_that_say_the_same_the_first_is_enough() -> None:
    said = [
        "Let the dough rise for two hours at room temperature",
        "let the dough rise for two hours, at room temperature!",
    ]
    found = chosen(map(_piece, [*said, "Taxes are due in May"]), room=1000, size=len)
    assert [source.piece.text for source in found] == [said[0], "Taxes are due in May"]
    assert [source.number for source in found] == [1, 2]


def test_one_that_does_not_fit_leaves_room_for_a_smaller_one() -> None:
    found = chosen(map(_piece, ["bread " * 3, "boats " * 50, "taxes"]), room=30, size=len)
    assert [source.piece.text.split()[0] for source in found] == ["bread", "taxes"]


def test_no_piece_is_looked_at_that_is_not_wanted() -> None:
    pieces = map(_piece, ["bread", "bread", "boats", "taxes"])
    assert len(chosen(pieces, room=100, size=len, most=2)) == 2
    assert next(pieces).text == "taxes"


def test_what_says_nothing_is_no_source() -> None:
    assert chosen(map(_piece, ["", " ", "?!"]), room=100, size=len) == []


@given(st.lists(st.text(max_size=60), max_size=20), st.integers(0, 400))
def test_they_never_take_more_room_than_there_is(texts: list[str], room: int) -> None:
    found = chosen(map(_piece, texts), room=room, size=len)
    assert sum(len(source.piece.text) for source in found) <= room
    assert [source.number for source in found] == list(range(1, len(found) + 1))
