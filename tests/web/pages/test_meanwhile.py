"""Two people, or two browsers: who comes second is told, keeps what they typed, and undoes nobody else's word."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from commonplace.archive.care.forget import forget
from commonplace.archive.conversations.merge import merge
from commonplace.archive.conversations.reading import load_filed
from commonplace.archive.ledger import ArchiveLedger
from commonplace.archive.projects import assignments
from commonplace.archive.projects.assignments import Decision
from commonplace.archive.search.saved import saved
from commonplace.archive.verdicts.verdicts import count_waiting, record_verdicts
from commonplace.model import Verdict
from commonplace.stages.categorizing.taxonomies import taxonomy_named
from commonplace.stages.mapping import projects
from commonplace.stages.syncing import destinations
from tests.archive.builders import simple_chat
from tests.web.conftest import Browser, Live

IDS = [f"chatgpt:c{n}" for n in range(3)]
CHANGED = "Somebody has changed this meanwhile"
Two = tuple[Live, Browser, Browser]


@pytest.fixture
def two(live: Live) -> Two:
    """Three conversations, none of them sorted for sure, and two browsers."""
    merge(live.archive, None, [simple_chat(f"c{n}", f"question {n}", title=f"Chat {n}") for n in range(3)])
    verdicts = [
        Verdict(
            conversation_id=id,
            content_hash="",
            category="Coding",
            runner_up="Math",
            confidence=0.1 + n / 100,
            taxonomy="everyday",
            taxonomy_hash="",
            judge="local/v2",
            model="m",
            prompt_version="1",
        )
        for n, id in enumerate(IDS)
    ]
    record_verdicts(live.archive, verdicts, review_below=0.5)
    return live, live.logged_in(), live.logged_in()


def _filed(live: Live, n: int = 0) -> tuple[str | None, str | None, str | None]:
    (filed,) = load_filed(live.archive, [IDS[n]])
    return filed.title, filed.category, filed.project_name


def test_fields_that_nobody_touched_show_what_the_other_wrote(two: Two) -> None:
    live, first, second = two
    address = f"/conversations/{IDS[0]}"
    old = second.get(address)
    said = {"title": "Theirs", "category": "Math", "project": "Garden"}
    assert first.submit(first.get(address), "/correct", **said).status_code == 303
    beside = second.submit(old, "/correct", title="Chat 0", category="Coding", tags="mine", project="")
    assert f"{CHANGED}; it is now: Theirs · Math · Garden" in beside.text
    assert 'name="title" maxlength="400" value="Theirs"' in beside.text
    assert 'name="tags" maxlength="1000" value="mine"' in beside.text
    assert "<option selected>Math</option>" in beside.text
    again = {"category": "Math", "tags": "mine"}
    assert second.submit(beside, "/correct", **again).status_code == 303
    assert _filed(live) == ("Theirs", "Math", "Garden")
    old = second.get(address)
    first.submit(first.get(address), "/correct", tags="theirs")
    emptied = second.submit(old, "/correct", tags="", project="")
    assert 'name="tags" maxlength="1000" value=""' in emptied.text
    assert second.submit(emptied, "/correct", project="").status_code == 303
    assert (_filed(live)[2], next(iter(load_filed(live.archive, IDS[:1]))).tags) == (None, [])


def test_of_two_who_send_at_the_same_moment_one_is_told(two: Two) -> None:
    live, *browsers = two
    page = browsers[0].get(f"/conversations/{IDS[0]}")

    def send(browser: Browser) -> httpx.Response:
        return browser.submit(browser.get(f"/conversations/{IDS[0]}"), "/correct", title="x", seen=seen)

    seen = page.text.split('name="seen" value="')[1].split('"')[0]
    with ThreadPoolExecutor(2) as pool:
        replies = list(pool.map(send, browsers))
    assert sorted(reply.status_code for reply in replies) == [303, 400]
    assert _filed(live)[0] == "x"


def test_what_is_taken_back_is_ones_own_word(two: Two) -> None:
    live, first, second = two
    address = f"/conversations/{IDS[0]}"
    first.submit(first.get(address), "/correct", title="Mine")
    old = first.get(address)
    second.submit(second.get(address), "/correct", title="Theirs")
    stays = first.submit(old, "/withdraw")
    assert f"{CHANGED}; it is now: Theirs" in stays.text
    assert _filed(live)[0] == "Theirs"
    assert first.submit(first.get(address), "/withdraw").status_code == 303
    assert _filed(live)[0] == "Chat 0"
    assert "There is no correction to take back." in first.submit(old, "/withdraw", seen="").text


def test_a_suggestion_is_answered_as_it_was_shown(two: Two) -> None:
    live, first, second = two
    kitchen, garden = (projects.create(live.archive, name)["id"] for name in ("Kitchen", "Garden"))
    _suggest(live, kitchen)
    one, several = second.get(f"/conversations/{IDS[0]}"), second.get("/projects")
    assert first.submit(first.get("/projects"), "/projects/suggestions", id=IDS[0], answer="yes").status_code == 303
    for late in (
        second.submit(several, "/projects/suggestions", id=IDS[0], answer="no"),
        second.submit(one, "/suggestion", answer="no"),
    ):
        assert CHANGED in late.text
    assert _filed(live)[2] == "Kitchen"
    projects.unassign(live.archive, [IDS[0]], to_rules=True)
    _suggest(live, garden)
    assert CHANGED in second.submit(several, "/projects/suggestions", id=IDS[0], answer="yes").text
    assert _filed(live)[2] is None
    assert second.submit(second.get("/projects"), "/projects/suggestions", id=IDS[0], answer="yes").status_code == 303
    assert _filed(live)[2] == "Garden"


def _suggest(live: Live, project: str) -> None:
    found = Decision(
        conversation_id=IDS[0],
        content_hash="",
        rule="orphan",
        confidence=0.0,
        suggested_project_id=project,
        suggestion_confidence=0.9,
    )
    assignments.record(live.archive, [found], "r", "o")


def test_an_answer_in_the_review_counts_wherever_its_conversation_has_moved_to(two: Two) -> None:
    live, first, second = two
    old = second.get("/review", skip=1)
    assert "Chat 1" in old.text
    first.submit(first.get("/review"), "/review", category="Math")
    assert second.submit(old, "/review", category="Coding").status_code == 303
    assert [_filed(live, n)[1] for n in (0, 1)] == ["Math", "Coding"]
    assert count_waiting(live.archive) == 1


def test_who_was_slower_in_the_review_is_told_and_undoes_only_what_they_said(two: Two) -> None:
    live, first, second = two
    old = second.get("/review")
    mine = first.submit(first.get("/review"), "/review", category="Math").headers["location"]
    late = second.submit(old, "/review", category="Coding")
    assert "Somebody has sorted Chat 0 meanwhile: Math. That stays; you said Coding." in late.text
    address = f"/conversations/{IDS[0]}"
    second.submit(second.get(address), "/correct", category="Other")
    stays = first.submit(first.get(mine), "/review/undo")
    assert "Somebody has sorted 1 of them again since then. That stays." in stays.text
    assert _filed(live)[1] == "Other"
    forget(live.archive, ids=[IDS[0]])
    assert "has been forgotten meanwhile" in second.submit(old, "/review", category="Coding").text


def test_what_was_typed_of_something_that_is_gone_is_shown_again(two: Two) -> None:
    live, first, second = two
    garden, kitchen = (projects.create(live.archive, name)["id"] for name in ("Garden", "Kitchen"))
    project, talk = second.get(f"/projects/{garden}"), second.get(f"/conversations/{IDS[0]}")
    projects.merge(live.archive, garden, kitchen)
    late = second.submit(project, f"/projects/{garden}/rename", name="Balcony", description="A long <thought>")
    assert late.status_code == 404
    assert "was merged into &#39;Kitchen&#39;" in late.text
    assert "A long &lt;thought&gt;" in late.text
    forget(live.archive, ids=[IDS[0]])
    assert "A title of mine" in second.submit(talk, "/correct", title="A title of mine").text
    too_long = first.submit(first.get(f"/projects/{kitchen}"), f"/projects/{kitchen}/rename", name="K" * 1001)
    assert (too_long.status_code, "K" * 1001 in too_long.text) == (422, True)


def test_a_projects_name_and_description_and_assistant_are_of_whoever_was_last_told(two: Two) -> None:
    live, first, second = two
    garden = projects.create(live.archive, "Garden")["id"]
    address = f"/projects/{garden}"
    rename, assistant = f"{address}/rename", f"{address}/assistant"
    old = second.get(address)
    first.submit(first.get(address), rename, name="Garden", description="one\r\ntwo")
    beside = second.submit(old, rename, name="Balcony", description="")
    assert f"{CHANGED}; it is now: Garden · one" in beside.text
    assert 'value="Balcony"' in beside.text
    assert "\none\ntwo</textarea>" in beside.text.replace("\r", "")
    (renamed,) = (one for one in projects.show(live.archive, garden)["history"] if one["kind"] == "rename")
    second.submit(second.get(address), rename, name="Garden", description="Roses")
    refused = first.submit(first.get("/projects"), "/projects/undo", event=renamed["id"])
    assert "has been renamed again since then" in refused.text
    assert projects.show(live.archive, garden)["description"] == "Roses"
    assert second.submit(second.get(address), rename, name="Garden", description="").status_code == 303
    assert not projects.show(live.archive, garden)["description"]
    old = second.get(address)
    first.submit(first.get(address), assistant, instructions="Be brief.", model="", temperature="")
    late = second.submit(old, assistant, instructions="", model="mine", temperature="")
    assert f"{CHANGED}; it is now: Be brief." in late.text
    assert "\nBe brief.</textarea>" in late.text
    assert 'value="mine"' in late.text


def test_what_was_ticked_to_be_split_off_stays_ticked(two: Two) -> None:
    live, first, _ = two
    garden = projects.create(live.archive, "Garden")["id"]
    projects.assign(live.archive, garden, IDS[:2])
    page = first.get(f"/projects/{garden}")
    projects.unassign(live.archive, [IDS[1]])
    late = first.submit(page, f"/projects/{garden}/split", name="Roses", conversation=IDS[:2])
    assert late.status_code == 400
    assert f'value="{IDS[0]}" form="split" checked' in late.text
    assert 'value="Roses"' in late.text


def test_a_category_and_its_set_are_not_changed_over_somebody_elses_word(two: Two) -> None:
    live, first, second = two
    old, page = second.get("/categories"), first.get("/categories")
    form = {"set": "everyday", "old": "Other", "name": "Other", "description": "All the rest", "colour": "red"}
    change = "/categories/change"
    coding = _form_of(old, "Other")
    assert first.submit(page, change, **form, examples="", emoji="", seen=coding).status_code == 303
    mine = form | {"description": "Mine", "colour": "default"}
    late = second.submit(old, change, **mine, examples="", emoji="", seen=coding)
    assert f"{CHANGED}; it is now: Other" in late.text
    assert "\nMine</textarea>" in late.text
    text = first.get("/categories/export", set="everyday").text
    page = second.get("/categories")
    renamed = {**form, "name": "Rest", "seen": _form_of(page, "Other")}
    assert first.submit(first.get("/categories"), change, **renamed, examples="", emoji="").status_code == 303
    gone = second.submit(page, change, **mine, examples="", emoji="", seen=renamed["seen"])
    assert "Somebody has renamed, merged or removed this category meanwhile." in gone.text
    assert "Mine</dd>" in gone.text
    taken = second.submit(page, "/categories/import", definition=text)
    assert CHANGED in taken.text
    assert CHANGED in second.submit(page, "/categories/remove", set="everyday").text
    assert taxonomy_named(live.archive, "everyday").get("Rest") is not None
    assert second.submit(taken, "/categories/import", definition=text).status_code == 303


def test_the_merge_of_categories_that_is_undone_is_the_one_that_was_shown(two: Two) -> None:
    live, first, second = two
    merging = "/categories/merge"
    first.submit(first.get("/categories"), merging, set="everyday", source="Coding", target="Other")
    old = first.get("/categories")
    second.submit(second.get("/categories"), merging, set="everyday", source="Work & Career", target="Other")
    stays = first.submit(old, "/categories/merge/undo", set="everyday")
    assert f"{CHANGED}; it is now: Work &amp; Career → Other. Nothing was done" in stays.text
    assert taxonomy_named(live.archive, "everyday").get("Work & Career") is None


def _form_of(page: httpx.Response, category: str) -> str:
    """What the form of a category says that it shows."""
    form = page.text.split(f'name="old" value="{category}">')[1]
    return form.split('name="seen" value="')[1].split('"')[0]


def test_a_search_is_not_saved_over_somebody_elses_of_that_name(two: Two) -> None:
    live, first, second = two
    old = second.get("/conversations", q="second")
    assert first.submit(first.get("/conversations", q="first"), "/conversations/saved", name="mine").status_code == 303
    late = second.submit(old, "/conversations/saved", name=" mine ")
    assert (late.status_code, "It stays" in late.text or "it stays" in late.text) == (400, True)
    assert 'value=" mine "' in late.text
    assert saved(live.archive) == {"mine": "q=first"}
    assert "it stays" in second.submit(old, "/conversations/saved", name="mine", answer="drop").text
    assert "There is no saved search" in second.submit(late, "/conversations/saved", name="x", answer="drop").text
    assert second.submit(late, "/conversations/saved", name="mine").status_code == 303
    assert saved(live.archive) == {"mine": "q=second"}


def test_a_destination_that_somebody_else_has_set_up_meanwhile_is_shown_first(
    two: Two, tmp_path_factory: pytest.TempPathFactory
) -> None:
    _, first, second = two
    address = "/destinations/set-up/markdown"
    old = second.get(address)
    theirs, mine = (str(tmp_path_factory.mktemp(name)) for name in ("theirs", "mine"))
    assert first.submit(first.get(address), address, where=theirs).status_code == 200
    late = second.submit(old, address, where=mine)
    assert f"{CHANGED}; it is now: {theirs}" in late.text
    assert f'value="{mine}"' in late.text
    assert theirs in second.get("/destinations").text
    done = second.submit(late, address, where=mine, anew="true")
    assert done.status_code == 200
    assert mine in second.get("/destinations").text


def test_what_may_have_arrived_is_sent_again_for_one_of_two_who_say_so(two: Two) -> None:
    live, first, second = two
    server = live.server
    with destinations.open_destination(server.settings, server.environment, live.archive, "markdown") as (opened, _):
        known = ArchiveLedger(live.archive, opened.instance)
    known.uncertain(IDS[0], "h", "no answer came")
    known.conflict(IDS[1], "h", "A person changed Title.", {})
    old = second.get("/destinations")
    first.submit(first.get("/destinations"), "/destinations/run", name="markdown", resend=IDS[0])
    first.submit(first.get("/destinations"), "/destinations/run", name="markdown", accept=IDS[1])
    assert [entry.state for entry in known.get(IDS[:2]).values()] == ["failed", "done"]
    for word in ({"resend": IDS[0]}, {"accept": IDS[0]}, {"resend": IDS[1]}):
        late = second.submit(old, "/destinations/run", name="markdown", **word)
        assert "That is in doubt no more: a run, or somebody else, has settled it." in late.text
    assert [entry.state for entry in known.get(IDS[:2]).values()] == ["failed", "done"]


def test_what_is_said_of_several_leaves_what_somebody_has_said_since_they_were_chosen(two: Two) -> None:
    live, first, second = two
    chosen = second.submit(second.get("/conversations"), "/several", id=IDS).headers["location"]
    said = {"category": "Math", "project": "Theirs"}
    first.submit(first.get(f"/conversations/{IDS[0]}"), "/correct", **said)
    word = {"category": "Coding", "project": "Mine", "tags": "seen"}
    assert second.submit(second.get(chosen), f"{chosen}/say", **word).status_code == 303
    assert "Somebody has sorted 1 of them since you chose them." in second.get(chosen).text
    assert [_filed(live, n)[1:] for n in (0, 1)] == [("Math", "Theirs"), ("Coding", "Mine")]
    second.submit(second.get(chosen), f"{chosen}/say", **word)  # once more, having been told
    assert "Somebody has sorted" not in second.get(chosen).text
    assert _filed(live)[1:] == ("Coding", "Mine")
    second.submit(second.get(chosen), f"{chosen}/undo")
    assert _filed(live)[1:] == ("Math", "Theirs")
