"""Words of any script, and one form for those that grammar writes in several: what is glued on is taken off, lightly.

Arabic writes the article and small words in front of a word, and whose it is behind it; Hindi endings are vowel signs.
A wrong cut does little harm, since the lexicon's words are cut alike. Elsewhere a word's beginning stands for all its
forms: that needs no rules, and serves languages with many endings.
"""

from __future__ import annotations

import re
import unicodedata

# Devanagari and Arabic vowel signs are no letters to Python, and would cut words into pieces.
_WORD = re.compile(
    r"[\w\u0900-\u097f\u0610-\u061a\u064b-\u065f]+(?:[-'./&][\w\u0900-\u097f+#]+)*[+#]*|[?!=→≤≥√∫∑π°€$£¥%{}<>@]"
)
IDEOGRAMS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u3005]+")
"""Scripts whose words no space divides, and Korean, whose words carry their particles."""
_INSIDE = re.compile(r"[-'./&]")

_ARABIC = re.compile(r"[\u0621-\u064a]")
_DEVANAGARI = re.compile(r"[\u0900-\u097f]")
_UNWRITTEN = re.compile(r"[\u0610-\u061a\u0640\u064b-\u065f\u0670]")
"""Vowel signs, and the line that only stretches a word."""
_SAME_LETTER = str.maketrans("أإآٱىةؤئ", "اااايهوي")
_IN_FRONT = re.compile(r"^(?!الله|والد)(?:ال(?=..)|[وف]?(?:[بكه]?ال|لل)(?=...)|[وف](?=...))")
_BEHIND = re.compile(r"(?<=...)(?:ت?(?:هم|نا|كم|ها|ه|ي|ك)|ات|ون|ين|ان|يه)$")
_NUKTA, _CHANDRABINDU, _ANUSVARA = "\u093c", "\u0901", "\u0902"
_VOWEL_SIGNS = re.compile(r"(?<=..)(?:[\u0900-\u0903\u093e-\u094c]|ओं|एं|यों|यां)+$")
_BEGINNINGS, _LEFT_OVER = (4, 6), 2
"""Letters of a beginning, and how many must follow so that it is one."""


def folded(text: str) -> str:
    """One form for what looks the same."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", text).lower().replace("’", "'")


def words_of(text: str) -> list[str]:
    """The words and telling signs of a text, in order, folded."""
    return _WORD.findall(folded(text))


def pieces_of(word: str) -> list[str]:
    """A word with what is joined in it: `e-mail-adresse` also counts as its parts."""
    return [word, *(part for part in _INSIDE.split(word) if part)] if _INSIDE.search(word) else [word]


def plain(word: str) -> str:
    """A folded word with its letters written one way, and nothing glued to its front."""
    if word.isascii():
        return word
    if _ARABIC.search(word):
        return _IN_FRONT.sub("", _UNWRITTEN.sub("", word).translate(_SAME_LETTER))
    if _DEVANAGARI.search(word):
        return word.replace(_NUKTA, "").replace(_CHANDRABINDU, _ANUSVARA)
    return word


def stem(word: str) -> str:
    """A plain word without the endings of Arabic and Hindi."""
    if word.isascii():
        return word
    if _ARABIC.search(word):
        return _BEHIND.sub("", word)
    return _VOWEL_SIGNS.sub("", word) if _DEVANAGARI.search(word) else word


def beginnings(word: str) -> list[str]:
    """The beginnings of a long word, marked as such: `schreib*` is no word."""
    return [f"{word[:size]}*" for size in _BEGINNINGS if len(word) >= size + _LEFT_OVER]
