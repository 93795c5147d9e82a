"""A run works with the key that whoever asked for it had lent, and is told of it by the name of a session alone."""

from __future__ import annotations

import pytest

from commonplace.archive.access import lending, sessions
from commonplace.archive.access.sessions import Session
from commonplace.lent import VARIABLE, of_run
from commonplace.secret_keys import secret_keys
from commonplace.session import open_session

KEY = "sk-proj-somebodys"


def _lent() -> Session:
    with open_session() as opened:
        token = sessions.begin(opened.archive, opened.settings.owner, address="", agent="", days=1)
        found = sessions.find(opened.archive, token, idle_hours=1)
        assert found is not None
        fernet = secret_keys(opened.settings, opened.environment).fernet()
        lending.lend(opened.archive, fernet, found, KEY)
        return found


def test_a_run_that_was_asked_for_in_a_session_has_the_key_that_was_lent_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def key() -> str | None:
        with open_session() as opened:
            found = of_run(opened).environment
            assert KEY not in repr(found)
            return found.get("OPENAI_API_KEY")

    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-machine")
    lent_in = _lent()
    assert key() == "sk-of-the-machine"
    monkeypatch.setenv(VARIABLE, lent_in.id)
    assert key() == KEY
    with open_session() as opened:
        lending.take_back(opened.archive, lent_in)
    assert key() == "sk-of-the-machine"
