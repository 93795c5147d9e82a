"""What a text looks like, whatever language it is in: figures, code, quotations, who is spoken of.

Each hint is a share or a yes, never a length and never whether something is missing: the shipped examples are shorter
than real chats, and a model would learn that instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from commonplace.categorize.local.fields import Fields

_DIGIT = re.compile(r"\d")
_OPERATOR = re.compile(r"[=+*/^<>≤≥√∫∑π]")
_CODE = re.compile(r"[{};()\[\]_`$#]")
_QUOTE = re.compile(r"[\"“”«»„「」]")
_QUESTION = re.compile(r"[?？؟]")
_BRACKETED = re.compile(r"\[[^\]\n]{2,20}\]")
_THOUSANDS = re.compile(r"\d ?k\b", re.IGNORECASE)
_MONEY = re.compile(r"[€$£¥₹₩]|\b(?:eur|usd|euros?|dollars?|rubles?|руб|zł|tl)\b|元|円|원", re.IGNORECASE)
_MYSELF = re.compile(
    r"\b(?:i|i'm|im|my|me|ich|mein\w*|mir|mich|yo|mi|mis|je|mon|ma|mes|eu|meu|minha|io|mio|mia|ik|mijn|ja|mój|moja|mnie|"
    r"ben|benim|я|мне|меня|мой|моя|main|mera|mujhe)\b|我|私|僕|俺|저|나는|내가|제가|أنا|मैं|मेरा|मुझे",
    re.IGNORECASE,
)
_OTHERS = re.compile(
    r"\b(?:he|she|they|him|her|his|them|er|sie|ihr|ihm|él|ella|ellos|il|elle|lui|ele|ela|dele|lei|hij|zij|haar|on|ona|"
    r"jego|jej|onun|он|она|они|его|её|ему|woh|usne)\b|他|她|彼女?|그는|그녀|걔|هو|هي|वह|उसने",
    re.IGNORECASE,
)
_YOU = re.compile(
    r"\b(?:you|your|u|du|dein\w*|dir|tú|tu|te|eres|você|sei|jij|je|ты|тебя|sen|ty)\b|你|您|あなた|너|넌|أنت|तुम",
    re.IGNORECASE,
)
_TOLD_BY_A_WORD = {"money": _MONEY, "myself": _MYSELF, "others": _OTHERS, "you": _YOU}
_REMEMBERED = 50_000
"""Words, at some 150 bytes each: more than 1,500 conversations have."""
_MOST = 2.5

_USUAL = np.array(
    [0.08, 0.02, 0.02, 0.0, 0.0, 0.08, 0.2, 0.02, 0.02, 0.46, 0.28, 0.12, 0.05, 0.02, 0.02, 0.06, 0.02],
    dtype=np.float32,
)
_SPREAD = np.array(
    [0.17, 0.11, 0.09, 0.04, 0.02, 0.24, 0.4, 0.12, 0.14, 0.5, 0.45, 0.32, 0.21, 0.1, 0.1, 0.22, 0.12], dtype=np.float32
)
"""Both measured over the shipped examples."""
COUNT = len(_USUAL)


def hints_of(fields: Fields) -> npt.NDArray[np.float32]:
    """Each hint as its distance from what is usual among the examples."""
    found = np.fromiter(_raw(fields), dtype=np.float32, count=COUNT)
    distance: npt.NDArray[np.float32] = np.clip((found - _USUAL) / _SPREAD, -_MOST, _MOST)
    return distance


def _raw(fields: Fields) -> Iterator[float]:
    asked, answered = f"{fields.first} {fields.later}", fields.answers
    told = frozenset().union(*map(_told_by, asked.split()))
    yield 4 * _share(_DIGIT, asked)
    yield min(1.0, 10 * _share(_OPERATOR, asked))
    yield min(1.0, 8 * _share(_CODE, asked))
    yield float("```" in asked or "\n    " in asked)
    yield float("http" in asked)
    yield min(1.0, 30 * _share(_QUOTE, asked))
    yield float(bool(_QUESTION.search(asked)))
    yield float(bool(_BRACKETED.search(asked)))
    yield float("money" in told or bool(_THOUSANDS.search(asked)))
    yield float("myself" in told)
    yield float("others" in told)
    yield float("you" in told)
    yield 4 * _share(_DIGIT, answered)
    yield min(1.0, 10 * _share(_OPERATOR, answered))
    yield min(1.0, 8 * _share(_CODE, answered))
    yield min(1.0, 30 * _share(_QUOTE, answered))
    yield float("—" in answered or "..." in answered or "…" in answered)


@lru_cache(maxsize=_REMEMBERED)
def _told_by(word: str) -> frozenset[str]:
    """What is found in a word; remembered, since to look for it in whole texts takes a tenth of all judging."""
    return frozenset(name for name, pattern in _TOLD_BY_A_WORD.items() if pattern.search(word))


def _share(pattern: re.Pattern[str], text: str) -> float:
    return len(pattern.findall(text)) / len(text) if text else 0.0
