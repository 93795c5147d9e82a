"""What a person types into the search box, understood without ever being wrong.

Words, "phrases", -exclusions and prefix* are what there is; anything else is text. Nothing of it reaches the database
but tokens that this module made, so there is no syntax to get wrong and no operator to slip in.
"""

from __future__ import annotations

import re

import msgspec

from commonplace.archive.text_index import UNSPACED, folded, pairs

MOST_TERMS = 24
LONGEST_TOKEN = 100
_PIECE = re.compile(r'(-?)(?:"([^"]*)"?|(\S+))')
_WORD = re.compile(r"[^\W_]+", re.UNICODE)


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens that must stand next to each other; the last one may be the beginning of a word."""

    tokens: tuple[str, ...]
    is_prefix: bool = False
    is_excluded: bool = False
    is_paired: bool = False
    """Pairs of characters of a script without spaces, to be looked up in the index of pairs."""


class Query(msgspec.Struct, frozen=True):
    """What is asked for: every wanted term, none of the excluded ones."""

    terms: tuple[Term, ...]

    @property
    def wanted(self) -> tuple[Term, ...]:
        return tuple(term for term in self.terms if not term.is_excluded)

    @property
    def excluded(self) -> tuple[Term, ...]:
        return tuple(term for term in self.terms if term.is_excluded)


def parse(typed: str) -> Query:
    """Any text as a query. A query without wanted terms asks for everything."""
    terms: list[Term] = []
    for minus, phrase, word in _PIECE.findall(typed.replace("\0", " ")):
        said = phrase or word
        is_prefix = not phrase and word.endswith("*")
        terms.extend(_terms(said, is_prefix=is_prefix, is_excluded=bool(minus)))
    unique = dict.fromkeys(terms)
    return Query(tuple(unique)[:MOST_TERMS])


def _terms(said: str, *, is_prefix: bool, is_excluded: bool) -> list[Term]:
    """One term for the spaced words of a piece, and one for each run of a script without spaces."""
    found = []
    spaced = UNSPACED.sub(" ", said)
    words = tuple(token[:LONGEST_TOKEN] for token in _WORD.findall(folded(spaced)))
    if words:
        found.append(Term(tokens=words, is_prefix=is_prefix, is_excluded=is_excluded))
    for run in UNSPACED.findall(said):
        # A run's last character stands alone only where its run ends; asked for, it is covered by the pair before it.
        tokens = tuple(pairs(run).split())
        whole = len(tokens) == 1
        found.append(
            Term(
                tokens=tokens if whole else tokens[:-1],
                is_prefix=whole,
                is_excluded=is_excluded,
                is_paired=True,
            )
        )
    return found
