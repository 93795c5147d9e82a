"""Topics: what is about the same comes together, whatever it is called, within what was asked about."""

from __future__ import annotations

import numpy as np
import pytest

from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.figures.statistics import Count
from commonplace.archive.scope import Scope
from commonplace.archive.search import passages as stored
from commonplace.archive.verdicts.verdicts import correct
from commonplace.errors import Refused
from commonplace.meaning import clusters
from commonplace.meaning.contract import unit
from commonplace.stages.topics import find_topics, topics_among
from tests.archive.builders import simple_chat

SUBJECTS = (("Sourdough bread", 6), ("Tax return", 5), ("Knee pain", 4))
WORDS = ("flour", "money", "stairs", "evening", "letter", "running")
AXES = np.eye(8, dtype=np.float32)


@pytest.fixture
def embedded(sqlite_archive: Archive) -> Archive:
    return with_subjects(sqlite_archive)


def with_subjects(archive: Archive) -> Archive:
    """Three subjects, each about its own axis and less so from chat to chat, and one chat without a vector."""
    chats = [
        (
            simple_chat(f"{subject}-{number}", f"question {number}", title=f"{name}: {WORDS[number]}", updated=number),
            row,
        )
        for subject, (name, count) in enumerate(SUBJECTS)
        for number in range(count)
        for row in [AXES[subject] + 0.1 * number * AXES[3 + subject]]
    ]
    merge(archive, None, [chat for chat, _ in chats])
    kind = stored.begin(archive, "axes", 8, is_bought=False)
    texts = stored.texts(archive, [f"chatgpt:{chat.external_id}" for chat, _ in chats], longest=100)
    stored.store(
        archive,
        kind,
        [
            stored.Placed(text.key, text.id, text.content_hash, [stored.Place(None, None, 0, 1, b"x")], row[None, :])
            for text, (_, row) in zip(texts, chats, strict=True)
        ],
    )
    merge(archive, None, [simple_chat("late", "never embedded", title="Late", updated=500)])
    return archive


def test_what_means_the_same_is_a_topic_named_by_what_its_titles_share(embedded: Archive) -> None:
    found = find_topics(embedded, Scope(), most=3)
    assert [(topic.name, topic.conversations) for topic in found.topics] == list(SUBJECTS)
    assert (found.looked_at, found.left, found.unseen) == (16, 0, 1)
    assert find_topics(embedded, Scope(), most=3) == found


def test_what_was_found_is_told_apart_by_topic(embedded: Archive) -> None:
    ids = [f"chatgpt:{subject}-{number}" for subject in (0, 1) for number in range(4)]
    assert topics_among(embedded, [*ids, "chatgpt:late"]) == {id: SUBJECTS[int(id[8])][0] for id in ids}


def test_topics_are_counted_as_other_statistics_are(embedded: Archive) -> None:
    counts = find_topics(embedded, Scope(), most=3).as_counts()
    assert counts == [
        Count("Sourdough bread", 6, 6),
        Count("Tax return", 5, 5),
        Count("Knee pain", 4, 4),
        Count(None, 1, 1),
    ]


def test_what_titles_do_not_name_is_named_by_its_tags(embedded: Archive) -> None:
    for number, word in enumerate(("Gas", "Money", "Returns", "Letters", "Office")):
        correct(embedded, f"chatgpt:1-{number}", "title", word, origin="cli")
        correct(embedded, f"chatgpt:1-{number}", "tags", ["taxes", word.lower(), "help"], origin="cli")
    for id in ("chatgpt:0-0", "chatgpt:0-1", "chatgpt:2-0"):
        correct(embedded, id, "tags", ["help"], origin="cli")
    topic = find_topics(embedded, Scope(), most=3).topics[1]
    assert (topic.name, topic.about) == ("Taxes", "About help.")


def test_more_than_centres_are_learned_from_join_the_nearest() -> None:
    each = clusters.LEARNED_FROM // 2
    noise = 0.1 * np.random.default_rng(1).standard_normal((3 * each, 8)).astype(np.float32)
    found = clusters.clustered(unit(np.repeat(AXES[:3], each, axis=0) + noise), 3)
    assert sorted(map(len, map(set, found.member_of.reshape(3, each).tolist()))) == [1, 1, 1]
    assert len(set(found.member_of.tolist())) == 3


def test_each_topic_shows_the_conversations_nearest_to_its_middle(embedded: Archive) -> None:
    for place, topic in enumerate(find_topics(embedded, Scope(), most=3).topics):
        assert all(near.id.startswith(f"chatgpt:{place}-") for near in topic.nearest)
        nearness = [near.nearness for near in topic.nearest]
        assert nearness == sorted(nearness, reverse=True)


def test_a_conversation_is_told_by_the_title_that_a_person_gave_it(embedded: Archive) -> None:
    correct(embedded, "chatgpt:2-1", "title", "The staircase", origin="cli")
    topics = find_topics(embedded, Scope(), most=3).topics
    assert [near.title for topic in topics for near in topic.nearest if near.id == "chatgpt:2-1"] == ["The staircase"]


def test_topics_are_of_what_was_asked_about(embedded: Archive) -> None:
    found = find_topics(embedded, Scope(since=4, until=500), most=3)
    assert {near.id for topic in found.topics for near in topic.nearest} <= {
        "chatgpt:0-4",
        "chatgpt:0-5",
        "chatgpt:1-4",
    }
    assert found.looked_at == 3


def test_without_vectors_it_says_what_to_do(sqlite_archive: Archive) -> None:
    with pytest.raises(Refused, match="nothing has been embedded") as told:
        find_topics(sqlite_archive, Scope())
    assert "commonplace embed" in str(told.value.hint)
