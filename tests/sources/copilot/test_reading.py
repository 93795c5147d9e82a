"""Copilot's history, in its shape and in others."""

from __future__ import annotations

from pathlib import Path

import pytest

from commonplace.errors import Refused
from commonplace.model import Conversation
from commonplace.sources.copilot import rows
from commonplace.sources.registry import open_export
from tests.fakes.assistants import copilot_history
from tests.sources.reading import read_all

HEADER = b"Conversation,Time,Author,Message\r\n"


def read(path: Path, data: bytes) -> list[Conversation]:
    path.write_bytes(data)
    found, defects = read_all(path)
    assert defects == []
    return found


def test_the_newest_comes_first_in_the_file_and_last_in_the_conversation(tmp_path: Path) -> None:
    data = HEADER + (
        b'Bread,2026-03-02T10:00:00,AI,"Yes,\r\nof ""rye"""\r\nOther,2026-03-02T09:00:00,Human,hi\r\n'
        b"Bread,2026-03-02T10:00:00,Human,More?\r\nBread,2026-03-01T10:00:00,AI,Flour\r\n"
        b"Bread,2026-03-01T10:00:00,Human,What?\r\n"
    )
    bread, other = read(tmp_path / "x.csv", data)
    assert [message.text for message in bread.messages] == ["What?", "Flour", "More?", 'Yes,\r\nof "rye"']
    assert [message.role for message in bread.messages] == ["user", "assistant"] * 2
    assert bread.updated_at == 1_772_445_600_000_000
    assert bread.extra == {"grouped_by": "title"}
    assert (other.title, len(other.messages)) == ("Other", 1)


def test_what_is_added_later_is_the_same_conversation_with_more_in_it(tmp_path: Path) -> None:
    older = copilot_history("Bread")
    newer = older.replace(HEADER, HEADER + b"Bread,2026-04-01T10:00:00,Human,And today?\r\n")
    (before,), (after,) = read(tmp_path / "a.csv", older), read(tmp_path / "b.csv", newer)
    assert after.id == before.id
    assert [message.id for message in after.messages][:2] == [message.id for message in before.messages]


def test_the_same_words_at_the_same_moment_are_two_messages(tmp_path: Path) -> None:
    row = b"Bread,2026-03-01T10:00:00,Human,ping\r\n"
    (told,) = read(tmp_path / "x.csv", HEADER + row + row)
    assert len({message.id for message in told.messages}) == 2


@pytest.mark.parametrize("time", [b"", b"yesterday, or so", b"-1"])
def test_a_time_that_is_none_costs_no_words_and_is_counted(tmp_path: Path, time: bytes) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(HEADER + b'Bread,"' + time + b'",Human,hi\r\n')
    with open_export(path) as export:
        (told,) = export.conversations()
        assert isinstance(told, Conversation)
        assert (told.messages[0].text, told.messages[0].created_at) == ("hi", None)
        assert export.unfamiliar.get("message.Time", 0) == bool(time)


@pytest.mark.parametrize(
    ("data", "count"),
    [
        (HEADER, 0),
        (HEADER + b"Bread,2026-03-01T10:00:00,Human\r\n", 0),
        (HEADER + b"\xff\xfe,2026-03-01T10:00:00,Human,\xff\x00\r\n", 1),
        (HEADER + b'Bread,2026-03-01T10:00:00,Human,"never closed\r\nBread,2026-03-01T10:00:00,AI,x\r\n', 1),
        (HEADER + b"Bread,2026-03-01T10:00:00,Human,\r\n", 0),
        (b"\xef\xbb\xbf" + HEADER + b",2026-03-01T10:00:00,Human,no title\r\n", 1),
    ],
    ids=["nothing", "columns missing", "wrong encoding", "a quote never closed", "nothing said", "no title"],
)
def test_bad_input_is_read_as_far_as_it_goes(tmp_path: Path, data: bytes, count: int) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(data)
    assert len(read_all(path)[0]) == count


def test_a_file_beyond_all_measure_is_told_and_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "LARGEST", 100)
    path = tmp_path / "x.csv"
    path.write_bytes(copilot_history("Bread") + b" " * 100)
    found, (defect,) = read_all(path)
    assert found == []
    assert "larger than" in defect.reason


@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("columns", [(3, 1, 0, 2), (0, 1, 2, 3), (2, 3, 1, 0)])
def test_columns_may_stand_in_any_order_in_other_letters_and_beside_others(
    tmp_path: Path, columns: tuple[int, ...], delimiter: str
) -> None:
    rows = [
        ("Bread", f"2026-03-0{day}T10:00:00", who, said) for day, who, said in ((2, "AI", "Rye"), (1, "Human", "?"))
    ]
    names = ("CONVERSATION", " time", "Author", "message")
    told = [[*(row[column] for column in columns), "en"] for row in (names, *rows)]
    told[0][-1] = "Locale"
    (found,) = read(tmp_path / "x.csv", "".join(f"{delimiter.join(row)}\r\n" for row in told).encode())
    (usual,) = read(tmp_path / "y.csv", HEADER + "".join(f"{','.join(row)}\r\n" for row in rows).encode())
    assert [message.id for message in found.messages] == [message.id for message in usual.messages]
    assert found.id == usual.id


def test_a_table_of_something_else_is_nobodys(tmp_path: Path) -> None:
    for header in (b"Conversation time,Author,Message,Time\r\n", b"Time,Author,Message\r\n"):
        (tmp_path / "x.csv").write_bytes(header + b"a,b,c,d\r\n")
        with pytest.raises(Refused), open_export(tmp_path / "x.csv"):
            pass
