"""Any parent graph becomes a tree: every node once, one active path, whatever the order of its keys."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from commonplace.sources.tree import Tree, grow
from tests.fakes.exports import START, chain, conversation, message, node
from tests.sources.chatgpt.reading import read_one

KEYS = [f"n{number}" for number in range(9)]
links = st.none() | st.sampled_from([*KEYS, "gone"])
nodes = st.fixed_dictionaries(
    {
        "parent": links,
        "children": st.lists(st.sampled_from([*KEYS, "gone"]), max_size=4) | st.just(None),
        "message": st.none()
        | st.builds(
            lambda at, role: message("x", "t", role, at),
            st.none() | st.integers(1, 50),
            st.sampled_from(["user", "assistant"]),
        ),
    }
)
mappings = st.dictionaries(st.sampled_from(KEYS), nodes, max_size=9)


@given(mappings, links)
def test_every_node_has_one_place_and_the_active_path_is_one(mapping: dict[str, Any], current: str | None) -> None:
    tree = grow(mapping, current)
    assert sorted(tree.order) == sorted(mapping)
    assert tree.current is None or tree.current in tree.active
    assert bool(tree.active) == bool(mapping)
    places = {key: place for place, key in enumerate(tree.order)}
    for key, parent in tree.parents.items():
        assert parent is None or places[parent] < places[key]
        assert parent is None or key not in tree.active or parent in tree.active
    forks = [tree.parents[key] for key in tree.active if tree.parents[key] is not None]
    assert len(forks) == len(set(forks)), "no two siblings are active"


@given(mappings, links, st.integers())
def test_the_order_of_keys_makes_no_difference(mapping: dict[str, Any], current: str | None, seed: int) -> None:
    shuffled = list(mapping.items())
    random.Random(seed).shuffle(shuffled)
    one, other = grow(mapping, current), grow(dict(shuffled), current)
    assert (one.order, one.active, one.parents, one.current) == (
        other.order,
        other.active,
        other.parents,
        other.current,
    )


def tree_of(*told: dict[str, Any], current: object = None) -> Tree:
    return grow({one["id"]: one for one in told}, current)


def test_parents_alone_are_enough() -> None:
    tree = tree_of(node("a"), node("b", "a"), node("c", "b"), current="c")
    assert tree.order == ["a", "b", "c"]


def test_children_alone_are_enough() -> None:
    tree = tree_of(node("a", None, None, ["b"]), node("b", None, None, ["c"]), node("c", None, None, []), current="c")
    assert tree.order == ["a", "b", "c"]
    assert tree.parents["c"] == "b"


def test_siblings_keep_their_declared_order_after_the_active_one() -> None:
    told = [node("a", None, None, ["z", "y", "x"]), node("x", "a"), node("y", "a"), node("z", "a")]
    assert tree_of(*told, current="y").order == ["a", "y", "z", "x"]


def test_siblings_without_declared_order_go_by_time() -> None:
    late, early = message("b", at=START + 5), message("c", at=START)
    assert tree_of(node("a"), node("b", "a", late), node("c", "a", early), current="a").order == ["a", "c", "b"]


def test_without_a_current_node_the_newest_leaf_is_active() -> None:
    told = [node("a"), node("b", "a", message("b", at=START)), node("c", "a", message("c", at=START + 1))]
    for current in (None, "gone", 7):
        assert tree_of(*told, current=current).active == {"a", "c"}


def test_two_nodes_that_are_each_others_parents_make_one_root() -> None:
    told = [node("a", "b", message("a", at=START)), node("b", "a", message("b", at=START + 1)), node("c", "b")]
    tree = tree_of(*told, current="c")
    assert tree.order == ["a", "b", "c"]
    assert tree.active == {"a", "b", "c"}


def test_where_a_hidden_node_was_left_out_the_active_path_goes_on_at_the_turn_before() -> None:
    told = [
        node("q", None, message("q", "Q?", "user", START)),
        node("a1", "hidden-1", message("a1", "A", "assistant", START + 5)),
        node("a2", "hidden-2", message("a2", "B", "assistant", START + 9)),
    ]
    tree = tree_of(*told, current="a2")
    assert tree.active == {"q", "a2"}
    assert tree.parents["a2"] is None, "an orphan stays one: which node it answered is not known"
    assert tree.order == ["q", "a2", "a1"]


def test_the_path_never_goes_on_below_itself() -> None:
    told = [
        node("orphan", "gone", message("orphan", "A", "assistant", START + 2), ["early", "leaf"]),
        node("early", "orphan", message("early", "Q", "user", START + 1)),
        node("leaf", "orphan"),
    ]
    assert tree_of(*told, current="leaf").active == {"orphan", "leaf"}


def test_a_thousand_gaps_take_no_time() -> None:
    told = [
        node(f"n{i}", f"gone{i}", message(f"n{i}", "x", ("user", "assistant")[i % 2], START + i)) for i in range(5_000)
    ]
    assert len(tree_of(*told, current="n4999").active) == 5_000


def test_a_chain_of_a_hundred_thousand_takes_no_stack() -> None:
    told = {f"n{i}": node(f"n{i}", f"n{i - 1}" if i else None) for i in range(100_000)}
    assert len(grow(told, "n99999").active) == 100_000


def test_messages_point_to_the_nearest_ancestor_that_is_a_message() -> None:
    built = conversation(
        {
            "root": node("root", None, None, ["a"]),
            "a": node("a", "root", message("a"), ["empty"]),
            "empty": node("empty", "a", None, ["b"]),
            "b": node("b", "empty", message("b", "b", "assistant"), []),
        }
    )
    first, second = read_one(built).messages
    assert (first.parent_id, second.parent_id) == (None, "a")
    assert (first.position, second.position) == (0, 1)


def test_all_branches_are_kept_and_the_active_one_is_marked() -> None:
    mapping = chain(message("q"), message("a1", "one", "assistant"))
    mapping["a2"] = node("a2", "q", message("a2", "two", "assistant", START + 1))
    read = read_one(conversation(mapping, current_node="a1"))
    assert [(told.id, told.is_active) for told in read.messages] == [("q", True), ("a1", True), ("a2", False)]
    assert read.current_message_id == "a1"
