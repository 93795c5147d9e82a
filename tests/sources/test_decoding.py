"""What strict parsers refuse is read all the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonplace.sources.decoding import MAX_DEPTH, Undecodable, decode, encode


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (rb'"\ud83d"', "\ufffd"),
        (rb'"\ude00 low"', "\ufffd low"),
        (rb'["\ud83d", "\ud83d\ude00"]', ["\ufffd", "\U0001f600"]),
        (rb'["\ud83d", "\\ud83d"]', ["\ufffd", r"\ud83d"]),
        (b'"\xed\xa0\xbd\xed\xb8\x82"', "\U0001f602"),
        (b'"\xed\xa0\xbd alone"', "\ufffd alone"),
        (b'"\xff\xfe"', "\ufffd\ufffd"),
        (b'{"a": NaN, "b": -Infinity}', {"a": None, "b": None}),
        (b'"a\nb\tc"', "a\nb\tc"),
        (b"\xef\xbb\xbf[1, NaN]", [1, None]),
    ],
)
def test_what_strict_parsers_refuse_is_mended(data: bytes, value: object) -> None:
    assert decode(data) == value


def test_a_huge_integer_does_not_crash() -> None:
    assert decode(b"[" + b"9" * 5_000 + b", NaN]")[0] == float("inf")
    assert encode({"n": 10**30}) == b'{"n":1000000000000000000000000000000}'


@pytest.mark.parametrize("depth", [2_000, 200_000])
def test_what_is_nested_too_deeply_is_kept_as_text(depth: int) -> None:
    value = decode(b'{"deep": ' + b"[" * depth + b'"\\"["' + b"]" * depth + b', "after": 1}')
    assert value["after"] == 1
    for _ in range(MAX_DEPTH - 2):
        (value,) = value["deep"] if isinstance(value, dict) else value
    rest = depth - MAX_DEPTH + 1
    assert value == ["[" * rest + '"\\"["' + "]" * rest]


@pytest.mark.parametrize("data", [b"", b"{", b'{"a": }', b"[1, 2", b"nonsense"])
def test_what_is_not_json_says_where_and_never_quotes_it(data: bytes) -> None:
    with pytest.raises(Undecodable) as caught:
        decode(data)
    assert "nonsense" not in str(caught.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=15,
)


@given(json_values)
def test_decoding_agrees_with_the_standard_library_on_valid_json(value: Any) -> None:
    assert decode(json.dumps(value).encode()) == value


@given(st.text(st.characters(categories=["Lu", "Cs"])), st.booleans())
def test_no_surrogate_ever_comes_out(text: str, is_escaped: bool) -> None:
    data = json.dumps([text, float("nan")], ensure_ascii=is_escaped).encode("utf-8", "surrogatepass")
    decode(data)[0].encode("utf-8")
