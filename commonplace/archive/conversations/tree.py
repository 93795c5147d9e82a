"""The shape of a conversation: which message answers which, in what order they are read, which branch is active.

All of it is computed from the messages alone, so the same messages are arranged the same way, whichever export brought
them and in whichever order. Parent links may be missing, dangling or circular; every message keeps its place anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from commonplace.model import SAID_AT, Message

Claims = Mapping[str, Mapping[str, int]]
"""For each message the parents that its exports named, each with the newest moment at which one did."""


def arrange(messages: list[Message], current_message_id: str | None) -> None:
    """Sort the messages into reading order and set `position` and `is_active` of each.

    Depth first, siblings by time. Active is the path to the current message, else to the newest leaf.
    """
    if not _is_chain(messages):
        messages[:] = _depth_first(messages)
    for position, message in enumerate(messages):
        message.position = position
    active = active_path(messages, current_message_id)
    for message in messages:
        message.is_active = message.id in active


def active_path(messages: Sequence[Message], current_message_id: str | None) -> set[str]:
    """The ids on the way from a root to the current message, or to the newest leaf if there is none such.

    What was said elsewhere goes on from there: its source knows nothing of it, and names an earlier message as current.
    """
    parents = {message.id: message.parent_id for message in messages}
    at = current_message_id if current_message_id in parents else _newest_leaf(messages)
    at = _gone_on(messages, at)
    path: set[str] = set()
    while at is not None and at in parents and at not in path:
        path.add(at)
        at = parents[at]
    return path


def _gone_on(messages: Sequence[Message], at: str | None) -> str | None:
    """The last of what was said elsewhere after this message."""
    elsewhere: dict[str, Message] = {}
    for message in sorted((one for one in messages if SAID_AT in one.extra), key=_by_time):
        if message.parent_id is not None and message.parent_id != message.id:
            elsewhere[message.parent_id] = message
    while at in elsewhere:
        at = elsewhere.pop(at).id
    return at


def visible_parents(nodes: Iterable[tuple[str, str | None, bool]]) -> dict[str, str | None]:
    """For each visible node the nearest visible one above it, from (id, parent, is visible) of all nodes."""
    nodes = list(nodes)
    hidden = {id: parent for id, parent, is_visible in nodes if not is_visible}
    visible = {id: parent for id, parent, is_visible in nodes if is_visible}
    if not hidden:
        return {id: parent if parent in visible else None for id, parent in visible.items()}
    found: dict[str, str | None] = {}
    for id, parent in visible.items():
        steps = len(hidden)
        while parent in hidden and steps:
            parent = hidden[parent]
            steps -= 1
        found[id] = parent if parent in visible else None
    return found


def nearest_parents(claims: Claims) -> dict[str, str]:
    """The parent of each message where exports name different ones: the nearest of them.

    A trimmed export hangs an answer on the question and leaves out the tool call between them; a full one says that
    the tool call is between. So a claimed parent that is above another claimed parent is not the nearest. Where
    neither is above the other, the newest claim holds.
    """
    return {id: _nearest(id, parents, claims) for id, parents in claims.items() if parents}


def depth(id: str, parents: Mapping[str, str]) -> int:
    """How many messages stand above it."""
    above: set[str] = set()
    while (parent := parents.get(id)) is not None and parent not in above:
        above.add(parent)
        id = parent
    return len(above)


def _nearest(id: str, parents: Mapping[str, int], claims: Claims) -> str:
    if len(parents) == 1:
        return next(iter(parents))
    farther = {parent for nearer in parents for parent in _above(nearer, claims, stop=id) if parent != nearer}
    candidates = parents.keys() - farther or parents.keys()
    return max(candidates, key=lambda parent: (parents[parent], parent))


def _above(start: str, claims: Claims, *, stop: str) -> set[str]:
    """Everything that any export puts above `start`, without passing through `stop`."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for parent in claims.get(waiting.pop(), ()):
            if parent not in seen and parent != stop:
                seen.add(parent)
                waiting.append(parent)
    return seen


def _is_chain(messages: Sequence[Message]) -> bool:
    """Each message answers the one before it: what most conversations look like."""
    before = None
    for message in messages:
        if message.parent_id != before:
            return False
        before = message.id
    return True


def _depth_first(messages: Sequence[Message]) -> list[Message]:
    ids = {message.id for message in messages}
    children: dict[str | None, list[Message]] = {}
    for message in sorted(messages, key=_by_time, reverse=True):
        children.setdefault(message.parent_id if message.parent_id in ids else None, []).append(message)
    ordered: list[Message] = []
    placed: set[str] = set()
    _place(children.get(None, []), children, ordered, placed)
    if len(ordered) < len(messages):  # circular links: enter each circle at its earliest message
        for message in sorted(messages, key=_by_time):
            _place([message], children, ordered, placed)
    return ordered


def _place(
    stack: list[Message], children: Mapping[str | None, list[Message]], ordered: list[Message], placed: set[str]
) -> None:
    while stack:
        message = stack.pop()
        if message.id not in placed:
            placed.add(message.id)
            ordered.append(message)
            stack.extend(children.get(message.id, ()))


def _by_time(message: Message) -> tuple[int, str]:
    return message.created_at or 0, message.id


def _newest_leaf(messages: Sequence[Message]) -> str | None:
    if not messages:
        return None
    parents = {message.parent_id for message in messages}
    leaves = [message for message in messages if message.id not in parents] or messages
    return max(leaves, key=_by_time).id
