"""Reading order and active path, for whatever links the messages have."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from commonplace.archive.conversations.tree import active_path, arrange, nearest_parents, visible_parents
from commonplace.model import Message
from tests.archive.builders import message

IDS = [f"m{n}" for n in range(7)]


@st.composite
def any_messages(draw: st.DrawFn) -> list[Message]:
    """Any graph of links: forests, orphans, circles."""
    ids = draw(st.lists(st.sampled_from(IDS), unique=True, max_size=7))
    links = st.sampled_from([*IDS, None, "absent"])
    return [message(id, parent=draw(links), at=draw(st.none() | st.integers(1, 3))) for id in ids]


@given(messages=any_messages(), current=st.sampled_from([*IDS, None]), data=st.data())
def test_every_message_has_one_place_and_it_depends_on_the_messages_alone(
    messages: list[Message], current: str | None, data: st.DataObject
) -> None:
    shuffled = list(data.draw(st.permutations(messages)))
    arrange(messages, current)
    places = [(said.id, said.position, said.is_active) for said in messages]
    assert [position for _, position, _ in places] == list(range(len(messages)))
    arrange(shuffled, current)
    assert [(said.id, said.position, said.is_active) for said in shuffled] == places


@given(messages=any_messages(), current=st.sampled_from([*IDS, None]))
def test_the_active_path_is_one_way_up_from_one_message(messages: list[Message], current: str | None) -> None:
    path = active_path(messages, current)
    assert bool(path) == bool(messages)
    parents = {said.id: said.parent_id for said in messages}
    if current in parents:
        assert current in path
    starts = path - {parents[id] for id in path}
    assert len(starts) <= 1


@given(messages=any_messages())
def test_the_nearest_visible_ancestor_is_visible(messages: list[Message]) -> None:
    hidden = {said.id for said in messages if said.created_at is None}
    found = visible_parents([(said.id, said.parent_id, said.id not in hidden) for said in messages])
    assert found.keys() == {said.id for said in messages} - hidden
    assert {parent for parent in found.values() if parent} <= found.keys()


def test_siblings_are_read_in_the_order_of_time() -> None:
    messages = [message("q", at=1), message("late", parent="q", at=9), message("early", parent="q", at=2)]
    messages.append(message("reply", parent="early", at=3))
    arrange(messages, None)
    assert [said.id for said in messages] == ["q", "early", "reply", "late"]
    assert [said.id for said in messages if said.is_active] == ["q", "late"]


def test_of_two_claimed_parents_the_nearer_holds() -> None:
    claims = {"answer": {"question": 9, "result": 1}, "result": {"call": 1}, "call": {"question": 1}}
    assert nearest_parents(claims)["answer"] == "result"
    assert nearest_parents({"answer": {"one": 1, "other": 2}})["answer"] == "other"


@given(claims=st.dictionaries(st.sampled_from(IDS), st.dictionaries(st.sampled_from(IDS), st.integers(0, 3))))
def test_any_claims_have_an_answer(claims: dict[str, dict[str, int]]) -> None:
    found = nearest_parents(claims)
    assert all(found[id] in parents for id, parents in claims.items() if parents)
