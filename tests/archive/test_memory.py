"""What is remembered by name, also by several at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from commonplace.archive.core import Archive
from commonplace.archive.memory import change, recall
from commonplace.errors import Refused

AT_ONCE, EACH = 4, 6


def test_of_several_who_add_something_at_once_all_have_added_it(archive: Archive) -> None:
    def add(person: int) -> None:
        for number in range(EACH):
            change(archive, "said", list[int], lambda known: [*known, EACH * person + number])  # noqa: B023

    with ThreadPoolExecutor(AT_ONCE) as people:
        list(people.map(add, range(AT_ONCE)))
    assert sorted(msgspec.json.decode(recall(archive, "said") or "")) == list(range(AT_ONCE * EACH))


def test_what_is_refused_changes_nothing(sqlite_archive: Archive) -> None:
    change(sqlite_archive, "said", list[int], lambda known: [*known, 1])

    def refuse(_: list[int]) -> list[int]:
        raise Refused("Not that.")

    with pytest.raises(Refused):
        change(sqlite_archive, "said", list[int], refuse)
    assert recall(sqlite_archive, "said") == "[1]"
