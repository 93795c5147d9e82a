"""Questions to the generated archive, drawn from it by how many of its messages have a word."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from sqlalchemy import text as sql

from benchmarks.generated.archive import DAY, START
from commonplace.archive.core import Archive
from commonplace.archive.search.search import Filters

Ask = tuple[str, dict[str, Any]]


def questions(archive: Archive, each: int) -> dict[str, list[Ask]]:
    """Some of each kind, made of words that are as frequent as the kind says, the same every time."""
    with archive.read() as connection:
        sampled = sql("SELECT text FROM messages WHERE key % 97 = 0 ORDER BY key")
        sample: list[str] = list(connection.execute(sampled).scalars())
    counts = Counter(word for said in sample for word in set(re.findall(r"[a-z]{2,}", said)))
    chinese = [said for said in sample if "\u4e00" <= said[:1] <= "\u9fff"]
    spaced = [said.split() for said in sample if said.isascii() and len(said) > 60]
    draw = random.Random(11)
    choose = {
        "rare": _choose(draw, counts, len(sample), 0, 0.0002),
        "middle": _choose(draw, counts, len(sample), 0.001, 0.005),
        "common": _choose(draw, counts, len(sample), 0.01, 0.05),
        "very common": _choose(draw, counts, len(sample), 0.2, 1),
    }
    rare, middle, common, very = choose.values()

    def phrase(words: int) -> str:
        said = draw.choice(spaced)
        place = draw.randrange(len(said) - words)
        return f'"{" ".join(said[place : place + words])}"'

    def piece(length: int) -> str:
        said = draw.choice([text for text in chinese if len(text) > length])
        place = draw.randrange(len(said) - length)
        return said[place : place + length]

    def project() -> Filters:
        return Filters(project=f"Project {draw.randint(5, 30)}")

    recent = Filters(category="Cooking", since=START + 700 * DAY, until=START + 800 * DAY)
    makers: dict[str, Callable[[], Ask]] = {
        "a rare word": lambda: (rare(), {}),
        "a middling word": lambda: (middle(), {}),
        "a common word": lambda: (common(), {}),
        "a very common word": lambda: (very(), {}),
        "two words, rare and very common": lambda: (f"{rare()} {very()}", {}),
        "two middling words": lambda: (f"{middle()} {middle()}", {}),
        "two common words": lambda: (f"{common()} {common()}", {}),
        "three very common words": lambda: (f"{very()} {very()} {very()}", {}),
        "a phrase of two": lambda: (phrase(2), {}),
        "a phrase of four": lambda: (phrase(4), {}),
        "a phrase of very common words": lambda: (f'"{very()} {very()}"', {}),
        "a beginning": lambda: (f"{middle()[:4]}*", {}),
        "two characters of Chinese": lambda: (piece(2), {}),
        "four characters of Chinese": lambda: (piece(4), {}),
        "without a word": lambda: (f"{common()} -{middle()}", {}),
        "a common word in a project": lambda: (common(), {"filters": project()}),
        "a very common word in a project": lambda: (very(), {"filters": project()}),
        "a middling word in a category and time": lambda: (middle(), {"filters": recent}),
        "a common word, said by people": lambda: (common(), {"filters": Filters(role="user")}),
        "a common word, with code": lambda: (common(), {"filters": Filters(has=("code",))}),
        "a middling word, newest first": lambda: (middle(), {"newest_first": True}),
        "a very common word, third page": lambda: (very(), {"offset": 40}),
    }
    return {kind: [make() for _ in range(each)] for kind, make in makers.items()}


def _choose(draw: random.Random, counts: Counter[str], sampled: int, above: float, below: float) -> Callable[[], str]:
    fitting = sorted(word for word, count in counts.items() if above <= count / sampled < below) or sorted(counts)
    return lambda: draw.choice(fitting)
