"""The two splitters agree with a JSON parser on what is valid, and with each other on what is not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonplace.sources.splitting import Flaw, keys_at_start, split, split_tolerantly

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
        (b'[{"a":1}] [', "something follows the end of the list of conversations"),
    ],
)
def test_a_flaw_says_what_is_wrong(data: bytes, reason: str) -> None:
    assert [piece.reason for piece in split(data) if isinstance(piece, Flaw)] == [reason]


def test_the_keys_of_the_first_item_are_seen_in_a_file_that_goes_on() -> None:
    assert keys_at_start(b'[{"id": "1", "mapping": {"a": {"inserted_at": 1}}, "title": "x') == (
        set(),
        {"id", "mapping", "title"},
    )
    assert keys_at_start(b'{"conversations": [{"chat_messages": []}]}') == ({"conversations"}, {"chat_messages"})
    assert keys_at_start(b'{"mapping": {"a": 1}}') == ({"mapping"}, set())
