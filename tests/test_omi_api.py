"""Conversations are read from OMI whole, at its pace, and what goes wrong says what to do."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from commonplace.errors import Halt, Retryable
from commonplace.moments import now, parse
from commonplace.omi_api import Account, OmiApi
from tests.fakes.omi import FakeOmi

START, END = parse("2026-11-01T00:00:00Z"), parse("2026-12-01T00:00:00Z")


def _many(count: int) -> list[dict[str, Any]]:
    return [{"id": f"c-{n:03}", "created_at": f"2026-11-02T{n // 60:02}:{n % 60:02}:00Z"} for n in range(count)]


@pytest.fixture
def fake() -> Iterator[FakeOmi]:
    with FakeOmi(*_many(60)) as server:
        yield server


def _read(fake: FakeOmi, rested: list[float] | None = None, **account: str) -> list[str]:
    waits = rested if rested is not None else []
    with OmiApi(Account(**{"key": fake.key, "base_url": fake.address} | account), rest=waits.append) as api:
        return sorted(listed.id for listed in api.conversations(START, END))


ALL = [f"c-{n:03}" for n in range(60)]


def test_a_window_is_read_to_its_end_with_what_was_said(fake: FakeOmi) -> None:
    assert _read(fake) == ALL
    assert {query["include_transcript"] for query in fake.asked} == {"true"}
    assert {query["start_date"] for query in fake.asked} == {"2026-11-01T00:00:00Z"}


@pytest.mark.parametrize("is_deleted", [True, False])
def test_a_list_that_moves_while_it_is_read_loses_and_doubles_nothing(fake: FakeOmi, is_deleted: bool) -> None:
    def move(query: dict[str, Any]) -> None:
        if len(fake.asked) == 2:
            newest = {"id": "c-new", "created_at": "2026-11-20T00:00:00Z"}
            fake.conversations = fake.conversations[:-1] if is_deleted else [*fake.conversations, newest]

    fake.before = move
    assert _read(fake) == (ALL if is_deleted else [*ALL, "c-new"])


def test_one_that_never_stands_still_is_left_to_the_next_run(fake: FakeOmi) -> None:
    def move(query: dict[str, Any]) -> None:
        fake.conversations.append({"id": f"n-{len(fake.asked)}", "created_at": "2026-11-20T00:00:00Z"})

    fake.before = move
    with pytest.raises(Retryable, match="changed each time"):
        _read(fake)


def test_it_waits_as_long_as_the_headers_say(fake: FakeOmi) -> None:
    rested: list[float] = []
    fake.faults = [(429, {"Retry-After": "7"}, b""), (429, {"X-RateLimit-Reset": str(now() / 1e6 + 30)}, b"")]
    assert _read(fake, rested) == ALL
    assert rested[0] == 7
    assert 25 < rested[1] <= 30


def test_it_waits_before_it_is_told_to(fake: FakeOmi) -> None:
    rested: list[float] = []
    fake.headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "12"}
    _read(fake, rested)
    assert rested == [12.0] * len(fake.asked)


def test_a_day_that_is_used_up_is_left_to_the_next_run(fake: FakeOmi) -> None:
    fake.faults = [(429, {"Retry-After": "40000"}, b"")]
    with pytest.raises(Retryable, match="The next run goes on") as caught:
        _read(fake)
    assert len(fake.asked) == 1
    assert caught.value.retry_after == 40000


@pytest.mark.parametrize(
    "fault", [(500, {}, b""), (503, {}, b"busy"), (0, {}, b""), (200, {}, b"<html>"), (200, {}, b'{"items": []}')]
)
def test_what_passes_is_asked_again_and_what_does_not_is_not_forever(
    fake: FakeOmi, fault: tuple[int, dict[str, str], bytes]
) -> None:
    fake.faults = [fault]
    assert _read(fake) == ALL
    fake.faults = [fault] * 20
    with pytest.raises(Retryable):
        _read(fake)
    assert len(fake.faults) == 15


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ((401, {}, b"{}"), "does not know the key"),
        ((403, {}, b'{"detail": "Insufficient scope"}'), "conversations:read"),
        ((302, {"Location": "http://127.0.0.1:1/"}, b""), "status 302"),
        ((422, {}, b'{"detail": "private words"}'), "status 422"),
    ],
)
def test_what_a_person_has_to_put_right_is_said_once(
    fake: FakeOmi, fault: tuple[int, dict[str, str], bytes], says: str
) -> None:
    fake.faults = [fault]
    with pytest.raises(Halt, match=says) as caught:
        _read(fake)
    assert "private words" not in str(caught.value)
    assert len(fake.asked) == 1


def test_encrypted_data_is_read_with_the_hash_of_the_recovery_key(fake: FakeOmi) -> None:
    fake.sealed_with = bytes(range(223, 255))
    recovery_key = base64.urlsafe_b64encode(fake.sealed_with).decode().rstrip("=")
    assert _read(fake, recovery_key=recovery_key) == ALL
    with pytest.raises(Halt, match="OMI_RECOVERY_KEY"):
        _read(fake)
    with pytest.raises(Halt, match="32 bytes in base64"):
        _read(fake, recovery_key="c2hvcnQ=")


@pytest.mark.parametrize("address", ["api.omi.me", "http://api.omi.me", "http://", "ftp://localhost", "file:///etc"])
def test_a_key_goes_nowhere_unencrypted(address: str) -> None:
    with pytest.raises(Halt, match="may be sent to"):
        OmiApi(Account(key="k", base_url=address))


def test_an_account_shows_no_key() -> None:
    assert "secret" not in repr(Account(key="secret", recovery_key="secret"))
    with pytest.raises(Halt, match="connect omi"):
        Account(key="").check()
