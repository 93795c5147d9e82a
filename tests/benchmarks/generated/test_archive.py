"""The generated archive holds what it says, and is made anew when what decides over it has changed."""

from __future__ import annotations

from benchmarks.generated.archive import PER_CONVERSATION, decided_by, fill
from commonplace.archive.core import Archive
from commonplace.archive.figures.statistics import totals
from commonplace.archive.search.search import search


def test_what_was_generated_is_found(archive: Archive) -> None:
    fill(archive, 10 * PER_CONVERSATION)
    assert totals(archive)["messages"] == 10 * PER_CONVERSATION
    assert search(archive, "the").total


def test_tables_and_indexes_decide_how_it_is_filled() -> None:
    decided = {path.relative_to(path.parents[1]).as_posix(): path.read_bytes() for path in decided_by()}
    assert {"archive/spacing.py", "search/text_index.py", "search/text_index_sqlite.py"} < set(decided)
    assert any(name.startswith("schema/") for name in decided)
