"""What AI Studio keeps of a prompt."""

from __future__ import annotations

from pathlib import Path

from commonplace.model import Conversation
from tests.fakes.assistants import Json, aistudio_prompt
from tests.fakes.exports import as_json
from tests.sources.reading import read_all


def read(tmp_path: Path, prompt: Json) -> Conversation:
    path = tmp_path / "A prompt without an ending"
    path.write_bytes(as_json(prompt))
    (found,), defects = read_all(path)
    assert defects == []
    return found


def test_thoughts_are_folded_and_the_model_is_named(tmp_path: Path) -> None:
    found = read(tmp_path, aistudio_prompt("What is a zip?"))
    assert [message.role for message in found.messages] == ["user", "assistant", "assistant"]
    assert found.messages[1].text.startswith("<details><summary>Thoughts</summary>")
    assert (found.title, found.model) == ("What is a zip?", "gemini-3-pro")


def test_it_stays_the_same_conversation_while_it_goes_on(tmp_path: Path) -> None:
    prompt = aistudio_prompt("What is a zip?")
    before = read(tmp_path, prompt)
    prompt["chunkedPrompt"]["chunks"].append({"role": "user", "text": "Thanks"})
    after = read(tmp_path, prompt)
    assert after.id == before.id
    assert [message.id for message in after.messages[:3]] == [message.id for message in before.messages]


def test_instructions_and_what_was_not_sent_are_kept(tmp_path: Path) -> None:
    more = {"systemInstruction": {"parts": [{"text": "Be brief"}]}, "pendingInputs": [{"text": "A draft"}]}
    found = read(tmp_path, {**aistudio_prompt("What is a zip?"), **more})
    assert (found.messages[0].role, found.messages[0].text) == ("system", "Be brief")
    assert found.messages[-1].is_hidden
    assert "A draft" in found.messages[-1].text


def test_code_its_output_files_in_the_prompt_and_sources_are_read(tmp_path: Path) -> None:
    more = {
        "executableCode": {"language": "PYTHON", "code": "print(6 * 7)"},
        "codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "42 it is"},
        "inlineFile": {"mimeType": "text/plain", "data": "ZmxvdXI="},
        "grounding": {"corroborationSegments": [{"uri": "https://example.org"}], "webSearchQueries": ["what is rye"]},
    }
    answer = read(tmp_path, aistudio_prompt("Why?", **more)).messages[-1]
    for told in ("print(6 * 7)", "42 it is", "what is rye"):
        assert told in answer.text
    assert [(one.text, one.mime_type) for one in answer.attachments] == [("flour", "text/plain")]
    assert answer.extra["sources"] == [{"title": "https://example.org", "url": "https://example.org"}]


def test_pictures_videos_and_failures_are_told(tmp_path: Path) -> None:
    found = read(tmp_path, aistudio_prompt("What is a zip?"))
    prompt = aistudio_prompt("What is a zip?")
    prompt["chunkedPrompt"]["chunks"] += [
        {"role": "user", "youtubeVideo": {"id": "abc"}},
        {"role": "model", "inlineImage": {"mimeType": "image/png", "data": "AA=="}},
        {"role": "model", "errorMessage": "An internal error has occurred."},
    ]
    more = read(tmp_path, prompt)
    video, picture, failed = more.messages[3:]
    assert more.id == found.id
    assert video.text == "https://www.youtube.com/watch?v=abc"
    assert [file.kind for file in picture.attachments] == ["image"]
    assert picture.raw is not None
    assert failed.text.startswith("<details><summary>Error</summary>")
