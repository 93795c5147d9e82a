"""A lent key is there for its owner as long as its session is, and nobody reads it in the database."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import pytest
from sqlalchemy import select, update

from commonplace.archive.access import lending, sessions
from commonplace.archive.access.sessions import Session
from commonplace.archive.access.tables import borrowed_secrets
from commonplace.archive.access.tables import sessions as sessions_table
from commonplace.archive.care.backup import backup
from commonplace.archive.core import Archive
from commonplace.errors import Refused
from commonplace.secret_keys import SecretKeys

OLD, NEW = "o" * 32, "n" * 40
KEY = "sk-proj-somebodys"


def _session(archive: Archive, owner: str = "me") -> Session:
    token = sessions.begin(archive, owner, address="127.0.0.1", agent="", days=1)
    found = sessions.find(archive, token, idle_hours=1)
    assert found is not None
    return found


def test_it_is_found_by_its_owner_and_lies_there_encrypted(archive: Archive) -> None:
    fernet, session = SecretKeys([OLD]).fernet(), _session(archive)
    lent = lending.lend(archive, fernet, session, f" {KEY}\n")
    assert lending.lent_in(archive, session) == lent
    assert lending.borrowed(archive, fernet) == {"OPENAI_API_KEY": KEY}
    assert lending.borrowed(archive.of("eve"), fernet, lent.id) == {}
    with archive.read() as connection:
        (row,) = connection.execute(select(borrowed_secrets)).all()
    assert KEY not in str(row)
    lending.lend(archive, fernet, session, "sk-another-one")
    assert lending.borrowed(archive, fernet, lent.id) == {"OPENAI_API_KEY": "sk-another-one"}
    lending.take_back(archive, session)
    assert lending.lent_in(archive, session) is None


def test_it_ends_with_its_time_and_with_its_session(archive: Archive) -> None:
    fernet, session, other = SecretKeys([OLD]).fernet(), _session(archive), _session(archive)
    lent = lending.lend(archive, fernet, session, KEY)
    assert lent.expires_at <= session.expires_at
    with archive.write() as connection:
        connection.execute(update(borrowed_secrets).values(expires_at=1))
    assert lending.borrowed(archive, fernet) == {}
    lending.lend(archive, fernet, session, KEY)
    lending.lend(archive, fernet, other, "sk-of-the-other")
    assert sessions.end(archive, "me", session.id)
    assert lending.borrowed(archive, fernet, session.id) == {}
    assert lending.borrowed(archive, fernet) == {"OPENAI_API_KEY": "sk-of-the-other"}
    lending.prune(archive)
    with archive.read() as connection:
        assert [row.id for row in connection.execute(select(borrowed_secrets))] == [other.id]
    with archive.write() as connection:
        connection.execute(update(sessions_table).values(expires_at=1))
    assert lending.borrowed(archive, fernet) == {}


def test_it_outlives_a_new_key_of_the_server_that_knows_the_old_one(sqlite_archive: Archive) -> None:
    session = _session(sqlite_archive)
    lending.lend(sqlite_archive, SecretKeys([OLD]).fernet(), session, KEY)
    assert lending.borrowed(sqlite_archive, SecretKeys([NEW, OLD]).fernet()) == {"OPENAI_API_KEY": KEY}
    assert lending.borrowed(sqlite_archive, SecretKeys([NEW]).fernet()) == {}


def test_it_is_in_no_backup(sqlite_archive: Archive, tmp_path: Path) -> None:
    fernet = SecretKeys([OLD]).fernet()
    lending.lend(sqlite_archive, fernet, _session(sqlite_archive), KEY)
    backup(sqlite_archive, tmp_path / "backup.zip")
    with ZipFile(tmp_path / "backup.zip") as made:
        names = made.namelist()
    assert any("conversations" in name for name in names)
    assert not any("borrowed" in name for name in names)


@pytest.mark.parametrize("key", ["", "short", "sk-with space", "sk-\x00nul-in-it", "sk-" + "x" * 500, "sk-ключ-ключ"])
def test_what_is_no_key_is_refused_without_repeating_it(sqlite_archive: Archive, key: str) -> None:
    with pytest.raises(Refused, match="not a key") as caught:
        lending.lend(sqlite_archive, SecretKeys([OLD]).fernet(), _session(sqlite_archive), key)
    assert not key or key not in str(caught.value)
