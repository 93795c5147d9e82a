"""What every writer stands on: rows put and added by their primary key, ids in batches, values that can be held."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from commonplace.archive import schema
from commonplace.archive.core import Archive
from commonplace.archive.rows import add, add_selected, arriving, batched, from_json, put, to_json

COMMONPLACE = Path(__file__).parents[2] / "commonplace"
ROWS = "archive/rows.py"


def stone(owner: str, id: str, at: int) -> dict[str, Any]:
    return {"owner": owner, "conversation_id": id, "forgotten_at": at}


def stones(archive: Archive) -> list[tuple[str, str, int]]:
    table = schema.tombstones.c
    with archive.read() as connection:
        query = select(table.owner, table.conversation_id, table.forgotten_at).order_by(*table)
        return [(row.owner, row.conversation_id, row.forgotten_at) for row in connection.execute(query)]


def test_a_row_that_is_there_says_what_was_put_and_keeps_the_rest(archive: Archive) -> None:
    project = {"owner": "me", "id": "p", "name": "Old", "name_source": "id", "created_at": 1, "updated_at": 1}
    with archive.write() as connection:
        put(connection, schema.projects, [{**project, "colour": "red"}])
        put(connection, schema.projects, [{**project, "name": "New", "updated_at": 2}])
        row = connection.execute(select(schema.projects)).one()
    assert (row.name, row.updated_at, row.colour) == ("New", 2, "red")


def test_a_row_that_is_there_can_be_asked_what_becomes_of_it(archive: Archive) -> None:
    table = schema.tombstones
    summed = {"forgotten_at": table.c.forgotten_at + arriving("forgotten_at")}
    with archive.write() as connection:
        put(connection, table, [stone("me", "a", 1)], changing=summed)
        put(connection, table, [stone("me", "a", 2), stone("me", "b", 3)], changing=summed)
    assert stones(archive) == [("me", "a", 3), ("me", "b", 3)]


def test_what_is_there_stays_when_rows_are_added(archive: Archive) -> None:
    table = schema.tombstones
    names = ["owner", "conversation_id", "forgotten_at"]
    with archive.write() as connection:
        add(connection, table, [])
        add(connection, table, [stone("me", "a", 1)])
        add(connection, table, [stone("me", "a", 9), stone("you", "a", 2)])
        add_selected(connection, table, names, select(table).where(table.c.owner == "me"))
    assert stones(archive) == [("me", "a", 1), ("you", "a", 2)]


@pytest.mark.parametrize("odd", ["\udcff", "a\ud83d and \ude00", "\0"])
def test_what_no_database_takes_is_replaced_in_what_is_written_and_in_what_is_asked(archive: Archive, odd: str) -> None:
    with archive.write() as connection:
        add(connection, schema.tombstones, [stone("me", odd, 1)])
        asked = schema.tombstones.c.conversation_id == odd
        kept = connection.execute(select(schema.tombstones.c.conversation_id).where(asked)).scalar_one()
    assert "\ufffd" in kept
    assert kept.encode()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [2**70]}, '{"a":[1180591620717411303424],"b":1}'),
        ({"half": "\ud83d", "also": {"deep": ["\udcff"]}}, '{"also":{"deep":["\ufffd"]},"half":"\ufffd"}'),
        ({"pair": "\U0001f600"}, '{"pair":"\U0001f600"}'),
    ],
)
def test_json_is_the_same_for_the_same_value_and_can_always_be_held(value: Any, text: str) -> None:
    assert to_json(value) == text
    assert to_json(dict(reversed(value.items()))) == text
    assert msgspec.json.decode(text.encode()) == from_json(text)


def test_halves_of_surrogate_pairs_that_were_kept_once_can_be_read() -> None:
    assert from_json('{"half":"\\ud83d"}') == {"half": "\ufffd"}


@pytest.mark.parametrize(("count", "sizes"), [(0, []), (2, [2]), (3, [3]), (7, [3, 3, 1])])
def test_batches_hold_everything_in_its_order(count: int, sizes: list[int]) -> None:
    items = [str(number) for number in range(count)]
    batches = list(batched(iter(items), 3))
    assert [len(batch) for batch in batches] == sizes
    assert [item for batch in batches for item in batch] == items


def test_what_happens_to_a_row_that_is_there_is_said_in_one_file() -> None:
    said = [
        path.relative_to(COMMONPLACE).as_posix()
        for path in COMMONPLACE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr.startswith("on_conflict_do")
    ]
    assert set(said) == {ROWS}
