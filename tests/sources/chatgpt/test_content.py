"""Every content type and part type becomes readable Markdown."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonplace.sources.chatgpt.assets import Assets
from commonplace.sources.chatgpt.content import KNOWN
from commonplace.sources.chatgpt.conversations import read_conversation
from commonplace.sources.chatgpt.surroundings import Surroundings
from commonplace.sources.markdown import fence
from commonplace.sources.unfamiliar import MOST_NAMES
from tests.fakes.exports import chain, conversation, message, one_message
from tests.sources.chatgpt.reading import read_message, read_one

IMAGE = "file_00000000aaaa"

RENDERED: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("text", {"parts": ["one", "two"]}, {}, "one\ntwo"),
    ("text", {"text": "no parts"}, {}, "no parts"),
    ("multimodal_text", {"parts": ["look", {"content_type": "text", "text": "here"}]}, {}, "look\n\nhere"),
    ("code", {"language": "python", "text": "print(1)"}, {}, "```python\nprint(1)\n```"),
    ("code", {"language": "unknown", "text": '{"q": 1}'}, {}, '```json\n{"q": 1}\n```'),
    (
        "code",
        {"language": "unknown", "text": '{"q": 1}'},
        {"recipient": "web.run"},
        '<details><summary>Tool call: web.run</summary>\n\n```json\n{"q": 1}\n```\n\n</details>',
    ),
    (
        "text",
        {"parts": ["Likes tea."]},
        {"recipient": "bio"},
        "<details><summary>Tool call: bio</summary>\n\nLikes tea.\n\n</details>",
    ),
    ("code", {"parts": ["ls -l"], "language": "shell"}, {}, "```sh\nls -l\n```"),
    ("execution_output", {"text": "42"}, {}, "```\n42\n```"),
    (
        "execution_output",
        {"text": "Traceback"},
        {"metadata": {"aggregate_result": {"status": "finished_partial_completion"}}},
        "```\nTraceback\n```\n\n*The code did not run to its end.*",
    ),
    (
        "tether_browsing_display",
        {"result": "found it", "summary": ""},
        {"metadata": {"_cite_metadata": {"metadata_list": [{"title": "A page", "url": "https://a.org/(x)"}]}}},
        "> found it\n\n- [A page](https://a.org/%28x%29)",
    ),
    (
        "tether_quote",
        {"url": "https://a.org", "domain": "a.org", "title": "A [page]", "text": "said\n\nso"},
        {},
        "> said\n>\n> so\n\n— [A \\[page\\]](https://a.org)",
    ),
    ("tether_quote", {"url": "file-service://x", "title": "notes.pdf", "text": "said"}, {}, "> said\n\n— notes.pdf"),
    ("sonic_webpage", {"url": "https://a.org", "title": "T", "snippet": "s"}, {}, "> s\n\n— [T](https://a.org)"),
    ("system_error", {"name": "Timeout", "text": "too slow"}, {}, "**Timeout**\n\n```\ntoo slow\n```"),
    ("user_editable_context", {"user_profile": "I cook."}, {}, "**User profile**\n\nI cook."),
    (
        "user_editable_context",
        {},
        {"metadata": {"user_context_message_data": {"about_user_message": "I sail."}}},
        "**About user message**\n\nI sail.",
    ),
    ("model_editable_context", {"model_set_context": "Likes tea."}, {}, "**Model set context**\n\nLikes tea."),
    (
        "thoughts",
        {"thoughts": [{"summary": "Plan", "content": "First </details> this", "chunks": [], "finished": True}]},
        {},
        "<details><summary>Thoughts</summary>\n\n**Plan**\n\nFirst &lt;/details> this\n\n</details>",
    ),
    ("thoughts", {"thoughts": "All of it"}, {}, "<details><summary>Thoughts</summary>\n\nAll of it\n\n</details>"),
    (
        "sonic_webpage",
        {"url": "https://a.org", "text": "s and more", "snippet": "s"},
        {},
        "> s and more\n\n— [https://a.org](https://a.org)",
    ),
    ("reasoning_recap", {"content": "Thought for 14s"}, {}, "<details><summary>Thought for 14s</summary></details>"),
    (
        "computer_output",
        {"state": {"title": "Shop", "url": "https://shop.org"}, "screenshot": {"asset_pointer": f"sediment://{IMAGE}"}},
        {},
        f"[Shop](https://shop.org)\n\n![image](attachment:{IMAGE})",
    ),
    (
        "citable_code_output",
        {"output_str": "row", "metadata": {"connector_source": "Drive", "display_url": "https://d.org"}},
        {},
        "```\nrow\n```\n\n— [Drive](https://d.org)",
    ),
    ("app_pairing_content", {"workspaces": [{"app_name": "Editor"}]}, {}, "```\napp_name: Editor\n```"),
    ("super_widget", {"title": "Weather", "result": "Rain"}, {}, "Weather\n\nRain"),
    ("image_asset_pointer", {"asset_pointer": f"sediment://{IMAGE}"}, {}, f"![image](attachment:{IMAGE})"),
]


@pytest.mark.parametrize(("kind", "content", "more", "expected"), RENDERED)
def test_a_content_type_becomes_markdown(
    kind: str, content: dict[str, Any], more: dict[str, Any], expected: str
) -> None:
    read = read_message({"content_type": kind, **content}, **more)
    assert read.text == expected
    assert read.content_type == kind
    assert (read.raw is not None) == (kind not in KNOWN)


def test_every_known_type_has_an_example() -> None:
    assert KNOWN - {kind for kind, *_ in RENDERED} == {"audio_asset_pointer", "video_container_asset_pointer"}


PARTS: list[tuple[dict[str, Any], str, str]] = [
    (
        {
            "content_type": "image_asset_pointer",
            "asset_pointer": "file-service://file-AbCdEfGh#1",
            "metadata": {"dalle": {"prompt": "a cat,\npainted"}},
        },
        "![image](attachment:file-AbCdEfGh)\n\n*a cat, painted*",
        "image",
    ),
    (
        {"content_type": "audio_asset_pointer", "asset_pointer": f"sediment://{IMAGE}", "format": "wav"},
        f"[audio](attachment:{IMAGE})",
        "audio",
    ),
    (
        {"content_type": "video_container_asset_pointer", "asset_pointer": f"sediment://{IMAGE}"},
        f"[video](attachment:{IMAGE})",
        "video",
    ),
    (
        {
            "content_type": "real_time_user_audio_video_asset_pointer",
            "audio_asset_pointer": {"asset_pointer": f"sediment://{IMAGE}"},
            "frames_asset_pointers": [],
            "video_container_asset_pointer": None,
        },
        f"[audio](attachment:{IMAGE})",
        "audio",
    ),
]


@pytest.mark.parametrize(("part", "expected", "kind"), PARTS)
def test_a_part_becomes_markdown_and_an_attachment(part: dict[str, Any], expected: str, kind: str) -> None:
    read = read_message({"content_type": "multimodal_text", "parts": [part]})
    assert read.text == expected
    assert [attachment.kind for attachment in read.attachments] == [kind]
    assert read.raw is None


def test_a_spoken_turn_is_its_transcript() -> None:
    parts = [
        {"content_type": "audio_transcription", "text": "Hello there", "direction": "in"},
        {"content_type": "audio_asset_pointer", "asset_pointer": f"sediment://{IMAGE}"},
    ]
    read = read_message({"content_type": "multimodal_text", "parts": parts}, role="user")
    assert read.text.startswith("Hello there\n\n[")
    assert read.digest


def test_an_unknown_part_keeps_its_raw_json_and_its_text() -> None:
    read = read_message({"content_type": "multimodal_text", "parts": ["a", {"content_type": "hologram", "text": "b"}]})
    assert read.text == "a\n\nb"
    assert read.raw is not None
    assert json.loads(read.raw)["content"]["parts"][1]["content_type"] == "hologram"


ELSEWHERE: list[tuple[dict[str, Any], str]] = [
    ({"content_type": "thoughts", "thoughts": [], "parts": ["kept words"]}, "thoughts.parts"),
    ({"content_type": "thoughts", "thoughts": [{"summary": "s", "body": "kept words"}]}, "thoughts.thoughts"),
    ({"content_type": "reasoning_recap", "content": "14 s", "parts": ["kept words"]}, "reasoning_recap.parts"),
    ({"content_type": "reasoning_recap", "content": ["kept words"]}, "reasoning_recap.content"),
    ({"content_type": "tether_quote", "url": "https://a.org", "parts": ["kept words"]}, "tether_quote.parts"),
    ({"content_type": "sonic_webpage", "title": "t", "body": "kept words"}, "sonic_webpage.body"),
    (
        {"content_type": "tether_browsing_display", "result": "r", "parts": ["kept words"]},
        "tether_browsing_display.parts",
    ),
    ({"content_type": "tether_browsing_display", "result": {"text": "kept words"}}, "tether_browsing_display.result"),
    ({"content_type": "system_error", "name": "n", "parts": ["kept words"]}, "system_error.parts"),
    ({"content_type": "system_error", "name": "n", "text": ["kept words"]}, "system_error.text"),
    ({"content_type": "computer_output", "state": {"title": "t"}, "text": "kept words"}, "computer_output.text"),
    ({"content_type": "computer_output", "state": {"elements": ["kept words"]}}, "computer_output.state"),
    ({"content_type": "citable_code_output", "output": "kept words"}, "citable_code_output.output"),
    ({"content_type": "execution_output", "text": "1", "stderr": "kept words"}, "execution_output.stderr"),
    ({"content_type": "code", "text": "1", "comment": "kept words"}, "code.comment"),
    ({"content_type": "text", "parts": ["a", ["kept words"]]}, "text.parts"),
    ({"content_type": "text", "parts": ["a"], "value": "kept words"}, "text.value"),
    ({"content_type": "text", "value": "kept words"}, "text.value"),
    ({"content_type": "text", "text": {"value": "kept words"}}, "text.text"),
    ({"content_type": "user_editable_context", "rules": [{"rule": "kept words"}]}, "user_editable_context.rules"),
    ({"content_type": "app_pairing_content", "shape": {"tabs": ["kept words"]}}, "app_pairing_content.shape"),
    (
        {"content_type": "multimodal_text", "parts": [{"content_type": "image_asset_pointer", "alt": "kept words"}]},
        "image_asset_pointer.alt",
    ),
    ({"content_type": "multimodal_text", "parts": [{"content_type": "text", "value": "kept words"}]}, "text.value"),
    ({"content_type": "image_asset_pointer", "caption": "kept words"}, "image_asset_pointer.caption"),
]


@pytest.mark.parametrize(("content", "name"), ELSEWHERE)
def test_words_where_nobody_expected_them_are_kept_findable_and_counted(content: dict[str, Any], name: str) -> None:
    around = Surroundings(Assets())
    (read,) = read_conversation(one_message(content), around).messages
    assert "kept words" in read.text
    assert read.raw is not None
    assert json.loads(read.raw)["content"] == content
    assert around.unfamiliar == {name: 1}


def test_words_beside_the_content_are_kept_too() -> None:
    around = Surroundings(Assets())
    told = message("m-1", "hello") | {"aside": {"note": "kept words"}}
    moved = {"id": "m-2", "author": {"role": "user"}, "body": {"format": "v3", "lines": ["moved words"]}}
    first, second = read_conversation(conversation(chain(told, moved)), around).messages
    assert (first.text, second.text) == ("hello\n\nkept words", "moved words")
    assert second.digest
    assert around.unfamiliar == {"message.aside": 1, "message.body": 1}


def test_ids_are_kept_and_counted_but_not_shown() -> None:
    around = Surroundings(Assets())
    content = {"content_type": "text", "parts": ["hello"], "trace": "0f3a-77", "of": "turn0search1", "lang": "word"}
    (read,) = read_conversation(one_message(content), around).messages
    assert read.text == "hello\n\nword"
    assert read.raw is not None
    assert around.unfamiliar == {"text.trace": 1, "text.of": 1, "text.lang": 1}


def test_unknown_kinds_are_counted_even_without_words() -> None:
    around = Surroundings(Assets())
    read_conversation(one_message({"content_type": "hologram", "beams": [1, 2]}), around)
    assert around.unfamiliar == {"hologram": 1}


def test_names_of_what_is_unfamiliar_say_nothing_private_and_stay_few() -> None:
    around = Surroundings(Assets())
    keys = {f"key {number} of mine": "kept words" for number in range(3)} | {f"k{n}": "kept words" for n in range(3000)}
    read_conversation(one_message({"content_type": "text", **keys}), around)
    assert around.unfamiliar["text.?"] == 3
    assert len(around.unfamiliar) == MOST_NAMES + 1
    assert around.unfamiliar.total() == 3003


def test_the_sample_and_every_known_shape_are_familiar() -> None:
    around = Surroundings(Assets())
    for kind, content, more, _ in RENDERED:
        if kind in KNOWN:
            read_conversation(one_message({"content_type": kind, **content}, **more), around)
    for part, *_ in PARTS:
        read_conversation(one_message({"content_type": "multimodal_text", "parts": [part]}), around)
    assert around.unfamiliar == {}


def test_a_part_of_a_nonsensical_type_is_unknown() -> None:
    parts = ["a", {"content_type": ["?"], "text": "b"}]
    assert read_message({"content_type": "multimodal_text", "parts": parts}).text == "a\n\nb"


def test_pictures_that_code_made_are_attachments() -> None:
    result = {"messages": [{"message_type": "image", "image_url": "file-service://file-12345678"}]}
    read = read_message({"content_type": "execution_output", "text": ""}, "tool", metadata={"aggregate_result": result})
    assert read.text == "![image](attachment:file-12345678)"


def test_a_canvas_document_is_shown_as_a_document() -> None:
    call = json.dumps({"name": "Essay", "type": "document", "content": "# Hello\n\nworld"})
    read = read_message({"content_type": "code", "language": "json", "text": call}, recipient="canmore.create_textdoc")
    assert read.text == "**Essay**\n\n# Hello\n\nworld"
    call = json.dumps({"name": "tool.py", "type": "code/python", "content": "x = '```'"})
    read = read_message({"content_type": "code", "text": call}, recipient="canmore.create_textdoc")
    assert read.text == "**tool.py**\n\n````python\nx = '```'\n````"


def test_edits_and_comments_of_a_canvas_are_asides() -> None:
    call = json.dumps({"updates": [{"pattern": "a+", "replacement": "b"}]})
    read = read_message({"content_type": "code", "text": call}, recipient="canmore.update_textdoc")
    assert read.text.startswith("<details><summary>Canvas edited</summary>")
    assert "```regex\na+\n```" in read.text
    call = json.dumps({"comments": [{"pattern": "here", "comment": "Too long"}]})
    read = read_message({"content_type": "code", "text": call}, recipient="canmore.comment_textdoc")
    assert "> here\n\nToo long" in read.text


def test_a_canvas_call_that_is_cut_off_is_shown_as_code() -> None:
    read = read_message({"content_type": "code", "text": '{"name": "Es'}, recipient="canmore.create_textdoc")
    assert read.text == '```json\n{"name": "Es\n```'


@given(st.text())
def test_no_code_ends_its_own_fence(code: str) -> None:
    first, *inside, last = fence(code).split("\n")
    assert first == last
    assert not any(line.startswith(last) for line in inside)


FIELDS = (
    "parts text content thoughts summary url title asset_pointer metadata content_type state result messages screenshot"
    " content_references citations attachments id name items start_ix end_ix prompt dalle matched_text type"
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS.split()), inner, max_size=5),
    max_leaves=12,
)
kinds = st.sampled_from([*sorted(KNOWN), "hologram"])


@given(kinds, json_values, json_values, st.sampled_from(["user", "tool", "Critic", None]))
def test_no_content_makes_rendering_fail(kind: str, content: Any, metadata: Any, role: Any) -> None:
    told = {**content, "content_type": kind} if isinstance(content, dict) else content
    built = conversation(chain(message("a"), message("b", told, role, metadata=metadata)))
    first, second = read_one(built).messages
    assert first.text == "hello"
    assert isinstance(second.text, str)


def test_an_upload_is_linked_below_the_text_with_its_real_name() -> None:
    assets = Assets(["file-AbCdEfGh-report [v2].pdf"])
    told = {"id": "file-AbCdEfGh", "name": "report [v2].pdf", "mimeType": "application/pdf", "size": 9}
    read = read_message("Read this", "user", assets, metadata={"attachments": [told]})
    assert read.text == "Read this\n\n[report \\[v2\\].pdf](attachment:file-AbCdEfGh)"
    (attachment,) = read.attachments
    assert (attachment.name, attachment.mime_type, attachment.size) == ("report [v2].pdf", "application/pdf", 9)
    assert attachment.member == "file-AbCdEfGh-report [v2].pdf"
