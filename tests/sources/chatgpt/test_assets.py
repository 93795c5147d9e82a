"""Every form in which a message names a file leads to its real name and its bytes."""

from __future__ import annotations

import pytest

from commonplace.sources.chatgpt.assets import Assets, asset_id
from commonplace.sources.file_types import type_by_magic
from tests.sources.chatgpt.reading import read_message

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 8


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [
        ("file-service://file-AbC", "file-AbC"),
        ("sediment://file_00ab#file_00ab#p_0.png", "file_00ab"),
        ("file_00ab.dat", "file_00ab"),
        ("sediment://a b)c", "a_b_c"),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_an_id_is_what_is_left_of_a_pointer(pointer: object, expected: str | None) -> None:
    assert asset_id(pointer) == expected


@pytest.mark.parametrize(
    ("member", "key", "name"),
    [
        ("file_0123456789ab.dat", "file_0123456789ab", None),
        ("assets/file-AbCdEfGh-holiday photo.png", "file-AbCdEfGh", "holiday photo.png"),
        ("file_0123456789ab-sanitized.png", "file_0123456789ab", "file_0123456789ab-sanitized.png"),
        ("dalle-generations/file-AbCdEfGh.webp", "file-AbCdEfGh", "file-AbCdEfGh.webp"),
    ],
)
def test_members_are_found_by_id(member: str, key: str, name: str | None) -> None:
    asset = Assets([member]).describe(key)
    assert (asset.member, asset.name) == (member, name)


def test_the_lists_give_the_real_name() -> None:
    members = ["file_0123456789ab.dat"]
    named = Assets(members, names={"file_0123456789ab.dat": "photo.jpg"}).describe("file_0123456789ab")
    assert (named.name, named.mime_type, named.member) == ("photo.jpg", "image/jpeg", members[0])
    record = {"file_id": "file_0123456789ab", "file_name": "notes.pdf", "file_size_bytes": 12}
    listed = Assets(members, library=[record]).describe("file_0123456789ab")
    assert (listed.name, listed.mime_type, listed.size) == ("notes.pdf", "application/pdf", 12)


def test_an_unnamed_blob_is_told_by_its_first_bytes() -> None:
    assets = Assets(["file_0123456789ab.dat"], first_bytes=lambda _: PNG)
    assert assets.describe("file_0123456789ab").mime_type == "image/png"
    assert type_by_magic(b"RIFF\0\0\0\0WEBPVP8 ") == "image/webp"
    assert type_by_magic(b"nothing") is None


def test_the_library_joins_files_to_messages_that_do_not_mention_them() -> None:
    record = {"file_id": "file_0123456789ab", "file_name": "x.csv", "origination_message_id": "m-1"}
    read = read_message("Here you are", assets=Assets(["file_0123456789ab.dat"], library=[record]))
    assert read.text == "Here you are\n\n[x.csv](attachment:file_0123456789ab)"
    assert read.attachments[0].member == "file_0123456789ab.dat"


def test_a_sandbox_link_leads_to_the_file_of_its_conversation() -> None:
    record = {"file_id": "file_0123456789ab", "file_name": "x.csv", "origination_thread_id": "c-1"}
    assets = Assets(["file_0123456789ab.dat"], library=[record])
    read = read_message("[Download](sandbox:/mnt/data/x.csv) or sandbox:/mnt/data/x.csv", assets=assets)
    assert read.text == "[Download](attachment:file_0123456789ab) or attachment:file_0123456789ab"
    assert len(read.attachments) == 1


def test_a_sandbox_link_without_its_file_reads_as_the_files_name() -> None:
    written = "[Get it](sandbox:/mnt/data/y%20(1).csv), [y.csv](sandbox:/mnt/data/y.csv), sandbox:/mnt/data/z.csv."
    assert read_message(written).text == "Get it (`y (1).csv`), `y.csv`, `z.csv`."


def test_an_image_without_bytes_keeps_its_place_and_prompt() -> None:
    part = {"content_type": "image_asset_pointer", "asset_pointer": "sediment://file_0123456789ab"}
    part |= {"metadata": {"dalle": {"prompt": "a red kite"}}, "size_bytes": 5}  # type: ignore[dict-item]
    read = read_message({"content_type": "multimodal_text", "parts": [part]}, "tool")
    (attachment,) = read.attachments
    assert (attachment.member, attachment.prompt, attachment.size) == (None, "a red kite", 5)
    assert read.text == "![image](attachment:file_0123456789ab)\n\n*a red kite*"


def test_a_file_that_is_named_twice_in_a_message_is_one_attachment() -> None:
    part = {"content_type": "image_asset_pointer", "asset_pointer": "file-service://file-AbCdEfGh"}
    told = {"attachments": [{"id": "file-AbCdEfGh", "name": "cat.png", "mime_type": "image/png"}]}
    read = read_message({"content_type": "multimodal_text", "parts": [part, "A cat"]}, "user", metadata=told)
    assert [attachment.name for attachment in read.attachments] == ["cat.png"]
    assert read.text.count("attachment:") == 1
