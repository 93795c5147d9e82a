"""Perplexity's threads, in each of the shapes and in none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonplace.model import Conversation
from commonplace.sources.perplexity.reading import SOURCE
from commonplace.sources.registry import open_export
from commonplace.sources.turns import Around
from tests.fakes.assistants import perplexity_thread
from tests.fakes.exports import as_json
from tests.sources.reading import read_all

QUESTION, ANSWER = "What is a zip?", "An archive [1]."
PAGE = {"title": "Zips", "url": "https://example.org"}


def read(path: Path, told: Any) -> Conversation:
    path.write_bytes(as_json(told))
    (found,), defects = read_all(path)
    assert defects == []
    return found


def of_the_extension() -> dict[str, Any]:
    turn = {"uuid": "other", "query": QUESTION, "answer": ANSWER, "model": "sonar", "timestamp": "2026-03-01T10:00:05Z"}
    about = {"thread_id": "t", "thread_title": "Zips", "thread_url": "https://www.perplexity.ai/search/zips-x"}
    return {"metadata": about, "conversations": [{**turn, "related_queries": ["And tar?"], "sources": [PAGE]}]}


def of_the_page(**more: Any) -> dict[str, Any]:
    blocks = [
        {"intended_usage": "plan", "plan_block": {"goals": [{"description": "Look it up"}]}},
        {"intended_usage": "web_results", "web_result_block": {"web_results": [{"name": "Zips", "url": PAGE["url"]}]}},
        {"intended_usage": "ask_text", "markdown_block": {"answer": ANSWER}},
        {"intended_usage": "ask_text_0", "markdown_block": {"chunks": ["An archive ", "[1]."]}},
    ]
    entry = {"uuid": "u", "context_uuid": "t", "query_str": QUESTION, "blocks": blocks, "status": "COMPLETED", **more}
    return {"status": "success", "entries": [{**entry, "display_model": "sonar", "thread_url_slug": "zips-x"}]}


def test_the_same_thread_is_the_same_in_every_shape(tmp_path: Path) -> None:
    own = read(tmp_path / "a.json", {"conversations": [perplexity_thread("t")]})
    others = [read(tmp_path / "b.json", of_the_extension()), read(tmp_path / "c.json", of_the_page())]
    for other in others:
        assert other.id == own.id == "perplexity:t"
        assert [told.id for told in other.messages] == [told.id for told in own.messages]
        assert [told.digest for told in other.messages] == [told.digest for told in own.messages]
        assert other.messages[1].extra["sources"] == [PAGE]
        assert (other.messages[1].model, other.url) == ("sonar", "https://www.perplexity.ai/search/zips-x")


def test_a_title_that_repeats_the_question_is_none(tmp_path: Path) -> None:
    long = f"{QUESTION} {'And why? ' * 30}\nPlease."
    told = read(tmp_path / "a.json", {"conversations": [perplexity_thread("t", query=long, title=long)]})
    assert told.title is not None
    assert told.title.startswith(QUESTION)
    assert len(told.title) <= 80
    assert read(tmp_path / "b.json", of_the_extension()).title == "Zips"


def test_a_thread_is_as_new_as_its_last_answer(tmp_path: Path) -> None:
    told = read(tmp_path / "a.json", {"conversations": [perplexity_thread("t")]})
    assert told.updated_at == told.messages[-1].created_at
    assert told.url == "https://www.perplexity.ai/search/e-t"


def test_a_question_that_is_asked_twice_is_there_twice(tmp_path: Path) -> None:
    thread = perplexity_thread("t")
    told = read(tmp_path / "a.json", {"conversations": [{**thread, "entries": thread["entries"] * 2}]})
    assert len({message.id for message in told.messages}) == 4


def test_a_page_with_a_long_answer_is_recognised_by_its_beginning(tmp_path: Path) -> None:
    told = read(tmp_path / "a.json", of_the_page(text="x" * 400_000))
    assert [message.role for message in told.messages] == ["user", "assistant"]


@pytest.mark.parametrize(
    "entry", [{}, {"query": None, "answer": 7}, {"query": ["a"], "blocks": "b"}, {"blocks": [{"markdown_block": []}]}]
)
def test_an_entry_of_another_type_costs_nothing_else(tmp_path: Path, entry: dict[str, Any]) -> None:
    thread = perplexity_thread("t")
    told = read(tmp_path / "a.json", {"conversations": [{**thread, "entries": [None, entry, *thread["entries"]]}]})
    assert ANSWER in told.messages[-1].text


def test_an_address_elsewhere_is_no_link_back(tmp_path: Path) -> None:
    told = of_the_extension()
    told["metadata"]["thread_url"] = "javascript:alert(1)"
    told["conversations"][0]["uuid"] = "../../x"
    assert read(tmp_path / "a.json", told).url is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=4,
)
FIELDS = (
    "query",
    "answer",
    "sources",
    "created_at",
    "blocks",
    "label",
    "attachments",
    "related_queries",
    "thread_title",
)
BLOCKS = ("markdown_block", "web_result_block", "plan_block", "intended_usage")
ENTRIES = st.lists(
    st.dictionaries(st.sampled_from(FIELDS), VALUES | st.lists(st.dictionaries(st.sampled_from(BLOCKS), VALUES)))
    | VALUES,
    max_size=3,
)
HEADS = st.dictionaries(st.sampled_from(("context_title", "created_at", "updated_at", "metadata", "mode")), VALUES)


@settings(max_examples=10, deadline=None)
@given(HEADS, ENTRIES)
def test_any_fields_of_any_type_are_a_conversation(head: dict[str, Any], entries: list[Any]) -> None:
    told = SOURCE.kind.read({**head, "context_uuid": "t", "entries": entries}, Around())
    assert isinstance(told, Conversation)
    assert told.external_id == "t"


def test_an_answer_is_found_in_the_steps_that_led_to_it(tmp_path: Path) -> None:
    final = as_json({"answer": ANSWER, "web_results": [{"name": "Zips", "url": PAGE["url"]}]}).decode()
    steps = [{"step_type": "INITIAL_QUERY", "content": {"query": QUESTION}}]
    steps.append({"step_type": "FINAL", "content": {"answer": final}})
    entry = {"uuid": "u", "context_uuid": "t", "query_str": QUESTION, "text": as_json(steps).decode()}
    told = read(tmp_path / "a.json", {"status": "success", "entries": [entry]})
    assert told.messages[1].text == ANSWER
    assert told.messages[1].extra["sources"] == [PAGE]
    older = read(tmp_path / "b.json", {"status": "success", "entries": [{**entry, "text": final}]})
    assert older.messages[1].text == ANSWER


def test_collections_beside_the_threads_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    collections = [{"uuid": "w", "title": "Packing"}]
    thread = {**perplexity_thread("t"), "collection_uuid": "w"}
    path.write_bytes(as_json({"conversations": [thread], "collections": collections}))
    with open_export(path) as export:
        (told,) = export.conversations()
        assert isinstance(told, Conversation)
        assert told.project_ref == "w"
        assert [one.name for one in export.left_out] == ["a.json: collections (1)"]


def test_a_thread_by_itself_is_one(tmp_path: Path) -> None:
    thread = {**perplexity_thread("t"), "collection": {"title": "Packing"}}
    told = read(tmp_path / "a.json", thread)
    assert (told.id, told.extra["collection"], len(told.messages)) == ("perplexity:t", "Packing", 2)
