"""OMI's webhooks: what proves to be its own is stored before it is answered; nothing else is."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
import time
from typing import Any

import httpx
import pytest

from commonplace.archive.inbox import Delivery, Inbox
from commonplace.web.security.signatures import check_signature
from tests.sources.omi.test_reading import memory
from tests.web.conftest import Live, Start

SECRET, OTHER, TOKEN = "whsec_first-secret", "whsec_second-secret", "a secret of the address"
BODY = json.dumps(memory()).encode()


def signature(body: bytes = BODY, *, uid: str = "user-1", secret: str = SECRET, at: int | None = None) -> str:
    """As OMI signs."""
    moment = int(time.time()) if at is None else at
    signed = f"{moment}.{uid}.".encode() + body
    return f"t={moment},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


@pytest.fixture
def omi(start: Start) -> Live:
    return start(OMI_WEBHOOK_SECRET=f"{SECRET}, {OTHER}", OMI_WEBHOOK_TOKEN=TOKEN)


def post(
    live: Live, body: bytes = BODY, path: str = "/omi/memory", uid: str = "user-1", **headers: str
) -> httpx.Response:
    told = {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return live.client().post(path, params={"uid": uid}, content=body, headers=told)


def stored(live: Live) -> list[tuple[str, str, str]]:
    return [(entry.kind, entry.uid, entry.state) for entry in reversed(live.server.inbox.entries())]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/chatgpt/webhook/memory", "memory"),
        ("/omi/memory", "memory"),
        ("/omi/day-summary", "day-summary"),
        ("/omi/transcript", "transcript"),
    ],
)
def test_a_signed_delivery_is_stored_and_answered(omi: Live, path: str, kind: str) -> None:
    reply = post(omi, path=path, x_omi_signature=signature())
    assert (reply.status_code, reply.json()) == (200, {})
    assert stored(omi) == [(kind, "user-1", "waiting")]
    (waiting,) = omi.server.inbox.waiting("omi", ["user-1"], [kind])
    assert waiting.body == BODY


def test_the_vector_that_omi_publishes_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_760_000_000.0)
    body = b'{"id":"conversation-1","structured":{"title":"Plan"}}'
    header = "t=1760000000,v1=ad0d16652424628c7c8bce85d147e91c72702ccc17c85e42fcbb153a84c5b65d"
    check_signature(header, "user-abc123", body, ["whsec_test-secret-one"])


def test_while_a_secret_is_changed_either_value_will_do(omi: Live) -> None:
    old = signature(secret="whsec_gone").partition(",")[2]
    for header in (
        f"{signature(secret=OTHER)},{old}",
        signature(secret=OTHER).replace(",", f",{old},"),
        signature() + ",v9=x",
    ):
        assert post(omi, x_omi_signature=header).status_code == 200


NOW = int(time.time())
WRONG = {
    "another uid": signature(uid="user-2"),
    "another body": signature(b"{}"),
    "another secret": signature(secret="whsec_wrong"),
    "too old": signature(at=NOW - 400),
    "too new": signature(at=NOW + 40_000),
    "no time": signature().partition(",")[2],
    "no value": f"t={NOW}",
    "empty": "",
    "an odd time": f"t=-1,v1={'0' * 64}",
    "a long time": f"t={'9' * 5000},v1={'0' * 64}",
    "the body alone": f"t={NOW},v1={hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest()}",
    "without the uid": f"t={NOW},v1={hmac.new(SECRET.encode(), f'{NOW}.'.encode() + BODY, hashlib.sha256).hexdigest()}",
}


@pytest.mark.parametrize("header", WRONG.values(), ids=WRONG)
def test_what_proves_nothing_is_not_stored(omi: Live, header: str) -> None:
    reply = post(omi, x_omi_signature=header)
    assert (reply.status_code, reply.json()["error"]) == (401, "not_proven")
    assert stored(omi) == []


def test_a_header_of_rubbish_bytes_proves_nothing(omi: Live) -> None:
    for rubbish in (b"\xff\xfe\x80", b"t=1,v1=\xe9\xe9", b"\xc3\xa9"):
        with socket.create_connection(("127.0.0.1", omi.server.web.port)) as line:
            line.sendall(
                b"POST /omi/memory?uid=user-1 HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Content-Length: 2\r\nConnection: close\r\nX-Omi-Signature: " + rubbish + b"\r\n\r\n{}"
            )
            assert line.recv(4096).split()[1] == b"401"
    assert stored(omi) == []


def test_a_wrong_signature_is_not_made_up_for_by_the_address(omi: Live) -> None:
    reply = omi.client().post(
        f"/omi/memory?uid=user-1&token={TOKEN}",
        content=BODY,
        headers={"content-type": "application/json", "x-omi-signature": signature(b"{}")},
    )
    assert reply.status_code == 401


def test_one_right_secret_in_the_address_does_not_make_up_for_a_wrong_one(omi: Live) -> None:
    for tokens in (f"token={TOKEN}&token=other", f"token=other&token={TOKEN}"):
        reply = omi.client().post(
            f"/omi/memory?uid=user-1&{tokens}", content=BODY, headers={"content-type": "application/json"}
        )
        assert reply.status_code == 401
    assert stored(omi) == []


def test_a_notification_of_a_self_hosted_omi_is_told_apart(omi: Live) -> None:
    assert post(omi, x_omi_signature="sha256=" + "0" * 64).status_code == 415


@pytest.mark.parametrize("path", [f"/omi/memory?token={TOKEN}", f"/omi/{TOKEN}/memory?x=1"])
def test_a_secret_in_the_address_will_do(omi: Live, path: str) -> None:
    reply = omi.client().post(f"{path}&uid=user-1", content=BODY, headers={"content-type": "application/json"})
    assert reply.status_code == 200
    wrong = path.replace(TOKEN, "not the secret")
    assert (
        omi.client().post(f"{wrong}&uid=u", content=b"1", headers={"content-type": "application/json"}).status_code
        == 401
    )
    assert len(stored(omi)) == 1


@pytest.mark.parametrize("uid", ["", "../etc", "a" * 129, "ü", "a b", "a%00", "a/b"])
def test_a_uid_is_no_path_and_no_essay(omi: Live, uid: str) -> None:
    reply = post(omi, uid=uid, x_omi_signature=signature(uid=uid))
    assert (reply.status_code, reply.json()["error"]) == (422, "wrong_uid")
    assert stored(omi) == []


def test_one_uid_not_none_and_not_two(omi: Live) -> None:
    headers = {"content-type": "application/json", "x-omi-signature": signature()}
    for query in ("", "?uid=user-1&uid=user-1"):
        assert omi.client().post(f"/omi/memory{query}", content=BODY, headers=headers).status_code == 422


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "application/octet-stream"])
def test_another_type_is_refused(omi: Live, kind: str) -> None:
    assert post(omi, content_type=kind, x_omi_signature=signature()).status_code == 415


def test_too_much_is_refused(omi: Live) -> None:
    body = b'"' + b"x" * (5 << 20) + b'"'
    assert post(omi, body, x_omi_signature=signature(body)).status_code == 413
    assert stored(omi) == []


@pytest.mark.parametrize("body", [b"", b"not json", b"\xff\xfe", b"[" * 10_000, b"null"])
def test_what_is_in_it_is_no_reason_to_refuse_it(omi: Live, body: bytes) -> None:
    assert post(omi, body, x_omi_signature=signature(body)).status_code == 200
    assert len(stored(omi)) == 1


def test_a_repeated_delivery_is_stored_once(omi: Live) -> None:
    for _ in range(3):
        assert post(omi, x_omi_signature=signature(), x_omi_delivery="k-1").status_code == 200
        assert post(omi, x_omi_signature=signature(), idempotency_key="k-1").status_code == 200
    assert len(stored(omi)) == 1
    post(omi, x_omi_signature=signature(), idempotency_key="k-2")
    assert len(stored(omi)) == 2


def test_unsigned_deliveries_are_refused_kept_or_taken_as_the_settings_say(start: Start) -> None:
    assert post(start()).status_code == 401
    kept = start("[omi]\nunsigned = 'quarantine'\n")
    assert post(kept).status_code == 200
    assert stored(kept) == [("memory", "user-1", "quarantined")]
    trial = start("[omi]\nunsigned = 'accept'\n")
    assert post(trial, body=b"{}").status_code == 200
    assert stored(trial)[-1] == ("memory", "user-1", "waiting")


def test_a_trial_is_for_this_machine_alone(start: Start) -> None:
    trial = start("[omi]\nunsigned = 'accept'\n[server]\npublic_url = 'https://book.example'\n")
    assert post(trial, x_forwarded_for="198.51.100.1").status_code == 401
    assert post(trial, host="book.example").status_code == 401
    assert stored(trial) == []


@pytest.mark.parametrize("step", ["write", "wait_for_disk"])
def test_what_cannot_be_stored_is_to_be_sent_again(omi: Live, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(omi.server.inbox, step, full)
    reply = post(omi, x_omi_signature=signature())
    assert reply.status_code == 503
    assert reply.headers["retry-after"]
    monkeypatch.undo()
    assert post(omi, x_omi_signature=signature()).status_code == 200


def test_a_locked_archive_keeps_nobody_waiting(omi: Live) -> None:
    with omi.archive.write():
        assert post(omi, x_omi_signature=signature()).status_code == 200
    assert len(stored(omi)) == 1


def test_who_waits_at_the_same_moment_shares_a_commit(omi: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    write, gate = Inbox.write, threading.Event()

    def write_slowly(self: Inbox, deliveries: list[Delivery]) -> None:
        sizes.append(len(deliveries))
        gate.wait(20)
        write(self, deliveries)

    monkeypatch.setattr(Inbox, "write", write_slowly)
    statuses: list[int] = []

    def send(n: int) -> None:
        body = json.dumps(memory(id=f"m-{n}")).encode()
        statuses.append(post(omi, body, x_omi_signature=signature(body)).status_code)

    threads = [threading.Thread(target=send, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 20
    while omi.server.deliveries.waiting < 19 - (sum(sizes) - 1) and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    gate.set()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 20
    assert sum(sizes) == 20
    assert len(sizes) < 20
    assert len(stored(omi)) == 20


def test_what_came_in_asks_for_a_run(omi: Live) -> None:
    asked: list[bool] = []
    omi.server.deliveries.after = lambda: asked.append(True)
    post(omi, x_omi_signature=signature())
    post(omi, x_omi_signature=signature(b"wrong"))
    assert asked == [True]


def test_another_webhook_is_not_there(omi: Live) -> None:
    assert post(omi, path="/omi/audio", x_omi_signature=signature()).status_code == 404
    assert omi.client().get("/omi/memory").status_code == 405
