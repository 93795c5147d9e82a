"""The server's own secrets: made once, rotated without logging anybody out, never shown."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from itsdangerous import BadSignature

from commonplace.config import load
from commonplace.errors import Refused
from commonplace.secret_keys import SecretKeys, secret_keys

OLD, NEW = "o" * 32, "n" * 40


def test_an_installation_makes_its_own_once_for_its_owner_alone(tmp_path: Path) -> None:
    settings, environment = load({"COMMONPLACE_HOME": str(tmp_path)}, folder=tmp_path)
    signed = secret_keys(settings, environment).signer("csrf").dumps("x")
    assert secret_keys(settings, environment).signer("csrf").loads(signed) == "x"
    (file,) = (tmp_path / "server").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_those_of_the_environment_go_before_it_the_newest_first(tmp_path: Path) -> None:
    settings, environment = load({"COMMONPLACE_HOME": str(tmp_path), "SECRET_KEY": f"{NEW}, {OLD}"}, folder=tmp_path)
    found = secret_keys(settings, environment)
    assert found.derive("a", "x") == SecretKeys([NEW]).derive("a", "x")
    assert found.signer("csrf").loads(SecretKeys([OLD]).signer("csrf").dumps("x")) == "x"
    assert not (tmp_path / "server").exists()


def test_what_an_older_key_made_is_still_understood() -> None:
    old, both, new = SecretKeys([OLD]), SecretKeys([NEW, OLD]), SecretKeys([NEW])
    signed, hidden = old.signer("csrf").dumps("x"), old.fernet().encrypt(b"x")
    assert both.signer("csrf").loads(signed) == "x"
    assert both.fernet().decrypt(hidden) == b"x"
    assert new.signer("csrf").loads(both.signer("csrf").dumps("y")) == "y"
    with pytest.raises(BadSignature):
        new.signer("csrf").loads(signed)


def test_each_purpose_has_a_key_of_its_own() -> None:
    keys = SecretKeys([OLD])
    with pytest.raises(BadSignature):
        keys.signer("other").loads(keys.signer("csrf").dumps("x"))
    assert keys.derive("a", "x") != keys.derive("b", "x")


def test_a_short_key_is_refused_and_none_is_shown() -> None:
    with pytest.raises(Refused, match="too short"):
        SecretKeys(["hunter2"])
    assert OLD not in repr(SecretKeys([OLD]))
