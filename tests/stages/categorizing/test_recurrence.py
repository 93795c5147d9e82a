"""What recurs in the archive is counted once in a while, used by judges, and forgotten with its conversations."""

from __future__ import annotations

from pathlib import Path

from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.verdicts.verdicts import correct
from commonplace.categorize.local.tagging import Recurring
from commonplace.meaning.registry import free_embedder
from commonplace.stages.categorizing import recurrence
from commonplace.stages.categorizing.recurrence import count_recurring, known_recurring, tags_in_use
from commonplace.stages.forgetting import forget
from tests.archive.builders import simple_chat


def chats(count: int, first: int = 0) -> list[object]:
    numbers = range(first, first + count)
    return [simple_chat(f"c{n}", f"sourdough starter number{n}", "Yes.", title="Sourdough") for n in numbers]


def test_what_several_conversations_may_be_tagged_with_is_known(archive: Archive) -> None:
    merge(archive, None, chats(4))  # type: ignore[arg-type]
    count_recurring(archive)
    assert known_recurring(archive).counts["sourdough"] == 4
    assert "number1" not in known_recurring(archive).counts
    assert known_recurring(archive.of("somebody")) == Recurring()


def test_it_is_counted_again_when_the_archive_has_grown(sqlite_archive: Archive) -> None:
    merge(sqlite_archive, None, chats(20))  # type: ignore[arg-type]
    count_recurring(sqlite_archive)
    merge(sqlite_archive, None, chats(2, first=20))  # type: ignore[arg-type]
    count_recurring(sqlite_archive)
    assert known_recurring(sqlite_archive).counts["sourdough"] == 20
    merge(sqlite_archive, None, chats(5, first=22))  # type: ignore[arg-type]
    count_recurring(sqlite_archive)
    assert known_recurring(sqlite_archive).counts["sourdough"] == 27


def test_words_for_one_thing_are_one_whatever_their_language_once_somebody_knows(sqlite_archive: Archive) -> None:
    said = ("a window", "mein fenster", "mein fenster wieder")
    merge(sqlite_archive, None, [simple_chat(f"{n}", text, "Yes.", title=text) for n, text in enumerate(said)])
    count_recurring(sqlite_archive)
    assert known_recurring(sqlite_archive) == Recurring({"fenster": 2})
    count_recurring(sqlite_archive, free_embedder())
    found = known_recurring(sqlite_archive)
    assert found.counts["fenster"] == 3
    assert (found.written("window"), found.written("windows")) == ("fenster", "fenster")


def test_a_persons_tags_are_among_it(sqlite_archive: Archive) -> None:
    merge(sqlite_archive, None, chats(1))  # type: ignore[arg-type]
    correct(sqlite_archive, "chatgpt:c0", "tags", ["Baking"], origin="cli")
    count_recurring(sqlite_archive)
    assert known_recurring(sqlite_archive).counts["baking"] == recurrence.PERSONS_WORTH


def test_tags_in_use_are_those_that_several_conversations_have(archive: Archive) -> None:
    merge(archive, None, chats(3))  # type: ignore[arg-type]
    for n, tags in enumerate((["bread", "oven"], ["bread"], ["rye"])):
        correct(archive, f"chatgpt:c{n}", "tags", tags, origin="cli")
    assert tags_in_use(archive) == ["bread"]


def test_forgetting_a_conversation_forgets_what_was_counted(sqlite_archive: Archive, tmp_path: Path) -> None:
    merge(sqlite_archive, None, chats(3))  # type: ignore[arg-type]
    count_recurring(sqlite_archive)
    forget(sqlite_archive, tmp_path, ids=["chatgpt:c0"])
    assert known_recurring(sqlite_archive) == Recurring()
