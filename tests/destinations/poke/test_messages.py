"""What Poke is told: little, in words; JSON or a template where one asks for it; the text only where one says so."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

import pytest

from commonplace.archive.core import Archive
from commonplace.archive.ledger import ArchiveLedger
from commonplace.destinations.contract import Document
from commonplace.destinations.poke import PokeSettings, open_poke
from commonplace.errors import Halt, Refused
from tests.destinations.contract_suite import write
from tests.destinations.documents import document
from tests.destinations.poke.world import NoTime, PokeWorld, settings_for, trigger_at
from tests.fakes.poke import FakePoke

FULL = document(
    "1", "Tomatoes", "How deep?", "A hand deep.", category="Garden", project_name="House", summary="Planting depth.",
    insights={"decisions": ["plant in May"]}, conversation={"url": "https://chatgpt.com/c/1"},
)  # fmt: skip


def sent(poke: FakePoke, archive: Archive, batch: list[Document], **settings: Any) -> list[Any]:
    write(PokeWorld(poke, archive, **settings), archive, batch)
    return [body.get("message") if set(body) == {"message"} else body for body in poke.arrived]


def test_a_digest_counts_and_names_the_first(poke: FakePoke, sqlite_archive: Archive) -> None:
    batch = [FULL, *(document(str(n), f"Title {n}", category="Code") for n in range(2, 6))]
    (message,) = sent(poke, sqlite_archive, batch, titles=2)
    assert message == (
        "5 conversations are new in your archive.\n"
        "Categories: Code (4), Garden (1)\n"
        "Projects: House (1)\n"
        "- Title 5\n"
        "- Title 4\n"
        "and 3 more"
    )


def test_each_has_its_message_without_what_was_said(poke: FakePoke, sqlite_archive: Archive) -> None:
    (message,) = sent(poke, sqlite_archive, [FULL], mode="each")
    assert message == (
        'Tomatoes\nGarden · House\nPlanting depth.\ndecisions: ["plant in May"]\nhttps://chatgpt.com/c/1'
    )


def test_what_was_said_is_sent_where_one_says_so_and_cut_where_it_is_long(
    poke: FakePoke, sqlite_archive: Archive
) -> None:
    (message,) = sent(poke, sqlite_archive, [FULL], mode="each", include_text=True)
    assert message.endswith("Me: How deep?\n\nAssistant: A hand deep.")
    long = document("2", "Long", "word " * 1000)
    *_, message = sent(poke, sqlite_archive, [long], mode="each", include_text=True, max_retries=0, most_characters=200)
    assert len(message) == 200
    assert message.endswith("… (cut)")


def test_raw_is_all_there_is_or_what_the_fields_name(poke: FakePoke, sqlite_archive: Archive) -> None:
    (told,) = sent(poke, sqlite_archive, [FULL], mode="raw")
    assert told["insights"] == {"decisions": ["plant in May"]}
    assert "text" not in told
    other = document("2", "Other", category="Code")
    *_, told = sent(poke, sqlite_archive, [other], mode="raw", fields={"subject": "title", "topic": "category"})
    assert told == {"subject": "Other", "topic": "Code"}


def test_a_template_makes_the_message(poke: FakePoke, sqlite_archive: Archive) -> None:
    (message,) = sent(poke, sqlite_archive, [FULL], mode="each", template="{{ category }}: {{ title | upper }}")
    assert message == "Garden: TOMATOES"
    *_, message = sent(
        poke, sqlite_archive, [document("2"), document("3")],
        template="{{ count }}: {% for one in conversations %}{{ one.title }};{% endfor %}",
    )  # fmt: skip
    assert message == "2: A title;A title;"


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"template": "{{ nonsense }}"}, "there is no 'nonsense'.*count, conversations"),
        ({"mode": "each", "template": "{{ count }}"}, "there is no 'count'.*title"),
        ({"template": "{% if %}"}, "line 1 cannot be read"),
        ({"mode": "raw", "fields": {"a": "body"}}, "there is no 'body'"),
        ({"base_url": ""}, "address is not set.*connect poke"),
        ({"api_key": ""}, "key is not set"),
        ({"mode": "webhook"}, "trigger is not known"),
        ({"base_url": "https://api.poke.example.com/v1"}, "placeholder"),
        ({"base_url": "http://poke.com/api", "allow_loopback": False}, "https://"),
        ({"base_url": "https://10.0.0.1/api"}, "not a public server"),
        ({"base_url": "https://me:hush@poke.com/api"}, "holds a name or password"),
        ({"base_url": "https://127.0.0.1/api", "allow_loopback": False}, "not a public server"),
        ({"base_url": "poke.com"}, "begins with https://"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_sent(
    poke: FakePoke, settings: dict[str, Any], told: str
) -> None:
    values: dict[str, Any] = {"api_key": poke.key, "base_url": poke.base_url, "allow_loopback": True} | settings
    with pytest.raises(Refused, match=told) as raised:
        open_poke(PokeSettings(**values))
    assert "hush" not in str(raised.value)


def test_a_template_that_does_not_fit_one_conversation_fails_that_one(poke: FakePoke, sqlite_archive: Archive) -> None:
    world = PokeWorld(poke, sqlite_archive, mode="each", template="{{ insights.decisions }}")
    outcomes, _ = write(world, sqlite_archive, [FULL, document("2")])
    assert [outcome.state for outcome in outcomes] == ["created", "failed"]
    assert "UndefinedError" in (outcomes[1].reason or "")


def test_a_preview_shows_the_very_messages_and_sends_none(poke: FakePoke, sqlite_archive: Archive) -> None:
    for settings in ({"mode": "each"}, {"mode": "digest"}, {"mode": "webhook", **trigger_at(poke)}):
        destination = open_poke(settings_for(poke, recipient=settings["mode"], **settings), clock=NoTime())
        ledger = ArchiveLedger(sqlite_archive, destination.instance)
        shown = list(destination.preview([FULL], ledger))
        assert poke.arrived == []
        destination.finish(destination.write([FULL], ledger), ledger)
        (body,) = poke.arrived
        assert body == {"message": shown[0]} or body == json.loads(shown[0])
        assert "Tomatoes" in shown[0]
        destination.close()
        poke.messages.clear()
        poke.events.clear()


def test_a_digest_of_a_thousand_is_one_request_and_one_of_some_is_several(
    poke: FakePoke, sqlite_archive: Archive
) -> None:
    batch = [document(str(n), f"Title {n}") for n in range(25)]
    sent(poke, sqlite_archive, batch)
    assert len(poke.requests) == 1
    sent(poke, sqlite_archive, [document(f"b{n}") for n in range(25)], members=10)
    assert len(poke.requests) == 4


def test_a_key_that_is_refused_stops_the_run_and_loses_nothing(poke: FakePoke, sqlite_archive: Archive) -> None:
    world = PokeWorld(poke, sqlite_archive, mode="digest")
    poke.failures.append("401")
    batch = [FULL, document("2", "Second")]
    with closing(world.open()) as first:
        ledger = ArchiveLedger(sqlite_archive, first.instance)
        with pytest.raises(Halt, match="does not accept the key"):
            first.finish(first.write(batch, ledger), ledger)
    outcomes, _ = write(world, sqlite_archive, [document("3", "Third")])
    assert sorted(outcome.conversation_id for outcome in outcomes) == ["chatgpt:1", "chatgpt:2", "chatgpt:3"]
    (body,) = poke.messages
    assert all(title in body["message"] for title in ("Tomatoes", "Second", "Third"))


def test_settings_show_no_secret(poke: FakePoke) -> None:
    shown = repr(settings_for(poke, **trigger_at(poke)))
    assert poke.key not in shown
    assert "token-t1" not in shown
