"""Words for generated conversations: Zipf's law, four scripts, topics. The same seed gives the same words."""

from __future__ import annotations

import random
from typing import cast

import numpy

Words = list[str]

COMMON = (
    "the of and to a in is that it for you with as are this on be can or we by from at an if not your but have will"
    " use data time code using one value file function make like work example set need more when which new model"
    " list test user name type add error how what does why project plan write change first line system"
)
GERMAN = (
    "der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er hat"
    " dass sie nach wird bei einer um am sind noch wie einem über so zum Haus Straße schön Größe prüfen Übung"
)
ONSETS = (
    "b",
    "c",
    "d",
    "f",
    "g",
    "h",
    "k",
    "l",
    "m",
    "n",
    "p",
    "r",
    "s",
    "t",
    "v",
    "w",
    "br",
    "cr",
    "fl",
    "gr",
    "st",
    "tr",
)
VOWELS = ("a", "e", "i", "o", "u", "ai", "ea", "ou")
CODAS = ("", "n", "r", "s", "t", "l", "m", "nd", "st")


class Vocabulary:
    """An endless supply of words, drawn in blocks because drawing one by one is slow."""

    def __init__(self, seed: int) -> None:
        self._random = numpy.random.Generator(numpy.random.PCG64(seed))
        maker = random.Random(seed)
        invented = [
            "".join(
                maker.choice(ONSETS) + maker.choice(VOWELS) + maker.choice(CODAS) for _ in range(maker.randint(1, 3))
            )
            for _ in range(60_000)
        ]
        self._words = {
            "english": numpy.array(list(dict.fromkeys([*COMMON.split(), *invented]))[:50_000], dtype=object),
            "german": numpy.array(list(dict.fromkeys([*GERMAN.split(), *invented]))[:20_000], dtype=object),
            "chinese": numpy.array([chr(0x4E00 + place) for place in range(3_000)], dtype=object),
            "arabic": numpy.array(
                ["".join(chr(0x0627 + maker.randrange(36)) for _ in range(maker.randint(2, 6))) for _ in range(5_000)],
                dtype=object,
            ),
        }
        self._shares = {
            language: numpy.cumsum(1.0 / numpy.arange(2, len(words) + 2)) for language, words in self._words.items()
        }

    def draw(self, language: str, topic: int, count: int) -> Words:
        """`count` words of which every sixth or so belongs to the topic."""
        words, shares = self._words[language], self._shares[language]
        places = numpy.searchsorted(shares, self._random.random(count) * shares[-1])
        topical = self._random.random(count) < 0.15
        places[topical] = (len(words) // 50 * (topic % 40 + 5) + places[topical] % 150) % len(words)
        return cast(Words, words[places].tolist())
