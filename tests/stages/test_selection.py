"""What a stage has to do is cut into chunks."""

from __future__ import annotations

import pytest

from commonplace.stages.selection import slices


@pytest.mark.parametrize(("count", "rounds_of", "sizes"), [(60, 1, [25, 25, 10]), (60, 13, [52, 8])])
def test_chunks_are_whole_rounds_of_those_who_write(count: int, rounds_of: int, sizes: list[int]) -> None:
    ids = [str(n) for n in range(count)]
    chunks = slices(ids, rounds_of=rounds_of)
    assert [len(chunk) for chunk in chunks] == sizes
    assert [id for chunk in chunks for id in chunk] == ids


def test_there_are_never_more_than_a_hundred_chunks() -> None:
    chunks = slices([str(n) for n in range(5001)], rounds_of=13)
    assert {len(chunk) for chunk in chunks[:-1]} == {52}
    assert len(chunks) <= 100
