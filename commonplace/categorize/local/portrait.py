"""The local judge's insights: what can be counted, said as such. What would have to be understood is left out."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from commonplace.categorize.contract import Subject
from commonplace.categorize.local.gist import words_of

CONFIDENCE = 0.25
"""Words were counted, nothing was understood."""
IN_DEPTH, DISCUSSED = 8, 3
"""Questions about it."""
COMES_BACK = 3
"""Messages of the person in which a subject has to come up before they seem to care about it."""
_SHORT, _LONG = 15, 80
"""Words in a message."""
_MOST_MESSAGES, _MOST_INTERESTS = 5, 3
_CODE = re.compile(r"^\s*(?:def |class |import |SELECT |#include|function |const |public )", re.MULTILINE)
_FENCE = re.compile(r"^```[ \t]*([A-Za-z][\w+#.-]*)?", re.MULTILINE)


def insights_of(subject: Subject, category: str, tags: Sequence[str]) -> dict[str, Any]:
    """An `Insights` document as plain data, without what this judge cannot know."""
    asked = [turn.text for turn in subject.turns if turn.role == "user"]
    depth = "in depth" if len(asked) >= IN_DEPTH else "discussed" if len(asked) >= DISCUSSED else "mentioned"
    with_code = [number for number, text in enumerate(asked, start=1) if _CODE.search(text) or _FENCE.search(text)]
    found = {
        "topics": [{"name": name, "depth": depth} for name in [category, *tags[:4]]],
        "skills": _skills(asked, with_code),
        "project_interests": _interests(asked, tags),
        "problem_solving_approach": _approach(asked, len(with_code)),
        "communication_style": _style(asked),
    }
    return {**{name: part for name, part in found.items() if part}, "confidence": CONFIDENCE}


def _skills(asked: Sequence[str], with_code: Sequence[int]) -> list[dict[str, str]]:
    """Code that the person wrote or pasted, by the language it is marked with."""
    by_language: dict[str, list[int]] = defaultdict(list)
    for number in with_code:
        named = {language.capitalize() for language in _FENCE.findall(asked[number - 1]) if language}
        for language in sorted(named) or ["code"]:
            by_language[language].append(number)
    return [
        {"name": f"Reading and writing {language}", "level": "unclear", "evidence": f"code in {_messages(numbers)}"}
        for language, numbers in by_language.items()
    ]


def _interests(asked: Sequence[str], tags: Sequence[str]) -> list[dict[str, str]]:
    """What the person brings up again and again."""
    said = [set(words_of(text)) for text in asked]
    found = []
    for tag in tags:
        wanted = set(words_of(tag))
        numbers = [number for number, words in enumerate(said, start=1) if wanted and wanted <= words]
        if len(numbers) >= COMES_BACK:
            found.append({"name": tag, "evidence": f"brought up in {_messages(numbers)}"})
    return found[:_MOST_INTERESTS]


def _approach(asked: Sequence[str], with_code: int) -> str:
    if len(asked) < 2:
        return ""
    shown = " and shows the code in question" if with_code else ""
    return f"Goes on from the answers with {_count(len(asked) - 1, 'message')}{shown}."


def _style(asked: Sequence[str]) -> str:
    if not asked:
        return ""
    words = sum(len(text.split()) for text in asked) / len(asked)
    length = "short" if words < _SHORT else "long" if words > _LONG else "middling"
    questions = sum(text.rstrip().endswith(("?", "？", "؟")) for text in asked)
    about = _count(round(words), "word")
    return f"Writes {length} messages of about {about}; {questions} of {len(asked)} end as a question."


def _messages(numbers: Sequence[int]) -> str:
    """`message 2`, `messages 2, 5 and 7`: the person's messages, counted from 1."""
    shown = [str(number) for number in numbers[:_MOST_MESSAGES]]
    if len(numbers) > _MOST_MESSAGES:
        return f"messages {', '.join(shown)} and {len(numbers) - _MOST_MESSAGES} more"
    if len(shown) == 1:
        return f"message {shown[0]}"
    return f"messages {', '.join(shown[:-1])} and {shown[-1]}"


def _count(number: int, noun: str) -> str:
    return f"1 {noun}" if number == 1 else f"{number} {noun}s"
