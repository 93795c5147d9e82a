"""A project's vector store: filled once, asked with citations, brought up to date, taken away whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from commonplace.archive.care.forget import forget
from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.projects import history, registry
from commonplace.archive.search.filters import Filters
from commonplace.config import CategorizeSettings, Environment, MeaningSettings, Settings
from commonplace.errors import Halt, Refused
from commonplace.model import Conversation
from commonplace.openai.client import Client, account_of
from commonplace.openai.errors import NotAllowed
from commonplace.openai.stores import Stores
from commonplace.session import Session
from commonplace.stages import answering
from commonplace.stages.asking import Answer
from commonplace.stages.searching import Searcher
from commonplace.stages.stores import filling, removing, standing
from commonplace.stages.stores.known import store_of, stores_of
from tests.archive.builders import simple_chat
from tests.fakes.conversations import Failure, FakeConversations

COUNT = 3
EACH_ONCE = Counter({f"chatgpt:c{n}": 1 for n in range(COUNT)})


def chat(number: int, answer: str, **options: Any) -> Conversation:
    return simple_chat(f"c{number}", f"What about loaf {number}?", answer, title=f"Loaf {number}", **options)


@pytest.fixture
def fake() -> Iterator[FakeConversations]:
    with FakeConversations() as server:
        yield server


@pytest.fixture
def session(sqlite_archive: Archive, fake: FakeConversations) -> Session:
    """Three conversations in the project Bread, and one in none."""
    merge(sqlite_archive, None, [chat(n, f"Bake {n} hours.") for n in range(COUNT + 1)])
    settings = Settings(
        home=Path(),
        database_url="",
        files="",
        timezone="UTC",
        meaning=MeaningSettings(model=""),
        categorize=CategorizeSettings(model="gpt-6-luna"),
    )
    environment = Environment({"OPENAI_BASE_URL": fake.url, "OPENAI_API_KEY": fake.key})
    opened = Session(settings, environment, sqlite_archive)
    history.assign(sqlite_archive, project(opened), [*EACH_ONCE])
    return opened


def project(session: Session, name: str = "Bread") -> str:
    return registry.ensure_named(session.archive, [name])[registry.title_ref(name)]


def fill(session: Session, **options: Any) -> filling.StoreReport:
    return filling.fill(session, "Bread", sleep=lambda seconds: None, **options)


def searchable(fake: FakeConversations) -> Counter[str]:
    """How often each conversation is found, over all stores."""
    held = [file for store in fake.vector.held.values() for file in store.values()]
    return Counter(file["attributes"]["conversation"] for file in held if file["status"] == "completed")


def ask(session: Session, question: str = "how long?", *, since: int | None = None, **options: Any) -> Answer:
    filters = Filters(project="Bread", since=since)
    with answering.open_answering(session, "gpt-6-luna", project="Bread") as using:
        return answering.answer(session, Searcher(session), using, question, filters=filters, **options)


def test_it_is_priced_filled_once_and_then_left_alone(session: Session, fake: FakeConversations) -> None:
    planned = filling.plan(session, "Bread")
    assert (planned.conversations, planned.to_upload, planned.bytes > 100, fake.requests) == (3, 3, True, {})
    report = fill(session)
    assert (report.conversations, report.uploaded, report.failed, report.bytes) == (3, 3, 0, planned.bytes)
    assert searchable(fake) == EACH_ONCE
    (store,) = fake.vector.stores.values()
    assert (store["name"], store["expires_after"]["days"]) == ("Bread", 30)
    writes = fake.writes
    again = fill(session)
    assert (again.unchanged, again.uploaded, fake.writes) == (3, 0, writes)


def test_what_changed_is_uploaded_anew_and_what_left_is_taken_away(session: Session, fake: FakeConversations) -> None:
    fill(session)
    merge(session.archive, None, [chat(1, "Bake it longer.", updated=2 * 10**15)])
    history.assign(session.archive, project(session, "Rent"), ["chatgpt:c0"])
    known = store_of(session, project(session))
    assert known is not None
    assert (known.waiting, known.left) == (2, frozenset({"chatgpt:c0"}))
    report = fill(session)
    assert (report.uploaded, report.removed, report.unchanged) == (1, 1, 1)
    assert searchable(fake) == Counter({"chatgpt:c1": 1, "chatgpt:c2": 1})
    assert len(fake.vector.files) == 2
    assert any("Bake it longer." in fake.vector.texts[id] for id in fake.vector.files)


@pytest.mark.parametrize("failure", ["lost before", "lost after", "500", "500 after", "429", "html"])
def test_whatever_becomes_of_requests_nothing_is_uploaded_twice(
    session: Session, fake: FakeConversations, failure: Failure
) -> None:
    if failure.endswith("after"):  # nothing is sent again, so the next failure is the next request's
        fake.failures += [failure] * 5
    else:
        fake.failures += [failure, "none"] * 5
    assert fill(session).conversations == 3
    assert searchable(fake) == EACH_ONCE
    assert (len(fake.vector.files), len(fake.vector.stores), len(fake.vector.uploads)) == (3, 1, 3)
    assert not fake.failures


class Killed(BaseException):
    """What no part of the house catches."""


@pytest.mark.parametrize("is_done", [True, False])
def test_a_run_that_dies_again_and_again_is_gone_on_with(
    session: Session, fake: FakeConversations, monkeypatch: pytest.MonkeyPatch, is_done: bool
) -> None:
    """Each run gets one request further than the one before, and dies before or after that one was carried out."""
    left = 0

    def dying(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal left
            if left <= 0 and not is_done:
                raise Killed
            answer = method(*arguments, **options)
            if left <= 0:
                raise Killed
            left -= 1
            return answer

        return call

    for name in ("create", "upload", "take_in", "uploaded", "held"):
        monkeypatch.setattr(Stores, name, dying(getattr(Stores, name)))
    kills = 0
    for allowed in count():
        left = allowed
        try:
            assert fill(session).conversations == COUNT
            break
        except Killed:
            kills += 1
    assert kills > 3
    assert searchable(fake) == EACH_ONCE
    assert (len(fake.vector.files), len(fake.vector.stores), len(fake.vector.uploads)) == (3, 1, 3)


def test_what_expired_or_was_deleted_there_is_made_again_and_uploaded_only_if_it_is_gone(
    session: Session, fake: FakeConversations
) -> None:
    first = fill(session).store
    fake.vector.expire(first)
    assert [(one.state, one.waiting) for one in standing.standings(session, look=True)] == [("expired", 0)]
    second = fill(session)
    assert (second.store != first, second.uploaded, list(fake.vector.stores)) == (True, 0, [second.store])
    del fake.vector.stores[second.store], fake.vector.held[second.store]
    del fake.vector.files[next(iter(fake.vector.files))]
    assert [one.state for one in standing.standings(session, look=True)] == ["gone"]
    assert fill(session).uploaded == 1
    assert searchable(fake) == EACH_ONCE


def test_what_the_service_cannot_take_in_is_told_and_left(session: Session, fake: FakeConversations) -> None:
    fake.vector.unreadable = "loaf 1"
    report = fill(session)
    assert (report.failed, report.conversations, len(fake.vector.files)) == (1, 2, 2)
    fake.vector.unreadable = "\0"
    assert (fill(session).uploaded, len(fake.vector.uploads)) == (0, 3)


def test_what_is_too_long_for_a_file_is_cut_and_told(
    session: Session, fake: FakeConversations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "LONGEST", 61)
    merge(session.archive, None, [chat(1, "ü" * 100, updated=2 * 10**15)])
    assert fill(session).shortened == 3
    assert all(file["bytes"] <= 61 for file in fake.vector.files.values())


def test_it_costs_no_more_than_it_may(session: Session, fake: FakeConversations) -> None:
    asked_at_openai = session._replace(environment=Environment({"OPENAI_API_KEY": "sk"}))
    assert filling.plan(asked_at_openai, "Bread").cost_usd > 0
    with pytest.raises(Halt, match=r"may cost .* limit is \$0\.00"):
        filling.fill(asked_at_openai, "Bread", max_cost=0.0)
    project(session, "Empty")
    with pytest.raises(Refused, match="No conversation"):
        filling.fill(session, "Empty")
    assert fake.requests == {}


@pytest.mark.parametrize("right", ["files", "vector_stores"])
def test_a_key_without_the_right_is_told_so_and_nothing_is_in_doubt(
    session: Session, fake: FakeConversations, right: str
) -> None:
    fake.forbidden = right
    with pytest.raises(NotAllowed, match=r"not allowed .*(file|vector store)"):
        fill(session)
    fake.forbidden = ""
    assert fill(session).conversations == 3
    assert (searchable(fake), len(fake.vector.uploads)) == (EACH_ONCE, 3)


def test_an_answer_cites_the_conversations_it_is_from(session: Session, fake: FakeConversations) -> None:
    fill(session)
    fake.answer = "Two hours [7]."
    heard: list[str] = []
    told = ask(session, heard=heard.append)
    assert told.answer == "".join(heard) == "Two hours. [1] [2] [3]"  # a number of its own is none of ours
    assert {source.id for source in told.sources} == EACH_ONCE.keys()
    assert all(source.text.startswith("# Loaf") and source.title.startswith("Loaf") for source in told.sources)
    (asked,) = fake.asked
    assert asked["tools"][0]["type"] == "file_search"
    assert (asked["store"], asked["max_tool_calls"], asked["input"]) == (False, 2, "how long?")
    assert told.note == ""


def test_what_is_not_in_it_is_told_and_a_file_of_others_is_not_cited(session: Session, fake: FakeConversations) -> None:
    store = fill(session).store
    history.assign(session.archive, project(session), ["chatgpt:c3"])
    with Client(account_of(session.settings, session.environment)) as client:
        theirs = Stores(client).upload("theirs.md", b"Words")
        Stores(client).take_in(store, {theirs: {}})
        Stores(client).held(store)
    told = ask(session)
    assert told.note.startswith("1 conversations are not in the project's vector store")
    assert told.note.endswith("not of the project; that was taken out.")
    assert {source.id for source in told.sources} == EACH_ONCE.keys()


def test_where_it_cannot_be_searched_the_archive_answers(session: Session, fake: FakeConversations) -> None:
    fake.vector.expire(fill(session).store)
    told = ask(session, "loaf")
    assert told.answer == "An answer."
    assert "could not be searched" in told.note
    assert "tools" not in fake.asked[-1]


def test_a_question_about_a_part_of_the_project_is_answered_here(session: Session, fake: FakeConversations) -> None:
    fill(session)
    ask(session, "loaf", since=1)
    assert "tools" not in fake.asked[-1]


def test_a_forgotten_conversation_is_told_to_be_there_still_and_goes_with_the_next_filling(
    session: Session, fake: FakeConversations
) -> None:
    fill(session)
    report = forget(session.archive, ids=["chatgpt:c1"])
    assert list(report.still_at.values()) == [1]
    told = ask(session)
    assert "chatgpt:c1" not in {source.id for source in told.sources}
    assert told.note.startswith("1 conversations are not in the project's vector store as they are now")
    assert fill(session).removed == 1
    assert "chatgpt:c1" not in searchable(fake)


def test_taking_away_leaves_nothing_and_killed_halfway_the_same_does_the_rest(
    session: Session, fake: FakeConversations, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(session)
    assert removing.take_out(session, ["chatgpt:c1"]) == 1
    assert "chatgpt:c1" not in searchable(fake)

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Stores, "delete", killed)
        with pytest.raises(Killed):
            removing.take_away(session, [project(session)])
    assert removing.take_away(session, [project(session)]) == [project(session)]
    assert (fake.vector.files, fake.vector.stores) == ({}, {})
    assert stores_of(session).is_empty()
    assert removing.take_away(session, [project(session)]) == []
