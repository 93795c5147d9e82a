"""Finding by meaning and words together: what leads, what follows, what is obeyed whatever the mode."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.search import passages as stored
from commonplace.archive.search.modes import Mode
from commonplace.archive.search.passages import Floats, Kind, Place, Placed
from commonplace.archive.search.search import Filters, SearchResult, search
from tests.archive.builders import simple_chat

TOPICS = {
    "bake": ("bread", "dough", "oven", "loaf", "bake", "rise"),
    "sail": ("boat", "sails", "wind", "harbour", "sailing"),
    "tax": ("tax", "return", "invoice", "money"),
}


def _direction(text: str) -> Floats:
    """A toy of a model: a dimension for each topic, by the words it knows."""
    words = text.lower().replace(".", " ").replace("?", " ").split()
    row = np.zeros(8, dtype=np.float32)
    for place, known in enumerate(TOPICS.values()):
        row[place] = sum(word in known for word in words)
    return row / max(np.linalg.norm(row), np.float32(1e-9))


def _embed(archive: Archive, ids: Sequence[str]) -> Kind:
    kind = stored.begin(archive, "toy", 8, is_bought=False)
    found = []
    for each in stored.texts(archive, ids, longest=500):
        places, rows = [], []
        for said in each.messages:
            row = _direction(said.text)
            if row.any():
                places.append(Place(said.key, said.role, 0, len(said.text), said.text.encode()[:16]))
                rows.append(row)
        stacked = np.stack(rows) if rows else np.zeros((0, 8), dtype=np.float32)
        found.append(Placed(each.key, each.id, each.content_hash, places, stacked))
    stored.store(archive, kind, found)
    return kind


@pytest.fixture
def kind(archive: Archive) -> Kind:
    chats = [
        simple_chat("bread", "How long must the dough rise?", "Two hours, then into the oven.", title="Kitchen"),
        simple_chat("loaf", "My loaf is flat."),
        simple_chat("boat", "Which sails in strong wind?", "Small ones near the harbour."),
        simple_chat("tax", "Where is my tax return?", "Ask the office about the invoice."),
        simple_chat("noise", "Something else entirely about penguins."),
    ]
    merge(archive, None, chats)
    return _embed(archive, [f"chatgpt:{chat.external_id}" for chat in chats])


def _search(archive: Archive, kind: Kind | None, text: str, mode: Mode = "hybrid", **asked: object) -> SearchResult:
    def point(said: str) -> tuple[Kind, Floats] | None:
        row = _direction(said)
        return (kind, row) if kind and row.any() else None

    return search(archive, text, mode=mode, direction=point if kind else None, **asked)  # type: ignore[arg-type]


def _ids(result: SearchResult) -> list[str]:
    return [each.id.removeprefix("chatgpt:") for each in result.results]


def test_a_question_in_other_words_is_answered_by_meaning(archive: Archive, kind: Kind) -> None:
    assert _ids(_search(archive, kind, "when can I bake bread", "words")) == []
    found = _search(archive, kind, "when can I bake bread")
    assert set(_ids(found)) == {"bread", "loaf"}
    assert {result.why for result in found.results} == {"meaning"}
    assert found.ways.meaning == found.total == 2


def test_what_has_all_the_words_leads_and_meaning_follows(archive: Archive, kind: Kind) -> None:
    found = _search(archive, kind, "loaf")
    assert [(result.id, result.why) for result in found.results] == [
        ("chatgpt:loaf", "words"),
        ("chatgpt:bread", "meaning"),
    ]


def test_by_meaning_alone_words_do_not_count(archive: Archive, kind: Kind) -> None:
    assert {result.why for result in _search(archive, kind, "loaf", "meaning").results} == {"meaning"}


def test_without_vectors_some_of_the_words_are_enough_where_nothing_has_all(archive: Archive, kind: Kind) -> None:
    found = _search(archive, None, "please tell me where penguins like to sleep")
    assert _ids(found)[0] == "noise"
    assert found.results[0].why == "some words"
    assert "**penguins**" in found.results[0].snippet
    assert found.ways.words == 0


def test_a_language_that_the_model_does_not_know_is_left_to_some_of_the_words(archive: Archive, kind: Kind) -> None:
    merge(archive, None, [simple_chat("hindi", "मुझे रोटी बनानी है")])
    assert _ids(_search(archive, kind, "रोटी कैसे पकाऊँ")) == ["hindi"]


def test_words_alone_are_what_they_were(archive: Archive, kind: Kind) -> None:
    for typed in ("loaf", "dough rise", '"two hours"', "sails -harbour", "pengu*", ""):
        assert _ids(_search(archive, kind, typed, "words")) == _ids(search(archive, typed))


@pytest.mark.parametrize("mode", ["meaning", "hybrid"])
def test_what_is_quoted_has_to_be_there_whatever_is_near(archive: Archive, kind: Kind, mode: Mode) -> None:
    assert _ids(_search(archive, kind, 'bake "dough rise"', mode)) == ["bread"]
    assert _ids(_search(archive, kind, 'bake "no such words"', mode)) == []


@pytest.mark.parametrize("mode", ["meaning", "hybrid"])
def test_what_is_excluded_is_not_there_however_near(archive: Archive, kind: Kind, mode: Mode) -> None:
    assert _ids(_search(archive, kind, "bake bread -dough", mode)) == ["loaf"]


def test_a_beginning_of_words_is_about_words(archive: Archive, kind: Kind) -> None:
    assert _ids(_search(archive, kind, "loa*")) == ["loaf"]


@pytest.mark.parametrize("mode", ["meaning", "hybrid"])
def test_filters_hold_in_every_mode(archive: Archive, kind: Kind, mode: Mode) -> None:
    assert _ids(_search(archive, kind, "bake bread", mode, filters=Filters(role="assistant"))) == ["bread"]
    assert _ids(_search(archive, kind, "bake bread", mode, filters=Filters(since=10**15))) == []


def test_pages_follow_one_another_without_a_gap_or_a_repetition(archive: Archive, kind: Kind) -> None:
    whole = _ids(_search(archive, kind, "loaf"))
    pages = [_ids(_search(archive, kind, "loaf", limit=1, offset=place)) for place in range(4)]
    assert [id for page in pages for id in page] == whole
    assert {_search(archive, kind, "loaf", limit=1, offset=place).total for place in range(3)} == {len(whole)}


def test_facets_count_what_was_found_in_every_way(archive: Archive, kind: Kind) -> None:
    found = _search(archive, kind, "loaf")
    assert {facet.value: facet.count for facet in found.facets["source"]} == {"chatgpt": 2}
    assert sum(facet.count for facet in found.facets["role"]) >= 2


def test_the_passage_that_answers_is_shown_and_marked(archive: Archive, kind: Kind) -> None:
    (first, _) = _search(archive, kind, "bake bread").results
    baking = "How long must the dough rise?", "Two hours, then into the oven.", "My loaf is flat."
    assert first.snippet in [f"**{said}**" for said in baking]
    assert first.message_id is not None


def test_newest_first_is_obeyed_by_meaning_too(archive: Archive, kind: Kind) -> None:
    merge(archive, None, [simple_chat("new", "A loaf again.", updated=900)])
    _embed(archive, ["chatgpt:new"])
    assert _ids(_search(archive, kind, "bake bread", newest_first=True))[0] == "new"


@pytest.mark.parametrize("typed", ["", "   ", "\x00\x01", "x" * 1_000_000, "?!", '"', "-", "\ud800", "a " * 5000])
def test_whatever_is_typed_is_safe_in_every_mode(archive: Archive, kind: Kind, typed: str) -> None:
    for mode in ("words", "meaning", "hybrid"):
        _search(archive, kind, typed, mode)
