"""What another person's session has of the server's, and what it has not."""

from __future__ import annotations

import pytest

from commonplace import whose
from commonplace.archive.access import users
from commonplace.config.files import keep_typed
from commonplace.session import Session, open_session


def _hers(session: Session) -> Session:
    return whose.of(session, users.add_user(session.archive, "eve", None).owner)


def test_what_somebody_types_stands_for_no_variable_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POKE_API_KEY", "of-the-server")
    with open_session() as session:
        hers = _hers(session)
        keep_typed(hers.settings.home, {"POKE_API_KEY": "${POKE_API_KEY}", "NOTION_TOKEN": "it's\\"})
        again = whose.of(session, hers.archive.owner).environment
        assert again.get("POKE_API_KEY") == "${POKE_API_KEY}"
        assert again.get("NOTION_TOKEN") == "it's\\"


def test_an_address_that_is_a_secret_is_nobody_elses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POKE_API_ENDPOINT", "https://poke.commonplace.dev/v1")
    monkeypatch.setenv("POKE_WEBHOOK_URL", "https://poke.commonplace.dev/trigger/as-good-as-a-key")
    with open_session() as session:
        hers = _hers(session)
        keep_typed(hers.settings.home, {"POKE_API_KEY": "hers"})
        again = whose.of(session, hers.archive.owner).environment
        assert again.get("POKE_API_ENDPOINT") == "https://poke.commonplace.dev/v1"
        assert again.get("POKE_WEBHOOK_URL") is None
        assert again.place_of("POKE_WEBHOOK_URL") is None
        assert again.addresses_of(["POKE_API_KEY"]) == {"POKE_API_ENDPOINT": "https://poke.commonplace.dev/v1"}
