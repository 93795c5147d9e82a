"""The two splitters agree with a JSON parser on what is valid, and with each other on what is not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonplace.sources.splitting import Flaw, items_at_start, split, split_tolerantly

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)
styles = st.sampled_from([{}, {"indent": 2}, {"separators": (",", ":")}, {"ensure_ascii": False}])


def pieces(data: bytes) -> list[Any]:
    return [
        piece if isinstance(piece, Flaw) else json.loads(bytes(piece)) for piece in split_tolerantly(memoryview(data))
    ]


def encoded(value: object, style: dict[str, Any]) -> bytes:
    return json.dumps(value, **style).encode("utf-8", "surrogatepass")


@given(st.lists(values, max_size=6), styles)
def test_the_tolerant_splitter_finds_the_items_of_any_list(items: list[Any], style: dict[str, Any]) -> None:
    assert pieces(encoded(items, style)) == items


@given(st.lists(values, max_size=4), values, styles)
def test_a_list_under_conversations_is_found_wherever_it_stands(
    items: list[Any], other: Any, style: dict[str, Any]
) -> None:
    data = encoded({"other": other, "conversations": items, "more": other}, style)
    assert pieces(data) == items


@given(st.lists(values, min_size=1, max_size=5), st.data())
def test_a_cut_off_list_yields_its_complete_items_and_one_flaw(items: list[Any], data: st.DataObject) -> None:
    whole = json.dumps(items).encode()
    cut = whole[: data.draw(st.integers(1, len(whole) - 1))]
    *complete, flaw = split_tolerantly(memoryview(cut))
    assert isinstance(flaw, Flaw)
    assert flaw.index == len(complete)
    assert not any(isinstance(piece, Flaw) for piece in complete)
    # A number may lose its last digits unnoticed; everything before the last item is as it was.
    found = [json.loads(bytes(piece)) for piece in complete[:-1] if not isinstance(piece, Flaw)]
    assert found == items[: len(found)]


@given(st.lists(st.dictionaries(st.text(max_size=4), values, max_size=3), max_size=5))
def test_both_splitters_cut_the_same_bytes(items: list[Any]) -> None:
    data = json.dumps(items).encode()
    fast = [bytes(piece) for piece in split(data) if not isinstance(piece, Flaw)]
    assert fast == [bytes(piece) for piece in split_tolerantly(memoryview(data)) if not isinstance(piece, Flaw)]


@given(st.binary(max_size=200))
def test_no_bytes_make_the_splitters_fail(data: bytes) -> None:
    for piece in split(data):
        assert isinstance(piece, Flaw | memoryview)


@pytest.mark.parametrize("start", [b"\xef\xbb\xbf", b"\xef\xbb\xbf\n ", b" \t\n"])
def test_a_byte_order_mark_and_blanks_at_the_start_are_skipped(start: bytes) -> None:
    assert [bytes(piece) for piece in split(start + b'[{"a":1}]') if not isinstance(piece, Flaw)] == [b'{"a":1}']


def test_a_million_strings_in_one_item_take_no_stack() -> None:
    data = b"[" + json.dumps(["x"] * 1_000_000).encode() + b"]"
    (piece,) = split_tolerantly(memoryview(data))
    assert isinstance(piece, memoryview)
    assert len(piece) == len(data) - 2


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"hello", "this is not JSON"),
        (b'[{"a":1}', "the file ends before the list of conversations does"),
        (b'[{"a":"b', "the file ends inside this item"),
        (b'[{"a":1}] [', "the file ends before the list of conversations does"),
        (b'[{"a":1}] hello', "something that is no JSON follows"),
    ],
)
def test_a_flaw_says_what_is_wrong(data: bytes, reason: str) -> None:
    assert [piece.reason for piece in split(data) if isinstance(piece, Flaw)] == [reason]


@given(st.lists(st.dictionaries(st.text(max_size=4), values, max_size=3), min_size=2, max_size=6), styles)
def test_values_that_follow_one_another_are_all_found(items: list[Any], style: dict[str, Any]) -> None:
    assert pieces(b"\n".join(encoded(item, style) for item in items)) == items


def test_a_damaged_line_costs_no_other() -> None:
    found = [
        bytes(piece) for piece in split(b'{"a":1}\n{"b":\n{"c":"x\n\n{"d":4}\n{"e"') if not isinstance(piece, Flaw)
    ]
    assert found == [b'{"a":1}', b'{"b":', b'{"c":"x', b'{"d":4}', b'{"e"']


@pytest.mark.parametrize("data", [b'[{"a":1}]\n[{"b":2}]', b'{"data":[{"a":1}]} {"data":[{"b":2}]}'])
def test_lists_that_follow_one_another_are_one(data: bytes) -> None:
    assert [bytes(piece) for piece in split(data, "data") if not isinstance(piece, Flaw)] == [b'{"a":1}', b'{"b":2}']


def test_the_list_may_stand_under_any_key() -> None:
    data = b'{"count": 2, "more": [{"z": [1]}], "data": [{"a":1}, {"b":2}], "next": null}'
    for read in (split(data, "data"), split_tolerantly(memoryview(data), "data")):
        assert [bytes(piece) for piece in read if not isinstance(piece, Flaw)] == [b'{"a":1}', b'{"b":2}']


def found_in(prefix: bytes) -> list[tuple[str | None, set[str]]]:
    return [(found.under, found.keys) for found in items_at_start(prefix)]


def test_the_keys_of_the_first_items_are_seen_in_a_file_that_goes_on() -> None:
    assert found_in(b'[7, {}, {"id": "1", "mapping": {"a": {"inserted_at": 1}}, "title": "x') == [
        (None, set()),
        (None, {"id", "mapping", "title"}),
    ]
    assert found_in(b'{"data": [{"chat_messages": [{"a": 1}]}]}') == [("data", {"chat_messages"}), (None, {"data"})]
    assert found_in(b'{"data": [{"a": 1}, {"b": 1}]}')[1] == ("data", {"b"})
    assert found_in(b'{"mapping": {"a": 1}}\n{"b": ["c": ') == [(None, {"mapping"}), (None, {"b"})]
