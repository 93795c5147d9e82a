"""Searching, on both databases: what is found, in which order, what is said of the whole, and how far it is exact."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, insert, update

from commonplace.archive import schema
from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.leases import hold
from commonplace.archive.search import finding, finding_sqlite, text_index
from commonplace.archive.search.facets import Facet
from commonplace.archive.search.search import Filters, SearchResult, search
from commonplace.errors import Refused
from tests.archive.builders import chat, message, simple_chat

DAY = 86_400_000_000


@pytest.fixture
def filled(archive: Archive) -> Archive:
    """Some conversations that tests look for by a word or two."""
    fill(archive)
    return archive


def fill(archive: Archive) -> None:
    merge(
        archive,
        None,
        [
            simple_chat("bread", "How long does sourdough rise?", "Sourdough rises overnight.", updated=10 * DAY),
            simple_chat("titled", "What about yeast?", "A little.", title="Sourdough and time", updated=20 * DAY),
            simple_chat("cafe", "Where is the Café Müller?", "In naïve Straße 5.", updated=30 * DAY, model="gpt-5"),
            simple_chat("kyoto", "東京都に行きます", "京都もいいですよ", updated=40 * DAY),
            simple_chat("thai", "ผมกินข้าวแล้ว", "ดีมาก", updated=50 * DAY),
            simple_chat("code", "the rise of the machine", "print('hello world')", updated=60 * DAY),
            chat("secret", [message("s", "sourdough instructions", hidden=True), message("t", "plain")], updated=DAY),
        ],
    )
    with archive.write() as connection:
        table = schema.conversations
        row = {"owner": "me", "id": "p1", "name": "Kitchen", "name_source": "person", "created_at": 1, "updated_at": 1}
        connection.execute(insert(schema.projects).values(**row))
        said: dict[str, dict[str, Any]] = {
            "chatgpt:bread": {"category": "Cooking", "project_id": "p1"},
            "chatgpt:titled": {"category": "Cooking"},
            "chatgpt:code": {"category": "Work", "has_code": True},
        }
        for id, values in said.items():
            connection.execute(update(table).where(table.c.id == id).values(**values))


def ids(result: SearchResult) -> list[str]:
    return [one.id.removeprefix("chatgpt:") for one in result.results]


def found(archive: Archive, text: str, **options: Any) -> set[str]:
    result = search(archive, text, **options)
    assert result.total == len(result.results)
    return set(ids(result))


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("sourdough", {"bread", "titled"}),
        ("SOURDOUGH", {"bread", "titled"}),
        ("sourdough rise", {"bread"}),
        ("rise", {"bread", "code"}),
        ('"sourdough rise"', {"bread"}),
        ('"rise sourdough"', set()),
        ("rise -machine", {"bread"}),
        ('rise -"the machine"', {"bread"}),
        ("rise -overnight", {"code"}),
        ('rise -"rises overnight"', {"code"}),
        ("yeast -sourdough", set()),
        ('sourdough -"and time"', {"bread"}),
        ("sourdough -little", {"bread"}),
        ("plain -instructions", {"secret"}),
        ("sour*", {"bread", "titled"}),
        ("sour", set()),
        ('"does sourd"*', {"bread"}),
        ("cafe", {"cafe"}),
        ("CAFÉ", {"cafe"}),
        ("cafe\u0301", {"cafe"}),
        ("muller naive", set()),
        ("naïve", {"cafe"}),
        ("STRASSE", set()),
        ("straße", {"cafe"}),
        ("東京", {"kyoto"}),
        ("京都", {"kyoto"}),
        ("京", {"kyoto"}),
        ("東京都に行", {"kyoto"}),
        ("東都", set()),
        ("กินข้าว", {"thai"}),
        ("print('hello", {"code"}),
        ("hello_world", {"code"}),
        ("title:sourdough", set()),
        ("sourdough OR machine", set()),
        ("nothing-like-this", set()),
    ],
)
def test_what_is_typed_finds_what_is_meant(filled: Archive, typed: str, expected: set[str]) -> None:
    assert found(filled, typed) == expected


def test_the_title_counts_and_the_best_message_is_shown(filled: Archive) -> None:
    result = search(filled, "sourdough")
    assert ids(result)[0] == "titled"
    by_id = {one.id: one for one in result.results}
    assert by_id["chatgpt:bread"].snippet in ("How long does **sourdough** rise?", "**Sourdough** rises overnight.")
    assert by_id["chatgpt:bread"].project == "Kitchen"
    assert by_id["chatgpt:titled"].snippet == "What about yeast?"
    assert by_id["chatgpt:titled"].message_id == "titled-0"
    assert [one.score for one in result.results] == sorted((one.score for one in result.results), reverse=True)
    assert all(one.score > 0 for one in result.results)


def test_the_caller_chooses_the_marks(filled: Archive) -> None:
    assert search(filled, "cafe", marks=("<", ">")).results[0].snippet == "Where is the <Café> Müller?"


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(project="Kitchen"), {"bread"}),
        (Filters(project="p1"), {"bread"}),
        (Filters(category="Cooking"), {"bread", "titled"}),
        (Filters(category="Work"), set()),
        (Filters(role="assistant"), {"bread"}),
        (Filters(since=20 * DAY), {"titled"}),
        (Filters(until=20 * DAY), {"bread"}),
        (Filters(source="omi"), set()),
        (Filters(tag="bread%"), set()),
        (Filters(language="de"), set()),
        (Filters(has="code"), set()),
        (Filters(has=("image", "file")), set()),
        (Filters(include_hidden=True), {"bread", "titled", "secret"}),
    ],
)
def test_filters_leave_what_fits(filled: Archive, filters: Filters, expected: set[str]) -> None:
    assert found(filled, "sourdough", filters=filters) == expected


def test_a_filter_that_cannot_be_is_refused() -> None:
    with pytest.raises(Refused, match="image"):
        Filters(has="music")
    with pytest.raises(Refused, match="assistant"):
        Filters(role="nobody")


def test_without_words_everything_is_listed_newest_first(filled: Archive) -> None:
    for typed in ("", "  ", "***", '""'):
        assert ids(search(filled, typed)) == ["code", "thai", "kyoto", "cafe", "titled", "bread", "secret"]
    result = search(filled, "", filters=Filters(category="Cooking"))
    assert (ids(result), result.total, result.results[0].snippet) == (["titled", "bread"], 2, "What about yeast?")
    assert search(filled, "").results[-1].snippet == "plain"


def test_exclusions_alone_leave_the_rest(filled: Archive) -> None:
    assert ids(search(filled, "-sourdough")) == ["code", "thai", "kyoto", "cafe", "secret"]
    assert "kyoto" not in ids(search(filled, "-東京 -zebra"))


def test_totals_and_facets_are_of_what_nothing_excluded_is_in(many: Archive) -> None:
    found = search(many, "common -rarer", filters=Filters(until=15 * DAY))
    assert (found.total, found.total_is_exact) == (13, True)
    assert found.facets["model"] == [Facet("gpt-5", 10), Facet("gpt-4", 3)]


def test_newest_first_and_pages(filled: Archive) -> None:
    result = search(filled, "rise", newest_first=True)
    assert ids(result) == ["code", "bread"]
    assert ids(search(filled, "rise", newest_first=True, limit=1, offset=1)) == ["bread"]
    pages = [ids(search(filled, "rise", limit=1, offset=n)) for n in range(3)]
    assert sorted(pages[0] + pages[1]) == ["bread", "code"]
    assert pages[2] == []
    assert search(filled, "rise", limit=0).total == 2


def test_many_conversations_are_browsed_in_as_many_questions_as_few(archive: Archive) -> None:
    like = {"owner": "me", "source": "x", "content_hash": "", "imported_at": 0}
    rows = [like | {"id": f"x:{n}", "external_id": f"{n}", "category": "ab"[n % 2]} for n in range(4_000)]
    with archive.write() as connection:
        connection.execute(insert(schema.conversations), rows)
    asked: list[str] = []
    event.listen(archive.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    found = search(archive, "", filters=Filters(category="a"))
    assert (found.total, len(found.results), found.facets["category"]) == (2_000, 20, [Facet("a", 2_000)])
    assert len(asked) < 12


def test_facets_count_conversations(filled: Archive) -> None:
    result = search(filled, "sourdough")
    assert (result.total, result.total_is_exact, result.facets_are_exact) == (2, True, True)
    assert result.facets["category"] == [Facet("Cooking", 2)]
    assert result.facets["project"] == [Facet("Kitchen", 1)]
    assert result.facets["source"] == [Facet("chatgpt", 2)]
    assert result.facets["role"] == [Facet("assistant", 1), Facet("user", 1)]
    assert result.facets["month"] == [Facet("1970-01", 2)]
    assert search(filled, "machine").facets["has"] == [Facet("code", 1)]
    assert search(filled, "sourdough", facets=False).facets == {}


def test_as_json_has_the_promised_keys(filled: Archive) -> None:
    told = search(filled, "sourdough").as_json()
    assert {"total", "total_is_exact", "took_ms", "facets", "results"} <= told.keys()
    assert {"id", "title", "created_at", "snippet", "score", "category", "project"} <= told["results"][0].keys()
    assert told["results"][0]["updated_at"] == "1970-01-21T00:00:00Z"


def test_no_search_crosses_owners(filled: Archive) -> None:
    merge(filled.of("you"), None, [simple_chat("yours", "sourdough of yours", title="sourdough", updated=5 * DAY)])
    assert found(filled, "sourdough") == {"bread", "titled"}
    assert found(filled.of("you"), "sourdough") == {"yours"}
    assert found(filled.of("you"), "") == {"yours"}
    assert found(filled.of("nobody"), "sourdough") == set()


def test_what_changes_is_found_as_it_is_now(filled: Archive) -> None:
    merge(filled, None, [simple_chat("bread", "How long does rye rise?", "Yes.", title="Rye", updated=11 * DAY)])
    assert found(filled, "rye") == {"bread"}
    assert found(filled, "sourdough") == {"titled"}
    assert text_index.check(filled) == []


def test_an_index_that_was_left_stale_is_built_by_the_next_search(filled: Archive) -> None:
    text_index.suspend(filled)
    merge(filled, None, [simple_chat("late", "sourdough again")])
    with hold(filled, "import:me"):
        assert not search(filled, "again").index_is_complete
    result = search(filled, "again")
    assert (ids(result), result.index_is_complete) == (["late"], True)


@pytest.fixture
def many(sqlite_archive: Archive) -> Archive:
    """Two hundred conversations with a common word; every tenth has a rarer one as well, and every fourth a filter."""
    some = [
        simple_chat(
            f"{n:03}",
            f"common word number{n}",
            "common rarer" if n % 10 == 0 else "uncommon",
            updated=n * DAY,
            model="gpt-4" if n % 4 == 0 else "gpt-5",
            title="Common title" if n == 7 else None,
        )
        for n in range(200)
    ]
    merge(sqlite_archive, None, some)
    return sqlite_archive


@pytest.fixture
def bounded(many: Archive, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """The same with every bound so low that it is met."""
    for module, name, value in (
        (finding_sqlite, "MOST_HITS", 50),
        (finding_sqlite, "MOST_RANKED", 10),
        (finding, "_NARROW", 20),
        (finding, "_LOOKED_INTO", 10),
        (finding_sqlite, "_LONG", 40),
        (finding, "_FEW", 20),
        (finding_sqlite, "MOST_WORDS", 10),
        (finding_sqlite, "MOST_READ", 30),
        (finding, "_SHORTLIST", 12),
        (finding, "_AT_ONCE", 9),
        (finding, "_QUALIFIED_AT_ONCE", 9),
        (finding, "_AT_MOST", 30),
        (finding, "_SAMPLE", 60),
        (finding, "_COUNTED", 10),
        (finding, "_FACETED", 10),
    ):
        monkeypatch.setattr(module, name, value)
    return many


def test_beyond_the_bounds_totals_are_estimates_and_say_so(bounded: Archive) -> None:
    result = search(bounded, "common")
    assert (result.total_is_exact, result.facets_are_exact) == (False, False)
    assert 180 <= result.total <= 220
    assert 30 <= next(facet.count for facet in result.facets["model"] if facet.value == "gpt-4") <= 70
    filtered = search(bounded, "common", filters=Filters(model="gpt-4"))
    assert 40 <= filtered.total <= 60


@pytest.mark.parametrize(
    ("typed", "options", "expected"),
    [
        ("common", {}, range(200)),
        ("common", {"filters": Filters(model="gpt-4")}, range(0, 200, 4)),
        ("rarer", {}, range(0, 200, 10)),
        ("rarer", {"filters": Filters(model="gpt-4")}, range(0, 200, 20)),
        ("common rarer", {"newest_first": True}, range(0, 200, 10)),
        ("common", {"newest_first": True}, range(200)),
        ("num*", {}, range(200)),
        ("com* wor*", {"filters": Filters(model="gpt-4")}, range(0, 200, 4)),
        ("rare* com*", {}, range(0, 200, 10)),
        ("number19*", {}, [19, *range(190, 200)]),
        ("num* rarer", {"filters": Filters(role="user")}, range(0)),
        ("n* common", {"filters": Filters(role="user", model="gpt-4")}, range(0, 200, 4)),
        ("r* common", {}, range(0, 200, 10)),
        ("n* -number1*", {}, [0, *range(2, 10), *range(20, 100)]),
        ("num* -rarer", {}, [n for n in range(200) if n % 10]),
        ("rarer -number20 -number30", {}, [0, 10, *range(40, 200, 10)]),
        ("common -uncommon", {}, range(0, 200, 10)),
        ("common -uncommon", {"newest_first": True}, range(0, 200, 10)),
        ("common -uncommon", {"filters": Filters(model="gpt-4")}, range(0, 200, 20)),
        ("rarer -common", {}, range(0)),
        ("-uncommon", {}, range(0, 200, 10)),
        ("-number1*", {}, [0, *range(2, 10), *range(20, 100)]),
        ("common", {"filters": Filters(until=15 * DAY)}, range(15)),
        ("common -rarer", {"filters": Filters(role="user")}, [n for n in range(200) if n % 10]),
    ],
)
def test_the_pages_show_everything_once_however_it_is_bounded(
    bounded: Archive, typed: str, options: dict[str, Any], expected: Sequence[int]
) -> None:
    shown: list[str] = []
    while page := ids(search(bounded, typed, limit=7, offset=len(shown), facets=False, **options)):
        shown += page
    assert sorted(shown) == [f"{n:03}" for n in expected]
    if options.get("newest_first"):
        assert shown == sorted(shown, reverse=True)


def test_a_title_is_ranked_first_also_among_too_many(bounded: Archive) -> None:
    assert ids(search(bounded, "common", limit=3))[0] == "007"


@given(typed=st.text(max_size=60) | st.text(alphabet="ab\"*-: ()^+{}東京กิ\u0301\0\\'%", max_size=30))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_typed_is_answered(filled: Archive, typed: str) -> None:
    search(filled, typed, facets=False)


def test_what_is_said_more_often_comes_first_and_what_is_said_after_much_else_comes_at_all(archive: Archive) -> None:
    merge(
        archive,
        None,
        [
            simple_chat("late", "padding " * 3_000 + "saffron", "Yes.", updated=3 * DAY),
            simple_chat("once", "Is saffron dear, or would any other yellow spice do as well?", "No.", updated=2 * DAY),
            simple_chat("often", "Saffron, and saffron in rice, and saffron in bread?", "No.", updated=DAY),
            simple_chat("together", "藏红花很贵吗", "藏红花,藏红花", updated=4 * DAY),
        ],
    )
    assert ids(search(archive, "saffron")) == ["often", "once", "late"]
    assert ids(search(archive, "藏红花")) == ["together"]
