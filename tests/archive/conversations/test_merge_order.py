"""Exports are imported in any order, twice, in any batches: the archive that comes out is the same."""

from __future__ import annotations

from copy import deepcopy
from itertools import count

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commonplace.archive.conversations.merge import merge
from commonplace.archive.conversations.states import OTHER_WORDS
from commonplace.archive.conversations.tree import arrange
from commonplace.archive.core import Archive
from commonplace.model import Attachment, Conversation, Message
from tests.archive.builders import contents, message

_owners = count()


class Life(msgspec.Struct):
    """What truly happened: a chat that grows. At every moment there is one truth, of which exports show a part."""

    parents: list[int]
    hidden: list[bool]
    edits: dict[int, int]
    """Which message's text changed when the chat had so many messages."""

    def snapshot(self, moment: int | None, shape: str, lacking: frozenset[str], lie: str = "") -> Conversation:
        size = len(self.parents) if moment is None else max(1, min(moment, len(self.parents)))
        messages = [self._message(number, size, lacking, lie) for number in range(size)]
        current = f"m{max((n for n in range(size) if not self.hidden[n]), default=0)}"
        arrange(messages, current)
        if shape != "full":
            messages = self._trim(messages, cut=shape == "cut")
        return Conversation(
            source="chatgpt",
            external_id="life",
            updated_at=None if moment is None else moment * 1000,
            title=None if "title" in lacking else f"title of {moment}",
            model=None if "model" in lacking else f"model of {moment}",
            is_starred=None if "starred" in lacking else size % 2 == 0,
            project_ref=None if "project" in lacking else "g-p-1",
            current_message_id=None if "current" in lacking and moment is None else current,
            extra={} if "extra" in lacking else {"voice": f"of {moment}"},
            messages=messages,
        )

    def _message(self, number: int, size: int, lacking: frozenset[str], lie: str) -> Message:
        edited = max((at for at, which in self.edits.items() if which == number and at <= size), default=0)
        said = message(
            f"m{number}",
            f"text {number} of {edited}{lie if number % 2 else ''}",
            parent=f"m{self.parents[number]}" if number else None,
            role="tool" if self.hidden[number] else "user",
            hidden=self.hidden[number],
            at=None if "times" in lacking else number,
            model=None if "models" in lacking else f"model {edited}",
            extra={} if "extras" in lacking else {"status": f"of {edited}"},
        )
        if "links" not in lacking:
            said.text += "".join(f" [{n}](https://example.org/{n})" for n in range(number % 3))
            said.extra["sources"] = [{"title": "t", "url": f"https://example.org/{n}"} for n in range(number % 3)]
        if number % 3 == 0 and "attachments" not in lacking:
            said.attachments = [Attachment(id="f", name=None if "names" in lacking else f"{edited}.png", size=edited)]
        return said

    def _trim(self, messages: list[Message], *, cut: bool) -> list[Message]:
        """Leave out what is hidden, and link around it or, if `cut`, not at all."""
        parents = {said.id: said.parent_id for said in messages if not said.digest}
        kept = [said for said in messages if said.digest]
        for said in kept:
            if said.parent_id in parents:
                while said.parent_id in parents:
                    said.parent_id = parents[said.parent_id]
                if cut and said.is_active:
                    said.parent_id = None
        return kept


@st.composite
def lives(draw: st.DrawFn) -> Life:
    size = draw(st.integers(1, 8))
    parents = [0] + [draw(st.integers(max(0, number - 3), number - 1)) for number in range(1, size)]
    hidden = draw(st.lists(st.booleans(), min_size=size, max_size=size))
    edits = draw(st.dictionaries(st.integers(1, size), st.integers(0, size - 1), max_size=3))
    return Life(parents, hidden, edits)


LACKING = ("title", "model", "starred", "project", "extra", "models", "extras", "attachments", "names", "links")
snapshots = st.tuples(
    st.sampled_from([*range(1, 9)]),
    st.sampled_from(["full", "trimmed", "cut"]),
    st.frozensets(st.sampled_from(LACKING), max_size=4),
    st.sampled_from(["", "", "", " as one server says", " as another says"]),
)
Shot = tuple[int, str, frozenset[str], str]


def merge_all(archive: Archive, exports: list[Conversation], batch: int) -> Archive:
    owner = archive.of(f"owner {next(_owners)}")
    for start in range(0, len(exports), batch):
        merge(owner, None, deepcopy(exports[start : start + batch]))
    return owner


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(life=lives(), shots=st.lists(snapshots, min_size=1, max_size=5), data=st.data())
def test_the_order_of_imports_does_not_matter(
    sqlite_archive: Archive, life: Life, shots: list[Shot], data: st.DataObject
) -> None:
    exports = [life.snapshot(*shot) for shot in shots]
    again = data.draw(st.permutations(exports + data.draw(st.lists(st.sampled_from(exports), max_size=3))))
    one = merge_all(sqlite_archive, exports, data.draw(st.integers(1, 5)))
    two = merge_all(sqlite_archive, again, data.draw(st.integers(1, 5)))
    assert contents(one) == contents(two)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(life=lives(), shots=st.lists(snapshots, min_size=1, max_size=4))
def test_merging_again_changes_nothing_and_loses_no_message(
    sqlite_archive: Archive, life: Life, shots: list[Shot]
) -> None:
    exports = [life.snapshot(*shot) for shot in shots]
    owner = merge_all(sqlite_archive, exports, 2)
    before = contents(owner)
    again = merge(owner, None, deepcopy(exports))
    assert {merged.outcome for merged in again} <= {"unchanged", "empty"}
    assert contents(owner) == before
    told = {said.id for export in exports for said in export.messages}
    assert len([row for _, row in before["messages"] if OTHER_WORDS not in row]) == len(told)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(life=lives(), moment=st.integers(1, 8))
def test_every_shape_of_one_state_has_one_hash(sqlite_archive: Archive, life: Life, moment: int) -> None:
    hashes = set()
    for shape in ("full", "trimmed", "cut"):
        export = life.snapshot(moment, shape, frozenset())
        if export.messages and any(said.digest for said in export.messages):
            owner = sqlite_archive.of(f"owner {next(_owners)}")
            hashes.add(merge(owner, None, [export])[0].hash_after)
    assert len(hashes) <= 1
