"""Whole exports: every layout there is, every item counted."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence, Set
from pathlib import Path

import pytest

from commonplace.errors import Defect, LeftOut, Refused
from commonplace.model import Conversation
from commonplace.sources import containers
from commonplace.sources.contract import Skipped
from commonplace.sources.registry import open_export
from tests.fakes.assistants import claude_conversation
from tests.fakes.exports import Json, as_json, chain, conversation, message, write_folder, write_json, write_zip
from tests.sources.reading import read_all

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
IMAGE = "file_00000000000000000000000000000000"


def shards(*numbers: int) -> dict[str, list[Json]]:
    return {f"conversations-{number:03d}.json": [conversation(key=f"c-{number}")] for number in numbers}


def ids(path: Path) -> list[str]:
    found, defects = read_all(path)
    assert defects == []
    return [told.external_id for told in found]


def manifest(*files: str) -> Json:
    return {"version": 1, "logical_files": {"conversations.json": {"files": list(files), "sharded": True}}}


@pytest.mark.parametrize("write", [write_zip, write_folder])
def test_zips_and_folders_are_the_same_at_any_depth(tmp_path: Path, write: type) -> None:
    files = {
        "deep/er/conversations.json": [conversation(key="a"), conversation(key="b")],
        "__MACOSX/deep/._conversations.json": b"\0\5\x16\7",
        "chat.html": b"<html>",
        "deep/er/shopping.json": {"carts": [1]},
        "notes.bin": b"1",
        "backup.zip": b"PK",
    }
    path = write(tmp_path / "export", files)
    assert ids(path) == ["a", "b"]
    with open_export(path) as export:
        assert export.left_out == [
            LeftOut("backup.zip", "an archive within the export"),
            LeftOut("notes.bin", "not read by this version"),
            LeftOut("deep/er/shopping.json", "not read by this version"),
        ]


def test_shards_are_read_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    assert ids(write_zip(tmp_path / "x.zip", shards(10, 2, 1, 0, 100))) == ["c-0", "c-1", "c-2", "c-10", "c-100"]


def test_the_manifest_decides_the_order_and_what_is_missing_is_reported(tmp_path: Path) -> None:
    listed = [f"conversations-{number:03d}.json" for number in (1, 0, 7)]
    path = write_zip(tmp_path / "x.zip", {**shards(0, 1, 2), "export_manifest.json": manifest(*listed)})
    found, defects = read_all(path)
    assert [told.external_id for told in found] == ["c-1", "c-0", "c-2"]
    assert defects == [Defect("conversations-007.json", "", "listed in export_manifest.json but not in the export")]


def test_conversations_are_recognised_by_content_not_by_name(tmp_path: Path) -> None:
    files = {
        "my chats.json": {"conversations": [conversation(key="a")]},
        "one.json": conversation(key="b"),
        "file-AbCdEfGhIj-chats.json": [conversation(key="an upload, not ours")],
    }
    path = write_zip(tmp_path / "x.zip", files)
    assert ids(path) == ["a", "b"]
    mixed = {**files, "conversations.json": [conversation(key="c")], "more.json": [claude_conversation("x")]}
    with pytest.raises(Refused, match="ChatGPT and Claude"), open_export(write_zip(path, mixed)):
        pass


@pytest.mark.parametrize("data", [as_json(conversation()), as_json({"conversations": [conversation()]})])
def test_a_lone_json_may_hold_one_conversation_or_a_list_under_a_name(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"\xef\xbb\xbf" + data)
    assert ids(path) == ["c-1"]


def test_conversations_may_follow_one_another_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "two.jsonl"
    path.write_bytes(as_json(conversation(key="a")) + b"\n" + as_json(conversation(key="b")) + b"\n")
    assert ids(path) == ["a", "b"]
    path.write_bytes(path.read_bytes() + as_json(conversation(key="c"))[:-9] + b"\n" + as_json(conversation(key="d")))
    found, defects = read_all(path)
    assert [told.external_id for told in found] == ["a", "b", "d"]
    assert [told.item for told in defects] == ["#2 c"]


@pytest.mark.parametrize("first", [{}, 7, {"kind": "header"}, {"id": "x"}, ["a", {"b": 1}]])
def test_a_first_item_that_is_no_conversation_costs_no_other(tmp_path: Path, first: object) -> None:
    found, _ = read_all(write_zip(tmp_path / "x.zip", {"chats.json": [first, conversation(key="a")]}))
    assert found[-1].external_id == "a"


def test_the_list_may_stand_under_any_name(tmp_path: Path) -> None:
    data = {"count": 2, "pages": [{"next": None}], "data": [conversation(key="a"), conversation(key="b")]}
    assert ids(write_zip(tmp_path / "x.zip", {"page.json": data})) == ["a", "b"]


def test_messages_in_fragments_are_deepseeks(tmp_path: Path) -> None:
    spoken = {"fragments": [{"type": "REQUEST", "content": "hi"}]}
    deepseek = {"id": "d", "title": "t", "mapping": {"1": {"id": "1", "parent": None, "message": spoken}}}
    with open_export(write_zip(tmp_path / "x.zip", {"chats.json": [deepseek]})) as export:
        assert export.source == "deepseek"
    found, defects = read_all(write_json(tmp_path / "x.json", conversation(), deepseek))
    assert len(found) == 1
    assert [told.reason for told in defects] == ["a DeepSeek conversation, not one of ChatGPT"]


def test_a_conversation_whose_messages_moved_is_a_defect_and_an_empty_shell_is_not(tmp_path: Path) -> None:
    moved = {"id": "b", "title": "t", "messages": [{"text": "hi"}], "my notes": "x"}
    found, defects = read_all(write_json(tmp_path / "x.json", conversation(key="a"), moved, {"id": "c", "title": "t"}))
    assert [told.external_id for told in found] == ["a", "c"]
    assert [told.reason for told in defects] == ["no mapping, but ? and messages, which this version cannot read"]


def test_nested_zips_of_conversations_are_part_of_the_export(tmp_path: Path) -> None:
    inner = write_zip(tmp_path / "inner.zip", {**shards(5), "Conversations__2.zip": b"PK", f"{IMAGE}.dat": PNG})
    outer = {**shards(1), "Conversations__1.zip": inner.read_bytes()}
    path = write_zip(tmp_path / "x.zip", outer)
    assert ids(path) == ["c-1", "c-5"]
    with open_export(path) as export:
        assert export.left_out == [LeftOut("Conversations__1.zip/Conversations__2.zip", "an archive within the export")]
        with export.open_member(f"Conversations__1.zip/{IMAGE}.dat") as stream:
            assert stream.read() == PNG


def test_an_empty_list_is_an_export_without_conversations(tmp_path: Path) -> None:
    assert ids(write_json(tmp_path / "x.json")) == []
    assert ids(write_zip(tmp_path / "x.zip", {"conversations.json": []})) == []


@pytest.mark.parametrize("data", [b"", b"GIF89a", b'{"a": 1}', b"PK\3\4 no directory"])
def test_what_is_no_export_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "thing"
    path.write_bytes(data)
    with pytest.raises(Refused, match="'thing'"), open_export(path):
        pass


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="not there"), open_export(tmp_path / "nothing.zip"):
        pass


def test_every_item_is_counted_and_a_bad_one_ends_nothing(tmp_path: Path) -> None:
    good = as_json(conversation())
    path = tmp_path / "x.json"
    path.write_bytes(b"[" + good + b', 7, {"conversation_id": "c-2", "mapping": [],}, {"id": "c-3"}, ' + good + b"]")
    found, defects = read_all(path)
    assert [told.external_id for told in found] == ["c-1", "c-3", "c-1"]
    assert [(told.file, told.item) for told in defects] == [("x.json", "#1"), ("x.json", "#2 c-2")]
    assert defects[0].reason == "not an object"


def test_a_cut_off_file_yields_its_complete_conversations_and_one_defect(tmp_path: Path) -> None:
    whole = as_json([conversation(key=f"c-{number}") for number in range(5)])
    path = write_zip(tmp_path / "x.zip", {"conversations.json": whole[:-100]})
    found, defects = read_all(path)
    assert len(found) == 4
    assert defects == [Defect("conversations.json", "#4", "the file ends inside this item")]


@pytest.mark.parametrize("odd", ["\ud83d", "\ud83d and \ude00"])
def test_a_lone_surrogate_costs_one_character_and_only_its_own_file_the_fast_path(tmp_path: Path, odd: str) -> None:
    files = {
        "conversations-000.json": [conversation(chain(message("m", f"odd {odd}")), key="a"), conversation(key="b")],
        "conversations-001.json": [conversation(key="c")],
    }
    found, defects = read_all(write_zip(tmp_path / "x.zip", files))
    assert [told.external_id for told in found] == ["a", "b", "c"]
    assert "\ufffd" in found[0].messages[0].text
    assert defects == []


def test_nan_and_bare_bytes_and_deep_nesting_are_read(tmp_path: Path) -> None:
    data = as_json([conversation(update_time=float("nan")), conversation(title="X", voice="DEEP")])
    data = data.replace(b'"DEEP"', b'{"a":' * 3_000 + b"1" + b"}" * 3_000).replace(b"What is", b"\xff\xed\xa0\xbd")
    path = tmp_path / "x.json"
    path.write_bytes(data)
    found, defects = read_all(path)
    assert defects == []
    assert found[0].updated_at is None
    assert [told.messages[0].text for told in found] == ["\ufffd\ufffd a zip?"] * 2
    json.dumps(found[1].extra)


def test_known_items_are_skipped_without_being_decoded(tmp_path: Path) -> None:
    path = write_json(tmp_path / "x.json", *(conversation(key=f"c-{number}") for number in range(600)))
    digests = [told.item_digest for told in read_all(path)[0] if told.item_digest]
    assert len(set(digests)) == 600
    asked: list[int] = []

    def known(chunk: Sequence[bytes]) -> Set[bytes]:
        asked.append(len(chunk))
        return set(chunk) - {digests[7]}

    with open_export(path) as export:
        items = list(export.conversations(known))
    assert sum(isinstance(told, Skipped) for told in items) == 599
    assert isinstance(items[7], Conversation)
    assert sum(asked) == 600
    assert len(asked) < 10


def test_an_attachment_that_arrived_later_makes_its_conversation_new(tmp_path: Path) -> None:
    told = {"attachments": [{"id": IMAGE, "name": "x.png"}]}
    files = {"conversations.json": [conversation(chain(message("m", metadata=told)), key="a"), conversation(key="b")]}
    bare = read_all(write_zip(tmp_path / "bare.zip", files))[0]
    rich = read_all(write_zip(tmp_path / "rich.zip", {**files, f"{IMAGE}.dat": PNG}))[0]
    assert bare[0].item_digest != rich[0].item_digest
    assert bare[1].item_digest == rich[1].item_digest
    assert (bare[0].messages[0].attachments[0].member, rich[0].messages[0].attachments[0].member) == (
        None,
        f"{IMAGE}.dat",
    )


def test_feedback_and_shared_links_are_attached(tmp_path: Path) -> None:
    files = {
        "conversations.json": [conversation()],
        "message_feedback.json": [
            {"id": "m-2", "conversation_id": "c-1", "rating": "thumbs_up", "user_id": "u"},
            {"id": "f-9", "conversation_id": "c-1", "rating": "thumbs_down"},
        ],
        "shared_conversations.json": [{"id": "s-1", "conversation_id": "c-1", "title": "T", "is_anonymous": True}],
        "user.json": {"id": "u", "email": "a@example.org"},
    }
    path = write_zip(tmp_path / "x.zip", files)
    (told,) = read_all(path)[0]
    assert told.messages[1].extra["feedback"] == [{"id": "m-2", "rating": "thumbs_up"}]
    assert told.extra["feedback"] == [{"id": "f-9", "rating": "thumbs_down"}]
    assert told.extra["shared"] == [{"id": "s-1", "title": "T", "is_anonymous": True}]
    with open_export(path) as export:
        assert export.left_out == []


def test_files_that_describe_others_may_be_broken(tmp_path: Path) -> None:
    broken = {"library_files.json": b"[{", "conversation_asset_file_names.json": [1], "message_feedback.json": b"\0"}
    assert ids(write_zip(tmp_path / "x.zip", {**shards(1), **broken, "export_manifest.json": [None]})) == ["c-1"]


def test_big_members_go_through_a_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "IN_MEMORY", 1_000)
    path = write_zip(tmp_path / "x.zip", {"conversations.json": [conversation(key=f"c-{n}") for n in range(50)]})
    assert len(ids(path)) == 50


def test_a_damaged_member_is_a_defect_and_the_others_are_read(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", shards(0, 1))
    data = bytearray(path.read_bytes())
    place = data.index(b"conversations-000.json") + len("conversations-000.json") + 20
    data[place : place + 8] = b"\xff" * 8
    path.write_bytes(data)
    found, defects = read_all(path)
    assert [told.external_id for told in found] == ["c-1"]
    assert [told.file for told in defects] == ["conversations-000.json"]


def left_out(path: Path) -> list[tuple[str, str, int]]:
    with open_export(path) as export:
        list(export.conversations())
        return [(one.name, one.reason, one.count) for one in export.left_out]


def test_everything_that_is_left_out_is_named(tmp_path: Path) -> None:
    shown = {"attachments": [{"id": IMAGE, "name": "x.png"}, {"id": "file-AbCdEfGhIj"}]}
    files = {
        **shards(0, 1, 4),
        "conversations-003.json": [conversation(chain(message("m", metadata=shown)), key="a")],
        f"{IMAGE}.dat": PNG,
        "file-Zyxwvutsrq-nobody.png": PNG,
        "model_comparisons.json": [{"words": 1}],
        "sora.json": {"videos": [{"prompt": "a kite"}]},
        "shopping.json": [],
        "group_chats.json": {"chats": []},
    }
    path = write_zip(tmp_path / "x.zip", files)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("sora.json", as_json({"videos": [{"prompt": "a red kite"}]}))
    assert sorted(left_out(path)) == [
        ("conversations-002.json", "missing from the sequence", 1),
        ("file-AbCdEfGhIj", "named by a message, but not in the export", 1),
        ("file-Zyxwvutsrq-nobody.png", "no message shows it", 1),
        ("model_comparisons.json", "not read by this version", 1),
        ("sora.json", "not read by this version", 1),
        ("sora.json", "there twice, and the last one counts", 1),
    ]


def test_of_a_wide_gap_its_ends_are_named(tmp_path: Path) -> None:
    assert left_out(write_folder(tmp_path / "x", shards(7, 900))) == [
        ("conversations-008.json to 899", "missing from the sequence", 892)
    ]


def test_a_file_that_known_conversations_show_is_not_called_left_out(tmp_path: Path) -> None:
    told = chain(message("m", metadata={"attachments": [{"id": IMAGE, "name": "x.png"}]}))
    path = write_zip(tmp_path / "x.zip", {"conversations.json": [conversation(told)], f"{IMAGE}.dat": PNG})
    with open_export(path) as export:
        assert [type(item) for item in export.conversations(set)] == [Skipped]
        assert export.left_out == []


def test_assets_that_only_the_page_names_are_linked(tmp_path: Path) -> None:
    pointers = ["file-service://kite", "sediment://tree", "file-service://gone"]
    parts = [{"content_type": "image_asset_pointer", "asset_pointer": pointer} for pointer in pointers]
    named = {pointers[0]: "pictures/red.png", pointers[1]: {"file_path": "green.png"}, pointers[2]: "../up.png"}
    said = 'She wrote: var assetsJson = {"a": 1};'
    page = f"<script>var jsonData = [{json.dumps(said)}];\nvar assetsJson = {json.dumps(named)};</script>"
    files = {
        "in/conversations.json": [
            conversation(chain(message("m", {"content_type": "multimodal_text", "parts": parts})))
        ],
        "in/chat.html": page.encode(),
        "in/pictures/red.png": PNG,
        "in/green.png": PNG,
    }
    path = write_zip(tmp_path / "x.zip", files)
    (told,) = read_all(path)[0]
    assert [one.member for one in told.messages[0].attachments] == ["in/pictures/red.png", "in/green.png", None]
    assert left_out(path) == [("gone", "named by a message, but not in the export", 1)]
