"""What is glued to words comes off, and vowel signs stay inside them."""

from __future__ import annotations

import pytest

from commonplace.categorize.local.forms import beginnings, plain, stem, words_of
from commonplace.categorize.local.lexicon import Lexicon


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("الكتاب", "كتاب"),
        ("والكتاب", "كتابي"),
        ("بالمدرسة", "مدرسه"),
        ("للبيت", "بيت"),
        ("فالسيارة", "سيارتي"),
        ("أغنية", "الاغنيه"),
        ("مُدَرِّس", "مدرس"),
        ("फ़ोन", "फोन"),
        ("लड़का", "लड़के"),
        ("बेटी", "बेटियों"),
        ("माँ", "मां"),
    ],
)
def test_forms_of_one_word_are_one(one: str, other: str) -> None:
    assert stem(plain(one)) == stem(plain(other))


@pytest.mark.parametrize("word", ["ألم", "ولد", "doctor", "größe", "книги", "दो", "猫"])
def test_what_only_looks_glued_stays(word: str) -> None:
    assert len(stem(plain(word))) == len(word)
    assert plain("الله") == "الله"


def test_vowel_signs_are_part_of_a_word() -> None:
    assert words_of("मुझे हिंदी किताब चाहिए") == ["मुझे", "हिंदी", "किताब", "चाहिए"]
    assert words_of("أُحِبُّ القِراءة") == ["أُحِبُّ", "القِراءة"]


def test_a_long_word_is_also_its_beginnings() -> None:
    assert beginnings("schreiben") == ["schr*", "schrei*"]
    assert beginnings("kurz") == []


def test_the_lexicon_finds_a_word_in_its_forms() -> None:
    known = Lexicon("[a one]\nكتاب लड़का रखना_है\n[b two]\nbook* 本\n")
    assert known.of_word("والكتاب") == ((0,),)
    assert known.of_word("लड़कों") == ((0,),)
    assert known.of_word("books") == ((1,),)
    assert list(known.of_phrases([stem(plain(word)) for word in words_of("यह रखनी है")])) == [(0,)]
