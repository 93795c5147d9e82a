"""What the archive adds to the settings when deployments are applied."""

from __future__ import annotations

from commonplace.config import HookSettings
from commonplace.session import open_session
from commonplace.stages import hooks
from deployments import choices, definitions


def test_a_hook_that_was_added_on_the_page_is_reminded_of_exports_too() -> None:
    with open_session() as session:
        hooks.add(session, "mine", HookSettings(url="http://127.0.0.1:9/x", allow_private=True))
        settings = session.settings
    reminded = [
        {s["slug"] for d in definitions.read() for s in definitions.schedules_of(d, each)} & {"remind-export"}
        for each in (settings, choices.with_added(settings)[0])
    ]
    assert reminded == [set(), {"remind-export"}]
