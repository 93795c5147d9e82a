"""Words that tell a subject, by hand, in fifteen languages: what a few thousand short examples cannot teach.

`lexicon.txt` has groups of words (`[health body]`), each belonging to one of the shipped example sets. How far a group
is to be trusted is not written there: the model learns it from the examples.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib import resources
from itertools import pairwise

import msgspec

from commonplace.categorize.local.forms import IDEOGRAMS, folded, plain, stem


class Entry(msgspec.Struct, frozen=True):
    """One line of the lexicon's words, as text to learn from."""

    text: str
    example_set: str


class Lexicon:
    """Finds the groups that a word, a phrase or a run of ideograms belongs to."""

    def __init__(self, text: str) -> None:
        self.groups: list[str] = []
        self.sets: list[str] = []
        """For each group the example set it belongs to."""
        self.entries: list[Entry] = []
        self._words: dict[str, tuple[int, ...]] = {}
        self._stems: dict[str, tuple[int, ...]] = {}
        self._signs: dict[str, tuple[int, ...]] = {}
        self._phrases: dict[str, tuple[int, ...]] = {}
        for line in text.splitlines():
            if line.startswith("["):
                self.groups.append(line.strip("[] "))
                self.sets.append(self.groups[-1].split()[0])
            elif line and not line.startswith("#"):
                for written in line.split():
                    self._add(folded(written), len(self.groups) - 1)
        self._stem_lengths = range(min(map(len, self._stems)), max(map(len, self._stems)) + 1)
        self._sign_lengths: dict[str, list[int]] = {}
        """By their first sign, how long the runs are that are entries; the longest first."""
        for sign in sorted(self._signs, key=len, reverse=True):
            lengths = self._sign_lengths.setdefault(sign[0], [])
            if len(sign) not in lengths:
                lengths.append(len(sign))
        self._phrase_lengths: dict[tuple[str, ...], list[int]] = {}
        """By their first two words, how many words the phrases have that are entries; the shortest first."""
        for words in sorted(map(str.split, self._phrases), key=len):
            lengths = self._phrase_lengths.setdefault(tuple(words[:2]), [])
            if len(words) not in lengths:
                lengths.append(len(words))

    def _add(self, written: str, group: int) -> None:
        word = written.rstrip("*").strip("_")
        if IDEOGRAMS.fullmatch(word):
            table, form = self._signs, word
        elif "_" in word:
            table, form = self._phrases, " ".join(stem(plain(part)) for part in word.split("_"))
        elif written.endswith("*"):
            table, form = self._stems, plain(word)
        else:
            table, form = self._words, stem(plain(word))
        if group not in table.get(form, ()):
            table[form] = (*table.get(form, ()), group)
        self.entries.append(Entry(word.replace("_", " "), self.sets[group]))

    def of_word(self, word: str) -> tuple[tuple[int, ...], ...]:
        """The groups of every entry that a word is or begins with."""
        word = plain(word)
        whole = self._words.get(stem(word))
        found = [whole] if whole else []
        for length in self._stem_lengths:
            if length > len(word):
                break
            if word[:length] in self._stems:
                found.append(self._stems[word[:length]])
        return tuple(found)

    def of_phrases(self, words: Sequence[str]) -> Iterator[tuple[int, ...]]:
        """The groups of every phrase that the words, as stems, hold."""
        for start, beginning in enumerate(pairwise(words)):
            for length in self._phrase_lengths.get(beginning, ()):
                found = self._phrases.get(" ".join(words[start : start + length]))
                if found and start + length <= len(words):
                    yield found

    def of_signs(self, run: str) -> list[tuple[str, tuple[int, ...]]]:
        """The entries that occur in a run of ideograms, with their groups, the longer ones instead of their parts."""
        found: list[tuple[str, tuple[int, ...]]] = []
        place = 0
        while place < len(run):
            for length in self._sign_lengths.get(run[place], ()):
                groups = self._signs.get(run[place : place + length])
                if groups is not None and place + length <= len(run):
                    found.append((run[place : place + length], groups))
                    place += length - 1
                    break
            place += 1
        return found


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """The lexicon that ships with the package."""
    place = resources.files("commonplace.categorize.local") / "lexicon.txt"
    return Lexicon(re.sub(r"[ \t]+", " ", place.read_text(encoding="utf-8")))
