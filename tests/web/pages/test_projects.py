"""Projects and categories: what a person does to them is kept, said, and undone."""

from __future__ import annotations

import pytest

from commonplace.archive.access import users
from commonplace.archive.conversations.merge import merge
from commonplace.archive.conversations.reading import load_filed
from commonplace.archive.projects import assignments, registry
from commonplace.archive.projects.assignments import Decision
from commonplace.archive.projects.assistants import assistant_of
from commonplace.archive.projects.lookup import find_project
from commonplace.archive.verdicts.verdicts import correct
from commonplace.config import Environment
from commonplace.session import Session
from commonplace.stages.categorizing.taxonomies import taxonomy_named
from commonplace.stages.mapping import projects
from commonplace.stages.stores import filling
from tests.archive.builders import simple_chat
from tests.fakes.conversations import FakeConversations
from tests.web.conftest import HASHED, PASSWORD, Live, Start

IDS = [f"chatgpt:c{n}" for n in range(3)]


@pytest.fixture
def mapped(live: Live) -> Live:
    merge(live.archive, None, [simple_chat(f"c{n}", f"question {n}", title=f"Chat {n}") for n in range(3)])
    kitchen = projects.create(live.archive, "Kitchen")["id"]
    suggested = [
        Decision(
            conversation_id=id,
            content_hash="",
            rule="orphan",
            confidence=0.0,
            suggested_project_id=kitchen,
            suggestion_confidence=sure,
        )
        for id, sure in zip(IDS, (0.9, 0.8, 0.3), strict=True)
    ]
    assignments.record(live.archive, suggested, "r", "o")
    return live


def _projects(live: Live) -> list[str | None]:
    return [filed.project_name for filed in load_filed(live.archive, IDS)]


def test_suggestions_are_accepted_one_by_one_or_all_that_are_sure(mapped: Live) -> None:
    browser = mapped.logged_in()
    page = browser.get("/projects")
    assert "Perhaps Kitchen, 90%" in page.text
    assert "80% sure: 2, about 85% of them right" in page.text
    assert browser.submit(page, "/projects/suggestions", answer="all", above="0.8").status_code == 303
    assert _projects(mapped) == ["Kitchen", "Kitchen", None]
    browser.submit(browser.get("/projects"), "/projects/suggestions", answer="no", id=IDS[2])
    assert "Perhaps Kitchen" not in browser.get("/projects").text
    assert browser.submit(browser.get("/projects"), "/projects/create", name="Kitchen").status_code == 303


def test_a_project_is_renamed_and_merged_and_that_is_undone(mapped: Live) -> None:
    browser = mapped.logged_in()
    garden = projects.create(mapped.archive, "Garden")["id"]
    projects.assign(mapped.archive, "Garden", [IDS[0]])
    page = browser.get(f"/projects/{garden}")
    assert browser.submit(page, f"/projects/{garden}/rename", name="Kitchen").status_code == 400
    assert browser.submit(page, f"/projects/{garden}/rename", name="Balcony").status_code == 303
    assert _projects(mapped)[0] == "Balcony"
    kitchen = next(id for id, name in registry.names(mapped.archive).items() if name == "Kitchen")
    browser.submit(page, "/projects/merge", target=kitchen)
    assert _projects(mapped)[0] == "Kitchen"
    event = projects.show(mapped.archive, kitchen)["history"][0]["id"]
    browser.submit(browser.get("/projects"), "/projects/undo", event=event)
    assert _projects(mapped)[0] == "Balcony"
    assert browser.get("/projects/none-such").status_code == 404


def test_a_category_is_changed_with_everything_that_is_in_it(mapped: Live) -> None:
    correct(mapped.archive, IDS[0], "category", "Coding", origin="cli", taxonomy="everyday")
    browser = mapped.logged_in()
    assert "The local judge knows chats like those" in browser.get("/categories", check="true").text
    page = browser.get("/categories")
    asked = {"set": "everyday", "old": "Coding", "name": "Programs", "description": "All of it", "colour": "red"}
    assert browser.submit(page, "/categories/change", **asked, examples="one\ntwo\n", emoji="🐍").status_code == 303
    changed = taxonomy_named(mapped.archive, "everyday").get("Programs")
    assert changed is not None
    assert (changed.description, changed.examples, changed.colour) == ("All of it", ("one", "two"), "red")
    assert next(iter(load_filed(mapped.archive, [IDS[0]]))).category == "Programs"
    assert browser.submit(page, "/categories/change", **asked | {"old": "Math", "name": "Programs"}).status_code == 400
    assert browser.submit(page, "/categories/add", name="Boats").status_code == 303
    text = browser.get("/categories/export", set="everyday").text
    assert browser.submit(browser.get("/categories"), "/categories/import", definition=text).status_code == 303
    broken = browser.submit(page, "/categories/import", definition="name = <")
    assert broken.status_code == 400
    assert "name = &lt;" in broken.text  # nothing typed is lost
    assert browser.submit(browser.get("/categories"), "/categories/remove", set="everyday").status_code == 303
    assert taxonomy_named(mapped.archive, "everyday").get("Boats") is None


def test_categories_are_merged_with_everything_in_them_once_it_was_told_what_that_changes(mapped: Live) -> None:
    correct(mapped.archive, IDS[0], "category", "Coding", origin="cli", taxonomy="everyday")
    before = taxonomy_named(mapped.archive, "everyday")
    browser = mapped.logged_in()
    page = browser.get("/categories")
    asked = {"set": "everyday", "source": "Coding", "target": "Math"}
    looked = browser.submit(page, "/categories/merge", **asked, look="yes")
    assert "If you save it:" in looked.text
    assert "1 conversation moves along" in looked.text
    assert taxonomy_named(mapped.archive, "everyday") == before
    assert browser.submit(page, "/categories/merge", **asked).status_code == 303
    merged = taxonomy_named(mapped.archive, "everyday")
    assert merged.get("Coding") is None
    math, coding = before.get("Math"), before.get("Coding")
    assert math is not None
    assert coding is not None
    whole = merged.get("Math")
    assert whole is not None
    assert whole.description == f"{math.description} {coding.description}"
    assert next(iter(load_filed(mapped.archive, [IDS[0]]))).category == "Math"
    back = browser.submit(browser.get("/categories"), "/categories/merge/undo", set="everyday")
    assert back.headers["location"].endswith("told=undone")
    assert taxonomy_named(mapped.archive, "everyday") == before
    assert next(iter(load_filed(mapped.archive, [IDS[0]]))).category == "Coding"
    assert "/categories/merge/undo" not in browser.get("/categories").text
    assert browser.submit(page, "/categories/merge", **asked).status_code == 303
    assert browser.submit(page, "/categories/merge", **asked | {"source": "Math"}).status_code == 400
    change = {
        "set": "everyday",
        "old": "Math",
        "name": "Numbers",
        "description": "Only sums",
        "seen": "",
        "look": "yes",
    }
    changed = browser.submit(page, "/categories/change", **change)
    assert 'value="Numbers"' in changed.text  # what was typed is still there
    assert "Only sums" in changed.text
    beside = browser.submit(page, "/categories/change", **change | {"seen": "something else", "look": ""})
    assert "Somebody has changed this meanwhile" in beside.text
    assert "Only sums" in beside.text  # also where somebody was quicker
    assert taxonomy_named(mapped.archive, "everyday") == merged


def test_a_project_is_split_and_has_an_assistant_and_both_are_undone(mapped: Live) -> None:
    browser = mapped.logged_in()
    kitchen = next(id for id, name in registry.names(mapped.archive).items() if name == "Kitchen")
    projects.assign(mapped.archive, "Kitchen", IDS)
    page = browser.get(f"/projects/{kitchen}")
    split = browser.submit(page, f"/projects/{kitchen}/split", name="Bread", conversation=IDS[:2])
    assert split.status_code == 303
    assert _projects(mapped) == ["Bread", "Bread", "Kitchen"]
    assert browser.submit(page, f"/projects/{kitchen}/split", name="Nothing").status_code == 400
    spoken = {"instructions": "Answer in verse.", "model": "gpt-5-mini", "temperature": "0.5"}
    assert browser.submit(page, f"/projects/{kitchen}/assistant", **spoken).status_code == 303
    assert assistant_of(mapped.archive, find_project(mapped.archive, kitchen)).instructions == "Answer in verse."
    late = browser.submit(page, f"/projects/{kitchen}/assistant", instructions="In haiku.")
    assert "it is now: Answer in verse." in late.text
    assert "In haiku." in late.text
    page = browser.get(f"/projects/{kitchen}")
    refused = browser.submit(page, f"/projects/{kitchen}/assistant", temperature="warm", instructions="In <prose>.")
    assert refused.status_code == 400
    assert "In &lt;prose&gt;." in refused.text  # nothing typed is lost
    assert assistant_of(mapped.archive, find_project(mapped.archive, kitchen)).instructions == "Answer in verse."
    for event in projects.show(mapped.archive, kitchen)["history"]:
        browser.submit(browser.get("/projects"), "/projects/undo", event=event["id"])
    assert _projects(mapped) == ["Kitchen"] * 3
    assert assistant_of(mapped.archive, find_project(mapped.archive, kitchen)).instructions == ""


def test_what_an_assistant_searches_is_priced_before_it_is_filled(start: Start) -> None:
    with FakeConversations() as openai:
        live = start(OPENAI_BASE_URL=openai.url)
        users.add_user(live.archive, "me", HASHED(PASSWORD), owner="me")
        merge(live.archive, None, [simple_chat("a", "What about loaf 1?", "Bake it.", title="Loaf")])
        made = projects.create(live.archive, "Bread")["id"]
        projects.assign(live.archive, made, ["chatgpt:a"])
        browser, address = live.logged_in(), f"/projects/{made}/store"
        assert f'href="{address}"' in browser.get(f"/projects/{made}").text
        page = browser.get(address)
        assert "1 to upload, 0 to remove" in page.text
        assert "There is none yet." in page.text
        nobody = browser.submit(page, address)
        assert (nobody.status_code, "<code>commonplace up</code>" in nobody.text) == (400, True)
        server = live.server
        environment = Environment({"OPENAI_BASE_URL": openai.url, "OPENAI_API_KEY": openai.key})
        filling.fill(Session(server.settings, environment, live.archive), made)
        held = browser.get(address)
        assert "1 conversation" in held.text
        assert "0 to upload" in held.text
        assert "Take it away" in held.text
        users.add_user(live.archive, "eve", HASHED(PASSWORD))
        assert live.logged_in("eve").get(address).status_code == 404
