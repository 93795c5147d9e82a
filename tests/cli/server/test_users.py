"""`commonplace users`: added, listed, disabled; passwords come by standard input or by a link."""

from __future__ import annotations

from tests.cli.conftest import Run


def test_a_user_is_added_with_a_password_or_a_link(run: Run) -> None:
    code, ada = run("users", "add", "Ada", "--password-stdin", typed="correct horse battery\n")
    assert (code, ada["name"]) == (0, "ada")
    code, bob = run("users", "add", "bob")
    assert code == 0
    assert "/welcome/cpl_" in bob["link"]
    assert run("users", "add", "ADA", "--password-stdin", typed="correct horse battery\n")[0] == 1
    listed = run("users", "list")[1]["users"]
    assert [(user["name"], user["disabled"]) for user in listed] == [("ada", False), ("bob", False)]
    assert len({user["owner"] for user in listed}) == 2


def test_a_weak_password_is_refused(run: Run) -> None:
    code, told = run("users", "add", "ada", "--password-stdin", typed="short\n")
    assert code == 1
    assert "too short" in told["error"]


def test_users_are_disabled_and_get_new_passwords_and_uids(run: Run) -> None:
    run("users", "add", "ada", "--password-stdin", typed="correct horse battery\n")
    assert run("users", "disable", "ada")[0] == 0
    assert run("users", "list")[1]["users"][0]["disabled"]
    assert run("users", "enable", "ada")[0] == 0
    assert run("users", "password", "ada", "--password-stdin", typed="another long phrase\n")[0] == 0
    assert run("users", "claim-uid", "ada", "uid-1")[0] == 0
    assert run("users", "claim-uid", "me", "uid-1")[0] == 1
    assert run("users", "list")[1]["users"][0]["uids"] == ["uid-1"]
    assert run("users", "disable", "nobody")[0] == 1


def test_a_login_link_is_for_the_owner_or_a_user(run: Run) -> None:
    code, told = run("login-link")
    assert code == 0
    assert told["link"].startswith("http://127.0.0.1:8000/welcome/cpl_")
    assert run("login-link", "--user", "nobody")[0] == 1
