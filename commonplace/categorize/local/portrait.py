"""The local judge's insights: what can be counted, said as such. What would have to be understood is left empty."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from commonplace.categorize.contract import Subject

CONFIDENCE = 0.25
"""Words were counted, nothing was understood."""
IN_DEPTH, DISCUSSED = 8, 3
"""Questions about it."""
_SHORT, _LONG = 15, 80
"""Words in a message."""
_CODE = re.compile(r"```(\w*)|^\s*(?:def |class |import |SELECT |#include|function |const |public )", re.MULTILINE)


def insights_of(subject: Subject, category: str, tags: Sequence[str]) -> dict[str, Any]:
    """An `Insights` document as plain data."""
    asked = [turn.text for turn in subject.turns if turn.role == "user"]
    depth = "in depth" if len(asked) >= IN_DEPTH else "discussed" if len(asked) >= DISCUSSED else "mentioned"
    with_code = sum(bool(_CODE.search(text)) for text in asked)
    skills = [
        {"name": "Reading and writing code", "level": "unclear", "evidence": _count(with_code, "message with code")}
    ]
    return {
        "topics": [{"name": name, "depth": depth} for name in [category, *tags[:4]]],
        "skills": skills if with_code else [],
        "project_interests": [],
        "problem_solving_approach": _approach(asked, with_code),
        "communication_style": _style(asked),
        "learning_trajectory": "",
        "next_steps": [],
        "confidence": CONFIDENCE,
    }


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


def _count(number: int, noun: str) -> str:
    """`1 word`, `2 words`, `2 messages with code`."""
    first, *rest = noun.split(" ")
    plural = first if number == 1 else f"{first}s"
    return " ".join([str(number), plural, *rest])
