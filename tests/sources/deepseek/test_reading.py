"""What DeepSeek exports, in its shapes."""

from __future__ import annotations

from pathlib import Path

from commonplace.model import Conversation
from commonplace.sources.registry import open_export
from tests.fakes.assistants import Json, deepseek_conversation
from tests.fakes.exports import as_json
from tests.sources.reading import read_all


def test_thoughts_are_folded_and_the_silent_root_is_no_message(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(as_json([deepseek_conversation("c")]))
    ((told,), _) = read_all(path)
    assert [(message.id, message.role, message.parent_id) for message in told.messages] == [
        ("1", "user", None),
        ("2", "assistant", "1"),
    ]
    assert "<summary>Thoughts</summary>" in told.messages[1].text
    assert told.messages[1].text.endswith("An archive.")
    assert (told.model, told.messages[0].model) == ("deepseek-chat", None)


def test_it_is_told_from_others_by_its_fragments_where_dates_lack(tmp_path: Path) -> None:
    item = {key: value for key, value in deepseek_conversation("c").items() if not key.endswith("_at")}
    path = tmp_path / "x.json"
    path.write_bytes(as_json([item]))
    ((told,), defects) = read_all(path)
    assert (told.id, len(told.messages), defects) == ("deepseek:c", 2, [])


def test_it_is_told_from_others_by_what_stands_far_behind_its_beginning(tmp_path: Path) -> None:
    item = {key: value for key, value in deepseek_conversation("c").items() if not key.endswith("_at")}
    nodes = item.pop("mapping")
    path = tmp_path / "x.json"
    path.write_bytes(as_json([{**item, "mapping": {"long": {"id": "x" * 10_000}, **nodes}}]))
    ((told,), defects) = read_all(path)
    assert (told.id, defects) == ("deepseek:c", [])


def test_pages_that_it_searched_are_its_sources(tmp_path: Path) -> None:
    pages = [{"url": "https://example.org", "title": "Zips", "snippet": "x"}]
    said: list[Json] = [{"type": "SEARCH", "results": pages}, {"type": "RESPONSE", "content": "An archive."}]
    path = tmp_path / "x.json"
    path.write_bytes(as_json([deepseek_conversation("c", said)]))
    ((told,), _) = read_all(path)
    assert told.messages[1].extra["sources"] == [{"title": "Zips", "url": "https://example.org", "preview": "x"}]


def test_what_it_opened_and_the_files_of_a_question_are_known(tmp_path: Path) -> None:
    said: list[Json] = [
        {"type": "TOOL_SEARCH", "results": [{"url": "https://example.org/a", "title": "A"}]},
        {"type": "TOOL_OPEN", "result": {"url": "https://example.org/b", "title": "B"}},
        {"type": "FILE", "files": [{"id": "f", "file_name": "a.pdf"}]},
        {"type": "RESPONSE", "content": "An archive."},
    ]
    path = tmp_path / "x.json"
    path.write_bytes(as_json([deepseek_conversation("c", said)]))
    with open_export(path) as export:
        (told,) = export.conversations()
        assert isinstance(told, Conversation)
        assert export.unfamiliar == {}
    answer = told.messages[1]
    assert answer.text == "An archive."
    assert [source["title"] for source in answer.extra["sources"]] == ["A", "B"]
    assert [file.name for file in answer.attachments] == ["a.pdf"]


def test_the_first_exports_told_no_fragments_and_no_roles(tmp_path: Path) -> None:
    item = deepseek_conversation("c")
    said = {"1": ("What is a zip?", None), "2": ("An archive.", "Hm"), "3": ("Thanks", None)}
    item["mapping"] = {"root": {"id": "root", "parent": None, "children": ["1"], "message": None}} | {
        key: {
            "id": key,
            "parent": "root" if key == "1" else str(int(key) - 1),
            "message": {"model": "deepseek-chat", "content": words, "reasoning_content": thought, "files": []},
        }
        for key, (words, thought) in said.items()
    }
    path = tmp_path / "x.json"
    path.write_bytes(as_json([item]))
    ((told,), defects) = read_all(path)
    assert defects == []
    assert [message.role for message in told.messages] == ["user", "assistant", "user"]
    assert "<summary>Thoughts</summary>" in told.messages[1].text
    assert told.messages[1].text.endswith("An archive.")
