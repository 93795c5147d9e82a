"""The pages for who keeps the server: settings, users, backups; for them alone."""

from __future__ import annotations

from commonplace.archive.access import users
from commonplace.archive.care.backup import backup
from commonplace.archive.conversations.merge import merge
from commonplace.archive.conversations.reading import load_conversation
from commonplace.stages.maintain import backup_path
from tests.archive.builders import simple_chat
from tests.web.conftest import HASHED, PASSWORD, Live, Start


def test_settings_say_where_each_comes_from_and_show_no_secret(start: Start) -> None:
    toml = '[server]\nuploads_gb = 7\n[hooks.mine]\nurl = "https://me:hush@hooks.example/x"\n'
    live = start(toml, OPENAI_API_KEY="sk-hush", TASK_RUNNER="dask", DATABASE_URL="ignored")
    users.add_user(live.archive, "me", HASHED(PASSWORD), owner="me")
    browser = live.logged_in()
    page = browser.get("/settings", changed="true")
    assert "<code>uploads_gb</code></td><td>7</td>" in page.text
    assert "commonplace.toml</td>" in page.text
    assert "TASK_RUNNER, the environment" in page.text
    assert "OPENAI_API_KEY" in page.text
    assert "hush" not in page.text
    assert "idle_hours" not in page.text
    assert "idle_hours" in browser.get("/settings").text


def test_somebody_is_added_by_a_link_and_kept_out(live: Live) -> None:
    browser = live.logged_in()
    added = browser.submit(browser.get("/settings/users"), "/settings/users/add", name="Eve")
    link = added.text.partition('<code id="link">')[2].partition("</code>")[0]
    welcome = live.browser().get(link.removeprefix(live.url))
    assert 'name="again"' in welcome.text
    assert browser.submit(added, "/settings/users/add", name="eve").status_code == 400
    browser.submit(added, "/settings/users/disable", name="eve")
    assert users.find_user(live.archive, "eve").is_disabled
    assert browser.submit(added, "/settings/users/disable", name="me").status_code == 400
    assert not users.find_user(live.archive, "me").is_disabled
    users.add_user(live.archive, "bob", HASHED(PASSWORD))
    bob = live.logged_in("bob")
    assert bob.get("/settings/users").status_code == 403
    assert ["/settings" in page.text for page in (browser.get("/"), bob.get("/"))] == [True, False]


def test_a_backup_is_looked_into_fetched_and_put_back_only_by_a_word(live: Live) -> None:
    merge(live.archive, None, [simple_chat("a", "one", title="First")])
    path = backup_path(live.server.settings.home)
    backup(live.archive, path)
    merge(live.archive, None, [simple_chat("b", "two", title="Second")])
    merge(
        live.archive.of("bob"), None, [simple_chat("c", "three")]
    )  # a backup is everybody's, and so is what it is compared with
    browser = live.logged_in()
    assert browser.get(f"/settings/backups/{path.name}").content == path.read_bytes()
    assert browser.get("/settings/backups/..%2Fcommonplace.toml").status_code == 404
    looked = browser.get("/settings/backups", look=path.name)
    assert '<td class="right">1</td><td class="right">3</td>' in looked.text
    assert browser.submit(looked, "/settings/backups/restore").status_code == 400
    assert load_conversation(live.archive, "chatgpt:b") is not None
    assert browser.submit(looked, "/settings/backups/restore", sure="yes").status_code == 303
    assert load_conversation(live.archive, "chatgpt:b") is None
    assert load_conversation(live.archive, "chatgpt:a") is not None
    assert browser.submit(looked, "/settings/backups/make").status_code == 400  # nobody works, and that is said
