"""Words of any script, as the local judge counts them."""

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
