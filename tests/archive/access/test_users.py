"""Users, on each dialect: one name for one owner, links that work once, and what a backup leaves out."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import select

from commonplace.archive import leases
from commonplace.archive.access import passwords, sessions, users
from commonplace.archive.access.credentials import digest
from commonplace.archive.access.tables import login_links
from commonplace.archive.access.tables import sessions as sessions_table
from commonplace.archive.access.tables import users as users_table
from commonplace.archive.care.backup import backup
from commonplace.archive.care.restore import restore
from commonplace.archive.core import Archive
from commonplace.errors import Refused


def test_names_that_look_the_same_are_the_same(archive: Archive) -> None:
    ada = users.add_user(archive, " Ada ", "hash")
    assert users.find_user(archive, "ＡＤＡ") == ada
    with pytest.raises(Refused, match="already"):
        users.add_user(archive, "ADA", "hash")
    assert users.add_user(archive, "bob", None).owner != ada.owner


@pytest.mark.parametrize("name", ["", " ", "a\nb", "a" * 65, "\u202eada"])
def test_a_name_can_be_read(name: str) -> None:
    with pytest.raises(Refused):
        users.plain_name(name)


def test_a_link_sets_one_password_however_many_use_it_at_once(archive: Archive) -> None:
    token = users.new_link(archive, "me")
    owners: list[str | None] = []

    def use(n: int) -> None:
        owners.append(users.use_link(archive, token, name=f"name {n}", password_hash=f"hash {n}"))

    threads = [threading.Thread(target=use, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(owner or "" for owner in owners) == [""] * 5 + ["me"]
    assert len(users.list_users(archive)) == 1


def test_a_uid_belongs_to_one_owner(archive: Archive) -> None:
    users.claim_uid(archive, "me", "uid-1")
    users.claim_uid(archive, "me", "uid-1")
    with pytest.raises(Refused, match="another user"):
        users.claim_uid(archive, "you", "uid-1")
    assert list(users.uids_of(archive, "me")) == ["uid-1"]


def test_what_lets_somebody_in_is_not_stored_as_it_is(archive: Archive) -> None:
    users.add_user(archive, "me", "hash", owner="me")
    link = users.new_link(archive, "me")
    session = sessions.begin(archive, "me", address="127.0.0.1", agent="test", days=1)
    with archive.read() as connection:
        stored = repr([connection.execute(select(table)).all() for table in (login_links, sessions_table)])
    assert digest(link) in stored
    assert link not in stored
    assert session not in stored
    assert len(link) >= 43


def test_a_backup_brings_users_back_and_no_session(archive: Archive, tmp_path: Path) -> None:
    users.add_user(archive, "me", "hash", owner="me")
    sessions.begin(archive, "me", address="127.0.0.1", agent="test", days=1)
    users.new_link(archive, "me")
    backup(archive, tmp_path / "backup.zip")
    restore(archive, tmp_path / "backup.zip", force=True)
    with archive.read() as connection:
        assert len(connection.execute(select(users_table)).all()) == 1
    assert (tmp_path / "backup.zip").read_bytes().find(b"login_links") == -1


def test_a_password_is_hashed_anew_when_the_cost_has_grown() -> None:
    weak = Argon2Hasher(time_cost=1, memory_cost=8192, parallelism=1).hash("correct horse battery")
    is_right, renewed = passwords.check_password("correct horse battery", weak)
    assert is_right
    assert renewed
    assert renewed.startswith("$argon2id$v=19$m=65536,t=3")
    assert passwords.check_password("correct horse battery", renewed) == (True, None)
    assert passwords.check_password("wrong horse battery", renewed) == (False, None)
    assert passwords.check_password("anything", None) == (False, None)


def test_what_works_for_somebody_who_is_disabled_stops(archive: Archive) -> None:
    ada = users.add_user(archive, "ada", None)
    theirs = archive.of(ada.owner)
    with (
        leases.hold(archive, leases.categorizing(archive.owner)) as mine,
        leases.hold(theirs, leases.categorizing(ada.owner)) as judging,
        leases.hold(theirs, leases.syncing(ada.owner, "poke:poke.com:")) as writing,
    ):
        users.disable(archive, ada.owner)
        for lease in (judging, writing):
            with pytest.raises(leases.Lost, match="disabled"), lease.archive.write():
                pass
        with mine.archive.write():
            pass
