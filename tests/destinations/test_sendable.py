"""What goes over the wire holds nothing that JSON or a server would choke on, however deep it lies."""

from __future__ import annotations

import json

from commonplace.destinations.sendable import sendable


def test_halves_of_characters_and_zeros_are_taken_out_everywhere() -> None:
    told = sendable({"a\ud800": ["x\x00y", ("\udfff", 1, None)], "b": {"c": "whole 😀"}})
    assert told == {"a?": ["xy", ["?", 1, None]], "b": {"c": "whole 😀"}}
    assert json.dumps(told, ensure_ascii=False).encode()
