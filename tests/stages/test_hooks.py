"""Hooks are told of events: signed, at least once under one id, for a day, and of nothing that is private."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from commonplace.archive import leases
from commonplace.archive.core import Archive
from commonplace.archive.leases import Lost
from commonplace.archive.ledger import ArchiveLedger
from commonplace.config import Environment, HookSettings, load
from commonplace.errors import Refused
from commonplace.session import Session
from commonplace.stages import hooks
from commonplace.stages.hooks import AT_ONCE, DUE, MINUTES, TRIES
from tests.fakes.hooked import Hooked

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


@pytest.fixture
def hooked() -> Iterator[Hooked]:
    with Hooked() as server:
        yield server


@pytest.fixture
def session(sqlite_archive: Archive, hooked: Hooked, tmp_path: Path) -> Session:
    return session_with(sqlite_archive, tmp_path, mine=HookSettings(url=f"{hooked.address}/x", allow_private=True))


def session_with(archive: Archive, folder: Path, **wanted: HookSettings) -> Session:
    settings, _ = load({"COMMONPLACE_HOME": str(folder)}, folder=folder)
    environment = Environment({f"COMMONPLACE_HOOK_{name.upper()}_SECRET": SECRET for name in wanted})
    return Session(msgspec.structs.replace(settings, hooks=wanted), environment, archive)


def known(session: Session) -> ArchiveLedger:
    return ArchiveLedger(session.archive, "hook:mine")


def make_due(session: Session) -> None:
    for id, entry in list(known(session).in_state("queued")):
        known(session).queue(id, entry.input_hash, entry.detail | {DUE: 0})


def test_an_event_is_told_once_and_its_signature_holds(session: Session, hooked: Hooked) -> None:
    report = {"new": 3, "seconds": 1.5, "errors": ["a private sentence"], "destination": "notion", "location": "secret"}
    hooks.queue(session, "import.completed", hooks.counts_of(report), run_id="r1")
    assert hooks.deliver(session).delivered == 1
    ((headers, body),) = hooked.came
    told = json.loads(body)
    assert told["type"] == "import.completed"
    assert told["data"] == {"new": 3, "seconds": 1.5, "destination": "notion", "run_id": "r1"}
    assert Webhook(SECRET).verify(body, headers) == told
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body + b" ", headers)
    assert hooks.deliver(session).delivered == 0
    assert len(hooked.came) == 1


def test_only_who_wants_an_event_is_told(sqlite_archive: Archive, hooked: Hooked, tmp_path: Path) -> None:
    wants = HookSettings(url=hooked.address, allow_private=True, events=("run.failed",))
    session = session_with(sqlite_archive, tmp_path, mine=wants)
    hooks.queue(session, "import.completed", {})
    hooks.queue(session, "run.failed", {"run": "import"})
    assert hooks.deliver(session).delivered == 1
    assert json.loads(hooked.came[0][1])["data"] == {"run": "import"}


def test_what_is_not_taken_is_told_again_for_a_day_under_the_same_id(session: Session, hooked: Hooked) -> None:
    hooks.queue(session, "run.failed", {})
    hooked.statuses.extend([500, 307, 404] * 3)
    assert hooks.deliver(session).waiting == 1
    assert hooks.deliver(session).waiting == 1  # not due before its time
    assert len(hooked.came) == 1
    while list(known(session).in_state("queued")):
        make_due(session)
        report = hooks.deliver(session)
    assert (report.failed, len(hooked.came)) == (1, 1 + len(MINUTES))
    assert len(set(hooked.ids())) == 1
    assert sum(MINUTES) >= 24 * 60
    assert hooks.redeliver(session, "mine") == 1
    assert hooks.deliver(session).delivered == 1
    assert len(set(hooked.ids())) == 1


def test_one_that_hangs_keeps_nobody_from_being_told(sqlite_archive: Archive, hooked: Hooked, tmp_path: Path) -> None:
    slow = HookSettings(url=hooked.address, allow_private=True, timeout_seconds=0.2)
    session = session_with(sqlite_archive, tmp_path, mine=slow)
    hooks.queue(session, "run.failed", {})
    hooks.queue(session, "run.failed", {})
    hooked.statuses.append(0)
    report = hooks.deliver(session)
    assert (report.delivered, report.waiting) == (1, 1)


def test_where_another_run_delivers_the_other_hooks_are_told(
    sqlite_archive: Archive, hooked: Hooked, tmp_path: Path
) -> None:
    each = {name: HookSettings(url=hooked.address, allow_private=True) for name in ("first", "mine", "third")}
    session = session_with(sqlite_archive, tmp_path, **each)
    hooks.queue(session, "run.failed", {})
    with leases.hold(sqlite_archive, leases.syncing(sqlite_archive.owner, "hook:mine")):
        report = hooks.deliver(session)
    assert (report.delivered, report.waiting) == (2, 1)
    ((name, reason),) = [(one.hook, one.reason) for one in report.problems]
    assert name == "mine"
    assert "already running" in reason
    assert hooks.deliver(session).delivered == 1


def test_nobody_waits_for_anothers_hook_of_the_same_name(session: Session, hooked: Hooked) -> None:
    hooks.queue(session, "run.failed", {})
    with leases.hold(session.archive, leases.syncing("somebody else", "hook:mine")):
        assert hooks.deliver(session).delivered == 1


def test_a_run_whose_place_was_taken_tells_nobody_more(
    session: Session, hooked: Hooked, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(40):
        hooks.queue(session, "run.failed", {})
    came_back_late = Lost("It was taken over.")

    def taken_over(*_: Any) -> None:
        if hooked.came:
            raise came_back_late

    monkeypatch.setattr(leases.Lease, "check", taken_over)
    report = hooks.deliver(session)
    assert len(hooked.came) <= AT_ONCE
    assert [one.reason for one in report.problems] == ["It was taken over."]
    assert report.delivered + report.waiting == 40


def test_a_delivery_whose_end_was_not_noted_is_told_again_under_the_same_id(
    session: Session, hooked: Hooked, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks.queue(session, "run.failed", {})

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(ArchiveLedger, "done", killed)
        with pytest.raises(KeyboardInterrupt):
            hooks.deliver(session)
    assert hooks.deliver(session).delivered == 1
    assert len(hooked.came) == 2
    assert len(set(hooked.ids())) == 1


@pytest.mark.parametrize(
    ("url", "allow_private", "told"),
    [
        ("http://127.0.0.1:1/x", False, "not a public server"),
        ("https://10.0.0.1/x", False, "not a public server"),
        ("http://169.254.169.254/x", True, "not a public server"),
        ("https://hooks.example.com/x", False, "placeholder"),
    ],
)
def test_who_may_not_be_told_is_named_with_what_to_do(
    sqlite_archive: Archive, tmp_path: Path, url: str, allow_private: bool, told: str
) -> None:
    session = session_with(sqlite_archive, tmp_path, mine=HookSettings(url=url, allow_private=allow_private))
    hooks.queue(session, "run.failed", {})
    report = hooks.deliver(session)
    assert (report.delivered, report.waiting) == (0, 1)
    assert told in report.problems[0].reason
    assert told in hooks.standings(session)[0].problem
    with pytest.raises(Refused, match=told):
        hooks.send_test(session, "mine")


@pytest.mark.parametrize("secret", ["", "whsec_short", "whsec_" + "!" * 40])
def test_without_a_secret_nothing_goes_out(session: Session, hooked: Hooked, secret: str) -> None:
    bare = Session(session.settings, Environment({"COMMONPLACE_HOOK_MINE_SECRET": secret}), session.archive)
    hooks.queue(bare, "run.failed", {})
    (problem,) = hooks.deliver(bare).problems
    assert "COMMONPLACE_HOOK_MINE_SECRET" in problem.reason
    assert "!!!" not in problem.reason
    assert hooked.came == []


def test_a_hook_that_there_is_not_is_named(session: Session) -> None:
    with pytest.raises(Refused, match="There are: mine"):
        hooks.redeliver(session, "other")
    with pytest.raises(Refused, match="no delivery 'msg_none'"):
        hooks.redeliver(session, "mine", ["msg_none"])


def test_many_are_told_at_once_and_none_twice(session: Session, hooked: Hooked) -> None:
    for _ in range(50):
        hooks.queue(session, "sync.completed", {})
    assert hooks.deliver(session).delivered == 50
    assert len(set(hooked.ids())) == len(hooked.came) == 50
    assert {entry.detail[TRIES] for _, entry in known(session).in_state("done")} == {0}
