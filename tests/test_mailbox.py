"""Mail is read and sent encrypted, and only with a server that is the one it says it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from commonplace.errors import Halt, Retryable
from commonplace.mailbox import Mailbox, opened
from commonplace.outgoing import NotSent
from commonplace.postbox import TLS_AT_ONCE, Postbox, post
from tests.fakes.mail.imap import PASSWORD, FakeImap
from tests.fakes.mail.smtp import FakeSmtp
from tests.fakes.mail.tls import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def mailbox(imap: FakeImap, *, is_asked_for_tls: bool) -> Mailbox:
    return Mailbox(
        host="localhost",
        port=imap.port,
        user="me",
        password=PASSWORD,
        folder="INBOX",
        is_asked_for_tls=is_asked_for_tls,
    )


@pytest.mark.parametrize("is_asked_for_tls", [False, True])
def test_a_mailbox_is_read_encrypted_from_a_server_that_is_vouched_for(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, is_asked_for_tls: bool
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with FakeImap(tls=authority.server("localhost"), is_asked_for_tls=is_asked_for_tls) as imap:
        with opened(mailbox(imap, is_asked_for_tls=is_asked_for_tls)) as folder:
            assert folder.validity == "7"
        assert any(asked.startswith("LOGIN") for asked in imap.asked)


@pytest.mark.parametrize("is_asked_for_tls", [False, True])
@pytest.mark.parametrize(("host", "is_vouched_for"), [("elsewhere.example", True), ("localhost", False)])
def test_no_password_goes_to_a_server_with_a_wrong_certificate(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, is_asked_for_tls: bool, host: str, is_vouched_for: bool
) -> None:
    if is_vouched_for:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with FakeImap(tls=authority.server(host), is_asked_for_tls=is_asked_for_tls) as imap:
        with (
            pytest.raises(Halt, match=r"localhost shows a certificate .* nobody vouches for"),
            opened(mailbox(imap, is_asked_for_tls=is_asked_for_tls)),
        ):
            pass
        assert not any(asked.startswith("LOGIN") for asked in imap.asked)


def test_a_server_that_does_not_encrypt_hears_no_password() -> None:
    with FakeImap() as imap:
        with (
            pytest.raises(Retryable, match="does not answer as it should"),
            opened(mailbox(imap, is_asked_for_tls=True)),
        ):
            pass
        assert not any(asked.startswith("LOGIN") for asked in imap.asked)


@pytest.mark.parametrize("is_vouched_for", [True, False])
def test_a_mail_is_sent_encrypted_or_not_at_all(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, is_vouched_for: bool
) -> None:
    with FakeSmtp(tls=authority.server("localhost")) as smtp:
        box = Postbox(host="localhost", port=smtp.port, user="me@mine.org", password=PASSWORD)
        if is_vouched_for:
            monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
            post(box, to="me@mine.org", subject="One click", text="It is time.")
        else:
            with pytest.raises(NotSent, match="nobody vouches for"):
                post(box, to="me@mine.org", subject="One click", text="It is time.")
        assert len(smtp.mails) == is_vouched_for


@pytest.mark.parametrize("is_vouched_for", [True, False])
def test_a_mail_is_sent_at_the_port_where_encryption_comes_first(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, is_vouched_for: bool
) -> None:
    try:
        server = FakeSmtp(tls=authority.server("localhost"), port=TLS_AT_ONCE)
    except OSError:
        pytest.skip("that port is closed to whoever is not root")
    with server as smtp:
        box = Postbox(host="localhost", port=TLS_AT_ONCE, user="me@mine.org", password=PASSWORD)
        if is_vouched_for:
            monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
            post(box, to="me@mine.org", subject="One click", text="It is time.")
        else:
            with pytest.raises(NotSent, match="nobody vouches for"):
                post(box, to="me@mine.org", subject="One click", text="It is time.")
        assert len(smtp.mails) == is_vouched_for
