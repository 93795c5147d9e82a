"""Whether another archive writes to the same database.

Each row's `Hash` ends with the mark of the archive that wrote it. Two archives on one database would take each other's
rows for their own, and make second rows of what they do not know of: so one that meets the mark of another stops. If
the other one is lost, a person says so, and its rows are this archive's. Rows without a mark are ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from commonplace.destinations.notion.job import said_by
from commonplace.errors import Halt


def others_in(hashes: Iterable[str], ours: Sequence[str]) -> set[str]:
    """The marks of archives whose rows are not ours."""
    return {mark for hash_ in hashes if (mark := said_by(hash_).archive)}.difference(ours)


def require_none(others: Iterable[str], ours: Sequence[str]) -> None:
    if marks := sorted(others):
        raise shared_with(marks, ours)


def shared_with(marks: Sequence[str], ours: Sequence[str]) -> Halt:
    is_one = len(marks) == 1
    who = f"Another archive ({marks[0]})" if is_one else f"Other archives ({', '.join(marks)})"
    options = " ".join(f"--adopt {mark}" for mark in marks)
    return Halt(
        f"{who} wrote to this Notion database; this one is {ours[0]}. Two archives on one database would make every "
        "conversation twice.",
        hint="Give this archive a database of its own: `connect --database` with the address of another one. If the "
        f"other {'one is' if is_one else 'ones are'} lost and this one goes on instead, sync once with `{options}`.",
    )
