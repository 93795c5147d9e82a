"""A sitting over what waits: every step is kept at once and can be undone."""

from __future__ import annotations

import pytest

from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.verdicts.proposals import proposals
from commonplace.archive.verdicts.verdicts import list_corrections, record_verdicts, review_queue
from commonplace.errors import Refused
from commonplace.model import Verdict
from commonplace.stages.categorizing.reviewing import add_category, correct_conversation, correct_conversations
from commonplace.stages.categorizing.round import Round
from commonplace.stages.categorizing.subjects import headings
from tests.archive.builders import simple_chat

SET = "everyday"
FOOD = "Food, Home & Travel"


@pytest.fixture
def archive(sqlite_archive: Archive) -> Archive:
    """Four conversations that the judge was not sure of, three of them between the same two categories."""
    merge(sqlite_archive, None, [simple_chat(str(n), f"question {n} " + "word " * 200, "Yes.") for n in range(4)])
    for heading in headings(sqlite_archive, [f"chatgpt:{n}" for n in range(4)]):
        number = int(heading.conversation_id[-1])
        verdict = Verdict(
            conversation_id=heading.conversation_id,
            content_hash=heading.content_hash,
            category="Coding",
            runner_up="Science" if number == 1 else FOOD,
            confidence=0.1 + number / 100,
            taxonomy=SET,
            taxonomy_hash="h",
            judge="local/v1",
            model="local",
            prompt_version="v1",
        )
        record_verdicts(sqlite_archive, [verdict], review_below=0.5)
    return sqlite_archive


def sitting(archive: Archive) -> Round:
    return Round(archive, SET, review_queue(archive, limit=None), review_below=0.5)


def said(archive: Archive) -> dict[str, str]:
    return {word.conversation_id[-1]: word.value for word in list_corrections(archive)}


def left(archive: Archive) -> list[str]:
    return [item.id[-1] for item in review_queue(archive)]


def test_the_judges_guesses_come_first_and_the_excerpt_is_short(archive: Archive) -> None:
    round = sitting(archive)
    assert round.choices()[:2] == ["Coding", FOOD]
    assert len(round.choices()) == len(set(round.choices())) == 15
    first, last = round.excerpt()
    assert first.startswith("question 0 word")
    assert (len(first) <= 402, last) == (True, "")


def test_what_is_said_is_kept_at_once_and_steps_are_undone_one_by_one(archive: Archive) -> None:
    round = sitting(archive)
    round.say("Coding")
    round.skip()
    round.say(FOOD)
    assert said(archive) == {"0": "Coding", "2": FOOD}
    assert left(archive) == ["1", "3"]
    assert round.undo()
    assert (said(archive), round.place) == ({"0": "Coding"}, 3)
    assert round.undo()
    assert round.undo()
    assert (said(archive), round.place, left(archive)) == ({}, 1, ["0", "1", "2", "3"])
    assert not round.undo()


def test_all_that_are_like_this_are_sorted_and_undone_together(archive: Archive) -> None:
    round = sitting(archive)
    assert [id[-1] for id in round.alike()] == ["0", "2", "3"]
    round.say(FOOD, round.alike())
    assert said(archive) == dict.fromkeys("023", FOOD)
    assert (round.current is not None and round.current.id[-1]) == "1"
    round.skip()
    assert round.current is None, "those that are sorted are not shown again"
    round.undo()
    round.undo()
    assert (said(archive), left(archive)) == ({}, ["0", "1", "2", "3"])


def test_a_persons_spelling_never_makes_a_second_category(archive: Archive) -> None:
    told = correct_conversation(archive, "0", taxonomy=SET, category=" food, HOME & travel ", origin="cli")
    assert told["category"] == said(archive)["0"] == FOOD
    assert add_category(archive, SET, "coding", origin="cli")["category"] == "Coding"


def test_a_category_that_is_missed_is_offered_until_the_conversation_has_one(archive: Archive) -> None:
    for id in "01":
        with pytest.raises(Refused, match="has no category 'Knitting'") as refused:
            correct_conversation(archive, id, taxonomy=SET, category="Knitting", origin="cli")
        assert "--new-category" in str(refused.value.hint)
    assert proposals(archive, SET) == {"Knitting": ["chatgpt:0", "chatgpt:1"]}
    correct_conversation(archive, "0", taxonomy=SET, category="Coding", origin="cli")
    assert proposals(archive, SET) == {"Knitting": ["chatgpt:1"]}
    round = sitting(archive)
    round.wish("Sewing")
    assert round.undo()
    assert proposals(archive, SET) == {}


def test_several_are_corrected_together_or_not_at_all(archive: Archive) -> None:
    with pytest.raises(Refused, match="no conversation 'nobody'"):
        correct_conversations(archive, ["0", "nobody"], taxonomy=SET, origin="cli", category="Coding")
    assert said(archive) == {}
    with pytest.raises(Refused, match="one conversation"):
        correct_conversations(archive, ["0", "1"], taxonomy=SET, origin="cli", title="Same")
    told = correct_conversations(archive, ["0", "1", "0"], taxonomy=SET, origin="cli", category="coding")
    assert [each["category"] for each in told] == ["Coding", "Coding"]


def test_what_somebody_else_says_during_a_sitting_stays_and_so_it_does_when_the_step_is_undone(
    archive: Archive,
) -> None:
    round = sitting(archive)
    correct_conversation(archive, "2", taxonomy=SET, category="Math", origin="web")
    assert round.say(FOOD, round.alike()) == {"chatgpt:2": "Math"}
    assert said(archive) == {"0": FOOD, "2": "Math", "3": FOOD}
    correct_conversation(archive, "3", taxonomy=SET, category="Coding", origin="web")
    assert round.undo()
    assert said(archive) == {"2": "Math", "3": "Coding"}
