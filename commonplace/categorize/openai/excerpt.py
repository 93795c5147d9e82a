"""What of a conversation is sent: all of a short one, and of a long one what tells most for the tokens it costs.

The title and the first turns say what it is about, the last ones where it went, and turns sampled evenly between them
how it got there. Whatever is left out is marked, so nobody takes an excerpt for the whole. The same conversation always
gives the same excerpt.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from commonplace.categorize.contract import Subject, Turn
from commonplace.openai.tokens import estimate_tokens

GAP = "[…]"
SPEAKERS = {"user": "Person", "assistant": "Assistant"}
TITLE_CHARACTERS = 300
TOKENS_PER_TURN = 6
"""What a speaker's name and a mark for a gap cost."""
LEAST = 30
"""A turn shortened to less than this says nothing."""
OPENING, ENDING, USUAL = 0.30, 0.20, 0.10
"""The shares of the budget that the first turn, the last and any other may take while others still wait."""


def excerpt(subject: Subject, budget: int) -> str:
    """The conversation as text of about `budget` estimated tokens at most; empty if there is nothing to read."""
    turns = [Turn(turn.role, text) for turn in subject.turns if (text := _clean(turn.text))]
    title = _clean(subject.title or "")
    if not turns and not title:
        return ""
    head = f"Title: {_shorten(title, len(title), TITLE_CHARACTERS)}\n\n" if title else ""
    return (head + "\n\n".join(_render(turns, budget - estimate_tokens(head)))).rstrip()


def _render(turns: Sequence[Turn], budget: int) -> Iterator[str]:
    costs = [estimate_tokens(turn.text) + TOKENS_PER_TURN for turn in turns]
    granted = dict(enumerate(costs)) if sum(costs) <= budget else _grant(turns, costs, budget)
    left_out = 0
    for place, turn in enumerate(turns):
        if place not in granted:
            left_out += 1
            continue
        if left_out:
            yield f"[… {left_out} turn{'s' * (left_out > 1)} left out …]"
            left_out = 0
        yield f"{SPEAKERS[turn.role]}: {_shorten(turn.text, costs[place], granted[place])}"


def _grant(turns: Sequence[Turn], costs: Sequence[int], budget: int) -> dict[int, int]:
    """How many tokens each turn gets: first a fair share in the order of importance, then what is left over."""
    order = _by_importance(turns)
    shares = {order[0]: OPENING, order[1 % len(order)]: ENDING} if len(order) > 1 else {order[0]: 1.0}
    granted: dict[int, int] = {}
    left = budget
    for place in order:
        share = min(costs[place], max(2 * LEAST, int(budget * shares.get(place, USUAL))), left)
        if share < min(LEAST, costs[place]):
            break
        granted[place] = share
        left -= share
    for place in granted:
        more = min(costs[place] - granted[place], left)
        granted[place] += more
        left -= more
    return granted


def _by_importance(turns: Sequence[Turn]) -> list[int]:
    """The first turn, the last, their neighbours, then the person's turns spread evenly, then the assistant's."""
    count = len(turns)
    edges = [0, count - 1, 1, count - 2]
    middle = range(2, count - 2)
    theirs = [place for place in middle if turns[place].role == "user"]
    ours = [place for place in middle if turns[place].role != "user"]
    wanted = [place for place in edges if 0 <= place < count] + _spread(theirs) + _spread(ours)
    return list(dict.fromkeys(wanted))


def _spread(places: list[int]) -> list[int]:
    """The same places, so ordered that any beginning of the list samples all of it: halves, quarters, eighths."""
    ordered: list[int] = []
    spans = [(0, len(places))]
    while spans:
        start, end = spans.pop(0)
        if start < end:
            middle = (start + end) // 2
            ordered.append(places[middle])
            spans += [(start, middle), (middle + 1, end)]
    return ordered


def _shorten(text: str, cost: int, granted: int) -> str:
    """Two thirds of what may stay from the beginning, one third from the end, cut at spaces where there are any."""
    if granted >= cost:
        return text
    kept = max(20, len(text) * granted // cost)
    head, tail = text[: kept * 2 // 3], text[len(text) - kept // 3 :]
    at_space = head.rfind(" ", len(head) - 40)
    head = head[:at_space] if at_space > 0 else head
    after_space = tail.find(" ", 0, 40)
    return f"{head} {GAP} {tail[after_space + 1 :]}"


def _clean(text: str) -> str:
    """Text that can be sent: no broken surrogates, no control characters, nothing that ends its own quotation."""
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")
    return text.replace("\x00", "").replace("</conversation", "<\\/conversation").strip()
