"""What is known is asked for once for many items, also where each has a file of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from commonplace.sources.contract import Skipped
from commonplace.sources.registry import open_export
from tests.fakes.exports import as_json, write_folder, write_zip

TALKS = {
    f"{number}.json": as_json(
        {
            "conversationId": f"c{number}",
            "title": "Bread",
            "messages": [{"messageId": "1", "text": "How long does it rise?", "isCreatedByUser": True}],
        }
    )
    for number in range(20)
}


def test_many_small_files_are_asked_about_together(tmp_path: Path) -> None:
    for path in (write_folder(tmp_path / "talks", TALKS), write_zip(tmp_path / "talks.zip", TALKS)):
        asked: list[int] = []

        def known(digests: Sequence[bytes], asked: list[int] = asked) -> set[bytes]:
            asked.append(len(digests))
            return set(digests)

        with open_export(path) as export:
            assert all(isinstance(item, Skipped) for item in export.conversations(known))
        assert asked == [20]


def test_large_files_are_read_one_after_the_other(tmp_path: Path) -> None:
    large = {name: data + b" " * 5_000_000 for name, data in list(TALKS.items())[:3]}
    asked: list[int] = []

    def known(digests: Sequence[bytes]) -> set[bytes]:
        asked.append(len(digests))
        return set(digests)

    with open_export(write_folder(tmp_path / "talks", large)) as export:
        list(export.conversations(known))
    assert asked == [1, 1, 1]
