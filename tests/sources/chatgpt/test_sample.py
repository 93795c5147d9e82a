"""The sample export is a whole one: everything in it is read, and it shows what there is to show."""

from __future__ import annotations

from pathlib import Path

from commonplace.sources.chatgpt.sample import write_sample
from commonplace.sources.registry import open_export
from tests.sources.reading import read_all


def test_the_sample_shows_a_bit_of_everything(tmp_path: Path) -> None:
    path = tmp_path / "sample.zip"
    write_sample(path)
    found, defects = read_all(path)
    assert defects == []
    assert len({told.id for told in found}) == 60
    assert len({told.project_ref for told in found if told.project_ref}) == 4
    messages = [message for told in found for message in told.messages]
    assert {message.content_type for message in messages} >= {"text", "code", "execution_output", "thoughts"}
    assert any(not message.is_active for message in messages)
    assert all(message.text and "{" not in message.text.split("`")[0] for message in messages)
    assert any("](https://example.org/" in message.text for message in messages)
    assert not any("\ue200" in message.text for message in messages)
    years = [told.created_at for told in found if told.created_at]
    assert max(years) - min(years) > 600 * 86_400 * 1_000_000


def test_the_samples_images_have_their_bytes(tmp_path: Path) -> None:
    path = tmp_path / "sample.zip"
    write_sample(path)
    found, _ = read_all(path)
    attachments = [one for told in found for message in told.messages for one in message.attachments]
    assert attachments
    with open_export(path) as export:
        assert export.left_out == []
        for attachment in attachments:
            assert attachment.member is not None
            assert attachment.prompt
            with export.open_member(attachment.member) as stream:
                assert stream.read(4) == b"\x89PNG"


def test_the_same_seed_gives_the_same_sample(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_sample(tmp_path / name, conversations=5)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    write_sample(tmp_path / "c", conversations=130, seed=3)
    found, defects = read_all(tmp_path / "c")
    assert (len(found), defects) == (130, [])
