"""`commonplace inbox`: what failed is seen with its reason, replayed, or thrown away."""

from __future__ import annotations

import json
from functools import partial

import pytest

from commonplace.archive.inbox import Delivery, open_inbox
from commonplace.session import open_session
from tests.cli.conftest import Run


@pytest.fixture
def run(run: Run) -> Run:
    return partial(run, "inbox")


def _came_in(*bodies: bytes, is_trusted: bool = True) -> None:
    with open_session() as session, open_inbox(session.archive) as inbox:
        inbox.put([Delivery(source="omi", kind="memory", uid="u", body=body, is_trusted=is_trusted) for body in bodies])
        if is_trusted:
            inbox.fail({entry.id: "It is not valid JSON." for entry in inbox.entries("waiting")})


def test_what_failed_is_listed_without_its_words_and_replayed(run: Run) -> None:
    _came_in(b"private words")
    _came_in(b"unsigned", is_trusted=False)
    code, told = run("list")
    assert code == 0
    assert told["counts"] == {"waiting": 0, "done": 0, "failed": 1, "quarantined": 1}
    assert "private" not in json.dumps(told)
    (failed,) = run("list", "--state", "failed")[1]["deliveries"]
    assert failed["reason"] == "It is not valid JSON."
    assert run("replay")[1] == {"replayed": 1}
    assert run("replay", str(failed["id"]))[0] == 1
    assert run("replay", "--uid", "u")[1] == {"replayed": 1}
    assert run("list")[1]["counts"]["waiting"] == 2


def test_a_delivery_is_thrown_away(run: Run) -> None:
    _came_in(b"a", b"b")
    ids = [str(entry["id"]) for entry in run("list")[1]["deliveries"]]
    assert run("drop", ids[0])[1] == {"dropped": 1}
    assert run("drop", ids[0])[1] == {"dropped": 0}
    assert run("list")[1]["counts"]["failed"] == 1
