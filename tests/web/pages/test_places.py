"""Where conversations go and who may fetch them: destinations, keys, and what the home page says of both."""

from __future__ import annotations

from commonplace.archive.access import keys, users
from commonplace.archive.conversations.merge import merge
from commonplace.archive.figures.leaders import leaders
from commonplace.archive.ledger import ArchiveLedger
from commonplace.stages.syncing import destinations
from tests.archive.builders import chat, message, simple_chat
from tests.stages.test_topics import with_subjects
from tests.web.conftest import HASHED, PASSWORD, Live


def _instance(live: Live) -> str:
    server = live.server
    with destinations.open_destination(server.settings, server.environment, live.archive, "markdown") as (opened, _):
        return opened.instance


def test_what_would_be_written_and_what_went_wrong_is_told(live: Live) -> None:
    merge(live.archive, None, [simple_chat("a", "one", title="First"), simple_chat("b", "two", title="Second")])
    known = ArchiveLedger(live.archive, _instance(live))
    known.fail("chatgpt:a", "h", "the name is <too> long")
    known.uncertain("chatgpt:b", "h", "no answer came")
    browser = live.logged_in()
    page = browser.get("/destinations", plan="markdown")
    assert "would be written" in page.text
    assert "the name is &lt;too&gt; long" in page.text
    assert "Send it again" in page.text
    known.conflict("chatgpt:b", "h", "A person changed Title.", {"refused": {"Title": "Theirs & mine"}})
    beside = browser.get("/destinations").text
    assert "Theirs &amp; mine" in beside
    assert "Write ours again" in beside
    assert known.accept(["chatgpt:b"]) == ["chatgpt:b"]
    known.uncertain("chatgpt:b", "h", "no answer came")
    assert "2 conversations could not be written to markdown" in browser.get("/").text
    reply = browser.submit(page, "/destinations/run", name="markdown")
    assert reply.status_code == 400  # nobody works, and that is said
    assert "<code>commonplace up</code>" in reply.text
    users.add_user(live.archive, "eve", HASHED(PASSWORD))
    hers = live.logged_in("eve").get("/destinations", plan="markdown").text
    assert "chatgpt:b" not in hers
    assert str(live.server.settings.home / "markdown") not in hers


def test_a_key_is_shown_once_and_ends_for_its_owner_alone(live: Live) -> None:
    browser = live.logged_in()
    page = browser.get("/connect")
    made = browser.submit(page, "/connect/keys", name="mine", scope="read:archive", days="7")
    (key,) = keys.list_keys(live.archive)
    assert f'<code id="secret">{key.id}' in made.text
    assert f'<code id="secret">{key.id}' not in browser.get("/connect").text
    assert browser.submit(page, "/connect/keys", name="none", scope="everything").status_code == 400
    owner = users.add_user(live.archive, "eve", HASHED(PASSWORD)).owner
    eve = live.logged_in("eve")
    eve.submit(eve.get("/connect"), "/connect/keys", name="hers", scope="ask")
    form = eve.get("/connect")
    hers = keys.list_keys(live.archive.of(owner))[0].id
    assert eve.submit(form, f"/connect/keys/{hers}/end").status_code == 303
    eve.client.post(f"/connect/keys/{key.id}/end", data={"csrf": "x"})
    assert [one.id for one in keys.list_keys(live.archive)] == [key.id]


def test_counts_are_a_picture_a_table_and_a_file(live: Live) -> None:
    merge(live.archive, None, [simple_chat("a", "one", model="=cmd()", updated=1), simple_chat("b", "two", updated=2)])
    browser = live.logged_in()
    assert browser.get("/insights", by="model").text.count('<rect class="bar" x') == 1
    assert "'=cmd()" in browser.get("/insights/model.csv").text
    picture = browser.get("/insights/model.svg")
    assert picture.headers["content-disposition"] == "attachment; filename=model.svg"
    assert picture.text.startswith("<svg")
    assert browser.get("/insights/model.png").content.startswith(b"\x89PNG")
    page = browser.get("/insights", by="model").text
    assert "Model over time" in page
    assert "&amp;month=1970-01" in page  # a click on a cell asks for its month
    assert browser.get("/insights/model.csv", months="true").text.splitlines()[0] == "model,1970-01"
    assert "model-by-month.svg" in browser.get("/insights/model.svg", months="true").headers["content-disposition"]
    assert browser.get("/insights/model.png", months="true").content.startswith(b"\x89PNG")
    assert browser.get("/insights/hour.csv", months="true").status_code == 404
    assert browser.get("/insights", by="nothing").status_code == 404
    assert browser.get("/insights", since="the day of days").status_code == 400


def test_topics_are_counted_once_something_is_embedded(live: Live) -> None:
    browser = live.logged_in()
    merge(live.archive, None, [simple_chat("early", "one", updated=1)])
    assert "nothing has been embedded yet" in browser.get("/insights", by="topic").text
    with_subjects(live.archive)
    page = browser.get("/insights", by="topic").text
    assert "Sourdough bread" in page
    assert "Topic over time" not in page  # topics have no months
    table = browser.get("/insights/topic.csv").text.splitlines()
    assert table[0].startswith("topic,")
    assert sum(int(row.split(",")[1]) for row in table[1:]) == 17
    assert browser.get("/insights/topic.svg").text.startswith("<svg")
    assert browser.get("/insights/topic.png").content.startswith(b"\x89PNG")


def test_what_is_longest_and_what_was_returned_to_is_told(live: Live) -> None:
    day = 86_400_000_000
    merge(
        live.archive, None, [simple_chat("a", *(f"turn {n}" for n in range(6)), title="Long"), simple_chat("b", "two")]
    )
    assert [(one.title, one.amount) for one in leaders(live.archive, "longest", limit=1)] == [("Long", 6)]
    returned = chat("c", [message(f"m{n}", f"again {n}", at=n * day) for n in range(3)], title="Again")
    merge(live.archive, None, [returned])
    assert [(one.title, one.amount) for one in leaders(live.archive, "returned")] == [("Again", 3)]
    page = live.logged_in().get("/insights", more="true").text
    assert "on 3 days" in page
    assert "6 messages" in page
