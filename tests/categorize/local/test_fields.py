"""What the local judge reads of a conversation, however much was said."""

from __future__ import annotations

from commonplace.categorize.contract import Subject, Turn
from commonplace.categorize.local.fields import FIRST, LATER, fields_of

SAID = [
    f"the {thing} is on the list for Saturday" for thing in ("flour", "yeast", "salt", "oven", "butter", "rye", "tin")
]


def spoken(*texts: str) -> Subject:
    return Subject(conversation_id="omi:1", content_hash="", turns=tuple(Turn("user", text) for text in texts))


def test_what_says_nothing_between_what_is_said_takes_no_room() -> None:
    said = [text for line in SAID for text in (line, "Yeah.", "Okay, sure.")]
    assert fields_of(spoken("Hey.", *said)) == fields_of(spoken(*SAID))


def test_of_many_short_ones_as_many_are_read_as_fit() -> None:
    read = fields_of(spoken(*SAID))
    assert read.first == SAID[0]
    assert read.later.split("\n") == SAID[1:]
    many = fields_of(spoken(*(f"{line}, number {place}" for place in range(100) for line in SAID))).later
    assert LATER * 0.4 < len(many) <= LATER
    long = fields_of(spoken(*(line * 100 for line in SAID * 3)))
    assert len(long.first) <= FIRST + 1
    assert len(long.later.split("\n")) == 6


def test_who_says_little_is_read_as_it_is() -> None:
    assert fields_of(spoken(*["yes"] * 20)).later
    assert fields_of(spoken("bake", "rye?", "oven")).later == "rye?\noven"
