"""A conversation's fields, in both shapes and whatever they look like."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonplace.sources.contract import NotAConversation
from commonplace.sources.decoding import storable
from commonplace.sources.fields import moment
from tests.fakes.exports import START, Json, chain, conversation, message, node
from tests.sources.chatgpt.reading import read_message, read_one

MICROSECONDS = int(START) * 1_000_000


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (START, MICROSECONDS),
        (int(START), MICROSECONDS),
        (START + 0.123456, MICROSECONDS + 123_456),
        (int(START) * 1_000 + 5, MICROSECONDS + 5_000),
        (str(START), MICROSECONDS),
        ("2023-11-14T22:13:20Z", MICROSECONDS),
        ("2023-11-14T23:13:20.5+01:00", MICROSECONDS + 500_000),
        ("2023-11-14T22:13:20", MICROSECONDS),
        (1000, 1_000_000_000),
        (0, None),
        (-5, None),
        (5e9, None),
        (10**400, None),
        (float("inf"), None),
        ("soon", None),
        ("9999-12-31T00:00:00", None),
        (None, None),
        (True, None),
        ({"$date": 1}, None),
    ],
)
def test_a_moment_is_read_in_any_unit_and_nonsense_is_dropped(told: object, expected: int | None) -> None:
    assert moment(told) == expected


@pytest.mark.parametrize(
    ("told", "project", "gpt"),
    [
        ({"conversation_template_id": "g-p-1"}, "g-p-1", None),
        ({"conversation_template_id": "g-p-1", "gizmo_id": "g-p-1", "gizmo_type": "snorlax"}, "g-p-1", None),
        ({"gizmo_id": "g-p-2"}, "g-p-2", None),
        ({"conversation_template_id": "g-abc", "gizmo_id": "g-p-2"}, "g-p-2", "g-abc"),
        ({"gizmo_id": "g-abc"}, None, "g-abc"),
        ({"gizmo_id": None}, None, None),
    ],
)
def test_a_project_is_told_from_a_gpt(told: Json, project: str | None, gpt: str | None) -> None:
    read = read_one(conversation(**told))
    assert (read.project_ref, read.gpt_ref) == (project, gpt)


def test_the_fields_of_a_conversation() -> None:
    read = read_one(
        conversation(
            title=None,
            is_archived=True,
            is_starred=None,
            pinned_time=START,
            default_model_slug="gpt-5",
            voice={"name": "cove"},
            memory_scope="project_enabled",
            is_study_mode=False,
        )
    )
    assert (read.id, read.url) == ("chatgpt:c-1", "https://chatgpt.com/c/c-1")
    assert (read.title, read.model) == (None, "gpt-5")
    assert (read.is_archived, read.is_starred, read.pinned_at) == (True, None, MICROSECONDS)
    assert (read.created_at, read.updated_at) == (MICROSECONDS, MICROSECONDS + 9_000_000)
    assert read.extra == {"voice": {"name": "cove"}, "memory_scope": "project_enabled"}


def test_the_model_is_the_last_answers_where_the_conversation_does_not_say() -> None:
    mapping = chain(message("a"), message("b", "x", "assistant", metadata={"model_slug": "o3", "gizmo_id": "g-x"}))
    read = read_one(conversation(mapping, default_model_slug=None))
    assert read.model == "o3"
    assert read.extra == {"message_gizmo_ids": ["g-x"]}


@pytest.mark.parametrize("odd", [["g-y"], {"id": "g-y"}, 7, True])
def test_a_gpt_that_is_told_otherwise_than_by_an_id_costs_no_conversation(odd: object) -> None:
    told = chain(message("a", metadata={"gizmo_id": odd}), message("b", "x", "assistant", metadata={"gizmo_id": "g-x"}))
    assert read_one(conversation(told)).extra == {"message_gizmo_ids": ["g-x"]}


def test_a_conversation_without_content_has_no_messages() -> None:
    empty = chain(message("a", "", "system"), message("b", {"content_type": "text", "parts": []}))
    assert read_one(conversation(empty)).messages == []
    assert read_one({"id": "c-1", "title": "shell"}).messages == []


def test_where_nothing_is_said_at_the_current_place_the_newest_message_is_current() -> None:
    mapping = {**chain(message("m-1"), message("m-2", "yes", "assistant", START + 1)), "empty": node("empty")}
    assert read_one(conversation(mapping, current_node="empty")).current_message_id == "m-2"


def test_an_id_is_found_or_made_from_the_first_message() -> None:
    built = conversation()
    del built["conversation_id"]
    assert read_one(built).external_id == "c-1"
    del built["id"]
    assert read_one(built).external_id == "node-m-1"


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ([], "not an object"),
        ({"chat_messages": []}, "a Claude conversation"),
        ({"mapping": {}, "inserted_at": "x"}, "a DeepSeek conversation"),
        ({"id": "c", "mapping": []}, "mapping is not an object"),
        ({"title": "nothing else"}, "neither an id nor a message"),
    ],
)
def test_what_is_not_a_conversation_says_what_it_is(item: Any, reason: str) -> None:
    with pytest.raises(NotAConversation, match=reason):
        read_one(item)


@pytest.mark.parametrize(
    ("told", "role", "author"),
    [
        ("user", "user", None),
        ("Assistant", "assistant", None),
        ("function", "tool", None),
        ("developer", "system", None),
        ("critic", "tool", "critic"),
        (None, "assistant", None),
    ],
)
def test_any_role_is_read(told: Any, role: str, author: str | None) -> None:
    read = read_message("x", told)
    assert (read.role, read.author) == (role, author)


HIDDEN: list[tuple[str, Json]] = [
    ("system", {"content": ""}),
    ("user", {"content": "x", "metadata": {"is_visually_hidden_from_conversation": True}}),
    ("system", {"content": "x", "metadata": {"is_user_system_message": True}}),
    ("user", {"content": {"content_type": "user_editable_context", "user_profile": "x"}}),
    ("assistant", {"content": {"content_type": "text", "parts": [" \n"]}}),
]


@pytest.mark.parametrize(("role", "told"), HIDDEN)
def test_what_the_page_does_not_show_is_kept_and_hidden(role: str, told: Json) -> None:
    content = told.pop("content") if "content" in told else ""
    kept, hidden = read_one(conversation(chain(message("a"), message("b", content, role, **told)))).messages
    assert (kept.is_hidden, hidden.is_hidden) == (False, True)
    assert kept.digest
    assert hidden.digest == b""


def test_tools_are_told_by_their_role_and_are_not_hidden() -> None:
    told = read_message({"content_type": "execution_output", "text": "42"}, "tool")
    assert (told.role, told.is_hidden, told.digest) == ("tool", False, b"")


def test_the_full_and_the_trimmed_shape_of_a_conversation_have_equal_digests() -> None:
    question = message("q", "Why? \ue200cite\ue202x\ue201", "user", START)
    answer = message("a", "Because.", "assistant", START + 9)
    drawn = {"content_type": "image_asset_pointer", "asset_pointer": "sediment://file_0123456789ab"}
    picture = message("p", {"content_type": "multimodal_text", "parts": [drawn]}, "user", START + 12)
    full_answer = copy.deepcopy(answer) | {"status": "finished_successfully", "weight": 1.0, "recipient": "all"}
    full = conversation(
        {
            "root": node("root", None, None, ["s"]),
            "s": node("s", "root", message("s", "", "system", None), ["q"]),
            "q": node("q", "s", question, ["t"]),
            "t": node(
                "t",
                "q",
                message("t", {"content_type": "thoughts", "thoughts": [{"content": "hm"}]}, "assistant"),
                ["c"],
            ),
            "c": node(
                "c", "t", message("c", {"content_type": "code", "text": "1"}, "assistant", recipient="python"), ["a"]
            ),
            "a": node("a", "c", full_answer, ["p"]),
            "p": node("p", "a", picture, []),
        }
    )
    trimmed = conversation({"p": node("p", "a", picture), "a": node("a", "c", answer), "q": node("q", "s", question)})
    trimmed["current_node"] = "p"
    of_full = [(told.id, told.digest) for told in read_one(full).messages if told.digest]
    of_trimmed = [(told.id, told.digest) for told in read_one(trimmed).messages if told.digest]
    assert of_full == of_trimmed
    assert [key for key, _ in of_full] == ["q", "a", "p"]


FIELDS = (
    "id conversation_id title create_time update_time mapping current_node gizmo_id conversation_template_id"
    " is_archived pinned_time voice default_model_slug message parent children author role name content content_type"
    " parts metadata a b"
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["a", "b", "user"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS.split()), inner, max_size=6),
    max_leaves=30,
)


@given(st.dictionaries(st.sampled_from(FIELDS.split()), anything, max_size=10), anything, anything)
def test_no_item_makes_reading_fail(item: Json, one: Any, other: Any) -> None:
    if isinstance(item.get("mapping"), dict):
        item["mapping"] |= {"a": {"message": {"content": one}}, "b": {"parent": "a", "message": other}}
    try:
        read = read_one(item)
    except NotAConversation:
        return
    assert [told.position for told in read.messages] == list(range(len(read.messages)))
    assert len({told.id for told in read.messages}) == len(read.messages)


def test_what_cannot_be_written_as_json_again_is_kept_as_text() -> None:
    deep: Any = "x"
    for _ in range(400):
        deep = [deep]
    assert isinstance(storable(deep), str)
    assert storable({"n": 10**30}) == '{"n":1000000000000000000000000000000}'
