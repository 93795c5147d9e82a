"""Conversations as lines for training, and as text."""

from __future__ import annotations

import json
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from commonplace.archive.conversations.merge import merge
from commonplace.archive.conversations.reading import conversation_ids
from commonplace.archive.core import Archive
from commonplace.errors import Halt
from commonplace.model import Attachment
from commonplace.stages.transcripts.lines import openai_finetune, sharegpt
from commonplace.stages.transcripts.markdown import conversation_in_markdown
from commonplace.stages.transcripts.speech import plain
from commonplace.stages.transcripts.writing import Form, Written, lines_of, write_transcripts
from tests.archive.builders import chat, message, simple_chat


@pytest.fixture
def filled(archive: Archive) -> Archive:
    picture = Attachment(id="f1", kind="image", name="cat.png")
    spoken = chat(
        "spoken",
        [
            message("a", "Be brief.", role="system"),
            message("b", "What is it?\n\n![a cat](attachment:f1)", attachments=[picture]),
            message("c", "<details><summary>Thoughts</summary>\n\nHm\n\n</details>\n\nA cat", role="assistant"),
            message("d", "found: cat", role="tool"),
            message("e", "on a mat.", role="assistant", model="gpt-x"),
            message("f", "secret", role="assistant", hidden=True),
            message("g", "And then?"),
        ],
        title="Cats [[and]] #dogs",
        updated=200,
    )
    merge(archive, None, [spoken, simple_chat("alone", "nobody answers", updated=100)])
    return archive


def lines(archive: Archive, path: Path, form: Form) -> tuple[Written, list[Any]]:
    written = write_transcripts(archive, path, conversation_ids(archive), form)
    return written, [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_line_for_fine_tuning_alternates_and_ends_with_the_assistant(filled: Archive, tmp_path: Path) -> None:
    written, (line,) = lines(filled, tmp_path / "a.jsonl", lines_of(openai_finetune))
    assert written == Written(1, 1)
    assert line == {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "What is it?\n\na cat"},
            {"role": "assistant", "content": "A cat\n\non a mat."},
        ]
    }


def test_sharegpt_names_the_sides_in_its_way(filled: Archive, tmp_path: Path) -> None:
    _, (line,) = lines(filled, tmp_path / "a.jsonl", lines_of(sharegpt))
    assert line["id"] == "chatgpt:spoken"
    assert [turn["from"] for turn in line["conversations"]] == ["system", "human", "gpt"]


def test_code_that_looks_folded_stays_what_somebody_wrote() -> None:
    code = "```html\n<details><summary>x</summary>\n\ny\n\n</details>\n```"
    folded = "<details><summary>Tool</summary>\n\n```\nz\n```\n\n</details>"
    assert plain(f"{folded}\n\n{code}\n\n<details><summary>empty</summary></details>\n\nend") == f"{code}\n\nend"


def test_markdown_reads_by_itself_and_nothing_in_it_acts(filled: Archive, tmp_path: Path) -> None:
    form = Form(lambda filed: conversation_in_markdown(filed, UTC).encode(), between=b"\n---\n\n")
    path = tmp_path / "a.md"
    assert write_transcripts(filled, path, conversation_ids(filled), form).conversations == 2
    told = path.read_text(encoding="utf-8")
    assert "# Cats \\[\\[and\\]\\] \\#dogs" in told
    assert "*a cat*" in told
    assert "attachment:" not in told
    assert "secret" not in told
    assert told.count("\n---\n") == 1


def test_what_could_not_be_written_leaves_the_file_that_was_there(filled: Archive, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("before")

    def full(_: object) -> bytes:
        raise OSError(28, "No space left on device")

    with pytest.raises(Halt, match="The export cannot be written"):
        write_transcripts(filled, path, conversation_ids(filled), Form(full))
    assert path.read_text() == "before"
    assert list(tmp_path.glob(".*")) == []
