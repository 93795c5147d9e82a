"""Pieces of a conversation that is going on: cut into sittings, put together without what they repeat."""

from __future__ import annotations

import json
from typing import Any

import pytest

from commonplace.sources import omi
from commonplace.sources.contract import Event, NotAConversation

SECOND = 1_000_000
START = 1_800_000_000 * SECOND


def piece(at: int, *segments: tuple[float, float, str], session: str = "user-1", array: bool = False) -> Event:
    listed: list[Any] = [
        {"text": text, "speaker_id": 0, "is_user": False, "start": start, "end": end} for start, end, text in segments
    ]
    body = listed if array else {"segments": listed, "session_id": session}
    return Event(
        kind="transcript",
        uid="user-1",
        body=json.dumps(body).encode(),
        received_at=START + at * SECOND,
        session=session if array else "",
    )


def texts(*pieces: Event) -> list[str]:
    return [message.text for message in omi.assemble(pieces).conversation.messages]


def test_pieces_follow_one_another() -> None:
    conversation = omi.assemble([piece(5, (0, 5, "one")), piece(10, (5, 9, "two"), (9, 10, "three"))]).conversation
    assert [message.text for message in conversation.messages] == ["one", "two", "three"]
    assert conversation.created_at == START
    assert conversation.messages[1].created_at == START + 5 * SECOND
    assert omi.is_assembled(conversation.id)
    assert omi.covers(conversation) is None


def test_of_what_overlaps_the_later_one_knows_better() -> None:
    assert texts(piece(5, (0, 5, "eye will send")), piece(7, (0, 5.2, "I will send it"), (5.2, 7, "ok"))) == [
        "I will send it",
        "ok",
    ]
    assert texts(piece(5, (0, 5, "one")), piece(9, (4.5, 9, "two"))) == ["one", "two"]
    assert texts(piece(5, (0, 5, "A says"), (1, 4, "B says"))) == ["A says", "B says"]


def test_a_segment_that_has_an_id_is_replaced_by_it() -> None:
    def with_id(at: int, text: str) -> Event:
        body = {"segments": [{"id": "s", "text": text, "start": 0, "end": at}], "session_id": "x"}
        return Event(kind="transcript", uid="u", body=json.dumps(body).encode(), received_at=START + at * SECOND)

    assert texts(with_id(2, "I will"), with_id(9, "I will send the plan")) == ["I will send the plan"]


def test_a_pause_another_session_and_a_clock_that_starts_again_begin_another_conversation() -> None:
    same = [piece(5, (0, 5, "a")), piece(200, (5, 9, "b"))]
    assert len(omi.sittings(same)) == 1
    assert len(omi.sittings([*same, piece(2000, (10, 12, "c"))])) == 2
    assert len(omi.sittings([*same, piece(210, (10, 12, "c"), session="other")])) == 2
    assert len(omi.sittings([piece(300, (200, 300, "a")), piece(310, (0, 9, "b"))])) == 2
    assert omi.sittings([]) == []


def test_the_older_form_is_a_bare_list() -> None:
    assert texts(piece(5, (0, 5, "one"), array=True)) == ["one"]


def test_the_same_pieces_make_the_same_conversation() -> None:
    pieces = [piece(5, (0, 5, "one")), piece(10, (5, 9, "two"))]
    assert omi.assemble(pieces) == omi.assemble(pieces)


@pytest.mark.parametrize("body", [b"{}", b"[]", b"7", b'{"segments": [{"text": " "}]}', b'{"segments": [[], null, 3]}'])
def test_where_nothing_was_said_there_is_no_conversation(body: bytes) -> None:
    event = Event(kind="transcript", uid="u", body=body, received_at=START)
    with pytest.raises(NotAConversation):
        omi.assemble([event])


def test_what_is_no_json_cannot_be_cut() -> None:
    with pytest.raises(NotAConversation):
        omi.sittings([Event(kind="transcript", uid="u", body=b"no", received_at=START), piece(1, (0, 1, "a"))])
