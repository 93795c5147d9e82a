"""Export samples that other projects publish read with the counts that they state, where the files are at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sources.reading import read_all

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "fixtures" / "exports"

pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the peers' samples are not beside the repository")

COUNTS = [
    # file, conversations, messages, of which system
    ("librechat/chatgpt-export.json", 2, 21, 2),
    ("librechat/chatgpt-tree.json", 1, 12, 1),
    ("agentsview/TestParseChatGPTExport.0.conversations-001.json", 1, 3, 0),
    ("agentsview/TestParseChatGPTExport_SystemMessage.0.conversations-001.json", 1, 3, 1),
    ("agentsview/TestParseChatGPTExport_ToolCalls.0.conversations-001.json", 1, 4, 0),
    ("agentsview/TestParseChatGPTExport_WebSearch.0.conversations-001.json", 1, 3, 0),
    ("agentsview/TestParseChatGPTExport_Thinking.0.conversations-001.json", 1, 2, 0),
    ("openwebui-importer/gpt_example.json", 1, 12, 1),
    ("openwebui-importer/claude_thinking_example.json", 1, 2, 0),
    ("openwebui-importer/grok_example.json", 1, 10, 0),
    ("openwebui-importer/aistudio_example.json", 1, 3, 0),
    ("openwebui-importer/invalid_unicode.json", 1, 2, 0),
]


@pytest.mark.parametrize(("name", "conversations", "messages", "system"), COUNTS)
def test_the_counts_are_the_peers(name: str, conversations: int, messages: int, system: int) -> None:
    found, defects = read_all(SAMPLES / name)
    assert defects == []
    assert len(found) == conversations
    told = [message for conversation in found for message in conversation.messages]
    assert len(told) == messages
    assert sum(message.role == "system" for message in told) == system


def test_every_parent_link_of_the_tree_is_kept() -> None:
    (tree,) = read_all(SAMPLES / "librechat/chatgpt-tree.json")[0]
    parents = [message.parent_id for message in tree.messages]
    assert parents.count(None) == 1
    forks = {parent for parent in parents if parent and parents.count(parent) > 1}
    assert len(forks) == 2


def test_a_reader_sees_ten_messages_in_one_chain() -> None:
    (read,) = read_all(SAMPLES / "openwebui-importer/gpt_example.json")[0]
    visible = [message for message in read.messages if not message.is_hidden]
    assert [message.role for message in visible] == ["user", "assistant"] * 5
    assert all(message.is_active for message in visible)


def test_thoughts_and_models_are_there() -> None:
    (read,) = read_all(SAMPLES / "agentsview/TestParseChatGPTExport_Thinking.0.conversations-001.json")[0]
    assert read.model == "o1-preview"
    assert "<summary>Thoughts</summary>" in read.messages[1].text
