"""What is exported is taken by those who read it: OpenAI's types and rules, trainers of ShareGPT, CommonMark."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from openai.types.chat import ChatCompletionMessageParam
from pydantic import TypeAdapter

from commonplace.archive.conversations.reading import Filed
from commonplace.model import Message, Role
from commonplace.stages.transcripts.lines import openai_finetune, sharegpt
from commonplace.stages.transcripts.markdown import conversation_in_markdown
from commonplace.stages.transcripts.writing import lines_of
from tests.archive.builders import chat, message

HOSTILE = (
    *("</script><script>fetch('//e.x')</script>", "<img src=x onerror=alert(1)>", "![a](//e.x/p.png)", "a\u2028b\x85c"),
    *("```\nnever closed", "<details><summary>never closed", "# no title\n\n---", "<!--", "\u202eRTL", "  "),
    *("<details><summary>Thoughts</summary>\n\nx\n\n</details>", "[x]: //e.x", "Title\n====="),
)
ROLES: tuple[Role, ...] = ("user", "assistant", "system", "tool")
messages = st.builds(
    lambda role, text, hidden: message("", text, role=role, hidden=hidden),
    st.sampled_from(ROLES),
    st.lists(st.sampled_from(HOSTILE) | st.text(max_size=5), max_size=2).map("\n\n".join),
    st.sampled_from((False, False, False, True)),
)
PARAM: TypeAdapter[Any] = TypeAdapter(ChatCompletionMessageParam)


def filed(said: list[Message], title: str | None = None) -> Filed:
    for place, one in enumerate(said):
        one.id, one.is_active = str(place), True
    return Filed(conversation=chat("c", said, title=title), content_hash="", title=title)


@settings(max_examples=60, deadline=None)
@given(st.lists(messages, max_size=8))
@example([message("", "hi", role="assistant"), message("", "q"), message("", "a", role="assistant")])
@example([message("", "q"), message("", "a", role="assistant"), message("", "s", role="system"), message("", "q")])
def test_every_line_is_as_trainers_want_it(said: list[Message]) -> None:
    line = lines_of(openai_finetune).write(filed(said))
    named = sharegpt(filed(said))
    assert (line is None) == (named is None)
    if line is None or named is None:
        return
    assert line.decode().splitlines() == [line.decode()[:-1]], "one line for every reader"
    (turns,) = json.loads(line).values()
    for turn in turns:
        PARAM.validate_python(turn)
        assert turn["content"].strip()
    told = [turn["role"] for turn in turns]
    spoken = told[told[0] == "system" :]
    assert spoken == ["user", "assistant"] * (len(spoken) // 2) != []
    assert [turn["value"] for turn in named["conversations"]] == [turn["content"] for turn in turns]


@settings(max_examples=40, deadline=None)
@given(st.lists(messages, min_size=1, max_size=4), st.sampled_from(HOSTILE))
def test_markdown_has_one_title_and_nothing_that_acts(said: list[Message], title: str) -> None:
    told = MarkdownIt("commonmark").parse(conversation_in_markdown(filed(said, title), UTC))
    assert [token.type for token in told][:1] == ["heading_open"]
    assert sum(token.type == "heading_open" and token.tag == "h1" for token in told) == 1
    html = [token.content for token in told if token.type == "html_block"]
    inline = [child for token in told for child in token.children or ()]
    html += [child.content for child in inline if child.type == "html_inline"]
    assert not [one for one in html if one.strip().startswith(("<script", "<img", "<!--"))]


def test_very_long_conversations_and_those_without_an_answer_are_written_or_left_out() -> None:
    many = [message("", f"word {n}", role=ROLES[n % 2]) for n in range(20_000)]
    found = openai_finetune(filed(many))
    assert found is not None
    assert len(found["messages"]) == 20_000
    assert openai_finetune(filed([message("", "nobody"), message("", "answers")])) is None
    assert msgspec.json.encode(sharegpt(filed([message("", "hi", role="assistant")]))) == b"null"
