"""How far it is with the next export of an account: from "it is time" to "it is in"."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from commonplace.archive import requests
from commonplace.archive.conversations import imports
from commonplace.archive.core import Archive
from commonplace.config import Settings, load
from commonplace.errors import Refused
from commonplace.moments import DAY, HOUR, now
from commonplace.stages.requests.standing import Standing, named, say_asked, say_mailed, standings

TWO = '[accounts.home]\nsource = "chatgpt"\n[accounts.work]\nsource = "chatgpt"\nevery_days = 7\n'


def settings(tmp_path: Path, toml: str = "") -> Settings:
    (tmp_path / "commonplace.toml").write_text(toml)
    return load({"COMMONPLACE_HOME": str(tmp_path)}, folder=tmp_path)[0]


def came(archive: Archive, sha256: str = "a", source: str = "chatgpt", account: str = "") -> None:
    """An export was imported."""
    started, counts = imports.start(archive, name="x", signature=""), imports.Counts()
    imports.finish(archive, started, counts, source=source, account=account, sha256=sha256)


def the_one(settings: Settings, archive: Archive, *, days: float = 0, account: str = "chatgpt") -> Standing:
    found = standings(settings, archive, at=now() + int(days * DAY))
    return next(each for each in found if each.account == account)


def test_from_it_is_time_to_it_is_in(archive: Archive, tmp_path: Path) -> None:
    mine = settings(tmp_path)
    assert standings(mine, archive) == []
    came(archive)
    assert the_one(mine, archive, days=29).state == "fresh"
    assert the_one(mine, archive, days=31).state == "due"
    say_asked(mine, archive, "chatgpt")
    assert the_one(mine, archive, days=6).state == "asked"
    assert the_one(mine, archive, days=8).state == "late"
    say_mailed(archive, named(mine, archive, "chatgpt"), at=now(), link="https://chatgpt.com/export")
    ready, ended = the_one(mine, archive), the_one(mine, archive, days=1.1)
    assert (ready.state, ready.link, ended.state, ended.link) == ("ready", "https://chatgpt.com/export", "ended", None)
    came(archive)  # the same file once more is no new export
    assert the_one(mine, archive).state == "ready"
    came(archive, "b")
    done = the_one(mine, archive)
    assert (done.state, done.link, done.asked_at) == ("fresh", None, None)


def test_two_accounts_of_an_assistant_are_never_mixed(archive: Archive, tmp_path: Path) -> None:
    mine = settings(tmp_path, TWO)
    assert [each.state for each in standings(mine, archive)] == ["never", "never"]
    say_asked(mine, archive, "work")
    say_asked(mine, archive, "home")
    came(archive, account="work")
    assert [(each.account, each.state) for each in standings(mine, archive)] == [("home", "asked"), ("work", "fresh")]
    came(archive, "b", account="home")
    say_asked(mine, archive, "work")
    late = {each.account: each.state for each in standings(mine, archive, at=now() + 8 * DAY)}
    assert late == {"home": "fresh", "work": "late"}
    came(archive, "c")  # of the account that has no name of its own
    assert {each.account: each.state for each in standings(mine, archive)}["chatgpt"] == "fresh"


def test_an_account_can_be_asked_for_before_its_first_export(archive: Archive, tmp_path: Path) -> None:
    mine = settings(tmp_path, "[accounts.claude]\nevery_days = 0\n")
    say_asked(mine, archive, "claude")
    (found,) = standings(mine, archive)
    assert (found.state, found.title, found.every_days) == ("asked", "Claude", 0)
    came(archive, source="claude")
    assert the_one(mine, archive, account="claude", days=900).state == "fresh"


def test_what_cannot_be_asked_is_refused_with_what_can(sqlite_archive: Archive, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no assistant that is known") as refused:
        standings(settings(tmp_path, "[accounts.codx]\n"), sqlite_archive)
    assert "chatgpt" in str(refused.value.hint)
    with pytest.raises(Refused, match="no account 'chatgtp'"):
        say_asked(settings(tmp_path), sqlite_archive, "chatgtp")


def test_a_mail_that_comes_without_a_click_here_is_noticed_all_the_same(archive: Archive, tmp_path: Path) -> None:
    mine = settings(tmp_path, "[accounts.chatgpt]\n")
    say_asked(mine, archive, "chatgpt")
    came(archive)
    account = named(mine, archive, "chatgpt")
    say_mailed(archive, account, at=now() - HOUR, link="https://chatgpt.com/1")  # of the export that is in already
    assert the_one(mine, archive).state == "fresh"
    say_mailed(archive, account, at=now(), link="https://chatgpt.com/2")
    assert the_one(mine, archive).state == "ready"


def test_a_request_outlives_nothing_but_the_next_one(sqlite_archive: Archive, tmp_path: Path) -> None:
    mine = settings(tmp_path, "[accounts.chatgpt]\n")
    say_asked(mine, sqlite_archive, "chatgpt")
    say_mailed(
        sqlite_archive, named(mine, sqlite_archive, "chatgpt"), at=now() - 25 * HOUR, link="https://chatgpt.com/1"
    )
    assert the_one(mine, sqlite_archive).state == "ended"
    say_asked(mine, sqlite_archive, "chatgpt")
    request = requests.requests(sqlite_archive)["chatgpt"]
    assert (request.mail_at, request.link, msgspec.structs.asdict(request)["link_ends_at"]) == (None, None, None)
