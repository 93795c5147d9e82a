"""Merging: what is new is added, what is newer replaces, nothing is deleted, and the order does not matter."""

from __future__ import annotations

from copy import deepcopy

import pytest
from sqlalchemy import insert, select

from commonplace.archive import schema
from commonplace.archive.conversations import merge as merging
from commonplace.archive.conversations.merge import Merged
from commonplace.archive.conversations.reading import load_conversation
from commonplace.archive.core import Archive
from commonplace.model import Attachment, Conversation, Message
from tests.archive.builders import chat, contents, message, simple_chat


def merge(archive: Archive, *conversations: Conversation) -> list[str]:
    """The outcomes; the tests keep their conversations."""
    return [merged.outcome for merged in merge_all(archive, *conversations)]


def merge_all(archive: Archive, *conversations: Conversation) -> list[Merged]:
    return merging.merge(archive, None, deepcopy(list(conversations)))


def load(archive: Archive, id: str = "chatgpt:a") -> Conversation:
    found = load_conversation(archive, id)
    assert found is not None
    return found


def said(conversation: Conversation) -> dict[str, str]:
    return {message.id: message.text for message in conversation.messages}


def active(conversation: Conversation) -> list[str]:
    return [message.id for message in conversation.messages if message.is_active]


def test_a_conversation_comes_back_as_it_went_in(archive: Archive) -> None:
    picture = Attachment(id="file-1", kind="image", name="cat.png", mime_type="image/png", size=12, prompt="a cat")
    given = chat(
        "a",
        [
            message("1", "Hello", at=1, extra={"feedback": ["good"], "nested": {"b": 1, "a": [1.5, None]}}),
            message("2", "![cat](attachment:file-1)", role="assistant", model="gpt", author="dalle", at=2),
            message("3", "ran", role="tool", hidden=True, raw=b"{}", content_type="execution_output"),
        ],
        title="Größe 猫",
        created_at=1,
        project_ref="g-p-1",
        gpt_ref="g-2",
        model="gpt",
        url="https://chatgpt.com/c/a",
        is_archived=False,
        is_starred=True,
        pinned_at=3,
        current_message_id="3",
        extra={"voice": "ember"},
    )
    given.messages[1].attachments = [picture]
    assert merge(archive, given) == ["new"]
    assert load(archive) == given


def test_the_same_again_changes_nothing(archive: Archive) -> None:
    given = simple_chat("a", "one", "two", title="T")
    first, *_ = merge_all(archive, given)
    before = contents(archive)
    again, *_ = merge_all(archive, given)
    assert again.outcome == "unchanged"
    assert first.hash_after == again.hash_before == again.hash_after
    assert contents(archive) == before


def test_a_newer_state_replaces_field_by_field_and_null_only_adds(archive: Archive) -> None:
    merge(archive, simple_chat("a", "one", updated=100, title="Old", model="gpt-4", is_archived=True))
    assert merge(archive, simple_chat("a", "one", updated=200, title="New", is_starred=True)) == ["changed"]
    found = load(archive)
    assert (found.title, found.model, found.is_archived, found.is_starred) == ("New", "gpt-4", True, True)
    assert found.updated_at == 200


def test_an_older_export_never_overwrites_newer_data_but_adds_what_is_missing(archive: Archive) -> None:
    merge(archive, simple_chat("a", "one", updated=200, title="New"))
    older = simple_chat("a", "one before the edit", "two", updated=100, title="Old", model="gpt-4")
    assert merge(archive, older) == ["changed"]
    found = load(archive)
    assert (found.title, found.model, found.updated_at) == ("New", "gpt-4", 200)
    assert said(found) == {"a-0": "one", "a-1": "two"}


def test_different_words_of_one_age_are_both_kept_and_told_until_newer_ones_come(archive: Archive) -> None:
    one = simple_chat("a", "first told", updated=100, title="First")
    two = simple_chat("a", "told otherwise", "an addition", updated=100, title="Second", model="gpt-4")
    assert [merged.contradicts for merged in merge_all(archive, one, two, one)] == [False, True, False]
    found = load(archive)
    assert found.model == "gpt-4"
    assert set(said(found).values()) == {"first told", "told otherwise", "an addition"}
    assert active(found) == ["a-0", "a-1"]
    assert merge(archive, one, two) == ["unchanged", "unchanged"]
    other = archive.of("in the other order")
    merge(other, two, one)
    assert load(other) == found
    assert merge(archive, simple_chat("a", "settled", updated=200)) == ["changed"]
    assert said(load(archive)) == {"a-0": "settled", "a-1": "an addition"}
    assert merge(archive, one, two) == ["unchanged", "unchanged"]


def cited(updated: int) -> Conversation:
    """An answer with its source, as exports told it while they had `content_references`."""
    told = simple_chat("a", "How?", "So.", updated=updated)
    told.messages[1].text = "So ([A page](https://example.org/page))."
    told.messages[1].extra = {"sources": [{"title": "A page", "url": "https://example.org/page"}]}
    return told


def test_a_newer_trimmed_export_takes_no_link_away_and_an_older_one_brings_it_back(archive: Archive) -> None:
    trimmed_later = simple_chat("a", "How?", "So.", updated=200)
    merge(archive, cited(100))
    assert merge(archive, trimmed_later) == ["changed"]
    other = archive.of("in the other order")
    merge(other, trimmed_later)
    (merged,) = merge_all(other, cited(100))
    assert (merged.outcome, merged.hash_after) == ("changed", merged.hash_before)
    for found in (load(archive), load(other)):
        assert "https://example.org/page" in found.messages[1].text
        assert found.messages[1].extra["sources"]
    assert contents(archive) == contents(other)


def test_words_that_changed_take_their_links_along_and_bring_them_back_when_they_return(archive: Archive) -> None:
    merge(archive, cited(100), simple_chat("a", "How?", "Otherwise.", updated=200))
    assert said(load(archive))["a-1"] == "Otherwise."
    merge(archive, simple_chat("a", "How?", "So.", updated=300))
    assert "https://example.org/page" in said(load(archive))["a-1"]


def test_a_state_without_a_date_only_adds(archive: Archive) -> None:
    merge(archive, simple_chat("a", "one", updated=100, title="Dated"))
    assert merge(archive, simple_chat("a", "other", updated=None, title="Undated")) == ["unchanged"]
    assert load(archive).title == "Dated"
    merge(archive, simple_chat("b", "one", updated=None, title="Undated"))
    merge(archive, simple_chat("b", "one", updated=100, title="Dated"))
    assert (load(archive, "chatgpt:b").title, load(archive, "chatgpt:b").updated_at) == ("Dated", 100)


def test_a_field_remembers_its_own_age(archive: Archive) -> None:
    """The title of 300 came before a state of 400 that has none; one of 350 must still replace it."""
    merge(archive, simple_chat("a", "one", updated=300, title="of 300"))
    merge(archive, simple_chat("a", "one", updated=400))
    assert merge(archive, simple_chat("a", "one", updated=350, title="of 350")) == ["changed"]
    assert (load(archive).title, load(archive).updated_at) == ("of 350", 400)


def full(updated: int = 100) -> Conversation:
    """Question, tool call, tool answer, answer: as exports told it until 2026."""
    return chat(
        "a",
        [
            message("system", role="system", hidden=True),
            message("question", at=1, extra={"channel": "final"}),
            message("call", role="assistant", hidden=True, at=2, content_type="code"),
            message("result", role="tool", hidden=True, at=3),
            message("answer", role="assistant", at=4),
        ],
        updated=updated,
        title="T",
        current_message_id="answer",
    )


def trimmed(updated: int = 100) -> Conversation:
    """The same chat as a current export tells it: nothing hidden, links around what is gone."""
    told = [message("question", at=1), message("answer", role="assistant", at=4)]
    return chat("a", told, updated=updated, title="T", current_message_id="answer")


def test_both_shapes_of_a_chat_have_one_hash(archive: Archive) -> None:
    (one,) = merge_all(archive, full())
    (two,) = merge_all(archive.of("someone else"), trimmed())
    assert one.hash_after == two.hash_after


def test_a_trimmed_state_leaves_the_hidden_messages_where_they_are(archive: Archive) -> None:
    merge(archive, full(100))
    (merged,) = merge_all(archive, trimmed(200))
    assert merged.hash_before == merged.hash_after
    found = load(archive)
    assert [message.id for message in found.messages] == ["system", "question", "call", "result", "answer"]
    assert [message.parent_id for message in found.messages] == [None, "system", "question", "call", "result"]
    assert active(found) == ["system", "question", "call", "result", "answer"]
    assert found.messages[1].extra == {"channel": "final"}


def test_a_full_state_fills_the_gaps_of_a_trimmed_one(archive: Archive) -> None:
    merge(archive, trimmed(200))
    (merged,) = merge_all(archive, full(100))
    assert (merged.outcome, merged.hash_after) == ("changed", merged.hash_before)
    other = archive.of("in the other order")
    merge(other, full(100), trimmed(200))
    assert load(other) == load(archive)


def test_pieces_of_an_active_path_are_joined(archive: Archive) -> None:
    """A current export hangs an answer on a hidden message that it leaves out."""
    cut = trimmed()
    cut.messages[1].parent_id = None
    (one,) = merge_all(archive, cut)
    assert active(load(archive)) == ["question", "answer"]
    (two,) = merge_all(archive.of("whole"), trimmed())
    assert one.hash_after == two.hash_after


def forked(current: str, updated: int) -> Conversation:
    told = [
        message("q", at=1),
        message("a1", parent="q", role="assistant", at=2),
        message("a2", parent="q", role="assistant", at=3),
    ]
    for one in told:
        one.is_active = one.id in ("q", current)
    return chat("a", told, updated=updated, current_message_id=current)


def test_every_branch_stays_and_the_newest_state_says_which_is_active(archive: Archive) -> None:
    merge(archive, forked("a1", 100))
    assert active(load(archive)) == ["q", "a1"]
    (merged,) = merge_all(archive, forked("a2", 200))
    assert active(load(archive)) == ["q", "a2"]
    assert merged.hash_before != merged.hash_after
    assert merge(archive, forked("a1", 150)) == ["unchanged"]
    assert active(load(archive)) == ["q", "a2"]
    assert [message.position for message in load(archive).messages] == [0, 1, 2]


def test_where_no_time_says_which_state_is_newer_the_one_that_went_on_is(archive: Archive) -> None:
    """A prompt that is kept without times: its tenth message sorts behind the ninth, and its eleventh does not."""
    told = [message(f"{place}", parent=f"{place - 1}" if place else None) for place in range(12)]
    short, long = (chat("a", told[:count], updated=None, current_message_id=told[count - 1].id) for count in (10, 12))
    for state in (short, long, short):
        merge(archive, state)
    assert len(active(load(archive))) == 12


def test_a_conversation_grows_and_its_counts_follow(archive: Archive) -> None:
    merge(archive, simple_chat("a", "one", updated=100))
    grown = simple_chat("a", "one", "```python\nprint()\n```", "thanks", updated=200)
    grown.messages[1].attachments = [Attachment(id="f", kind="image"), Attachment(id="g", kind="audio")]
    (merged,) = merge_all(archive, grown)
    assert (merged.outcome, merged.hash_before != merged.hash_after) == ("changed", True)
    table = schema.conversations.c
    counts = [table.message_count, table.character_count, table.has_code, table.has_image, table.has_file]
    with archive.read() as connection:
        grown_row = connection.execute(select(*counts)).one()
    assert tuple(grown_row) == (3, len("one") + len("```python\nprint()\n```") + len("thanks"), True, True, True)
    merge(archive.of("at once"), grown)
    with archive.read() as connection:
        assert connection.execute(select(*counts).distinct()).all() == [grown_row]


def test_an_attachment_learns_where_its_bytes_are(archive: Archive) -> None:
    without, found = simple_chat("a", "one"), simple_chat("a", "one")
    without.messages[0].attachments = [Attachment(id="f", kind="image", name="cat.png")]
    found.messages[0].attachments = [Attachment(id="f", kind="file", sha256="00", prompt="a cat")]
    assert merge(archive, without, found) == ["new", "changed"]
    assert load(archive).messages[0].attachments == [
        Attachment(id="f", kind="image", name="cat.png", sha256="00", prompt="a cat")
    ]


def test_an_empty_conversation_is_counted_but_changes_nothing(archive: Archive) -> None:
    assert merge(archive, chat("a", updated=100, title="Empty")) == ["empty"]
    assert load_conversation(archive, "chatgpt:a") is None
    merge(archive, simple_chat("a", "one", updated=100, title="T"))
    (merged,) = merge_all(archive, chat("a", updated=200, title="Emptied"))
    assert (merged.outcome, load(archive).title) == ("empty", "T")
    assert merged.hash_before == merged.hash_after is not None


def test_a_forgotten_conversation_is_not_brought_back(archive: Archive) -> None:
    with archive.write() as connection:
        forgotten = {"owner": archive.owner, "conversation_id": "chatgpt:a", "forgotten_at": 1}
        connection.execute(insert(schema.tombstones).values(forgotten))
    assert merge(archive, simple_chat("a", "one"), simple_chat("b", "one")) == ["unchanged", "new"]
    assert load_conversation(archive, "chatgpt:a") is None


def test_one_batch_may_hold_a_conversation_several_times(archive: Archive) -> None:
    states = [simple_chat("a", "one", "two", updated=at, title=f"of {at}") for at in (100, 300, 200)]
    assert merge(archive, states[0], simple_chat("b", "x"), *states[1:]) == ["new", "new", "changed", "unchanged"]
    assert load(archive).title == "of 300"


def test_owners_do_not_see_each_other(archive: Archive) -> None:
    other = archive.of("other")
    assert merge(archive, simple_chat("a", "mine")) == ["new"]
    assert merge(other, simple_chat("a", "theirs")) == ["new"]
    assert said(load(archive)) == {"a-0": "mine"}
    assert said(load(other)) == {"a-0": "theirs"}


def test_what_no_database_takes_is_replaced(archive: Archive) -> None:
    odd = simple_chat("a", "nul \0 here", title="a\0b", extra={"big": 2**70, "nul": "\0", "half": "\ud83d"})
    odd.messages.append(odd.messages[0])
    assert merge(archive, odd) == ["new"]
    assert said(load(archive)) == {"a-0": "nul \ufffd here"}
    assert load(archive).title == "a\ufffdb"
    assert merge(archive, odd) == ["unchanged"]


@pytest.mark.parametrize("links", [{"x": "x"}, {"x": "y", "y": "x"}, {"x": "y", "y": "z", "z": "x"}, {"x": "gone"}])
def test_circular_and_dangling_links_end_nowhere(archive: Archive, links: dict[str, str]) -> None:
    told: list[Message] = [message(id, parent=parent, is_active=False) for id, parent in links.items()]
    given = chat("a", [message("root"), *told], current_message_id="x")
    assert merge(archive, given) == ["new"]
    assert {message.id for message in load(archive).messages} == {"root", *links}
    assert merge(archive, given) == ["unchanged"]


def test_what_stages_said_stays_when_the_content_changes(archive: Archive) -> None:
    merge(archive, simple_chat("a", "one", updated=100))
    with archive.write() as connection:
        connection.execute(schema.conversations.update().values(category="Health", verdict_hash="v", project_id="p"))
    merge(archive, simple_chat("a", "one", "two", updated=200))
    with archive.read() as connection:
        row = connection.execute(select(schema.conversations)).one()
    assert (row.category, row.verdict_hash, row.project_id) == ("Health", "v", "p")


def test_what_has_an_odd_id_is_known_when_it_comes_again(archive: Archive) -> None:
    first, second = message("m\0 1", "x"), message("m\0 2", "y", parent="m\0 1", role="assistant")
    first.attachments = [Attachment(id="f\0", kind="file")]
    odd = chat("a\0", [first, second])
    assert merge(archive, odd, odd) == ["new", "unchanged"]
    assert merge(archive, odd) == ["unchanged"]
    assert active(load(archive, "chatgpt:a\ufffd")) == ["m\ufffd 1", "m\ufffd 2"]
