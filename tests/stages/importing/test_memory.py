"""An import takes the room of one batch, whatever a file holds: junk, giants, a million bad items."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from commonplace.archive.core import Archive
from commonplace.stages.importing import intake
from commonplace.stages.importing.report import MOST_DEFECTS, ImportReport
from commonplace.stages.importing.stage import import_paths
from tests.fakes.exports import as_json, conversation, one_message


def imported(archive: Archive, path: Path) -> tuple[ImportReport, int]:
    """What an import tells, and the most memory that it held at once."""
    tracemalloc.start()
    try:
        report = import_paths(archive, [path], keep_exports=False)
        return report, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def junk(count: int) -> bytes:
    return b"[" + b"{}," * count + as_json(conversation()) + b"]"


def giants(count: int) -> bytes:
    return as_json([one_message("word " * 20_000) | {"conversation_id": f"c-{number}"} for number in range(count)])


@pytest.mark.parametrize(
    ("written", "fewer", "more", "bytes_each"), [(junk, 2_000, 10_000, 200), (giants, 20, 100, 20_000)]
)
def test_memory_hardly_grows_with_what_is_in_a_file(
    sqlite_archive: Archive,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    written: Callable[[int], bytes],
    fewer: int,
    more: int,
    bytes_each: int,
) -> None:
    monkeypatch.setattr(intake, "MESSAGES_PER_BATCH", 50)
    peaks = []
    for count in (fewer, more):
        path = tmp_path / str(count) / "conversations.json"
        path.parent.mkdir()
        path.write_bytes(written(count))
        _, peak = imported(sqlite_archive, path)
        peaks.append(peak)
    assert peaks[1] - peaks[0] < bytes_each * (more - fewer)


def test_a_giant_of_a_mapping_is_a_defect_and_not_decoded(sqlite_archive: Archive, tmp_path: Path) -> None:
    nodes = b",".join(b'"%d":{"message":null,"parent":"%d"}' % (number, number - 1) for number in range(400_000))
    path = tmp_path / "x.json"
    path.write_bytes(b'[{"conversation_id":"giant","mapping":{' + nodes + b"}}," + as_json(conversation()) + b"]")
    report, peak = imported(sqlite_archive, path)
    assert (report.read, report.new, report.failed) == (2, 1, 1)
    assert report.defects[0].item == "#0 giant"
    assert "more than 1,000,000 values" in report.defects[0].reason
    assert peak < path.stat().st_size


def test_the_first_defects_are_told_and_the_others_counted(sqlite_archive: Archive, tmp_path: Path) -> None:
    path = tmp_path / "conversations.json"
    path.write_bytes(junk(MOST_DEFECTS + 234))
    report, _ = imported(sqlite_archive, path)
    assert (report.failed, len(report.defects), report.more_defects) == (MOST_DEFECTS + 234, MOST_DEFECTS, 234)
    assert report.is_balanced
