"""Tables for other tools."""

from __future__ import annotations

import csv
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sqlalchemy import update

from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.figures.frames import FORMATS, Format, conversation_frames, message_frames, write_frame
from commonplace.archive.schema import conversations
from commonplace.archive.scope import Scope
from commonplace.errors import Refused
from tests.archive.builders import simple_chat

SECOND = 1_000_000


@pytest.fixture
def filled(archive: Archive) -> Archive:
    merge(
        archive,
        None,
        [
            simple_chat("new", "newest", 'with "quotes",\nand lines', title="Новый, ☂", updated=3 * SECOND),
            simple_chat("old", "oldest", "answer", "thanks", title=None, updated=SECOND),
        ],
    )
    merge(archive.of("another"), None, [simple_chat("theirs", "theirs")])
    with archive.write() as connection:
        row = {"category": "Cooking", "confidence": 0.75, "tags": '["soup","bread"]', "summary": "A soup."}
        connection.execute(update(conversations).where(conversations.c.id == "chatgpt:new").values(**row))
    return archive


def read(path: Path, format: Format) -> list[dict[str, Any]]:
    if format == "parquet":
        return pl.read_parquet(path).to_dicts()
    if format == "jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_has_the_conversations_and_what_holds_of_them(
    filled: Archive, tmp_path: Path, format: Format
) -> None:
    path = tmp_path / "deep" / f"out.{format}"
    assert write_frame(filled, path, format) == 2
    old, new = read(path, format)
    assert (old["id"], new["id"]) == ("chatgpt:old", "chatgpt:new")
    assert (new["title"], new["category"], new["summary"]) == ("Новый, ☂", "Cooking", "A soup.")
    assert str(new["message_count"]) == "2"
    assert float(new["confidence"]) == 0.75
    assert new["tags"] == ("soup, bread" if format == "csv" else ["soup", "bread"])
    assert str(new["updated_at"])[:19].replace(" ", "T") == "1970-01-01T00:00:03"
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("format", FORMATS)
def test_messages_come_in_reading_order(filled: Archive, tmp_path: Path, format: Format) -> None:
    path = tmp_path / "out"
    assert write_frame(filled, path, format, messages=True) == 5
    found = [(row["conversation_id"], row["role"], row["text"]) for row in read(path, format)]
    assert found[:2] == [("chatgpt:old", "user", "oldest"), ("chatgpt:old", "assistant", "answer")]
    assert found[4] == ("chatgpt:new", "assistant", 'with "quotes",\nand lines')


@pytest.mark.parametrize("format", FORMATS)
def test_an_empty_table_still_is_a_file(archive: Archive, tmp_path: Path, format: Format) -> None:
    path = tmp_path / "out"
    assert write_frame(archive, path, format) == 0
    assert read(path, format) == []
    if format == "parquet":
        assert pl.read_parquet_schema(path)["created_at"] == pl.Datetime("us", "UTC")


def test_a_scope_narrows_the_table(filled: Archive, tmp_path: Path) -> None:
    assert write_frame(filled, tmp_path / "out", "jsonl", scope=Scope(since=2 * SECOND)) == 1
    assert write_frame(filled, tmp_path / "out", "jsonl", scope=Scope(category="Cooking"), messages=True) == 2


def test_batches_of_one_row_are_the_same_table(filled: Archive) -> None:
    for frames in (conversation_frames, message_frames):
        whole = pl.concat(frames(filled))
        assert pl.concat(frames(filled, rows=1)).equals(whole)
        assert whole.height > 1


def test_an_unknown_format_is_refused_before_anything_is_written(sqlite_archive: Archive, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="xlsx"):
        write_frame(sqlite_archive, tmp_path / "out", "xlsx")  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_a_pipe_is_written_into_and_a_link_stays_one(filled: Archive, tmp_path: Path) -> None:
    pipe, link, behind = tmp_path / "pipe", tmp_path / "link", tmp_path / "behind.csv"
    os.mkfifo(pipe)
    link.symlink_to(behind)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE, text=True) as reader:
        assert write_frame(filled, pipe, "csv") == 2
        assert reader.stdout is not None
        read_from_pipe = reader.stdout.read()
    assert write_frame(filled, link, "csv") == 2
    assert read_from_pipe == behind.read_text(encoding="utf-8")
    assert (stat.S_ISFIFO(pipe.stat().st_mode), link.is_symlink()) == (True, True)
    assert set(tmp_path.glob(".*")) == set()


@pytest.mark.parametrize("name", ["/dev/stdout", "-"])
def test_standard_output_that_is_a_file_is_written_into_and_not_replaced(
    filled: Archive, archive_url: str, tmp_path: Path, name: str
) -> None:
    code = (
        "import sys; from pathlib import Path; from commonplace.archive.opening import open_archive; "
        "from commonplace.archive.figures.frames import write_frame; "
        "write_frame(open_archive(sys.argv[1]), Path(sys.argv[2]), 'csv')"
    )
    printed = tmp_path / "printed.csv"
    with printed.open("w") as out:
        out.write("before\n")
        out.flush()
        subprocess.run([sys.executable, "-c", code, archive_url, name], stdout=out, check=True, timeout=120)
    assert len(printed.read_text(encoding="utf-8").splitlines()) > 3
    assert printed.read_text(encoding="utf-8").startswith("before\nid,title,")


def test_a_folder_is_no_file(filled: Archive, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="is a folder"):
        write_frame(filled, tmp_path, "csv")


@pytest.mark.parametrize("beginning", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_of_a_csv_is_a_formula_unless_one_wants_them(
    sqlite_archive: Archive, tmp_path: Path, beginning: str
) -> None:
    title = f"{beginning}HYPERLINK(1)"
    merge(sqlite_archive, None, [simple_chat("a", "hello", title=title)])
    with sqlite_archive.write() as connection:
        connection.execute(update(conversations).values(tags=json.dumps([f"{beginning}tag"])))
    cells: dict[bool, list[str]] = {}
    for formulas in (False, True):
        write_frame(sqlite_archive, tmp_path / "out.csv", "csv", formulas=formulas)
        with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as table:
            cells[formulas] = list(csv.reader(table))[1]
    assert f"'{title}" in cells[False]
    assert not [cell for cell in cells[False] if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert title in cells[True]
