"""The mapping of a conversation as a tree: who answers whom, in which order to read it, which branch is active.

Exports tell it in two ways, node by node: parents with declared children, or parents alone. Both are united. Cycles are
cut, orphans and further roots are kept, so every node has exactly one place. Nothing depends on the order of the
mapping's keys, which changes between two exports of the same conversation.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

import msgspec

from commonplace.sources.fields import moment

Nodes = dict[str, dict[str, Any]]
Parents = dict[str, str | None]
Turn = tuple[int, str, str]
"""When a message was written, its node, and the root above it."""


class Tree(msgspec.Struct):
    """`order` is depth first, the active branch of each fork before the others. `active` holds the active path."""

    order: list[str]
    parents: Parents
    active: set[str]
    current: str | None


def grow(mapping: dict[str, Any], current: object) -> Tree:
    """The tree of a mapping. `current` is the conversation's `current_node`, if it says one that exists."""
    nodes: Nodes = {key: node for key, node in mapping.items() if type(node) is dict}
    parents = _parents(nodes)
    children: dict[str | None, list[str]] = {}
    for key, parent in parents.items():
        if parent in children:
            children[parent].append(key)
        else:
            children[parent] = [key]
    leaf = current if isinstance(current, str) and current in nodes else _newest_leaf(nodes, children)
    path = _active_path(leaf, nodes, parents)
    rank = {key: place for place, key in enumerate(reversed(path))}
    for parent, siblings in children.items():
        if len(siblings) > 1:
            _sort(siblings, parent, nodes, rank)
    return Tree(list(_depth_first(children)), parents, set(rank), leaf)


def created(node: dict[str, Any]) -> int | None:
    message = node.get("message")
    return moment(message.get("create_time")) if isinstance(message, dict) else None


def _parents(nodes: Nodes) -> Parents:
    """Each node's parent, without cycles: its own word first, else that of the node that declares it as a child."""
    parents: Parents = {}
    roots = 0
    is_sorted = True
    for key, node in nodes.items():
        parent = node.get("parent")
        if type(parent) is str and parent in nodes and parent != key:
            is_sorted = is_sorted and parent in parents
            parents[key] = parent
        else:
            parents[key] = None
            roots += 1
    if roots > 1:
        for key in sorted(nodes):
            for child in _declared(nodes[key]):
                if child != key and parents.get(child, key) is None:
                    parents[child] = key
                    is_sorted = False
    if not is_sorted:  # parents that all come before their children make no cycle
        _cut_cycles(parents, nodes)
    return parents


def _declared(node: dict[str, Any]) -> list[str]:
    declared = node.get("children")
    return [child for child in declared if isinstance(child, str)] if isinstance(declared, list) else []


def _cut_cycles(parents: Parents, nodes: Nodes) -> None:
    """Make the earliest node of each cycle a root."""
    settled: set[str] = set()
    for start in parents:
        trail: dict[str, None] = {}
        step: str | None = start
        while step is not None and step not in settled and step not in trail:
            trail[step] = None
            step = parents[step]
        if step is not None and step in trail:
            keys = list(trail)
            parents[min(keys[keys.index(step) :], key=lambda key: (created(nodes[key]) or 0, key))] = None
        settled.update(trail)


def _newest_leaf(nodes: Nodes, children: dict[str | None, list[str]]) -> str | None:
    leaves = [key for key in nodes if key not in children]
    told = [key for key in leaves if isinstance(nodes[key].get("message"), dict)]
    return max(told or leaves, key=lambda key: (created(nodes[key]) or 0, key), default=None)


def _active_path(leaf: str | None, nodes: Nodes, parents: Parents) -> list[str]:
    """From the leaf up. Where an export left out a hidden node, the path goes on at the turn before the gap."""
    path: list[str] = []
    seen: set[str] = set()
    by_time: list[Turn] = []
    while leaf is not None and leaf not in seen:
        path.append(leaf)
        seen.add(leaf)
        above = parents[leaf]
        if above is None and _is_orphan(nodes[leaf], nodes):
            by_time = by_time or _turns(nodes, parents)
            above = _turn_before(leaf, nodes, by_time, seen)
        leaf = above
    return path


def _is_orphan(node: dict[str, Any], nodes: Nodes) -> bool:
    parent = node.get("parent")
    return isinstance(parent, str) and parent not in nodes


def _turns(nodes: Nodes, parents: Parents) -> list[Turn]:
    roots = _roots(parents)
    return sorted((when, key, roots[key]) for key, node in nodes.items() if (when := created(node)) is not None)


def _turn_before(orphan: str, nodes: Nodes, by_time: list[Turn], seen: set[str]) -> str | None:
    """The newest earlier message by the other side, in a tree apart from what the path has passed."""
    when = created(nodes[orphan])
    side = _role(nodes[orphan])
    place = -1 if when is None else bisect_left(by_time, (when, "", "")) - 1
    while place >= 0:
        _, key, root = by_time[place]
        if root not in seen and _role(nodes[key]) != side:
            return key
        place -= 1
    return None


def _roots(parents: Parents) -> dict[str, str]:
    """The root above each node."""
    roots: dict[str, str] = {}
    for key in parents:
        trail: list[str] = []
        step = key
        while step not in roots and (above := parents[step]) is not None:
            trail.append(step)
            step = above
        root = roots.setdefault(step, step)
        roots.update((passed, root) for passed in trail)
    return roots


def _role(node: dict[str, Any]) -> object:
    message = node.get("message")
    author = message.get("author") if isinstance(message, dict) else None
    return author.get("role") if isinstance(author, dict) else None


def _sort(siblings: list[str], parent: str | None, nodes: Nodes, rank: dict[str, int]) -> None:
    """The active one first, then as declared, then by time; ids settle what is left."""
    declared = {} if parent is None else {key: place for place, key in enumerate(_declared(nodes[parent]))}
    last = len(siblings) + len(declared)
    off_path = len(rank)
    siblings.sort(
        key=lambda key: (rank.get(key, off_path), declared.get(key, last), created(nodes[key]) or 0, key),
    )


def _depth_first(children: dict[str | None, list[str]]) -> Iterator[str]:
    stack = list(reversed(children.get(None, [])))
    while stack:
        key = stack.pop()
        yield key
        below = children.get(key)
        if below:
            stack.extend(reversed(below))
