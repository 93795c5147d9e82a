"""What every source must do, whatever it reads. Each inherits this suite and brings its `World`."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping, Sequence, Set
from pathlib import Path
from random import Random
from typing import Protocol, get_args

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commonplace.errors import Defect, Refused
from commonplace.model import Conversation, Role
from commonplace.sources.contents import open_contents
from commonplace.sources.contract import Skipped, Source, Sure
from commonplace.sources.registry import SOURCES, open_export, sources
from tests.fakes.exports import write_folder, write_zip
from tests.sources.mangling import deep, mangled, shuffled, with_less
from tests.sources.reading import read_all

Files = Mapping[str, bytes]
YEAR_2000, YEAR_2100 = 946_684_800_000_000, 4_102_444_800_000_000
STRANGE_WORDS = "Words that nobody foresaw"
OTHER_NAMES = (
    *("conversations.json", "prod-grok-backend.json", "projects.json", "MyActivity.html", "MyActivity.json"),
    *("copilot-activity-history.csv", "rollout-2026-01-01T00-00-00-x.jsonl", "agent-1.jsonl", "chat.txt", "thing"),
)
"""What other assistants call their files, and what nobody does."""
SAYS_NOTHING = (b"", b"\0" * 600, b"[]", b"[{}]", b'{"a": 1}', b"GIF89a", b"<html>", b"a,b\n1,2\n")


class World(Protocol):
    """One source, and what its exports look like."""

    source: Source

    def files(self, count: int) -> Files:
        """An export of so many conversations, each of at least a question and an answer, as names and bytes."""

    def with_a_bad_item(self) -> Files:
        """An export of two conversations with something unusable between them."""

    def with_strange_words(self) -> Files:
        """An export whose only conversation has a piece of a kind that nobody knows, which says `STRANGE_WORDS`."""


class SourceContract:
    """Inherit, and provide a fixture `world`."""

    def test_the_registry_knows_it_and_nobody_else_takes_its_exports(self, world: World, tmp_path: Path) -> None:
        assert world.source.name in SOURCES
        assert world.source.title
        path = write_zip(tmp_path / "any name", world.files(3))
        contents = open_contents(path)
        sureness = {source.name: source.detect(contents) for source in sources()}
        contents.close()
        assert sureness.pop(world.source.name) is Sure.CERTAIN
        assert all(sure < Sure.CERTAIN for sure in sureness.values())
        with open_export(path) as export:
            assert export.source == world.source.name
            assert export.reader_version == world.source.reader_version

    @pytest.mark.parametrize("name", OTHER_NAMES)
    def test_a_file_of_it_is_its_own_under_the_name_of_anothers(self, world: World, tmp_path: Path, name: str) -> None:
        data = max(world.files(1).values(), key=len)
        (tmp_path / name).write_bytes(data)
        with open_export(tmp_path / name) as export:
            assert export.source == world.source.name
            found = list(export.conversations())
        (plain,), _ = read_all(write_zip(tmp_path / "plain.zip", world.files(1)))
        (told,) = found
        assert isinstance(told, Conversation)
        assert _seen(told) == _seen(plain)

    def test_every_conversation_is_read_whole(self, world: World, tmp_path: Path) -> None:
        found, defects = read_all(write_zip(tmp_path / "x", world.files(5)))
        assert defects == []
        assert len({told.id for told in found}) == len(found) == 5
        for told in found:
            assert told.id.startswith(f"{world.source.name}:")
            assert told.item_digest
            _assert_is_a_tree(told)

    @pytest.mark.parametrize("write", [write_zip, write_folder])
    def test_where_its_files_lie_makes_no_difference(
        self, world: World, tmp_path: Path, write: Callable[[Path, Files], Path]
    ) -> None:
        plain, _ = read_all(write_zip(tmp_path / "plain", world.files(2)))
        deep = {f"deep/er/{name}": data for name, data in world.files(2).items()}
        found, defects = read_all(write(tmp_path / "deep", deep))
        assert defects == []
        assert sorted(map(_plain, found)) == sorted(map(_plain, plain))

    def test_reading_again_is_the_same_and_what_is_known_is_skipped(self, world: World, tmp_path: Path) -> None:
        path = write_zip(tmp_path / "x", world.files(4))
        found, _ = read_all(path)
        assert [_plain(told) for told in read_all(path)[0]] == [_plain(told) for told in found]
        fresh = found[2].item_digest

        def known(digests: Sequence[bytes]) -> Set[bytes]:
            return set(digests) - {fresh}

        with open_export(path) as export:
            items = list(export.conversations(known))
        assert sum(isinstance(item, Skipped) for item in items) == 3
        assert [_plain(item) for item in items if isinstance(item, Conversation)] == [_plain(found[2])]

    def test_a_bad_item_is_told_and_ends_nothing(self, world: World, tmp_path: Path) -> None:
        found, defects = read_all(write_zip(tmp_path / "x", world.with_a_bad_item()))
        assert len(found) == 2
        (defect,) = defects
        assert defect.file in world.with_a_bad_item()
        assert defect.item
        assert defect.reason

    def test_words_that_nobody_foresaw_are_kept_and_counted(self, world: World, tmp_path: Path) -> None:
        with open_export(write_zip(tmp_path / "x", world.with_strange_words())) as export:
            (told,) = export.conversations()
            assert isinstance(told, Conversation)
            assert any(STRANGE_WORDS in message.text for message in told.messages)
            assert any(message.raw and STRANGE_WORDS.encode() in message.raw for message in told.messages)
            assert sum(export.unfamiliar.values()) >= 1
            assert STRANGE_WORDS not in str(export.unfamiliar)

    def test_a_file_that_is_cut_off_costs_what_is_missing_and_no_more(self, world: World, tmp_path: Path) -> None:
        files = world.files(3)
        for name, data in files.items():
            for cut in (0, 1, len(data) // 2, len(data) - 1):
                path = write_zip(tmp_path / f"{cut}", {**files, name: data[:cut]})
                with contextlib.suppress(Refused), open_export(path) as export:
                    items = list(export.conversations())
                    assert all(isinstance(item, Conversation | Defect) for item in items)

    @given(random=st.randoms(), odds=st.sampled_from([0.02, 0.1, 0.4]))
    @settings(max_examples=20, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def test_whatever_fields_are_missing_or_hold_all_is_read_or_told(
        self, world: World, tmp_path_factory: pytest.TempPathFactory, random: Random, odds: float
    ) -> None:
        files = {
            name: mangled(data, lambda told: with_less(told, random, odds)) for name, data in world.files(2).items()
        }
        path = write_zip(tmp_path_factory.mktemp("mangled") / "x", files)
        with contextlib.suppress(Refused), open_export(path) as export:
            items = list(export.conversations())
            for item in items:
                if isinstance(item, Conversation):
                    assert item.id.startswith(f"{export.source}:")
                    _assert_is_sound(item)
                else:
                    assert isinstance(item, Defect)
                    assert item.reason
                    assert not item.reason.endswith("Error)"), "what may come was not foreseen"

    def test_the_order_of_fields_makes_no_difference(self, world: World, tmp_path: Path) -> None:
        files = world.files(2)
        turned = {name: mangled(data, lambda told: shuffled(told, Random(7))) for name, data in files.items()}
        if any(name.endswith((".csv", ".html")) for name in files):
            return  # the order of their columns and cells is what they mean
        plain = [_seen(told) for told in read_all(write_zip(tmp_path / "plain", files))[0]]
        found, defects = read_all(write_zip(tmp_path / "turned", turned))
        assert defects == []
        assert [_seen(told) for told in found] == plain

    def test_a_conversation_that_says_no_time_of_its_own_has_that_of_its_messages(
        self, world: World, tmp_path: Path
    ) -> None:
        files = {
            name: re.sub(rb'"(updated?_(at|time)|modify_time|updatedAt)":', b'"not_\\1":', data)
            for name, data in world.files(2).items()
        }
        found, _ = read_all(write_zip(tmp_path / "x", files))
        for told in found if world.source.name != "chatgpt" else ():  # one without a time is trimmed: it only adds
            latest = max((message.created_at or 0 for message in told.messages), default=0)
            assert (told.updated_at or 0) >= latest

    def test_what_is_nested_too_deeply_ends_nothing(self, world: World, tmp_path: Path) -> None:
        name, data = next(iter(world.files(2).items()))
        for place in (data.find(b'"') + 1, data.rfind(b":") + 1):
            nested = data[:place] + deep().encode() + data[place:]
            with (
                contextlib.suppress(Refused),
                open_export(write_zip(tmp_path / "x", {**world.files(2), name: nested})) as export,
            ):
                assert all(isinstance(item, Conversation | Defect) for item in export.conversations())

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "cp037"])
    def test_a_file_in_another_encoding_is_refused_or_told(self, world: World, tmp_path: Path, encoding: str) -> None:
        files = {name: data.decode().encode(encoding) for name, data in world.files(1).items()}
        said: list[str] = []
        try:
            with open_export(write_zip(tmp_path / "x", files)) as export:
                said += [item.reason for item in export.conversations() if isinstance(item, Defect)]
                said += [left.reason for left in export.left_out]
        except Refused as refused:
            said.append(str(refused))
        assert said

    def test_bytes_that_are_no_text_cost_no_conversation(self, world: World, tmp_path: Path) -> None:
        files = {
            name: data.replace(b"zip", b"z\xff\xfep").replace(b"test", b"t\xfest")
            for name, data in world.files(2).items()
        }
        found, defects = read_all(write_zip(tmp_path / "x", files))
        assert (len(found), defects) == (2, [])

    @pytest.mark.parametrize("data", SAYS_NOTHING)
    def test_it_is_not_sure_of_what_says_nothing(self, world: World, tmp_path: Path, data: bytes) -> None:
        for name in (*world.files(1), "thing"):
            contents = open_contents(write_folder(tmp_path / "folder", {Path(name).name: data, "other.txt": b""}))
            assert world.source.detect(contents) <= Sure.PERHAPS
            contents.close()

    def test_members_are_opened_by_their_names_alone(self, world: World, tmp_path: Path) -> None:
        files = world.files(1)
        with open_export(write_folder(tmp_path / "x", files)) as export:
            assert set(export.members) == set(files)
            assert list(export.left_out) == []
            for name, data in files.items():
                with export.open_member(name) as stream:
                    assert stream.read() == data
            for name in ("../x", "/etc/hosts", "nothing"):
                with pytest.raises(Refused):
                    export.open_member(name)


def _assert_is_a_tree(told: Conversation) -> None:
    ids = [message.id for message in told.messages]
    assert len(ids) == len(set(ids)) >= 2
    assert [message.position for message in told.messages] == list(range(len(ids)))
    assert {message.role for message in told.messages} <= set(get_args(Role))
    assert told.current_message_id in ids
    for place, message in enumerate(told.messages):
        assert message.parent_id is None or message.parent_id in ids[:place]
        assert bool(message.digest) <= bool(message.text or message.attachments)
    moments = [told.created_at, told.updated_at, *(message.created_at for message in told.messages)]
    assert all(when is None or YEAR_2000 < when < YEAR_2100 for when in moments)


def _assert_is_sound(told: Conversation) -> None:
    """What the archive relies on, also of a conversation of which little is left."""
    ids = {message.id for message in told.messages}
    assert len(ids) == len(told.messages)
    assert all(message.parent_id is None or message.parent_id in ids for message in told.messages)
    assert told.current_message_id in ids or not ids
    assert all(isinstance(message.text, str) for message in told.messages)
    assert _plain(told)


def _seen(told: Conversation) -> tuple[str, str | None, list[tuple[str, str, str, bytes]]]:
    return told.id, told.title, [(one.id, one.role, one.text, one.digest) for one in told.messages]


def _plain(told: Conversation) -> bytes:
    return msgspec.json.encode(told)
