"""What people type is understood, and nothing that they type is an error."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonplace.archive.search.query import LONGEST, MOST_PARTS, Part, Query, parse, words


def wanted(*parts: Part | str) -> Query:
    return Query(tuple(Part(part) if isinstance(part, str) else part for part in parts))


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("bread", wanted("bread")),
        ("bread  bread butter", wanted("bread", "butter")),
        ('"bread and butter"', wanted("bread and butter")),
        ("“bread and butter” jam", wanted("bread and butter", "jam")),
        ('"never closed', wanted("never closed")),
        ("bre*", wanted(Part("bre", is_prefix=True))),
        ('"bread and bu"*', wanted(Part("bread and bu", is_prefix=True))),
        ("*bread", wanted("bread")),
        ("don't", wanted("don't")),
        ("C++ node.js", wanted("C", "node.js")),
        ("title:bread (AND) OR", wanted("title:bread", "AND", "OR")),
        ("--verbose - -5", wanted("verbose", "5")),
        ("東京", wanted(Part("東京", is_run=True))),
        ("東京tower*", wanted(Part("東京", is_run=True), Part("tower", is_prefix=True))),
        ("हिन्दी", wanted("हिन्दी")),
        ("cafe\u0301", wanted("caf\u00e9")),
        ("", wanted()),
        ('*** "" - ...', wanted()),
        ("\0\ud800\ue000", wanted()),
        ("bread -butter", Query((Part("bread"),), ((Part("butter"),),))),
        ('-"bread and butter"', Query((), ((Part("bread and butter"),),))),
        ("-東京tower", Query((), ((Part("東京", is_run=True), Part("tower")),))),
        ("-but*", Query((), ((Part("but", is_prefix=True),),))),
    ],
)
def test_it_is_understood(typed: str, expected: Query) -> None:
    found = parse(typed)
    assert Query(found.wanted, found.excluded) == expected


def test_it_is_known_what_was_quoted_and_what_was_said_without_the_exclusions() -> None:
    found = parse('where is "red wine" kept -white -"rosé wine"')
    assert found.quoted == (Part("red wine"),)
    assert found.said == "where is red wine kept"


def test_a_long_text_is_cut() -> None:
    query = parse(" ".join(f"word{n}" for n in range(1000)))
    assert len(query.wanted) == MOST_PARTS
    assert len(parse("x" * 10 * LONGEST).wanted[0].text) == LONGEST


def test_words_are_what_the_index_takes_for_words() -> None:
    assert words("snake_case, don't; ÜBER-groß हिन्दी") == ["snake", "case", "don", "t", "ÜBER", "groß", "हिन्दी"]


@given(st.text())
def test_any_text_is_a_query(typed: str) -> None:
    query = parse(typed)
    for part in (*query.wanted, *(part for group in query.excluded for part in group)):
        assert any(map(str.isalnum, part.text))
        assert "\0" not in part.text
        assert '"' not in part.text[:1] + part.text[-1:]
    assert all(query.excluded)


@given(st.text(alphabet='ab東"*- ', max_size=20))
def test_typing_it_twice_asks_for_the_same(typed: str) -> None:
    assert parse(f"{typed} ").wanted == parse(f"{typed} {typed.replace(chr(34), '')[:0]}").wanted
