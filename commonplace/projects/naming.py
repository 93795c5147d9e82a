"""Names made from the titles themselves: the words that a project's titles share and other projects' do not.

A phrase of several words counts more than its parts, if its parts rarely occur without it. Nothing is asked of anyone,
so the first mapping already shows something better than ids.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from commonplace.projects.contract import Proposal, Unnamed
from commonplace.projects.stopwords import STOP_WORDS
from commonplace.projects.terms import words

LONGEST_PHRASE = 3
LONGEST_NAME = 60
_ABOUT = 5
_REPRESENTATIVE = 0.25
_NOT_TITLES = frozenset(
    """
    new chat|new conversation|untitled|untitled chat|chat|conversation|neuer chat|neue unterhaltung|nouveau chat
    nouvelle discussion|nuevo chat|nueva conversación|nuova chat|novo chat|nova conversa|nieuwe chat|nowy czat
    новый чат|yeni sohbet|新しいチャット|新聊天|新对话|新對話|새 채팅|دردشة جديدة|नई चैट
    """.strip()
    .replace("\n", "|")
    .replace("    ", "")
    .split("|")
)
"""What a chat is called before anybody has said anything."""
_SAYS_NOTHING = """
    chat chats conversation discussion question questions help hilfe frage fragen unterhaltung pregunta ayuda aide
"""
_OF_EVERY_CHAT = frozenset(_SAYS_NOTHING.split())
_SCRIPTS_WITHOUT_CASE = "\u3040"
_BREAK = re.compile(r"[,:;!?。、：，；！？]|[()\[\]{}«»“”„\"]|\s[-–—|/]\s")
"""What no name goes across."""


class KeyPhrases:
    """The local namer."""

    key = "phrases/v3"

    def propose(self, batch: Sequence[Unnamed]) -> list[Proposal]:
        """Names for those whose titles have something in common; telling the projects of the batch apart.

        A scrap of one title among many is worse than no name.
        """
        said = [[title for title in project.titles if _is_given(title)] for project in batch]
        counted = [_phrases(titles) for titles in said]
        spread = Counter(phrase for phrases in counted for phrase in phrases)
        proposals = []
        for project, titles, phrases in zip(batch, said, counted, strict=True):
            chosen = _choose(phrases, spread, len(titles), len(batch))
            if chosen and phrases[chosen[0]] >= _enough(len(titles)):
                name, about = _written(chosen[0], titles), _describe(chosen, titles)
                proposals.append(Proposal(project_id=project.project_id, name=name, description=about))
        return proposals


def _is_given(title: str) -> bool:
    """Whether it is more than what a chat is called before anybody has said anything."""
    return " ".join(title.casefold().split()) not in _NOT_TITLES


def _enough(titles: int) -> int:
    """In how many of so many titles a phrase has to be to stand for them."""
    return titles if titles <= 2 else max(2, math.ceil(titles * _REPRESENTATIVE))


def _phrases(titles: Sequence[str]) -> Counter[tuple[str, ...]]:
    """In how many titles each phrase occurs. Phrases neither begin nor end with a word that says nothing."""
    counted: Counter[tuple[str, ...]] = Counter()
    for title in titles:
        counted.update(set(_phrases_in(title)))
    return counted


def _phrases_in(title: str) -> Iterator[tuple[str, ...]]:
    for part in _BREAK.split(title):
        yield from _phrases_within(list(words(part)))


def _phrases_within(said: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for start in range(len(said)):
        for end in range(start + 1, min(start + LONGEST_PHRASE, len(said)) + 1):
            phrase = tuple(said[start:end])
            if _tells(phrase[0]) and _tells(phrase[-1]) and len(set(phrase)) == len(phrase):
                yield phrase


def _tells(word: str) -> bool:
    return word not in STOP_WORDS and word not in _OF_EVERY_CHAT and (len(word) > 2 or word[0] >= _SCRIPTS_WITHOUT_CASE)


def _choose(
    phrases: Counter[tuple[str, ...]], spread: Counter[tuple[str, ...]], titles: int, projects: int
) -> list[tuple[str, ...]]:
    """The best phrase and, after it, those that add something to it."""

    def worth(phrase: tuple[str, ...]) -> float:
        rare = math.log((projects + 1) / spread[phrase]) + 0.5
        together = phrases[phrase] / max(phrases[(word,)] for word in phrase if _tells(word))
        length = 1.0 + (0.6 * together if phrases[phrase] > 1 else 0.1) * (len(phrase) - 1)
        return phrases[phrase] * rare * length

    ranked = sorted(phrases, key=lambda phrase: (-worth(phrase), phrase))
    chosen: list[tuple[str, ...]] = []
    for phrase in ranked:
        if len(chosen) == _ABOUT or (chosen and phrases[phrase] < 2 and titles > 2):
            break
        if not any(set(phrase) & set(before) for before in chosen):
            chosen.append(phrase)
    return chosen


def _written(phrase: tuple[str, ...], titles: Sequence[str]) -> str:
    """The phrase as the titles write it, in their commonest spelling, its first letter large."""
    spellings: Counter[str] = Counter()
    for title in titles:
        folded = title.lower()
        start = folded.find(phrase[0])
        while start >= 0 and len(folded) == len(title):
            end = folded.find(phrase[-1], start + (len(phrase[0]) if len(phrase) > 1 else 0))
            if end >= 0 and tuple(words(title[start : end + len(phrase[-1])])) == phrase:
                spellings[title[start : end + len(phrase[-1])]] += 1
            start = folded.find(phrase[0], start + 1)
    separator = "" if phrase[0][0] >= _SCRIPTS_WITHOUT_CASE else " "
    written = spellings.most_common(1)[0][0] if spellings else separator.join(phrase)
    return (written[0].upper() + written[1:])[:LONGEST_NAME].strip()


def _describe(chosen: Sequence[tuple[str, ...]], titles: Sequence[str]) -> str | None:
    if len(chosen) < 2:
        return None
    return "About " + ", ".join(_written(phrase, titles) for phrase in chosen[1:]) + "."
